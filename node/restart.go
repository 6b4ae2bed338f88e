package node

import (
	"context"
	"time"
)

// WishRestart asks for a time at which this node can end and begin anew without
// harm to the network; the effect Restart tells it.
func (c *Core) WishRestart(now time.Time) {
	c.overlay.WishRestart(now)
	c.settle(now)
}

// AwaitRestart returns when this node may end and begin anew: a phone at once, a
// supernode when its turn comes, within half an hour as a rule.
func (n *Node) AwaitRestart(ctx context.Context) error {
	if err := n.Do(ctx, func(c *Core, now time.Time) { c.WishRestart(now) }); err != nil {
		return err
	}
	select {
	case <-n.restart:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
