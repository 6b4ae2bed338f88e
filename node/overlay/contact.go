package overlay

import (
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// What a search needs of a membership of which nobody knows all.

// Partial reports whether we know a part of the supernodes only, so that who is
// nearest to a key must be asked for.
func (o *Overlay) Partial() bool { return o.scope != whole }

// Toward returns the n nearest to key that we know, ourselves included; who has
// not answered a question is left out.
func (o *Overlay) Toward(key identity.IndexKey, n int) []wire.Contact {
	rows := o.table.nearest(nil, placeOfKey(key), n+len(o.suspicions))
	cs := make([]wire.Contact, 0, n)
	for _, at := range rows {
		r := &o.table.rows[at]
		if s := o.suspicion(r.place); (s == nil || s.sent < 2 || s.sent == cleared) && len(cs) < n {
			cs = append(cs, contactOf(r))
		}
	}
	return cs
}

// Own returns our own announcement; nil: we do not serve.
func (o *Overlay) Own() []byte { return o.Introduction(o.place) }

// Proves reports whether an announcement holds and is that of the supernode at c,
// and returns its key.
func (o *Overlay) Proves(now time.Time, c wire.Contact, announcement []byte) (identity.ID, bool) {
	if r := o.table.alive(c.Place); r != nil && r.sameNews(announcement) {
		m := r.member()
		return m.Node, m.At(c.Member.Addr)
	}
	n, rest, ok := wire.CutNews(announcement)
	a, announces := n.(wire.Announcement)
	if !ok || !announces || len(rest) > 0 || PlaceOf(a) != c.Place || !a.Member.At(c.Member.Addr) {
		o.counters.Refusals.Malformed++
		return identity.ID{}, false
	}
	return a.Member.Node, o.holds(now, a)
}

// Heard tells that the supernode at c has answered, and so proved the
// announcement; nil: that it keeps silent.
func (o *Overlay) Heard(now time.Time, c wire.Contact, announcement []byte) {
	if o.scope == whole {
		return
	}
	o.calm = false
	r := o.table.find(c.Place)
	if announcement == nil {
		if r != nil && r.member().At(c.Member.Addr) {
			o.suspect(now, c.Place, 0)
		}
		return
	}
	if r != nil {
		o.confirm(c.Place)
		o.routes.verdicts.note(now, alive)
	}
	if n, _, ok := wire.CutNews(announcement); ok {
		a, _ := n.(wire.Announcement)
		o.seat(now, routeRow(c.Place, a, announcement))
	}
}

// Seeds returns up to n supernodes of the host cache at random that are no homes of
// ours, where they stand in this epoch: a phone that does not believe its homes
// begins a walk there.
func (o *Overlay) Seeds(now time.Time, n int) []wire.Contact {
	var seeds []wire.Contact
	for _, i := range o.rand.Perm(len(o.cache.entries)) {
		e := o.cache.entries[i]
		if len(seeds) == n {
			break
		}
		if l := o.linkTo(e.m.Node); !e.m.Node.IsZero() && e.fails == 0 && (l == nil || l.home == notHome) {
			seeds = append(seeds, wire.Contact{Place: placeOf(e.m.Node, identity.EpochAt(now), e.m.Addr.Addr()), Member: e.m})
		}
	}
	return seeds
}
