package jitter

import (
	"time"

	"peerphone/hal"
)

// calm keeps the fastest and the slowest packet of the last calmSpan, or up to
// twice as long.
type calm struct {
	turn      hal.Instant // when the halves change; 0: nothing seen
	low, high [2]time.Duration
}

func (c *calm) observe(at hal.Instant, transit time.Duration) {
	switch {
	case c.turn == 0:
		c.low, c.high = [2]time.Duration{transit, transit}, [2]time.Duration{transit, transit}
		c.turn = at.Add(calmSpan)
	case at >= c.turn:
		c.low, c.high = [2]time.Duration{c.low[1], transit}, [2]time.Duration{c.high[1], transit}
		c.turn = at.Add(calmSpan)
	default:
		c.low[1], c.high[1] = min(c.low[1], transit), max(c.high[1], transit)
	}
}

// tick forgets all when nothing was observed for twice calmSpan.
func (c *calm) tick(at hal.Instant) {
	if c.turn != 0 && at > c.turn.Add(calmSpan) {
		*c = calm{}
	}
}

// limits returns the fastest and the slowest.
func (c *calm) limits() (low, high time.Duration) {
	return min(c.low[0], c.low[1]), max(c.high[0], c.high[1])
}
