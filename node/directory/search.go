package directory

import (
	"encoding/binary"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// askEnd ends a search.
	askEnd = 2 * time.Second
	// maxSearched bounds whom one search asks.
	maxSearched = 2 * Replicas
)

// searchState says how far a search has got.
//
//	             a valid record came
//	searching -----------------------> answered --- all have spoken ---> (removed)
//	    |  all have spoken, or askEnd
//	    +--------------------------------------------------------------> (removed)
//
// An answered search listens on: a record with a higher sequence replaces the
// cached one.
//
// Who denies names whom it takes for the nearest. Somebody whom we do not know is
// asked for, met, and asked in turn, until nobody names another: then the set is
// closed.
type searchState uint8

const (
	searching searchState = iota
	answered
)

// asker is a phone that waits for an answer.
type asker struct {
	ix    wire.Index
	query uint32
}

// maxAskersOfOne bounds the phones that wait for the same search.
const maxAskersOfOne = 64

// search looks for one key among the supernodes nearest to it.
type search struct {
	clock
	quest
	waves
	nearest func(identity.IndexKey, int) []wire.Member
	asked   []identity.ID // and those in the queue
	denials []denial
	end     time.Time
}

// denial is the word of a supernode that it has no record.
type denial struct {
	by   identity.ID
	near []wire.Place // whom it takes for the nearest
}

// search begins one, or joins one for the same key.
func (x *Index) search(now time.Time, ix wire.Index, m wire.Find, nearest func(identity.IndexKey, int) []wire.Member) {
	who := asker{ix, m.Query}
	for _, j := range x.jobs {
		if s, ok := j.(*search); ok && s.join(who, m.Key) {
			return
		}
	}
	if len(x.jobs) >= maxJobs {
		x.counters.Limited++
		x.send(ix, wire.Found{Query: m.Query, Code: wire.FindUnsure})
		return
	}
	s := &search{quest: quest{key: m.Key, askers: []asker{who}}, nearest: nearest, end: now.Add(askEnd)}
	if x.sync == settled { // our own store has been looked at
		s.denials = append(s.denials, denial{by: x.self})
	}
	s.anywhere(now, x)
	s.gather(now, x)
	x.begin(s)
	s.next(now, x)
	x.arm(s)
}

var _ job = (*search)(nil)

// gather queues those of the nearest who have not been asked, first who answers
// soonest.
func (s *search) gather(now time.Time, x *Index) {
	from := len(s.queue)
	for _, m := range s.nearest(s.key, Replicas) {
		if m.Node != x.self && len(s.asked) < maxSearched && !slices.Contains(s.asked, m.Node) {
			s.queue, s.asked = append(s.queue, m), append(s.asked, m.Node)
		}
	}
	x.fellows.sort(now, s.queue[from:])
}

// next sends out a wave.
func (s *search) next(now time.Time, x *Index) {
	s.send(now, x, s, wire.Find{Key: s.key})
	s.goOn(now, x)
}

// goOn concludes when everybody has spoken, and sends the next wave when the
// last one has.
func (s *search) goOn(now time.Time, x *Index) {
	switch {
	case len(s.open) > 0:
	case s.state == answered:
		s.conclude(now, x)
	default:
		s.gather(now, x) // whom we have met meanwhile
		if len(s.queue) > 0 {
			s.next(now, x)
			return
		}
		s.conclude(now, x)
	}
}

func (s *search) reply(now time.Time, x *Index, a *ask, m wire.Message) {
	s.open = s.open.without(a)
	if who, ok := a.m.(wire.Who); ok {
		s.introduced(now, x, a.to, who.Place, m)
		s.goOn(now, x)
		return
	}
	found, ok := m.(wire.Found)
	switch {
	case !ok:
		x.counters.Unasked++
	case found.Code == wire.FindRecord:
		if found.Hot {
			x.heat.tell(now, s.key)
		}
		s.take(now, x, found.Record)
	case !x.cfg.Verify(a.to.Node, wire.DenialMessage(a.nonce, s.key, found), found.Signature):
		x.counters.Forged++
	case found.Code == wire.FindNone:
		s.deny(now, x, a.to, found)
	}
	s.goOn(now, x)
}

// deny takes a denial.
func (s *search) deny(now time.Time, x *Index, by wire.Member, found wire.Found) {
	d := denial{by: by.Node}
	for b := found.Near; len(b) >= 8; b = b[8:] {
		d.near = append(d.near, wire.Place(binary.BigEndian.Uint64(b)))
	}
	s.denials = append(s.denials, d)
	s.meet(now, x, by, d)
}

// meet asks who denies after somebody whom it names and we do not know: after one
// at a time, so that a liar costs one question.
func (s *search) meet(now time.Time, x *Index, by wire.Member, d denial) {
	if i := d.stranger(x.cfg.Members); i >= 0 && s.state == searching {
		s.open = append(s.open, x.put(now, s, by, askWait, wire.Who{Place: d.near[i]}))
	}
}

// introduced takes the answer to Who.
func (s *search) introduced(now time.Time, x *Index, by wire.Member, p wire.Place, m wire.Message) {
	answer, ok := m.(wire.Introduced)
	switch {
	case !ok:
		x.counters.Unasked++
		return
	case x.cfg.Members.Knows(p): // it has come by another way meanwhile
	case len(answer.News) > 0 && x.cfg.Members.Meet(now, p, answer.News):
		x.counters.Met++
	default:
		x.counters.Bluffed++
		return
	}
	if i := slices.IndexFunc(s.denials, func(d denial) bool { return d.by == by.Node }); i >= 0 {
		s.meet(now, x, by, s.denials[i])
	}
}

// stranger returns the index of a place that d names and nobody has introduced;
// -1: there is none.
func (d denial) stranger(m Members) int {
	return slices.IndexFunc(d.near, func(p wire.Place) bool { return !m.Knows(p) })
}

// denied reports whether three quarters of the nearest, as they are known by now,
// deny the record. Whoever names somebody and cannot introduce it has denied
// nothing.
func (s *search) denied(x *Index) bool {
	n, near := 0, s.nearest(s.key, Replicas)
	for _, m := range near {
		if slices.ContainsFunc(s.denials, func(d denial) bool { return d.by == m.Node && d.stranger(x.cfg.Members) < 0 }) {
			n++
		}
	}
	return len(near) > 0 && 4*n >= 3*len(near)
}

// take takes a record.
func (s *search) take(now time.Time, x *Index, b []byte) {
	if !s.record(now, x, b, s.sent, now.Sub(s.end.Add(-askEnd))) {
		return
	}
	s.queue, s.wave = nil, time.Time{}
	for _, a := range s.open {
		a.again = time.Time{} // it may answer yet, but nobody waits for it
	}
}

// conclude ends the search. Without a record the answer is FindNone when three
// quarters of all deny it, unless too many supernodes have gone lately.
func (s *search) conclude(now time.Time, x *Index) {
	s.cancel(x)
	x.finish(s)
	if s.state == searching {
		s.quest.deny(now, x, s.denied(x))
	}
}

func (s *search) silent(now time.Time, x *Index, a *ask) {
	s.open = s.open.without(a)
	s.goOn(now, x)
}

func (s *search) due() time.Time {
	return earlier(s.waves.due(), s.end)
}

func (s *search) advance(now time.Time, x *Index) {
	if passed(s.end, now) {
		s.conclude(now, x)
		return
	}
	if s.late(now, x) {
		s.next(now, x)
	}
	x.advanceAsks(now, s.open)
}
