package node

import (
	"context"
	"time"
)

// Hold puts the current call on hold, or takes it back; it does nothing unless
// we talk. While either end holds a call no sound is sent, and three packets a
// second keep its ways.
func (c *Core) Hold(now time.Time, on bool) {
	c.calls.Hold(now, on)
	c.settle(now)
}

// Hold does it at the node that runs.
func (n *Node) Hold(ctx context.Context, on bool) error {
	return n.Do(ctx, func(c *Core, now time.Time) { c.Hold(now, on) })
}
