package overlay

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// dialWait is how long node may take to answer a Dial: longer than a
	// handshake tries.
	dialWait = 20 * time.Second
	// Failed dials of one address are repeated after a random time below
	// backoffBase, doubled each time, at most backoffMax (full jitter: it
	// spreads best, and a restart of everyone is a storm otherwise).
	backoffBase = time.Second
	backoffMax  = time.Minute
)

// dial is one under way.
type dial struct {
	m     wire.Member
	place wire.Place // of the member that is dialled; 0: not known
	end   time.Time  // when it counts as failed though node has said nothing
}

func (o *Overlay) dial(now time.Time, m wire.Member) { o.dialAt(now, m, 0) }

func (o *Overlay) dialAt(now time.Time, m wire.Member, p wire.Place) {
	o.counters.Dials++
	o.dials = append(o.dials, &dial{m: m, place: p, end: now.Add(dialWait)})
	o.emit(Dial{Member: m})
}

// dialling reports whether m is being dialled, by key or by address.
func (o *Overlay) dialling(m wire.Member) bool {
	return slices.ContainsFunc(o.dials, func(d *dial) bool {
		return d.m.At(m.Addr) || d.m.At(m.Addr6) || !m.Node.IsZero() && d.m.Node == m.Node
	})
}

// dialled ends the dial that led to l, notes in the cache who is there, and
// reports whether there was such a dial.
func (o *Overlay) dialled(now time.Time, l *link) bool {
	before := len(o.dials)
	o.dials = slices.DeleteFunc(o.dials, func(d *dial) bool {
		return d.m.At(l.addr) && (d.m.Node == l.node || d.m.Node.IsZero())
	})
	o.reachedEntry(now, wire.Member{Node: l.node, Addr: l.addr})
	return len(o.dials) < before
}

// failed notes a dial in vain. It counts against nobody to whom a session is
// up: if both sides dial, one of two sessions ends.
func (o *Overlay) failed(now time.Time, d *dial) {
	m := d.m
	e := o.cache.dialledAs(m)
	if o.linked(m.Node) || e != nil && o.linked(e.m.Node) {
		return
	}
	o.counters.Failures++
	if e != nil {
		if e.bootstrap {
			e.m.Node, e.m.Ports = identity.ID{}, 0 // another node may answer there now
		}
		e.fails++
		e.after = now.Add(o.backoff(e.fails))
	}
	if o.cfg.Supernode && d.place != 0 {
		o.suspect(now, d.place, 0)
	}
}

func (o *Overlay) linked(node identity.ID) bool { return !node.IsZero() && o.linkTo(node) != nil }

// backoff returns the pause after so many failures.
func (o *Overlay) backoff(fails int) time.Duration {
	limit := backoffMax
	if fails < 7 {
		limit = min(backoffBase<<(fails-1), backoffMax)
	}
	return o.jitter(limit)
}

func (o *Overlay) advanceDials(now time.Time) {
	for _, d := range slices.Clone(o.dials) {
		if passed(d.end, now) {
			o.dials = slices.DeleteFunc(o.dials, func(e *dial) bool { return e == d })
			o.failed(now, d)
		}
	}
}

// Wake forgets all pauses: the network is back.
func (o *Overlay) Wake(now time.Time) {
	for _, e := range o.cache.entries {
		e.fails, e.after = 0, time.Time{}
	}
	o.pump(now)
}
