package overlay

import (
	"time"

	"peerphone/node/wire"
)

// Knows reports whether a place is that of a supernode that we know, or knew
// until it died lately.
func (o *Overlay) Knows(p wire.Place) bool { return o.table.find(p) != nil }

// Introduction returns the announcement of the live supernode at p; nil: nobody is
// known there.
func (o *Overlay) Introduction(p wire.Place) []byte {
	if r := o.table.alive(p); r != nil && o.cfg.Supernode {
		return []byte(r.news.Value())
	}
	return nil
}

// Meet takes the announcement of a supernode that somebody else has named, and
// reports whether it holds and is that of the one at p.
func (o *Overlay) Meet(now time.Time, p wire.Place, announcement []byte) bool {
	n, rest, ok := wire.CutNews(announcement)
	a, announces := n.(wire.Announcement)
	if !ok || !announces || len(rest) > 0 || PlaceOf(a) != p {
		o.counters.Refusals.Malformed++
		return false
	}
	if o.scope == partial {
		o.Propose(now, announcement)
	} else {
		o.take(now, a, announcement)
	}
	o.pump(now)
	return o.table.alive(p) != nil
}
