package overlay

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
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

// In a small network there are no three witnesses, least of all when several die
// at once.
func TestTheDeadLeaveSmallNetworks(t *testing.T) {
	for _, c := range []struct{ of, dead int }{{2, 1}, {3, 1}, {3, 2}, {4, 2}, {5, 4}, {7, 5}} {
		w := newWorld(t, byte(10*c.of+c.dead))
		chain(w, c.of)
		w.run(10 * time.Second)
		for _, r := range w.nodes[:c.dead] {
			w.kill(r)
		}
		took := w.runUntil(3*time.Minute, w.agreed)
		t.Logf("%d of %d killed: the others agree after %v", c.dead, c.of, took)
	}
}

// A liar cannot make fewer witnesses enough, whatever it says of others.
func TestOneLiarKillsNobody(t *testing.T) {
	s := acquainted(t, 4)
	for victim := 2; victim <= 4; victim++ {
		s.Handle(s.now, 1, wire.Gossip{News: testimony(victim, 1, 0)})
	}
	s.advance(0)
	s.want("members", len(s.Members()), 5)
}

// A clean end needs no witness, and is no end for ever.
func TestWhoTakesItsLeaveIsGoneAtOnce(t *testing.T) {
	w := newWorld(t, 9)
	chain(w, 20)
	w.run(10 * time.Second)
	roster := w.nodes[4].Roster()
	w.nodes[4].Leave(w.now)
	w.settle(w.nodes[4])
	w.kill(w.nodes[4])
	took := w.runUntil(4*gossipSlow, w.agreed)
	t.Logf("the other 19 agree after %v", took)
	w.nodes = slices.Delete(w.nodes, 4, 5)
	again := w.add(5, Config{Supernode: true}, 1)
	again.Restore(roster) // kept before it left: it takes its old word for good
	t.Logf("and that it is back after %v", w.runUntil(30*time.Second, w.agreed))
}

func TestAPhoneTellsItsHomesThatItGoes(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2))
	s.attachTo(1)
	s.attachTo(2)
	s.sent()
	s.Leave(s.now)
	s.want("sent", s.sent(), []string{"1 Detach", "2 Detach"})
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
	w.run(w.deadEnds + time.Second)
	t.Logf("seven of twelve killed: all re-attached %v after the loss was noticed", w.runUntil(40*time.Second, attached))
}

// acquainted returns a supernode in talks with so many others, from 1 on.
func acquainted(t *testing.T, n int) *script {
	s := supernode(t)
	s.Learn(s.now, nil)
	for i := 1; i <= n; i++ {
		s.Handle(s.now, s.visit(i), joinOf(i))
	}
	s.want("members", len(s.Members()), n+1)
	took[Event](s)
	return s
}

func TestADeathNeedsThreeWitnesses(t *testing.T) {
	s := acquainted(t, 5)
	tell := func(news []byte) { s.Handle(s.now, 1, wire.Gossip{News: news}) }
	for range 5 {
		tell(testimony(2, 1, 0))
	}
	tell(testimony(2, 3, 0))
	tell(testimony(2, 77, 0)) // a stranger
	tell(testimony(2, 2, 0))  // itself
	forged := testimony(2, 4, 0)
	forged[len(forged)-1]++
	tell(forged)
	s.want("members after two witnesses", len(s.Members()), 6)
	s.want("forged", s.Counters().Refusals.Forged, uint64(1))
	tell(testimony(2, 4, 0))
	s.want("members after three", len(s.Members()), 5)
	tell(announced(2, 0))
	s.want("its old word does not raise the dead", len(s.Members()), 5)
	tell(announced(2, 1))
	s.want("a new one does", len(s.Members()), 6)
}

func TestAWitnessWhoWasRefutedLosesCredit(t *testing.T) {
	s := acquainted(t, 8)
	tell := func(news []byte) { s.Handle(s.now, 1, wire.Gossip{News: news}) }
	for victim := 4; victim < 4+maxStrikes; victim++ {
		for by := 1; by <= witnesses; by++ {
			tell(testimony(victim, by, 0))
		}
		tell(announced(victim, 1))
	}
	s.want("all live", len(s.Members()), 9)
	for by := 1; by <= witnesses; by++ {
		tell(testimony(8, by, 0))
	}
	s.want("nobody believes them", len(s.Members()), 9)
	s.want("struck", s.Counters().Refusals.Struck, uint64(witnesses))
	s.advance(maxStrikes * strikeEvery)
	took[Event](s)
	for by := 1; by <= witnesses; by++ {
		tell(testimony(8, by, 0))
	}
	s.want("it is forgotten in time", len(s.Members()), 8)
}

// Whose death is testified in an incarnation that it has not announced could not
// refute it: it is not believed, however many conspire.
func TestADeathToComeIsNotBelieved(t *testing.T) {
	s := acquainted(t, 12)
	for by := 1; by <= witnesses+2; by++ {
		s.Handle(s.now, 1, wire.Gossip{News: testimony(9, by, 1000)})
	}
	s.want("members", len(s.Members()), 13)
	for by := 1; by <= witnesses; by++ {
		s.Handle(s.now, 1, wire.Gossip{News: testimony(9, by, 0)})
	}
	s.want("of the incarnation that lives", len(s.Members()), 12)
}

func TestOurOwnDeathIsRefuted(t *testing.T) {
	s := acquainted(t, 3)
	before := s.table.alive(s.place).incarnation
	own := wire.Testimony{Of: s.place, Incarnation: before, Witness: placeOfNode(1)}
	own.Signature = sign(nodeID(1), wire.NewsMessage(own))
	s.Handle(s.now, 1, wire.Gossip{News: wire.AppendNews(nil, own)})
	if after := s.table.alive(s.place).incarnation; after <= before {
		t.Errorf("incarnation %d after testimony, %d before", after, before)
	}
	s.want("refuted", s.Counters().Refuted, uint64(1))
}

func TestASilentMemberIsAskedBeforeWeTestify(t *testing.T) {
	s := acquainted(t, 4)
	s.audit = time.Time{} // nobody else is asked
	s.Down(s.now, 2, errDead)
	s.advance(0)
	first := took[Ping](s)
	s.want("asked", first, []Ping{{Member: memberOf(2), Nonce: first[0].Nonce}})
	s.Pong(s.now, addrOf(3), first[0].Nonce, 0) // somebody else
	s.Pong(s.now, addrOf(2), first[0].Nonce+1, 0)
	s.advance(10 * time.Second)
	s.want("testified", s.Counters().Testified, uint64(1))
	s.Down(s.now, 3, errDead)
	s.advance(0)
	second := took[Ping](s)
	s.Pong(s.now, addrOf(3), second[len(second)-1].Nonce, 0)
	s.advance(5 * time.Second)
	s.want("who answers is not testified against", s.Counters().Testified, uint64(1))
}

func TestAFarewellIsBelieved(t *testing.T) {
	s := acquainted(t, 3)
	f := wire.Farewell{Of: placeOfNode(2), Incarnation: 1_600_000_000}
	f.Signature = sign(nodeID(1), wire.NewsMessage(f))
	s.Handle(s.now, 1, wire.Gossip{News: wire.AppendNews(nil, f)})
	s.want("of another", len(s.Members()), 4)
	f.Signature = sign(nodeID(2), wire.NewsMessage(f))
	s.Handle(s.now, 1, wire.Gossip{News: wire.AppendNews(nil, f)})
	s.want("its own", len(s.Members()), 3)
}

func TestNewsThatDoesNotHoldIsRefused(t *testing.T) {
	s := acquainted(t, 1)
	tell := func(news []byte) { s.Handle(s.now, 1, wire.Gossip{News: news}) }
	foreign := selfOf(9)
	foreign.Certificate[36] = 1
	forged := announced(9, 0)
	forged[len(forged)-1]++
	moved := announced(9, 0)
	moved[6]++ // the address
	for _, news := range [][]byte{
		Announce(foreign, memberOf(9), 1_600_000_000), forged, moved, announced(9, 1<<31),
		Announce(selfOf(9), wire.Member{Node: nodeID(9), Addr: addrOf(0)}, 1_600_000_000), // our address
	} {
		tell(news)
	}
	s.want("members", len(s.Members()), 2)
	s.want("counted", s.Counters().Refusals, Refusals{Foreign: 1, Forged: 2, Malformed: 2})
}

func TestAPrefixHasAQuota(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	public := func(n int, addr string) []byte {
		return Announce(selfOf(n), wire.Member{Node: nodeID(n), Addr: netip.MustParseAddrPort(addr)}, 1_600_000_000)
	}
	ix := s.visit(1)
	s.Handle(s.now, ix, wire.Join{Self: public(1, "192.0.2.1:4000")})
	for n := 2; n < 60; n++ {
		s.Handle(s.now, ix, wire.Gossip{News: public(n, fmt.Sprintf("192.0.2.%d:4000", n))})
	}
	s.want("of one prefix", len(s.Members()), 1+identity.DefaultQuota)
	s.Handle(s.now, ix, wire.Gossip{News: public(100, "198.51.100.1:4000")})
	s.want("of another", len(s.Members()), 2+identity.DefaultQuota)
}

func TestAJoinSpeaksForItselfOnly(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	ix := s.visit(1)
	s.Handle(s.now, ix, joinOf(2))
	s.want("members", len(s.Members()), 1)
	s.want("sent", s.sent(), []string{})
	for range 100 {
		s.Handle(s.now, ix, joinOf(1))
	}
	s.want("a hundred Joins in an instant are answered", s.sent(), []string{"1 Join"})
}

func TestHearsayOfPhonesIsNoMembership(t *testing.T) {
	s := acquainted(t, 1)
	for n := 100; n < 1000; n++ {
		s.Learn(s.now, []wire.Member{memberOf(n)})
	}
	s.want("members", len(s.Members()), 2)
	s.want("nearest", len(s.Nearest(identity.IndexKey{}, 16)), 2)
}

func TestNearestIsByXOR(t *testing.T) {
	for _, n := range []int{3, 40, 400} {
		s := acquainted(t, n)
		for _, key := range []identity.IndexKey{{0x5a, 0xa5}, {}, {0xff, 0xff, 0xff}} {
			distance := func(m wire.Member) wire.Place {
				return placeOf(m.Node, 0, m.Addr.Addr()) ^ placeOfKey(key)
			}
			all := s.Members()
			slices.SortFunc(all, func(a, b wire.Member) int { return cmp.Compare(distance(a), distance(b)) })
			s.want("nearest", s.Nearest(key, 16), all[:min(16, len(all))])
		}
		s.want("of all", len(s.Nearest(identity.IndexKey{}, 1000)), n+1)
	}
}

// A change that near calls far may not concern any key for which we are among
// the nearest.
func TestNearIsNeverWrong(t *testing.T) {
	s := acquainted(t, 400)
	far := 0
	for range 2000 {
		key := identity.IndexKey{byte(s.rand.Uint32()), byte(s.rand.Uint32())}
		rows := s.table.nearest(nil, placeOfKey(key), Neighbourhood)
		own, _ := s.table.search(s.place)
		for _, at := range rows {
			if p := s.table.rows[at].place; slices.Contains(rows, own) && !s.table.near(s.place, p) {
				t.Errorf("%x is near %x together with us", p, key)
			}
		}
	}
	for i := range s.table.rows {
		if !s.table.near(s.place, s.table.rows[i].place) {
			far++
		}
	}
	if far < 200 {
		t.Errorf("only %d of 401 are far", far)
	}
}

func TestARosterSurvivesARestart(t *testing.T) {
	s := acquainted(t, 30)
	again := supernode(t)
	again.Overlay = newOverlay(Config{Supernode: true, SelfAddr: addrOf(0), Rand: seeded(1)})
	again.Restore(ParseRoster(s.Roster().Append(nil)))
	again.SetSelf(s.now, selfOf(0))
	again.Learn(s.now, nil)
	again.want("members", again.Members(), s.Members())
	again.want("digest", again.table.root(), s.table.root())
	s.want("of garbage", len(ParseRoster([]byte("garbage")).rows), 0)
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
	s.Handle(s.now, ix, joinOf(1))
	s.Handle(s.now, ix, wire.Digest{Root: s.table.root(), Done: true})
	s.want("told", len(took[Synced](s)), 1)
	s.advance(time.Minute)
	s.want("once", len(took[Synced](s)), 0)
}

func TestTwoSupernodesThatDialEachOtherKeepOneSession(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, bootstraps(1))
	s.want("dials", s.dials(), []int{1})
	ix := s.visit(1) // it was faster
	s.Handle(s.now, ix, joinOf(1))
	s.Failed(s.now, wire.Member{Addr: addrOf(1)}, errGlare)
	s.advance(10 * time.Minute)
	s.want("dials again", s.dials(), []int{})
	s.want("members", len(s.Members()), 2)

	both := supernode(t)
	both.Learn(both.now, bootstraps(1))
	ix = both.visit(1)
	both.Handle(both.now, ix, joinOf(1))
	second := both.up(1) // the dial succeeded, too
	both.want("the second is let go", took[Drop](both), []Drop{{second}})
	both.Down(both.now, ix, errDead)
	both.want("members", len(both.Members()), 2)
}

// A roster of an hour ago does not bring back who has gone, neither here nor
// elsewhere, and whoever lives need not be told anew.
func TestAnOldRosterRaisesNoDead(t *testing.T) {
	w := newWorld(t, 12)
	chain(w, 30)
	w.run(10 * time.Second)
	roster := w.nodes[29].Roster()
	for _, r := range w.nodes[20:] {
		w.kill(r)
	}
	w.run(graveTime + 3*time.Minute) // nobody remembers the dead
	if !w.agreed() {
		t.Fatal("the living disagree")
	}
	w.nodes = w.nodes[:29]
	back := w.add(30, Config{Supernode: true}, 3)
	back.Restore(roster)
	w.run(time.Second)
	if n := back.Known(); n != 30 {
		t.Errorf("knows %d at once, want all 30 of the roster", n)
	}
	t.Logf("the dead are found out after %v", w.runUntil(time.Minute, w.agreed))
	for range 20 {
		w.run(time.Second)
		for _, r := range w.nodes[:20] {
			if n := r.Known(); n > 21 {
				t.Fatalf("supernode %d has heard of the dead: it knows %d", r.n, n)
			}
		}
	}
	if met := back.Counters().Met; met > 2 {
		t.Errorf("%d announcements were told anew", met)
	}
}

// When all have lost power their rosters agree, and nobody is told of anybody.
func TestAllRestartWithTheirRosters(t *testing.T) {
	w := newWorld(t, 14)
	chain(w, 30)
	w.run(10 * time.Second)
	roster := w.nodes[0].Roster()
	for _, r := range w.nodes {
		r.dead = true
	}
	w.nodes, w.byAddr = nil, map[netip.AddrPort]*resident{}
	for n := 1; n <= 30; n++ {
		w.add(n, Config{Supernode: true}).Restore(roster)
	}
	w.run(5 * time.Second)
	if !w.agreed() {
		t.Error("they disagree")
	}
	for _, r := range w.nodes {
		if r.synced < 0 || r.Counters().Met > 0 {
			t.Errorf("supernode %d: synced after %v, told of %d", r.n, r.synced, r.Counters().Met)
		}
	}
	for _, r := range w.nodes[:15] {
		w.kill(r)
	}
	t.Logf("half of them killed: the others agree after %v", w.runUntil(15*time.Second, w.agreed))
	testified := uint64(0)
	for _, r := range w.nodes[15:] {
		testified += r.Counters().Testified
	}
	if testified > 15*12 {
		t.Errorf("15 supernodes have found %d times that one is dead, of 15", testified)
	}
}

func TestTheRosterIsWrittenEachHour(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	s.advance(rosterSoon - time.Second)
	s.want("written at first", len(took[RosterChanged](s)), 0)
	s.advance(10 * time.Hour)
	if n := len(took[RosterChanged](s)); n < 10 || n > 13 {
		t.Errorf("written %d times in ten hours", n)
	}
}

// What a fellow has is asked for once; nobody else is listened to.
func TestOffer(t *testing.T) {
	s := acquainted(t, 3)
	s.advance(time.Second)
	took[Event](s)
	ids := binary.BigEndian.AppendUint64(nil, 77)
	stranger := s.visit(9)
	unasked := s.Counters().Unasked
	s.Offered(s.now, stranger, ids)
	s.Offered(s.now, 99, ids)
	s.want("unasked", s.Counters().Unasked, unasked+2)
	s.want("asked a stranger", len(took[Send](s)), 0)
	s.Offered(s.now, 1, ids)
	s.Offered(s.now, 2, ids)
	sent := took[Send](s)
	if len(sent) != 1 || sent[0].Index != 1 || string(sent[0].Message.(wire.Gossip).Want) != string(ids) {
		t.Fatalf("asked by %+v", sent)
	}
	s.now = s.now.Add(wantWait)
	s.Offered(s.now, 2, ids)
	s.want("asked again", len(took[Send](s)), 1)
}
