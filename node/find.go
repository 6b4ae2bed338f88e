package node

import (
	"time"

	"peerphone/node/directory"
	"peerphone/node/identity"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// Find looks for an account without calling it; Looked answers.
func (c *Core) Find(now time.Time, l identity.Lookup) directory.QueryID {
	id := c.client.Find(now, l)
	c.attempts.looks[id] = struct{}{}
	c.settle(now)
	return id
}

// looked hands on the answer to a Find; false: r answers a call.
func (c *Core) looked(r directory.Result) bool {
	if _, ok := c.attempts.looks[r.Query]; !ok {
		return false
	}
	delete(c.attempts.looks, r.Query)
	c.do(Looked{r})
	return true
}

// Homes returns the supernodes that we are attached to, the best first.
func (c *Core) Homes() []wire.Member {
	var list []wire.Member
	for _, h := range c.overlay.Homes() {
		list = append(list, h.Member)
	}
	return list
}

// Ready reports whether the node can be called, or serves others: it has been
// attached and its records have been published.
func (c *Core) Ready() bool { return !c.view.ready.IsZero() }

// Holds reports whether the part of the global index that is here has a record
// at key.
func (c *Core) Holds(now time.Time, key identity.IndexKey) bool {
	return c.index != nil && c.index.Holds(now, key)
}

// Channel returns what opens the frames of a session; nil: there is none.
func (c *Core) Channel(ix wire.Index) *session.Channel { return c.sessions.Channel(ix) }

// Sessions returns how many sessions there are, with nodes and phones.
func (c *Core) Sessions() int { return c.paths.Len() }

// Guests returns how many nodes are attached here now, and how many attachments
// have been admitted since the start.
func (c *Core) Guests() (now int, admitted uint64) {
	return c.overlay.Guests(), c.overlay.Counters().Admitted
}

// IndexCounters returns what a supernode's part of the global index has met; zero
// of a phone.
func (c *Core) IndexCounters() directory.IndexCounters {
	if c.index == nil {
		return directory.IndexCounters{}
	}
	return c.index.Counters()
}

// Announcement returns a supernode's own announcement.
func (c *Core) Announcement() []byte { return c.overlay.Own() }

// Toward returns whom a supernode would name on the way to a key.
func (c *Core) Toward(key identity.IndexKey) []wire.Contact {
	return c.overlay.Toward(key, wire.MaxNear)
}

// Records returns the records that are kept here.
func (c *Core) Records() [][]byte {
	if c.index == nil {
		return nil
	}
	return c.index.Kept()
}

const (
	// A home shows after a round trip, a quarter of it and heedMore that something
	// has reached it, between heedLeast and heedMost.
	heedMore  = 15 * time.Millisecond
	heedLeast = 30 * time.Millisecond
	heedMost  = 250 * time.Millisecond
	// heedNew is for a home whose distance is not known.
	heedNew = 100 * time.Millisecond
)

// patience returns how long a home may take to show that something has reached it,
// 0 if a sign of its life is overdue.
func (c *Core) patience(now time.Time, home wire.Index) time.Duration {
	rtt, doubted := c.overlay.Pulse(now, home)
	if smooth := c.sessions.RTT(home); smooth > 0 && (rtt == 0 || smooth < rtt) {
		rtt = smooth
	}
	switch {
	case doubted:
		return 0
	case rtt == 0:
		return heedNew
	}
	return min(max(rtt+rtt/4+heedMore, heedLeast), heedMost)
}
