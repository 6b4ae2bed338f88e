package node

import (
	"maps"
	"slices"
	"time"

	"peerphone/node/overlay"
	"peerphone/node/path"
)

const (
	// keepAlive is how often a session by UDP says something until it has been
	// measured how long the way to the outside stays open (DESIGN section 7).
	keepAlive = 25 * time.Second
	// A session says something bindingMargin before that time is over, so that
	// what is lost can be repeated, and after mostKeepAlive at the latest: guests
	// refresh as often.
	bindingMargin = 5 * time.Second
	mostKeepAlive = time.Minute
)

// binding is how often something must be sent so that the way back stays open.
func (c *Core) binding() time.Duration {
	nat := c.NAT()
	life := nat.Lifetime
	switch {
	case life == 0 && nat.Mapping == path.MappingNone && nat.Filtering == path.FilteringIndependent:
		return mostKeepAlive
	case life == 0:
		return keepAlive
	}
	return min(life-bindingMargin, mostKeepAlive)
}

// measureLifetime finds out how long the way to the outside stays open, where
// something closes it, with the help of a home that is reached by UDP.
func (c *Core) measureLifetime(now time.Time) {
	if c.index != nil || !c.NAT().Closes() {
		return
	}
	for _, h := range c.overlay.Homes() {
		if w, _ := c.paths.Way(h.Index); w.Direct() {
			c.outside.lifetime.Begin(now, w.Addr)
			return
		}
	}
}

// forgetLifetime does it anew in a network that has changed.
func (c *Core) forgetLifetime(now time.Time) {
	c.outside.lifetime.Stop()
	c.outside.survey.Forget()
	c.measureLifetime(now)
	c.retune()
}

func (c *Core) fromLifetime(now time.Time, e path.Event) {
	switch e := e.(type) {
	case path.LifetimeDue:
		c.measureLifetime(now)
	case path.Lived:
		c.do(Log{Info, "the way to the outside stays open", []any{"for", e.Lifetime}})
		c.outside.survey.Lived(now, e.Lifetime)
		c.retune()
	default:
		c.fromSockets(e)
	}
}

// retune lets everything that keeps the way open do so as often as is necessary.
func (c *Core) retune() {
	c.overlay.SetPulse(c.binding())
	homes := c.overlay.Homes()
	for _, ix := range slices.Sorted(maps.Keys(c.peers.nodes)) {
		if c.index == nil && !slices.ContainsFunc(homes, func(h overlay.Home) bool { return h.Index == ix }) {
			c.sessions.KeepAlive(ix, c.keepAlive(ix))
		}
	}
}

// fromLater sends what was asked for later.
func (c *Core) fromLater(_ time.Time, e path.Event) {
	if e, ok := e.(path.UDP); ok {
		c.do(SendUDP(e))
	}
}
