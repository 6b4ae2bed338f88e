package overlay

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// narrowed returns supernode 0, which knows a part only: of so many others.
func narrowed(t *testing.T, others int) *script {
	s := acquaintedWith(t, others)
	s.SetLimits(Limits{Membership: identity.Kademlia})
	s.SetSelf(s.now, selfOf(0))
	return s
}

// acquaintedWith returns supernode 0, which knows so many others from its disk.
func acquaintedWith(t *testing.T, others int) *script {
	s := supernode(t)
	s.table = table{birth: s.now}
	s.Restore(rosterOf(others))
	s.SetSelf(s.now, selfOf(0))
	return s
}

// rosterOf returns the roster of nodes 1 to n.
func rosterOf(n int) Roster {
	var b []byte
	for i := 1; i <= n; i++ {
		b = append(b, announced(i, 0)...)
	}
	return ParseRoster(b)
}

// answer lets everybody who is asked for so long answer, but for the dead.
func (s *script) answer(d time.Duration, dead ...wire.Place) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.advance(100 * time.Millisecond)
		for _, e := range took[Ping](s) {
			b := e.Member.Addr.Addr().As4()
			if p := placeOfNode(int(b[1])<<16 | int(b[2])<<8 | int(b[3])); !slices.Contains(dead, p) {
				s.Pong(s.now, e.Member.Addr, e.Nonce, 0)
			}
		}
	}
}

// inBranch returns the numbers of n nodes, from a number on, in a branch.
func inBranch(d, n, from int) []int {
	var list []int
	for i := from; len(list) < n; i++ {
		if depth(placeOfNode(0), placeOfNode(i)) == d {
			list = append(list, i)
		}
	}
	return list
}

// A table of all holds what a table of Kademlia needs: the nearest stay, all that
// can keep a record with us, and a bucket of each branch.
func TestATableIsNarrowed(t *testing.T) {
	const others = 3000
	all := acquaintedWith(t, others)
	s := narrowed(t, others)
	s.want("scope", s.scope, partial)
	if n := s.table.live; n < 100 || n > 250 {
		t.Errorf("%d of %d are left", n, others)
	}
	for d := range 12 {
		lo, hi := s.table.branchOf(s.place, d)
		if n := hi - lo; n > s.table.capacity(s.place, d) || n < bucketSize && !s.table.leafy(s.place, d) {
			t.Errorf("%d in branch %d, which takes %d", n, d, s.table.capacity(s.place, d))
		}
	}
	for i := range all.table.rows {
		if p := all.table.rows[i].place; all.table.near(s.place, p) && s.table.find(p) == nil {
			t.Errorf("%016x could keep a record with us, and is left out", uint64(p))
		}
	}
	near, want := s.Nearest(keyAt(s.place), 16), all.Nearest(keyAt(s.place), 16)
	if !slices.Equal(near, want) {
		t.Errorf("the nearest are\n%v, of all\n%v", near, want)
	}
	s.want("links", len(s.links), 0)
}

// Who is proposed is asked at its address, and is in the table only when it has
// answered from there.
func TestOnlyWhoAnswersIsTaken(t *testing.T) {
	s := narrowed(t, 0)
	s.Propose(s.now, announced(5, 0))
	s.want("live", s.table.live, 1)
	s.advance(trialWait)
	e := took[Ping](s)[0]
	s.want("asked", e.Member, memberOf(5))
	s.Pong(s.now, addrOf(6), e.Nonce, 0)
	s.Pong(s.now, addrOf(5), e.Nonce+1, 0)
	s.want("live", s.table.live, 1)
	s.want("unasked", s.counters.Unasked, 2)
	s.Pong(s.now, addrOf(5), e.Nonce, 0)
	s.want("live", s.table.live, 2)
	s.Pong(s.now, addrOf(5), e.Nonce, 0)
	s.want("unasked", s.counters.Unasked, 3)

	s.Propose(s.now, announced(7, 0)) // and this one keeps silent
	s.answer(10*time.Second, placeOfNode(7))
	s.want("live", s.table.live, 2)
	s.want("trials", len(s.routes.trials), 0)
}

// What does not hold is refused and counted, and nobody is asked.
func TestBadProposals(t *testing.T) {
	s := narrowed(t, 0)
	forged := announced(5, 0)
	forged[len(forged)-1] ^= 1
	foreign := selfOf(6)
	foreign.Certificate[36] = 1
	s.Propose(s.now, forged)
	s.Propose(s.now, Announce(foreign, memberOf(6), 1))
	s.Propose(s.now, Announce(selfOf(7), memberOf(7), uint32(s.now.Add(48*time.Hour).Unix())))
	s.Propose(s.now, testimony(5, 6, 0))
	s.Propose(s.now, nil)
	s.want("refused", s.counters.Refusals, Refusals{Malformed: 3, Foreign: 1, Forged: 1})
	s.want("trials", len(s.routes.trials), 0)
}

// The place follows from key, epoch and prefix: whoever claims another one, or
// answers from elsewhere than it announces, proves nothing.
func TestAContactIsProved(t *testing.T) {
	s := narrowed(t, 0)
	good := wire.Contact{Place: placeOfNode(5), Member: wire.Member{Addr: addrOf(5)}}
	if id, ok := s.Proves(s.now, good, announced(5, 0)); !ok || id != nodeID(5) {
		t.Errorf("%v, %v, want that it holds", id, ok)
	}
	for what, c := range map[string]wire.Contact{
		"another place":   {Place: good.Place + 1, Member: good.Member},
		"another address": {Place: good.Place, Member: wire.Member{Addr: addrOf(6)}},
	} {
		if _, ok := s.Proves(s.now, c, announced(5, 0)); ok {
			t.Errorf("%s holds", what)
		}
	}
	moved := Announce(selfOf(5), wire.Member{Node: nodeID(5), Addr: addrOf(5 << 16)}, 1) // of another prefix
	if _, ok := s.Proves(s.now, good, moved); ok {
		t.Error("a place of another prefix holds")
	}
	s.Heard(s.now, good, announced(5, 0))
	s.want("live", s.table.live, 2)
}

// Whoever has been there long stays: a newcomer to a full branch waits until one
// that was there has gone.
func TestTheOldStay(t *testing.T) {
	s := narrowed(t, 0)
	old := inBranch(0, bucketSize, 1)
	near := inBranch(3, bucketSize, 1) // so that branch 0 is not one of leaves
	for _, n := range append(near, old...) {
		s.Heard(s.now, wire.Contact{Place: placeOfNode(n), Member: memberOf(n)}, announced(n, 0))
	}
	newcomer := inBranch(0, 1, old[bucketSize-1]+1)[0]
	first := s.routes.branches[0].order[0]
	s.answer(time.Minute)
	s.Heard(s.now, wire.Contact{Place: placeOfNode(newcomer), Member: memberOf(newcomer)}, announced(newcomer, 0))
	s.want("waits", len(s.routes.branches[0].spare), 1)
	s.answer(time.Minute)
	if s.Knows(placeOfNode(newcomer)) || !s.Knows(first) {
		t.Error("the newcomer has taken a place")
	}
	s.answer(5*time.Minute, first)
	if !s.Knows(placeOfNode(newcomer)) || s.Knows(first) {
		t.Error("the newcomer has not taken the place of one that has gone")
	}
	s.want("order", len(s.routes.branches[0].order), bucketSize)
}

// A prefix fills no table, however many certificates it has: two of a branch.
func TestAPrefixDoesNotFillATable(t *testing.T) {
	s := narrowed(t, 0)
	for n := 1; n <= 500; n++ {
		m := wire.Member{Node: nodeID(n), Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}), uint16(n))}
		raw := Announce(selfOf(n), m, 1)
		a, _, _ := wire.CutNews(raw)
		s.Heard(s.now, wire.Contact{Place: PlaceOf(a.(wire.Announcement)), Member: m}, raw)
	}
	for d := range maxDepth {
		if lo, hi := s.table.branchOf(s.place, d); hi-lo > branchQuota {
			t.Errorf("%d in branch %d", hi-lo, d)
		}
	}
	if n := s.table.live - 1; n > identity.DefaultQuota {
		t.Errorf("%d of one prefix in all", n)
	}
	for _, b := range s.routes.branches {
		if len(b.spare) > maxSpare {
			t.Errorf("%d wait", len(b.spare))
		}
	}
}

// A silent one is asked three times, and lost; the loss of a leaf lets all others
// be asked at once, so that the loss of half of them is known within seconds.
func TestLeavesThatVanish(t *testing.T) {
	s := narrowed(t, 1000)
	s.answer(time.Minute)
	lo, hi := s.table.leaves(s.place)
	var dead []wire.Place
	for i, r := range s.table.rows[lo:hi] {
		if i%2 == 0 && r.place != s.place {
			dead = append(dead, r.place)
		}
	}
	if s.Fallen(s.now) {
		t.Error("nobody has gone")
	}
	took[NeighboursChanged](s)
	s.answer(15*time.Second, dead...)
	for _, p := range dead {
		if s.Knows(p) {
			t.Errorf("%016x is still there after 15 s", uint64(p))
		}
	}
	s.want("fallen", s.Fallen(s.now), len(dead) > maxSilent)
	if len(dead) < 10 {
		t.Errorf("only %d of %d leaves were to die", len(dead), hi-lo)
	}
	s.want("told", s.nearChanged, true)
}

// More than three in ten silent is a fall, for as long as a record lives; when
// nobody answers it is we who are cut off.
func TestVerdicts(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var v verdicts
	for i := range 300 {
		v.note(now, []verdict{alive, alive, alive, silent}[i%4])
	}
	if v.fallen(now) {
		t.Error("a quarter is a fall")
	}
	for i := range 300 {
		v.note(now, []verdict{alive, alive, silent}[i%3])
	}
	if !v.fallen(now) || !v.fallen(now.Add(71*time.Hour)) || v.fallen(now.Add(73*time.Hour)) {
		t.Error("a third is no fall, or one for ever")
	}
	v = verdicts{}
	for range 300 {
		v.note(now, silent)
	}
	if v.fallen(now) {
		t.Error("that nobody answers is a fall")
	}
}

// The size of a network follows from how near the nearest are.
func TestSize(t *testing.T) {
	for _, of := range []int{3, 16, 500, 5000} {
		all := acquaintedWith(t, of)
		var s size
		for i := range maxSamples {
			key := keyAt(placeOfNode(100000 + i))
			s.note(placeOfKey(key), all.NearestPlaces(key, Neighbourhood))
		}
		if got := s.density / float64(of+1); got < 0.85 || got > 1.15 {
			t.Errorf("%d supernodes are taken for %.0f", of+1, s.density)
		}
	}
}

// A network that grows beyond what one can know of all is narrowed at that moment,
// and known as a whole again when it has been small for a while.
func TestTheScopeFollowsTheSize(t *testing.T) {
	s := supernode(t)
	for i := range maxMembers {
		s.table.rows = append(s.table.rows, row{place: wire.Place(i) << 48, news: routeRowOf(5).news})
	}
	s.table.live, s.place = maxMembers, 0
	s.put(s.now, 1)
	s.advance(0)
	s.want("scope", s.scope, partial)
	if s.table.live > 400 {
		t.Errorf("%d are left", s.table.live)
	}
	s.routes.size = size{density: fewMembers - 1, samples: maxSamples}
	s.advance(smallFor - time.Minute)
	s.want("scope", s.scope, partial)
	s.routes.size.density = fewMembers + 1 // it was a short time
	s.advance(smallFor)
	s.want("scope", s.scope, partial)
	s.routes.size.density = fewMembers - 1
	s.advance(smallFor + 2*time.Minute)
	s.want("scope", s.scope, widening)
	s.want("searches as before", s.Partial(), true)
	s.synced()
	s.want("scope", s.scope, whole)
}

// put lets the overlay take the announcement of node n as news.
func (s *script) put(now time.Time, n int) {
	raw := announced(n, 0)
	a, _, _ := wire.CutNews(raw)
	s.take(now, a, raw)
	s.calm = false
}

func routeRowOf(n int) row {
	raw := announced(n, 0)
	a, _, _ := wire.CutNews(raw)
	return routeRow(placeOfNode(n), a.(wire.Announcement), raw)
}
