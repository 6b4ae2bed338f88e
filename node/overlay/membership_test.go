package overlay

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func TestAChainOfFiftySupernodesFindsItself(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 20, 50} {
		w := newWorld(t, byte(n))
		chain(w, n)
		took := w.runUntil(8*time.Second, w.agreed)
		w.run(10 * time.Second)
		if !w.agreed() {
			t.Errorf("%d supernodes disagree later", n)
		}
		slowest := time.Duration(0)
		for _, r := range w.nodes {
			if r.synced < 0 {
				t.Errorf("%d of %d never knew the membership", r.n, n)
			}
			slowest = max(slowest, r.synced)
		}
		t.Logf("%d supernodes in a chain: all know all after %v, all synced after %v", n, took, slowest)
	}
}

func TestTheDeadLeave(t *testing.T) {
	w := newWorld(t, 1)
	chain(w, 20)
	w.run(10 * time.Second)
	for _, r := range w.nodes[:10] {
		w.kill(r)
	}
	took := w.runUntil(15*time.Second, w.agreed)
	t.Logf("half of 20 killed: the others agree after %v", took)
	w.run(2 * time.Minute)
	if !w.agreed() {
		t.Error("the dead come back")
	}
	back := w.add(99, Config{Supernode: true}, 15)
	w.runUntil(10*time.Second, w.agreed)
	w.kill(back)
	w.runUntil(15*time.Second, w.agreed)
}

func TestANetworkThatWasSplitHeals(t *testing.T) {
	w := newWorld(t, 2)
	chain(w, 10)
	w.run(10 * time.Second)
	w.split = func(a, b *resident) bool { return (a.n <= 5) != (b.n <= 5) }
	for _, r := range w.nodes {
		for ix := range r.last {
			if x := r.sessions[ix+1]; x != nil && w.apart(r, x.peer) {
				w.end(r, ix+1, 0)
				r.Down(w.now, ix+1, errDead)
				w.settle(r)
			}
		}
	}
	w.run(time.Minute)
	if w.agreed() {
		t.Fatal("the split is not noticed")
	}
	w.split = nil
	t.Logf("healed after %v", w.runUntil(5*time.Minute, w.agreed))
}

func TestTheSameSeedGivesTheSameTrace(t *testing.T) {
	play := func(seed byte) string {
		w := newWorld(t, seed)
		chain(w, 8)
		for n := 100; n < 130; n++ {
			w.add(n, Config{Homes: 3}, 1, 2, 3)
		}
		w.run(20 * time.Second)
		w.kill(w.nodes[1])
		w.kill(w.nodes[2])
		w.run(3 * time.Minute)
		for _, r := range w.nodes[8:] {
			if len(r.Homes()) != 3 {
				t.Errorf("phone %d has %d homes", r.n, len(r.Homes()))
			}
		}
		return w.sum()
	}
	if a, b := play(3), play(3); a != b {
		t.Errorf("two runs of one seed differ: %s and %s", a, b)
	}
	if a, b := play(3), play(4); a == b {
		t.Error("the seed does not matter")
	}
}

func TestPhonesAreSpreadAndReattach(t *testing.T) {
	w := newWorld(t, 5)
	chain(w, 12)
	w.run(5 * time.Second)
	for n := 100; n < 300; n++ {
		w.add(n, Config{Homes: 3}, 1, 2, 3)
	}
	attached := func() bool {
		for _, r := range w.nodes {
			if !r.cfg.Supernode && len(r.Homes()) != 3 {
				return false
			}
		}
		return true
	}
	t.Logf("200 phones attached after %v", w.runUntil(time.Minute, attached))
	w.run(2 * time.Minute)
	for _, r := range w.nodes[3:9] {
		w.kill(r)
	}
	w.kill(w.nodes[0])
	w.run(deadEnds + time.Second)
	t.Logf("seven of twelve killed: all re-attached %v after the loss was noticed", w.runUntil(40*time.Second, attached))
}

func TestASplitWordKillsNobody(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	liar, victim := s.visit(1), s.visit(2)
	s.Handle(s.now, liar, wire.Join{Self: memberOf(1)})
	s.Handle(s.now, victim, wire.Join{Self: memberOf(2)})
	took[Event](s)
	s.Handle(s.now, liar, wire.Members{Dead: []identity.ID{nodeID(2), nodeID(1), nodeID(77)}})
	s.want("members", len(s.Members()), 3)
	s.want("dials", len(s.dials()), 0)
	s.Down(s.now, victim, errDead)
	s.advance(memberRetry)
	s.want("it is looked after", s.dials(), []int{2})
	s.want("members", len(s.Members()), 3)
	s.Failed(s.now, memberOf(2), errDead)
	s.want("members", len(s.Members()), 3)
	s.advance(memberRetry)
	s.Failed(s.now, memberOf(2), errDead)
	s.want("members", len(s.Members()), 2)
	s.Handle(s.now, liar, wire.Members{Live: []wire.Member{memberOf(2)}})
	s.want("hearsay does not raise the dead", s.dials(), []int{2}) // only the second try above
	s.visit(2)
	s.Handle(s.now, s.last, wire.Join{Self: memberOf(2)})
	s.want("it calls itself", len(s.Members()), 3)
}

func TestHearsayIsNeitherCountedNorSpread(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	liar := s.visit(1)
	s.Handle(s.now, liar, wire.Join{Self: memberOf(1)})
	for n := 100; n < 5000; n += 10 {
		var ms []wire.Member
		for i := range 10 {
			ms = append(ms, memberOf(n+i))
		}
		s.Handle(s.now, liar, wire.Members{Live: ms})
	}
	if n := len(s.members.list); n > maxTold+1 {
		t.Errorf("%d members are remembered", n)
	}
	s.want("members", len(s.Members()), 2)
	s.want("nearest", len(s.Nearest(identity.IndexKey{}, 16)), 2)
	if n := len(s.dials()); n > maxMemberDials {
		t.Errorf("%d dials at once", n)
	}
	honest := s.visit(2)
	took[Event](s)
	s.Handle(s.now, honest, wire.Join{Self: memberOf(2)})
	s.advance(time.Second)
	for _, e := range took[Send](s) {
		m, ok := e.Message.(wire.Members)
		if ok && slices.ContainsFunc(m.Live, func(m wire.Member) bool { return m != memberOf(1) && m != memberOf(2) }) {
			t.Errorf("hearsay is passed on: %v", m)
		}
	}
	for range 600 { // all lies are found out in time
		s.advance(time.Second)
		for _, d := range took[Dial](s) {
			s.Failed(s.now, d.Member, errDead)
		}
	}
	s.want("members remembered", len(s.members.list), 2)
	if n := len(s.members.graves); n > maxGraves {
		t.Errorf("%d graves", n)
	}
}

func TestAJoinSpeaksForItselfOnly(t *testing.T) {
	s := supernode(t)
	ix := s.visit(1)
	s.Handle(s.now, ix, wire.Join{Self: memberOf(2)})
	s.want("members", len(s.Members()), 1)
	s.want("sent", s.sent(), []string{})
	for range 100 {
		s.Handle(s.now, ix, wire.Join{Self: memberOf(1)})
	}
	s.want("a hundred Joins in an instant are answered", s.sent(), []string{"1 Join", "1 Members"})
}

func TestNearestIsByXOR(t *testing.T) {
	s := supernode(t)
	for n := 1; n <= 40; n++ {
		s.Handle(s.now, s.visit(n), wire.Join{Self: memberOf(n)})
	}
	key := identity.IndexKey{0x5a, 0xa5}
	near := s.Nearest(key, 16)
	s.want("nearest", len(near), 16)
	for i := 1; i < len(near); i++ {
		if !nearer(key, placeOf(near[i-1].Node), placeOf(near[i].Node)) {
			t.Errorf("%d is not nearer than %d", i-1, i)
		}
	}
	chosen := map[identity.ID]bool{}
	for _, m := range near {
		chosen[m.Node] = true
	}
	for _, m := range s.Members() {
		if !chosen[m.Node] && nearer(key, placeOf(m.Node), placeOf(near[15].Node)) {
			t.Errorf("%v is nearer than the last chosen", m.Node)
		}
	}
	s.want("of all", len(s.Nearest(key, 100)), 41)
}

func TestTheFirstSupernodeIsSynced(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	s.want("alone", len(took[Synced](s)), 1)
	s = supernode(t)
	s.Learn(s.now, bootstraps(0)) // only itself
	s.want("itself", len(took[Synced](s)), 1)
	s = supernode(t)
	s.Learn(s.now, bootstraps(1))
	s.advance(syncWait - time.Millisecond)
	s.want("it may answer yet", len(took[Synced](s)), 0)
	s.advance(time.Millisecond)
	s.want("nobody answers", len(took[Synced](s)), 1)
	s = supernode(t)
	s.Learn(s.now, bootstraps(1))
	ix := s.up(1)
	s.Handle(s.now, ix, wire.Members{Live: []wire.Member{memberOf(2)}})
	s.want("told", len(took[Synced](s)), 1)
	s.advance(time.Minute)
	s.want("once", len(took[Synced](s)), 0)
}

func TestTwoSupernodesThatDialEachOtherKeepOneSession(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, bootstraps(1))
	s.want("dials", s.dials(), []int{1})
	ix := s.visit(1) // it was faster
	s.Handle(s.now, ix, wire.Join{Self: memberOf(1)})
	s.Failed(s.now, wire.Member{Addr: addrOf(1)}, errGlare)
	s.advance(10 * time.Minute)
	s.want("dials again", s.dials(), []int{})
	s.want("members", len(s.Members()), 2)

	both := supernode(t)
	both.Learn(both.now, bootstraps(1))
	ix = both.visit(1)
	both.Handle(both.now, ix, wire.Join{Self: memberOf(1)})
	second := both.up(1) // the dial succeeded, too
	both.want("the second is let go", took[Drop](both), []Drop{{second}})
	both.Down(both.now, ix, errDead)
	both.want("members", len(both.Members()), 2)

	liar := s.visit(2) // it claims a bootstrap address
	s.Learn(s.now, bootstraps(3))
	s.want("dials", s.dials(), []int{3})
	s.Failed(s.now, wire.Member{Addr: addrOf(3)}, errDead)
	s.Handle(s.now, liar, wire.Join{Self: wire.Member{Node: nodeID(2), Addr: addrOf(3)}})
	s.advance(5 * time.Second)
	s.want("still dials", s.dials()[:1], []int{3})
}
