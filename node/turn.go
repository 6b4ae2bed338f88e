package node

import "time"

// Whoever owns a Core asks with every event when it wants to be called next, and
// fires what is due. Each core is asked by name, without a list: it knows its own
// first timer.

// Next returns when Advance wants to be called: the earliest wish of all cores.
func (c *Core) Next() time.Time {
	if !c.near.known {
		c.near.far, c.near.known = c.farNext(), true
	}
	return earlier(earlier(c.sessions.Next(), c.paths.Next()), earlier(c.overlay.Next(), c.near.far))
}

// farNext returns the earliest wish of all cores but the near ones.
func (c *Core) farNext() time.Time {
	next := earlier(earlier(c.login.Next(), c.racer.Next()), earlier(c.listing.Next(), earlier(c.client.Next(), c.calls.Next())))
	next = earlier(next, earlier(earlier(c.handset.Next(), c.legs.Next()), earlier(c.outside.survey.Next(), c.outside.lifetime.Next())))
	next = earlier(next, earlier(c.fresh.Next(), c.revoker.Next()))
	for _, u := range c.outside.uplinks {
		next = earlier(next, u.survey.Next())
	}
	if c.presence != nil {
		next = earlier(next, c.presence.Next())
	}
	if c.candidacy != nil {
		next = earlier(next, c.candidacy.Next())
	}
	if c.lanes == nil {
		return next
	}
	next = earlier(next, earlier(earlier(c.lanes.Next(), c.index.Next()), earlier(c.keeper.Next(), c.relay.Next())))
	return earlier(next, c.outside.later.Next())
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Advance fires what is due in every core, in a fixed order, so that equal times
// fire equally.
func (c *Core) Advance(now time.Time) {
	if c.near.known && !passed(c.near.far, now) {
		c.advanceNear(now)
		return
	}
	fire(now, c.login)
	fire(now, c.sessions)
	fire(now, c.paths)
	fire(now, &c.racer)
	fire(now, &c.listing)
	fire(now, c.overlay)
	fire(now, c.client)
	fire(now, c.calls)
	fire(now, c.handset)
	fire(now, c.legs)
	fire(now, c.outside.survey)
	fire(now, c.outside.lifetime)
	fire(now, c.fresh)
	fire(now, c.revoker)
	for _, u := range c.outside.uplinks {
		fire(now, u.survey)
	}
	if c.presence != nil {
		fire(now, c.presence)
	}
	if c.candidacy != nil {
		fire(now, c.candidacy)
	}
	if c.lanes != nil {
		fire(now, c.lanes)
		fire(now, c.index)
		fire(now, c.keeper)
		fire(now, c.relay)
		fire(now, &c.outside.later)
	}
	c.settle(now)
}

// timer is what all cores have in common.
type timer interface {
	Next() time.Time
	Advance(now time.Time)
}

// fire calls a core if it is time.
func fire(now time.Time, t timer) {
	if passed(t.Next(), now) {
		t.Advance(now)
	}
}

// passed reports whether a timer is set and due.
func passed(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }
