package overlay

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// town is a supernode that knows others, with a guest that has node 2 as a home
// and one that has not.
func town(t *testing.T) (s *script, near, far wire.Index) {
	s = supernode(t)
	s.Learn(s.now, nil)
	for n := 2; n < 8; n++ {
		s.take(s.now, mustNews(t, announced(n, 0)), announced(n, 0))
	}
	near, far = s.visit(20), s.visit(21)
	for _, ix := range []wire.Index{near, far} {
		s.Handle(s.now, ix, wire.Attach{})
	}
	s.Refreshed(s.now, near, wire.Refresh{Nonce: 1, Others: [2]wire.Mark{wire.MarkOf(nodeID(3)), wire.MarkOf(nodeID(2))}})
	s.Refreshed(s.now, far, wire.Refresh{Nonce: 2, Others: [2]wire.Mark{wire.MarkOf(nodeID(3))}})
	s.advance(0)
	s.doubts = nil
	took[Event](s)
	return s, near, far
}

func mustNews(t *testing.T, raw []byte) wire.News {
	n, _, ok := wire.CutNews(raw)
	if !ok {
		t.Fatal("bad news")
	}
	return n
}

// A guest's doubt makes its home ask, and when it hears nothing either, bear
// witness and tell whom it concerns.
func TestADoubtIsLookedInto(t *testing.T) {
	s, _, far := town(t)
	s.Doubted(s.now, far, wire.DoubtOf(nodeID(2)))
	s.advance(2 * time.Second)
	asked := 0
	for _, p := range took[Ping](s) {
		if p.Member.Node == nodeID(2) {
			asked++
		}
	}
	s.want("asked", asked, pings)
	s.want("testimonies", s.Counters().Testified, 1)
	s.want("told", s.doubts, []string{"1 2"})
}

// Who was doubted and has answered may die a moment later: guests are told again.
func TestWhoHasAnsweredMayDieYet(t *testing.T) {
	s, _, far := town(t)
	s.Doubted(s.now, far, wire.DoubtOf(nodeID(2)))
	s.advance(hurriedPing)
	s.want("told", s.doubts, []string{"1 2"})
	for _, p := range took[Ping](s) {
		s.Pong(s.now, p.Member.Addr, p.Nonce, 0)
	}
	s.advance(hurryAgain)
	s.Doubted(s.now, far, wire.DoubtOf(nodeID(2)))
	s.advance(hurriedPing)
	s.want("told again", s.doubts, []string{"1 2", "1 2"})
}

// When many die a supernode tells of those whom its guests have as homes, and the
// others take nobody's place among them.
func TestGuestsAreToldOfTheirHomesOnly(t *testing.T) {
	s, _, _ := town(t)
	for n := 4; n < 8; n++ {
		s.tellGuests(s.now, placeOfNode(n))
	}
	s.want("noted", len(s.told), 0)
	s.tellGuests(s.now, placeOfNode(3))
	s.want("noted", len(s.told), 1)
	s.advance(0)
	s.want("told", s.doubts, []string{"1 3", "2 3"})
}

// Who lies makes others ask, and nothing else; and not often.
func TestALiarEvictsNobody(t *testing.T) {
	s, _, far := town(t)
	asked := 0
	for range 100 {
		s.Doubted(s.now, far, wire.DoubtOf(nodeID(2)))
		s.Doubted(s.now, far, wire.DoubtOf(nodeID(99))) // whom nobody knows
		s.advance(100 * time.Millisecond)
		for _, p := range took[Ping](s) {
			s.Pong(s.now, p.Member.Addr, p.Nonce, 0)
			if p.Member.Node == nodeID(2) {
				asked++
			}
		}
	}
	if asked > 3 {
		t.Errorf("asked %d times in ten seconds", asked)
	}
	s.want("testimonies", s.Counters().Testified, 0)
	s.want("told", len(s.doubts), 0)
	if c := s.Counters(); c.Hasty < 150 {
		t.Errorf("%d doubts beyond the limit were counted", c.Hasty)
	}
}

// A phone asks a home of whose silence it is told, and keeps it if it answers.
func TestAPhoneAsksForItself(t *testing.T) {
	s := attached(t)
	homes := s.Homes()
	s.refreshes = 0
	for range 20 {
		s.Doubted(s.now, homes[0].Index, wire.DoubtOf(homes[1].Member.Node))
		s.Doubted(s.now, homes[0].Index, wire.DoubtOf(homes[0].Member.Node)) // itself
		s.Doubted(s.now, homes[0].Index, wire.DoubtOf(nodeID(99)))
		s.advance(50 * time.Millisecond)
	}
	s.want("asked", s.refreshes, 1)
	s.want("homes", len(s.Homes()), 3)
	s.Doubted(s.now, 999, wire.DoubtOf(homes[1].Member.Node))
	s.want("lost", s.Counters().HomesLost, uint64(0))

	s.advance(toldEvery)
	s.die(homes[1])
	began := s.now
	s.Doubted(s.now, homes[0].Index, wire.DoubtOf(homes[1].Member.Node))
	for len(s.dials()) == 0 {
		s.advance(20 * time.Millisecond)
	}
	if took := s.now.Sub(began); took > askMost+100*time.Millisecond {
		t.Errorf("another is dialled after %v", took)
	}
}

// A supernode with many guests vanishes: one guest finds it out, and three in four
// know it within some two seconds. How soon the first one does is chance.
func TestTheCrowdFindsOutTogether(t *testing.T) {
	var took []time.Duration
	for seed := range byte(5) {
		took = append(took, crowdKnows(t, 9+seed))
	}
	slices.Sort(took)
	if median := took[len(took)/2]; median > 2500*time.Millisecond {
		t.Errorf("three in four of a crowd knew it after %v, in the median of %v", median, took)
	}
}

// crowdKnows lets a supernode of sixty phones vanish and returns after how long three
// in four of its guests know it.
func crowdKnows(t *testing.T, seed byte) time.Duration {
	const phones = 60
	w := newWorld(t, seed)
	chain(w, 10)
	w.run(20 * time.Second)
	var guests []*resident
	for p := range phones {
		guests = append(guests, w.add(1000+p, Config{Homes: 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
		w.run(150 * time.Millisecond) // else their beats would come at the same time
	}
	w.run(time.Minute)
	gone := w.nodes[0]
	victims := func() (n int) {
		for _, r := range guests {
			for _, h := range r.Homes() {
				if h.Member.Node == nodeID(gone.n) && !r.missed(r.link(h.Index)) {
					n++
				}
			}
		}
		return n
	}
	before := victims()
	if before < 8 {
		t.Fatalf("a crowd of %d", before)
	}
	w.kill(gone)
	return w.runUntil(10*time.Second, func() bool { return 4*victims() <= before })
}

// When one member in twenty has died it is told, and again after as many.
func TestAnUpheavalIsTold(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	for n := 1; n < 100; n++ {
		s.take(s.now, mustNews(t, announced(n, 0)), announced(n, 0))
	}
	took[Event](s)
	told := 0
	for n := 1; n <= 10; n++ {
		s.died(s.now, s.table.alive(placeOfNode(n)))
		told += len(took[Upheaval](s))
	}
	s.want("told when 10 of 100 have died", told, 2)
}

// Where nobody knows all, a doubt about somebody unknown goes to the other guests,
// who know whether it is a home of theirs; and not twice at once.
func TestADoubtAboutAStrangerIsPassedOn(t *testing.T) {
	s, _, far := town(t)
	s.Doubted(s.now, far, wire.DoubtOf(nodeID(99)))
	s.want("where all are known", s.doubts, []string(nil))
	s.want("counted", s.Counters().Unasked, uint64(1))
	s.scope = partial
	s.Doubted(s.now, far, wire.DoubtOf(nodeID(98)))
	s.Doubted(s.now, far, wire.DoubtOf(nodeID(98)))
	s.advance(0)
	s.want("told", s.doubts, []string{"1 98"})
}
