package overlay

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// words returns what we have said that a node is dead, by how many it is of.
func (s *script) words() (of []int) {
	for _, news := range s.gossip.young {
		switch n := mustNews(s.T, []byte(news.Value())).(type) {
		case wire.Testimony:
			if n.Witness == s.place {
				of = append(of, 1)
			}
		case wire.Obituary:
			if n.Witness == s.place {
				of = append(of, n.Dead.Len())
			}
		}
	}
	slices.Sort(of)
	return of
}

func TestAnObituaryCountsForEachThatItNames(t *testing.T) {
	s := acquainted(t, 100)
	tell := func(news []byte) { s.Handle(s.now, 1, wire.Gossip{News: news}) }
	tell(obituary(1, 0, 50, 51, 52))
	tell(obituary(1, 0, 50, 51, 52)) // once more
	tell(obituary(2, 0, 50, 51))
	tell(obituary(50, 0, 50, 51)) // is itself among them
	forged := obituary(3, 0, 50, 51, 52)
	forged[len(forged)-1]++
	tell(forged)
	s.want("forged", s.Counters().Refusals.Forged, uint64(1))
	s.want("members", len(s.Members()), 100) // but for 51
	tell(testimony(50, 3, 0))
	s.want("after a testimony", len(s.Members()), 99)
	tell(obituary(3, 1, 52, 53)) // of an incarnation to come
	tell(obituary(3, 0, 50, 52))
	s.want("52 has two witnesses", len(s.Members()), 99)
	tell(obituary(4, 0, 52, 50, 51))
	s.want("and three", len(s.Members()), 98)
	s.want("refuted", s.Counters().Refuted, uint64(0))
}

// Who is named among others lives on, and those are believed.
func TestAnObituaryOfOursIsRefuted(t *testing.T) {
	s := acquainted(t, 100)
	own := s.table.alive(s.place)
	o := wire.Obituary{Witness: placeOfNode(1)}
	o.Dead = wire.AppendDeath(o.Dead, wire.Death{Of: s.place, Incarnation: own.incarnation})
	o.Dead = wire.AppendDeath(o.Dead, wire.Death{Of: placeOfNode(9), Incarnation: 1_600_000_000})
	o.Signature = sign(nodeID(1), wire.NewsMessage(o))
	s.Handle(s.now, 1, wire.Gossip{News: wire.AppendNews(nil, o)})
	s.want("refuted", s.Counters().Refuted, uint64(1))
	s.want("the other's witnesses", s.table.dyingOf(placeOfNode(9)).count, 1)
}

// Whoever bears witness against the living in an obituary loses credit, as in a
// testimony.
func TestAFalseObituaryCostsCredit(t *testing.T) {
	s := acquainted(t, 100)
	tell := func(news []byte) { s.Handle(s.now, 1, wire.Gossip{News: news}) }
	for by := 1; by <= witnesses; by++ {
		tell(obituary(by, 0, 50, 51, 52))
	}
	s.want("members", len(s.Members()), 98)
	for n := 50; n <= 52; n++ {
		tell(announced(n, 1))
	}
	s.want("back", len(s.Members()), 101)
	for by := 1; by <= witnesses; by++ {
		tell(obituary(by, 0, 60, 61))
	}
	s.want("nobody believes them", len(s.Members()), 101)
	s.want("struck", s.Counters().Refusals.Struck, uint64(witnesses))
}

// What one finds out within a second it says in one word. While all is well it waits for
// nobody.
func TestFindingsAreSaidTogether(t *testing.T) {
	s := acquainted(t, 100)
	s.audit = time.Time{}
	for n := 1; n <= 5; n++ {
		s.find(s.now, placeOfNode(n), 1_600_000_000)
		s.notDead(sayWait / 20)
	}
	s.want("at once", s.words(), []int{})
	s.want("found", s.testified(placeOfNode(3)), true)
	s.notDead(sayWait)
	s.want("said", s.words(), []int{5})
	s.notDead(time.Minute)
	s.want("said once", s.words(), []int{5})
}

// In an unrest those speak first who are nearest to the dead. The others do if nobody
// has buried them by then.
func TestTheNearestSpeakFirst(t *testing.T) {
	s := acquaintedWith(t, 400)
	s.Learn(s.now, nil)
	s.audit = time.Time{}
	s.muster.until, s.muster.called = s.now.Add(unrestTime), s.now
	rank := func(n int) int {
		near := s.table.nearest(nil, placeOfNode(n), 400)
		return slices.IndexFunc(near, func(at int) bool { return s.table.rows[at].place == s.place })
	}
	with := func(ok func(rank int) bool) (ns []int) {
		for n := 1; n <= 400; n++ {
			if ok(rank(n)) {
				ns = append(ns, n)
			}
		}
		return ns
	}
	near := with(func(rank int) bool { return rank < spokesmen })[0]
	others := with(func(rank int) bool { return rank > 100 })
	far, buried := others[0], others[1]
	for _, n := range []int{near, far, buried} {
		s.find(s.now, placeOfNode(n), 1_600_000_000)
	}
	s.notDead(sayWait)
	s.want("said at first", s.words(), []int{1})
	s.want("the witnesses of the nearest", s.table.dyingOf(placeOfNode(near)).count, 1)
	s.bury(buried)
	s.notDead(mostRanks*sayAfter - sayWait)
	s.want("said before it is our turn", s.words(), []int{1})
	s.notDead(2 * sayWait)
	s.want("said then", s.words(), []int{1, 1})
	s.want("the witnesses of the farthest", s.table.dyingOf(placeOfNode(far)).count, 1)
	s.want("left to say", len(s.findings.list), 0)
}

// What each survivor must be told when half have died grows with the deaths, and not
// with their square.
func TestWhatManyDeathsCost(t *testing.T) {
	cost := func(size int) float64 {
		w := newWorld(t, 5)
		first := w.add(1, Config{Supernode: true})
		w.run(0)
		for n := 2; n <= size; n++ {
			raw := announced(n, 0)
			first.take(w.now, mustNews(t, raw), raw)
		}
		roster := first.Roster()
		first.Restore(roster)
		for n := 2; n <= size; n++ {
			w.add(n, Config{Supernode: true}).Restore(roster)
		}
		w.run(20 * time.Second)
		before := w.carried
		for _, r := range w.nodes[:size/2] {
			w.kill(r)
		}
		took := w.runUntil(time.Minute, w.agreed)
		each := float64(w.carried-before) / float64(size-size/2) / float64(size/2)
		t.Logf("half of %d killed: the others agree after %v; %.0f bytes each for a death", size, took, each)
		return each
	}
	small, large := cost(100), cost(200)
	if large > 1.1*small || large > 600 {
		t.Errorf("a death costs each survivor %.0f bytes among 100 and %.0f among 200, want no more, and 600 at most", small, large)
	}
}
