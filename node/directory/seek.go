package directory

import (
	"encoding/binary"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// seekEnd ends a walk: half of a million may have gone at once, and a phone waits
// for five seconds.
const seekEnd = 4 * time.Second

// goal says what a walk is for.
type goal uint8

const (
	finding goal = iota // a record, for phones
	placing             // whoever shall keep what a phone publishes, or may keep what it asks for
	looking             // whoever stands near a place, for our routing table
)

// seek is a walk for one key. Like a search it goes on listening when it has
// answered: a record with a higher sequence replaces the cached one.
type seek struct {
	clock
	quest
	goal goal
	walk *walk
	open []hail
	then func(now time.Time, near []wire.Member) // placing
	end  time.Time
}

// hail is an ask of a seek, and whom it is for.
type hail struct {
	*ask
	step *step
}

var _ job = (*seek)(nil)

// LookFor looks for whoever stands nearest to a key; the routing hears of it.
func (x *Index) LookFor(now time.Time, key identity.IndexKey) {
	x.calm = false
	if len(x.jobs) < maxJobs {
		x.seek(now, &seek{quest: quest{key: key}, goal: looking})
	}
}

// seekRecord looks for a record by a walk, or joins one for the same.
func (x *Index) seekRecord(now time.Time, ix wire.Index, m wire.Find) {
	who := asker{ix, m.Query}
	for _, j := range x.jobs {
		if s, ok := j.(*seek); ok && s.join(who, m.Key) {
			return
		}
	}
	if len(x.jobs) >= maxJobs {
		x.counters.Limited++
		x.send(ix, wire.Found{Query: m.Query, Code: wire.FindUnsure})
		return
	}
	x.seek(now, &seek{quest: quest{key: m.Key, askers: []asker{who}}, goal: finding})
}

// seek begins a walk.
func (x *Index) seek(now time.Time, s *seek) {
	near := x.cfg.Routing.Toward(s.key, Replicas+1)
	var own *step
	if i := slices.IndexFunc(near, func(c wire.Contact) bool { return c.Member.Node == x.self }); i >= 0 {
		own = &step{Contact: near[i], node: x.self, code: x.denial()} // our own store has been looked at
		near = slices.Delete(near, i, i+1)
	}
	s.walk = newWalk(placeOfKey(s.key), near, own)
	s.end = now.Add(seekEnd)
	x.begin(s)
	s.goOn(now, x)
	x.arm(s)
}

func placeOfKey(key identity.IndexKey) wire.Place {
	return wire.Place(binary.BigEndian.Uint64(key[:]))
}

// goOn asks whoever is to be asked now, and concludes when nobody is left.
func (s *seek) goOn(now time.Time, x *Index) {
	if s.state == searching {
		for _, to := range s.walk.next(now) {
			a := x.put(now, s, to.Member, askWait, wire.Seek{Key: s.key, Self: x.cfg.Routing.Own(), Only: s.goal != finding})
			s.open = append(s.open, hail{a, to})
		}
	}
	if len(s.open) == 0 && (s.state == answered || s.walk.done()) {
		s.conclude(now, x)
	}
}

// take removes an ask from those that are open.
func (s *seek) take(a *ask) *step {
	i := slices.IndexFunc(s.open, func(q hail) bool { return q.ask == a })
	to := s.open[i].step
	s.open = slices.Delete(s.open, i, i+1)
	return to
}

func (s *seek) reply(now time.Time, x *Index, a *ask, m wire.Message) {
	to := s.take(a)
	switch m := m.(type) {
	case wire.Found:
		s.found(now, x, to, m)
	case wire.Guide:
		s.guided(now, x, a, to, m)
	default:
		x.counters.Unasked++
		s.walk.mute(to)
	}
	s.goOn(now, x)
}

// guided takes a Guide: who gives it has proved itself if all of it holds.
func (s *seek) guided(now time.Time, x *Index, a *ask, to *step, g wire.Guide) {
	node, ok := x.cfg.Routing.Proves(now, to.Contact, g.Self)
	if !ok || !x.cfg.Verify(node, wire.GuideMessage(a.nonce, s.key, g), g.Signature) {
		x.counters.Forged++
		s.walk.mute(to)
		return
	}
	s.walk.spoke(to, node, g.Code, contacts(g.Near))
	x.cfg.Routing.Heard(now, to.Contact, g.Self)
}

// found takes a record. One that does not hold, or was not asked for, is as good
// as silence.
func (s *seek) found(now time.Time, x *Index, to *step, m wire.Found) {
	s.walk.mute(to)
	if m.Code != wire.FindRecord || s.goal != finding {
		x.counters.Unasked++
		return
	}
	if m.Hot {
		x.heat.tell(now, s.key)
	}
	if s.record(now, x, m.Record, to.depth, now.Sub(s.end.Add(-seekEnd))) {
		if m.Hot {
			s.leave(now, x, m.Record)
		}
		for _, q := range s.open {
			q.again = time.Time{} // it may answer yet, but nobody waits for it
		}
	}
}

// leave lends a hot record to the nearest of those who have led us on our way and
// have it not: walks from everywhere come by them.
func (s *seek) leave(now time.Time, x *Index, record []byte) {
	if x.heat.lent[s.key].After(now) {
		return
	}
	if x.heat.lent == nil {
		x.heat.lent = map[identity.IndexKey]time.Time{}
	}
	forget(x.heat.lent, now, maxHot)
	x.heat.lent[s.key] = now.Add(lendAgain)
	left := 0
	for _, n := range s.walk.nearest() {
		if n.state == spoke && n.node != x.self && n.code != wire.FindRecord && left < leaveAt {
			left++
			x.counters.Lent++
			x.emit(Ask{To: n.Member, Nonce: x.nonce(), Message: wire.Lend{Record: record}})
		}
	}
}

// leaveAt is at how many a walk leaves a hot record.
const leaveAt = 2

// conclude ends the walk.
func (s *seek) conclude(now time.Time, x *Index) {
	for _, q := range s.open {
		x.giveUp(q.ask)
	}
	done := len(s.open) == 0
	s.open = nil
	x.finish(s)
	if done && s.state == searching && s.walk.closed() {
		s.tell(now, x)
	}
	switch {
	case s.state == answered:
	case s.goal == finding:
		s.deny(now, x, done && s.walk.denied())
	case s.goal == placing:
		s.then(now, s.keepers())
	}
}

// tell tells the routing whom the walk has found.
func (s *seek) tell(now time.Time, x *Index) {
	var places []wire.Place
	for _, n := range s.walk.nearest() {
		if n.state == spoke {
			places = append(places, n.Place)
		}
	}
	x.cfg.Routing.Closed(now, s.key, places)
}

// keepers returns the nearest who have spoken.
func (s *seek) keepers() []wire.Member {
	var ms []wire.Member
	for _, n := range s.walk.nearest() {
		if n.state == spoke {
			m := n.Member
			m.Node = n.node
			ms = append(ms, m)
		}
	}
	return ms
}

func (s *seek) silent(now time.Time, x *Index, a *ask) {
	to := s.take(a)
	s.walk.mute(to)
	x.cfg.Routing.Heard(now, to.Contact, nil)
	s.goOn(now, x)
}

func (s *seek) due() time.Time {
	due := s.end
	if s.state == searching {
		due = earlier(due, s.walk.due())
	}
	for _, q := range s.open {
		due = earlier(due, q.due())
	}
	return due
}

func (s *seek) advance(now time.Time, x *Index) {
	if passed(s.end, now) {
		s.conclude(now, x)
		return
	}
	s.goOn(now, x) // some have become slow
	open := make(asks, len(s.open))
	for i, q := range s.open {
		open[i] = q.ask
	}
	x.advanceAsks(now, open)
}
