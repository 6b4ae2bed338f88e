package overlay

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// scope says whom a supernode knows.
//
//	        more than maxMembers, or the parameters say so,
//	        or a newcomer hears so of others
//	whole ------------------------------------------------> partial
//	  ^                                                       |
//	  | a fellow knows the same        fewer than fewMembers for
//	  |                                smallFor, or the parameters
//	  +----------------- widening <---------------------------+
//	                        | more than maxMembers again
//	                        +----------------------------> partial
//
// A whole table holds what a partial one needs, so that way is one step: the rest
// is left out, and gossip ends. The way back needs the others: while it widens a
// supernode searches as before, and fills its table by digests.
type scope uint8

const (
	whole scope = iota
	partial
	widening
)

const (
	// fewMembers is below what size all are known again, when it has been below for
	// smallFor: a network at the edge does not go to and fro.
	fewMembers = maxMembers * 3 / 4
	smallFor   = 15 * time.Minute
	// maxWhole bounds a whole membership, if the parameters want that however many
	// there are: as many as a digest can tell apart.
	maxWhole = 2 * maxMembers
	// sayPartial is of how many fellows a newcomer must hear that they know a part
	// only, or of all if there are fewer.
	sayPartial = 2
	// widenPause is how long a fellow that knows a part only keeps us from dialling
	// the next one.
	widenPause = 5 * time.Second
)

// mostMembers is how many a whole table takes.
func (o *Overlay) mostMembers() int {
	if o.limits.Membership == identity.Whole {
		return maxWhole
	}
	return maxMembers
}

// full notes that there is no room for one more in a whole table.
func (o *Overlay) full(now time.Time) {
	o.counters.Refusals.Full++
	if o.limits.Membership == identity.BySize && o.routes.resize.IsZero() {
		o.routes.resize = now
		o.calm = false
	}
}

// weighScope looks whether we should know more or fewer.
func (o *Overlay) weighScope(now time.Time) {
	o.routes.resize = time.Time{}
	switch {
	case !o.cfg.Supernode || o.self.Node.IsZero():
		return
	case o.scope == whole && o.wantsPart():
		o.narrow(now)
	case o.scope == widening && o.wantsPart():
		o.scope = partial
		o.letFellowsGo(now)
	case o.scope == partial && o.wantsAll(now):
		o.scope = widening
		o.exchange = now.Add(exchangeSoon)
	}
	if o.scope != whole {
		o.routes.resize = now.Add(time.Minute)
	}
}

// wantsPart reports whether there are too many to know all.
func (o *Overlay) wantsPart() bool {
	switch o.limits.Membership {
	case identity.Kademlia:
		return true
	case identity.Whole:
		return false
	}
	return o.table.live >= maxMembers
}

// wantsAll reports whether there have been few enough for long.
func (o *Overlay) wantsAll(now time.Time) bool {
	switch o.limits.Membership {
	case identity.Kademlia:
		return false
	case identity.Whole:
		return true
	}
	if s := o.routes.size; s.samples < maxSamples/4 || s.density >= fewMembers {
		o.routes.small = time.Time{}
		return false
	}
	if o.routes.small.IsZero() {
		o.routes.small = now
	}
	return now.Sub(o.routes.small) >= smallFor
}

// narrow leaves out of the table whom a table of Kademlia has no room for, and
// ends the gossip.
func (o *Overlay) narrow(now time.Time) {
	o.scope = partial
	count := o.table.live
	o.table.prune(o.place, o.rand.IntN)
	o.routes = routes{
		tend: now.Add(o.jitter(tendEvery)), look: now.Add(o.jitter(tendEvery)),
		size: size{density: float64(count), samples: 1},
	}
	o.reorder()
	for i := range o.routes.branches {
		o.routes.branches[i].looked = now.Add(-o.jitter(staleAfter))
	}
	o.gossip = gossip{turned: now}
	o.table.acquitAll()
	o.strikes = map[wire.Place]uint8{}
	o.suspicions, o.findings, o.unconfirmed = nil, findings{}, false
	o.letFellowsGo(now)
	o.calm = false
}

// letFellowsGo ends the sessions that carried gossip.
func (o *Overlay) letFellowsGo(now time.Time) {
	for _, l := range slices.Clone(o.links) {
		if l.join != notJoined {
			l.join, l.joinEnd = notJoined, time.Time{}
			o.release(now, l)
		}
	}
}

// moved notes that our own place is another one: it decides whom we know.
func (o *Overlay) moved(now time.Time, old wire.Place) {
	if o.scope != whole && old != o.place {
		o.table.remove(old)
		o.table.prune(o.place, o.rand.IntN)
		o.reorder()
		o.routes.look = now
	}
}

// joinPart takes the word of a fellow on itself while we know a part only, names
// it some who are near to it, and lets it go.
func (o *Overlay) joinPart(now time.Time, l *link, a wire.Announcement, raw []byte) {
	p := PlaceOf(a)
	asked := l.join == joining
	switch {
	case !o.holds(now, a):
		l.join, l.joinEnd = notJoined, time.Time{}
		o.release(now, l)
		return
	case a.Member.Host(l.addr.Addr()):
		o.seat(now, routeRow(p, a, raw))
		o.reachedEntry(now, a.Member)
	default:
		o.tryRoute(now, routeRow(p, a, raw))
		o.hearEntry(now, a.Member)
	}
	if own := o.table.alive(o.place); own != nil && !asked {
		o.send(l, wire.Join{Self: []byte(own.news.Value())})
	}
	var pages paging
	for _, at := range o.table.nearest(nil, p, meshOut) {
		if r := &o.table.rows[at]; r.place != p {
			pages.add(o, l, r.news.Value())
		}
	}
	pages.flush(o, l)
	o.send(l, o.partialDigest())
	l.join, l.joinEnd = notJoined, time.Time{}
	if l.dir == ours {
		o.release(now, l)
	}
	if o.sync == unsynced {
		o.routes.look = earlier(o.routes.look, now)
	}
}

// hearNews takes whom a fellow names while we know a part only; what else it says
// of others is left to them.
func (o *Overlay) hearNews(now time.Time, news []byte) {
	for rest := news; len(rest) > 0; {
		n, next, ok := wire.CutNews(rest)
		if !ok {
			return
		}
		if _, announces := n.(wire.Announcement); announces {
			o.Propose(now, rest[:len(rest)-len(next)])
		}
		rest = next
	}
}

// partialDigest says that we know a part only.
func (o *Overlay) partialDigest() wire.Digest {
	return wire.Digest{Live: uint32(min(o.routes.size.density, 1<<32-1)), Done: true, Partial: true}
}

// hearPartial takes the word of a fellow that it knows a part only. A newcomer
// believes it of some; who knows all does not.
func (o *Overlay) hearPartial(now time.Time, l *link) {
	l.join, l.joinEnd = notJoined, time.Time{}
	o.release(now, l)
	if o.scope == widening {
		o.routes.meet = now.Add(widenPause)
	}
	if o.scope != whole || o.sync == synced || o.limits.Membership != identity.BySize {
		return
	}
	if !slices.Contains(o.routes.said, l.node) {
		o.routes.said = append(o.routes.said, l.node)
	}
	if len(o.routes.said) >= sayPartial || o.countJoined() == 0 && len(o.dials) == 0 {
		o.narrow(now)
		o.routes.size = size{}
		o.routes.resize = now.Add(time.Minute)
	}
}
