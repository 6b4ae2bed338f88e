package overlay

import (
	"bytes"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// maxMembers is up to where everyone knows everyone (DESIGN section 7).
	maxMembers = 32000
	// maxTold bounds the members that nothing but hearsay vouches for.
	maxTold = 512
	// maxMesh is up to how many sessions with other supernodes are kept: each
	// member is watched by a session of its own. Beyond it members are taken
	// on hearsay, as nobody can dial thousands.
	maxMesh = 64
	// maxMemberDials is how many members are dialled at a time.
	maxMemberDials = 8
	// A member with whom the session was lost is dead after deadAfter dials in
	// vain, hearsay is forgotten after toldAfter; memberRetry lies between two.
	deadAfter   = 2
	toldAfter   = 3
	memberRetry = 500 * time.Millisecond
	// Of the dead nothing is heard for graveTime unless they call themselves.
	graveTime = time.Minute
	maxGraves = 256
	// joinPause is how often a fellow's Join is answered at most.
	joinPause = 200 * time.Millisecond
	// syncWait is how long a new supernode waits for another to tell it the
	// membership before it takes itself for the first.
	syncWait = 5 * time.Second
)

// joinState is what a session is to us as a supernode among supernodes.
//
//	             Join sent          Members came
//	notJoined -------------> joining ------------> joined
//	     |    Join came, ours sent                   ^
//	     +-------------------------------------------+
type joinState uint8

const (
	notJoined joinState = iota
	joining
	joined
)

// memberState says how sure we are of a member.
//
//	       hearsay           a session is up           it is lost
//	-----------------> told -----------------> met --------------> suspect
//	                    |                       ^  a session is up   |
//	                    | toldAfter dials       +--------------------+
//	                    v                          deadAfter dials   |
//	                (removed) <--------------------------------------+
type memberState uint8

const (
	told memberState = iota
	met
	suspect
)

// member is another supernode.
type member struct {
	m     wire.Member
	place place
	state memberState
	fails int
	retry time.Time // not to be dialled before
}

// grave remembers a dead member.
type grave struct {
	node identity.ID
	end  time.Time
}

// syncState says whether a supernode knows the membership: unsynced until
// another one has told it, or there is none to ask.
type syncState uint8

const (
	unsynced syncState = iota
	synced
)

// members is the membership as this supernode knows it.
type members struct {
	list   []*member // without ourselves, by key
	graves []grave   // the oldest first
	gossip gossip
	sync   syncState
	syncBy time.Time // when we take ourselves for the first; set by Learn, cleared when synced
}

func (ms *members) start(now time.Time) {
	if ms.sync == unsynced && ms.syncBy.IsZero() {
		ms.syncBy = now.Add(syncWait)
	}
}

func (ms *members) search(node identity.ID) (int, bool) {
	return slices.BinarySearchFunc(ms.list, node, func(m *member, id identity.ID) int {
		return bytes.Compare(m.m.Node[:], id[:])
	})
}

func (ms *members) find(node identity.ID) *member {
	if i, ok := ms.search(node); ok {
		return ms.list[i]
	}
	return nil
}

func (ms *members) insert(m *member) {
	i, _ := ms.search(m.m.Node)
	ms.list = slices.Insert(ms.list, i, m)
}

func (ms *members) remove(m *member) {
	if i, ok := ms.search(m.m.Node); ok {
		ms.list = slices.Delete(ms.list, i, i+1)
	}
}

func (ms *members) count(s memberState) int {
	n := 0
	for _, m := range ms.list {
		if m.state == s {
			n++
		}
	}
	return n
}

func (ms *members) buried(now time.Time, node identity.ID) bool {
	return slices.ContainsFunc(ms.graves, func(g grave) bool { return g.node == node && g.end.After(now) })
}

func (ms *members) bury(now time.Time, node identity.ID) {
	ms.graves = slices.DeleteFunc(ms.graves, func(g grave) bool { return g.node == node || !g.end.After(now) })
	if len(ms.graves) == maxGraves {
		ms.graves = slices.Delete(ms.graves, 0, 1)
	}
	ms.graves = append(ms.graves, grave{node, now.Add(graveTime)})
}

// hearMember notes a member by hearsay.
func (o *Overlay) hearMember(now time.Time, m wire.Member) {
	ms := &o.members
	old := ms.find(m.Node)
	switch {
	case old != nil && old.m.Addr == m.Addr && old.m.Ports == 0:
		old.m.Ports = m.Ports
	case old != nil && old.state == told && old.fails > 0:
		old.m.Addr = m.Addr
	case old != nil || ms.buried(now, m.Node):
	case len(ms.list) >= maxMembers, ms.count(told) >= maxTold && ms.count(met) < maxMesh:
	default:
		ms.insert(&member{m: m, place: placeOf(m.Node), state: told, retry: now})
	}
}

// meet notes that the node of l, a session of ours, is a supernode, and joins
// it.
func (o *Overlay) meet(now time.Time, l *link) {
	if !o.cfg.Supernode {
		return
	}
	o.proved(now, wire.Member{Node: l.node, Addr: l.addr})
	o.joinLink(l)
}

// joinLink sends our Join, once to each fellow: two sessions with one node say
// no more than one.
func (o *Overlay) joinLink(l *link) {
	if slices.ContainsFunc(o.links, func(x *link) bool { return x.node == l.node && x.join != notJoined }) {
		return
	}
	l.join = joining
	o.send(l, wire.Join{Self: o.self()})
}

func (o *Overlay) self() wire.Member {
	return wire.Member{Node: o.cfg.Self, Addr: o.cfg.SelfAddr, Ports: o.ports}
}

// proved notes that a session with m is up.
func (o *Overlay) proved(now time.Time, m wire.Member) {
	ms := &o.members
	x := ms.find(m.Node)
	if x == nil {
		if len(ms.list) >= maxMembers {
			return
		}
		x = &member{m: m, place: placeOf(m.Node)}
		ms.insert(x)
	}
	if m.Ports == 0 {
		m.Ports = x.m.Ports // a session says nothing of them
	}
	news := x.state == told || x.m != m
	x.m, x.state, x.fails = m, met, 0
	ms.graves = slices.DeleteFunc(ms.graves, func(g grave) bool { return g.node == m.Node })
	if news {
		o.counters.Met++
		ms.gossip.rumour(rumour{m: m, kind: alive})
	}
}

// handleJoin takes the word of a fellow supernode. It speaks for itself only.
func (o *Overlay) handleJoin(now time.Time, l *link, j wire.Join) {
	if !o.cfg.Supernode || j.Self.Node != l.node || !dialable(j.Self.Addr) {
		o.counters.Unasked++
		return
	}
	o.proved(now, j.Self)
	o.hearPorts(now, l, j.Self.Ports)
	if j.Self.Addr.Addr() == l.addr.Addr() {
		o.reachedEntry(now, j.Self) // a bootstrap address may turn out to be its
	} else {
		o.hearEntry(now, j.Self)
	}
	o.joinLink(l)
	l.join = joined
	if l.answerJoin.After(now) {
		return
	}
	l.answerJoin = now.Add(joinPause)
	o.send(l, wire.Members{Live: o.someMembers(l.node, sample)})
}

// handleMembers takes the answer to Refresh or Join, or gossip.
func (o *Overlay) handleMembers(now time.Time, l *link, m wire.Members) {
	if l.home != asking && l.join == notJoined {
		o.counters.Unasked++
		return
	}
	if l.home == asking {
		o.refreshed(now, l)
	}
	o.learnFrom(now, m.Live)
	if l.join == notJoined {
		return
	}
	l.join = joined
	o.synced()
	for _, node := range m.Dead {
		o.hearDead(now, node)
	}
}

func (o *Overlay) synced() {
	if o.members.sync == unsynced && o.cfg.Supernode {
		o.members.sync, o.members.syncBy = synced, time.Time{}
		o.emit(Synced{})
	}
}

// hearDead looks after a member that is said to be dead: the word of one is no
// death. If we are in session with it, its life is spread instead.
func (o *Overlay) hearDead(now time.Time, node identity.ID) {
	x := o.members.find(node)
	switch {
	case x == nil || x.state == told:
	case o.linkTo(node) != nil:
		o.members.gossip.rumour(rumour{m: x.m, kind: alive})
	case x.state == met:
		x.state, x.fails, x.retry = suspect, 0, now
	}
}

// lostMember notes that a session with a member has ended.
func (o *Overlay) lostMember(now time.Time, l *link) {
	l.join = notJoined
	x := o.members.find(l.node)
	if x == nil || x.state != met {
		return
	}
	if other := o.linkTo(l.node); other != nil {
		o.joinLink(other)
		return
	}
	x.state, x.fails, x.retry = suspect, 0, now.Add(o.jitter(memberRetry/4))
}

// failedMember notes a dial of a member in vain.
func (o *Overlay) failedMember(now time.Time, m wire.Member) {
	x := o.members.find(m.Node)
	if x == nil {
		return
	}
	x.fails++
	x.retry = now.Add(memberRetry/2 + o.jitter(memberRetry/2))
	switch {
	case x.state == suspect && x.fails >= deadAfter:
		o.counters.Died++
		o.members.gossip.rumour(rumour{m: x.m, kind: gone})
		fallthrough
	case x.state == told && x.fails >= toldAfter:
		o.members.remove(x)
		o.members.bury(now, x.m.Node)
	}
}

// seekMembers dials the members with whom there is no session, and bootstrap
// addresses of which nobody knows whose they are.
func (o *Overlay) seekMembers(now time.Time) {
	if !o.cfg.Supernode {
		return
	}
	for _, x := range o.members.list {
		if len(o.dials) < maxMemberDials && !x.retry.After(now) && o.wantsDial(x) {
			o.dial(now, x.m)
		}
	}
	for _, e := range o.cache.entries {
		if len(o.dials) < maxMemberDials && o.unknown(e) && !e.after.After(now) {
			o.dial(now, e.m)
		}
	}
	o.syncAlone(now)
	o.members.gossip.arm(now, o)
}

// wantsDial reports whether x should be dialled when its pause is over.
func (o *Overlay) wantsDial(x *member) bool {
	switch {
	case x.state == met || o.dialling(x.m) || o.linkTo(x.m.Node) != nil:
		return false
	case x.state == told:
		return o.members.count(met) < maxMesh
	}
	return true
}

// unknown reports whether e is an address of which we do not know whose it is.
func (o *Overlay) unknown(e *entry) bool { return e.m.Node.IsZero() && !o.dialling(e.m) }

// syncAlone takes ourselves for the first supernode when there is nobody to
// ask, or nobody has answered for long.
func (o *Overlay) syncAlone(now time.Time) {
	ms := &o.members
	if ms.syncBy.IsZero() {
		return
	}
	if len(o.cache.entries) == 0 && len(ms.list) == 0 || !ms.syncBy.After(now) {
		o.synced()
	}
}

// due returns the earliest timer of the membership.
func (ms *members) due(o *Overlay) time.Time {
	if !o.cfg.Supernode {
		return time.Time{}
	}
	due := earlier(ms.syncBy, ms.gossip.due())
	if len(o.dials) >= maxMemberDials {
		return due
	}
	for _, x := range ms.list {
		if o.wantsDial(x) {
			due = earlier(due, x.retry)
		}
	}
	for _, e := range o.cache.entries {
		if o.unknown(e) {
			due = earlier(due, e.after)
		}
	}
	return due
}

func (o *Overlay) advanceMembers(now time.Time) {
	if o.cfg.Supernode {
		o.members.gossip.advance(now, o)
	}
}
