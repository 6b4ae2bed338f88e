package overlay

import (
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// meshOut is how many sessions a supernode keeps to others at random; about
	// as many others keep one to it. So each is watched by twice as many, and
	// news is everywhere after a handful of steps.
	meshOut = 10
	// maxMesh is from how many fellows on another one is only given some names.
	maxMesh = 64
	// maxMemberDials is how many supernodes are dialled at a time.
	maxMemberDials = 8
	// joinPause is how often the Join of a session is answered at most.
	joinPause = 200 * time.Millisecond
	// joinWait is how long a Join may take to be answered: an old acquaintance may
	// have become a phone.
	joinWait = 10 * time.Second
)

// joinState is what a session is to us as a supernode among supernodes.
//
//	             Join sent           Join came
//	notJoined -------------> joining ------------> joined
//	     |    Join came, ours sent                   ^
//	     +-------------------------------------------+
type joinState uint8

const (
	notJoined joinState = iota
	joining
	joined
)

// meet opens the talk with whoever answers a session of ours: a supernode.
func (o *Overlay) meet(now time.Time, l *link) {
	if o.cfg.Supernode {
		o.joinLink(now, l)
	}
}

// joinLink announces us, once to each fellow: two sessions with one node say no
// more than one.
func (o *Overlay) joinLink(now time.Time, l *link) {
	own := o.table.alive(o.place)
	if own == nil || slices.ContainsFunc(o.links, func(x *link) bool { return x.node == l.node && x.join != notJoined }) {
		return
	}
	l.join, l.joinEnd = joining, now.Add(joinWait)
	o.send(l, wire.Join{Self: []byte(own.news.Value())})
}

// handleJoin takes the word of a fellow supernode on itself.
func (o *Overlay) handleJoin(now time.Time, l *link, j wire.Join) {
	n, _, ok := wire.CutNews(j.Self)
	a, announces := n.(wire.Announcement)
	if !o.cfg.Supernode || !ok || !announces || a.Member.Node != l.node {
		o.counters.Unasked++
		return
	}
	if astray(l.addr.Addr(), a.Member.Addr.Addr()) {
		o.counters.Refusals.Astray++
		l.join, l.joinEnd = notJoined, time.Time{}
		o.release(now, l)
		return
	}
	if o.scope == partial {
		o.joinPart(now, l, a, j.Self)
		return
	}
	o.take(now, a, j.Self)
	p := PlaceOf(a)
	r := o.table.find(p)
	if r == nil {
		o.counters.Unasked++ // it did not hold, or is one of too many
		return
	}
	other := a.Member.Addr6
	if l.addr.Addr().Is6() {
		other = a.Member.Addr
	}
	o.hearPlaces(now, l, other, a.Member.Ports)
	if a.Member.Host(l.addr.Addr()) {
		o.reachedEntry(now, a.Member) // a bootstrap address may turn out to be its
	} else {
		o.hearEntry(now, a.Member)
	}
	o.confirm(p)
	o.forgetSuspicion(p)
	crowded := o.countJoined() >= maxMesh && l.join == notJoined
	o.joinLink(now, l)
	l.join, l.place, l.joinEnd = joined, p, time.Time{}
	if o.table.alive(p) == nil { // it shall hear of it, and refute
		var pages paging
		o.prove(&pages, l, p)
		pages.flush(o, l)
	}
	switch {
	case crowded:
		o.introduce(now, l)
	case (l.dir == ours || o.sync == unsynced) && !l.answerJoin.After(now):
		l.answerJoin = now.Add(joinPause)
		o.compare(l)
	}
}

// advanceJoin lets go of who does not answer our Join.
func (o *Overlay) advanceJoin(now time.Time, l *link) {
	if passed(l.joinEnd, now) {
		l.join, l.joinEnd = notJoined, time.Time{}
		o.release(now, l)
	}
}

func (o *Overlay) countJoined() int {
	n := 0
	for _, l := range o.links {
		if l.join == joined {
			n++
		}
	}
	return n
}

// introduce gives a fellow the names of some others, and lets it go: we have
// enough.
func (o *Overlay) introduce(now time.Time, l *link) {
	var pages paging
	for _, at := range o.table.sample(o.rand.IntN, meshOut) {
		pages.add(o, l, o.table.rows[at].news.Value())
	}
	pages.flush(o, l)
	l.join, l.joinEnd = notJoined, time.Time{}
	o.release(now, l)
}

// seekMesh dials members at random while there are too few sessions with them,
// and those of the host cache while there is nobody else.
func (o *Overlay) seekMesh(now time.Time) {
	if !o.cfg.Supernode || o.self.Node.IsZero() {
		return
	}
	o.syncAlone(now)
	o.armGossip(now)
	missing := o.meshMissing()
	for missing > 0 && len(o.dials) < maxMemberDials && o.meshes(now) && o.dialMember(now) {
		missing--
	}
	for _, e := range o.cache.entries {
		if missing > 0 && len(o.dials) < maxMemberDials && o.table.live <= meshOut && o.unknown(e) && !e.after.After(now) {
			o.dial(now, e.m)
			missing--
		}
	}
}

// meshes reports whether we keep sessions with others: gossip goes by them.
func (o *Overlay) meshes(now time.Time) bool {
	return o.scope == whole || o.scope == widening && !o.routes.meet.After(now)
}

// meshMissing returns how many sessions should be opened.
func (o *Overlay) meshMissing() int {
	missing := meshOut - len(o.dials)
	for _, l := range o.links {
		if l.dir == ours && (l.join == joining || l.join == joined && o.hears(l.place)) {
			missing--
		}
	}
	return missing
}

// dialMember dials a member with whom there is no session; false: there is none.
func (o *Overlay) dialMember(now time.Time) bool {
	for _, at := range o.table.sample(o.rand.IntN, meshOut+len(o.links)) {
		r := &o.table.rows[at]
		if r.place == o.place || o.joinedTo(r.place) || o.doubted(r.place) || o.dies(r.place) {
			continue
		}
		if m := r.member(); !o.dialling(m) && o.linkTo(m.Node) == nil {
			o.dialAt(now, m, r.place)
			return true
		}
	}
	return false
}

func (o *Overlay) joinedTo(p wire.Place) bool {
	return slices.ContainsFunc(o.links, func(l *link) bool { return l.join != notJoined && l.place == p })
}

// unknown reports whether e is an address of which we do not know whose it is,
// nor that a fellow says it is its.
func (o *Overlay) unknown(e *entry) bool {
	return e.m.Node.IsZero() && !o.dialling(e.m) && !slices.ContainsFunc(o.cache.entries, func(x *entry) bool {
		return x.m.At(e.m.Addr) && o.linked(x.m.Node)
	})
}

// meshWake returns when seekMesh could do more than now.
func (o *Overlay) meshWake() time.Time {
	if !o.cfg.Supernode || o.self.Node.IsZero() || o.table.live > meshOut || len(o.dials) >= maxMemberDials || o.meshMissing() <= 0 {
		return time.Time{}
	}
	var wake time.Time
	for _, e := range o.cache.entries {
		if o.unknown(e) {
			wake = earlier(wake, e.after)
		}
	}
	return wake
}

// lookUpOld dials an old acquaintance that is no member now, so that two halves
// of a network that was split find each other again. It looks at one, now and
// then: to look for all in a large table would take long.
func (o *Overlay) lookUpOld(now time.Time) {
	if len(o.cache.entries) == 0 || o.table.live > maxMesh && o.rand.IntN(lookUpEvery) > 0 {
		return
	}
	first := o.rand.IntN(len(o.cache.entries))
	for i := range min(len(o.cache.entries), lookUps) {
		e := o.cache.entries[(first+i)%len(o.cache.entries)]
		if !e.m.Node.IsZero() && !e.after.After(now) && !o.dialling(e.m) && !o.inTable(e.m) {
			o.dial(now, e.m)
			return
		}
	}
}

const (
	lookUpEvery = 8
	lookUps     = 16
)

// IsMember reports whether m is a live supernode, as far as we know, by its
// addresses, none of which may be another: its place is known only from its
// announcement. Who knows a part of the supernodes only cannot tell, and believes
// it.
func (o *Overlay) IsMember(m wire.Member) bool {
	return o.scope != whole || o.inTable(m)
}

// inTable reports whether a live member has the addresses of m.
func (o *Overlay) inTable(m wire.Member) bool {
	prefix := hashPrefix(m)
	for i := range o.table.rows {
		if r := &o.table.rows[i]; r.prefix == prefix && o.table.lives(i) && r.member().At(m.Addr) && (!m.Addr6.IsValid() || r.member().At(m.Addr6)) {
			return true
		}
	}
	return false
}
