package overlay

import (
	"fmt"
	"testing"
	"time"

	"peerphone/node/wire"
)

// lastSent returns the last message that was sent.
func (s *script) lastSent() wire.Message {
	sent := took[Send](s)
	if len(sent) == 0 {
		s.Helper()
		s.Fatal("nothing was sent")
	}
	return sent[len(sent)-1].Message
}

func TestASupernodeAdmitsGuests(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	ix := s.visit(5)
	if _, ok := s.Attached(nodeID(5)); ok {
		t.Fatal("attached unasked")
	}
	s.Handle(s.now, ix, wire.Attach{})
	got := s.lastSent().(wire.Attached)
	s.want("observed", got.Observed, addrOf(5))
	s.want("refresh", got.Refresh, 60)
	at, ok := s.Attached(nodeID(5))
	if !ok || at != ix {
		t.Fatalf("attached in %v, %v", at, ok)
	}
	again := s.visit(5) // it has restarted
	s.Handle(s.now, again, wire.Attach{})
	at, _ = s.Attached(nodeID(5))
	s.want("session", at, again)
	s.Down(s.now, ix, nil)
	s.want("guests", s.Guests(), 1)
	s.Handle(s.now, again, wire.Detach{})
	s.want("guests", s.Guests(), 0)
}

func TestAGuestThatDoesNotRefreshIsDropped(t *testing.T) {
	s := supernode(t)
	stays, goes := s.visit(5), s.visit(6)
	s.Handle(s.now, stays, wire.Attach{})
	s.Handle(s.now, goes, wire.Attach{})
	for range 5 {
		s.advance(time.Minute)
		s.Refreshed(s.now, stays, wire.Refresh{Nonce: 7})
		if _, ok := s.Attached(nodeID(5)); !ok {
			t.Fatal("dropped in spite of its Refresh")
		}
	}
	s.want("guests", s.Guests(), 1)
	s.want("dropped", took[Drop](s), []Drop{{goes}})
	s.Handle(s.now, stays, wire.Detach{})
	took[Event](s)
	s.Refreshed(s.now, stays, wire.Refresh{Nonce: 7})
	if _, ok := s.lastSent().(wire.Refused); !ok {
		t.Error("a Refresh without attachment is not refused")
	}
}

func TestAFullSupernodeSheds(t *testing.T) {
	s := newScript(t, Config{Supernode: true, SelfAddr: addrOf(0), MaxGuests: 10})
	after := map[uint16]int{}
	for n := range 100 {
		ix := s.visit(n + 1)
		took[Event](s)
		s.Handle(s.now, ix, wire.Attach{})
		if r, ok := s.lastSent().(wire.Refused); ok {
			after[r.After]++
			if r.After < 5 || r.After > 30 {
				t.Fatalf("come back after %d s", r.After)
			}
		}
	}
	s.want("guests", s.Guests(), 10)
	if len(after) < 10 {
		t.Errorf("the pauses are not spread: %v", after)
	}
	s.want("turned away", s.Counters().TurnedAway, 90)
}

func TestAdmissionIsPaced(t *testing.T) {
	s := newScript(t, Config{Supernode: true, SelfAddr: addrOf(0), AttachRate: 10})
	for n := range 1000 {
		s.Handle(s.now, s.visit(n+1), wire.Attach{})
	}
	s.want("at once", s.Guests(), 11)
	s.want("turned away, as too many wait", s.Counters().TurnedAway, 1000-11-10*int(waitMost/time.Second))
	s.want("load", s.Load(), 255)
	for range waitMost / time.Second {
		before := s.Guests()
		s.advance(time.Second)
		if n := s.Guests() - before; n < 9 || n > 10 {
			t.Errorf("%d guests in a second, want 10", n)
		}
	}
	s.advance(time.Second)
	s.want("all who have waited", s.Guests(), 11+10*int(waitMost/time.Second))
}

// A supernode is loaded by who waits, and by its guests from half of them on.
func TestLoadIsOfWhatIsScarce(t *testing.T) {
	for guests, want := range map[int]uint8{0: 0, 10: 0, 15: 127, 20: 255} {
		s := newScript(t, Config{Supernode: true, SelfAddr: addrOf(0), AttachRate: 20, MaxGuests: 20})
		for n := range guests {
			s.Handle(s.now, s.visit(n+1), wire.Attach{})
		}
		s.want(fmt.Sprintf("load by %d of 20 guests", guests), s.Load(), want)
	}
}

// Who goes while it waits takes nobody's turn.
func TestWhoWaitsMayGo(t *testing.T) {
	s := newScript(t, Config{Supernode: true, SelfAddr: addrOf(0), AttachRate: 1})
	var last wire.Index
	for n := range 4 {
		last = s.visit(n + 1)
		s.Handle(s.now, last, wire.Attach{})
		s.Handle(s.now, last, wire.Attach{}) // once more changes nothing
	}
	s.want("at once", s.Guests(), 2)
	s.Handle(s.now, last, wire.Detach{})
	s.Down(s.now, last-1, nil)
	s.advance(10 * time.Second)
	s.want("later", s.Guests(), 2)
	s.want("admitted", s.Counters().Admitted, 2)
}

// Who is turned away is told of others, first of those that have said that they
// have room; and a phone turns to them at once.
func TestWhoIsTurnedAwayIsToldOfOthers(t *testing.T) {
	s := newScript(t, Config{Supernode: true, SelfAddr: addrOf(0), MaxGuests: 1})
	s.Learn(s.now, nil)
	for n := 2; n < 9; n++ {
		s.take(s.now, mustNews(t, announced(n, 0)), announced(n, 0))
	}
	s.noteRoom(s.now, memberOf(5), 10)
	s.noteRoom(s.now, memberOf(6), 10)
	s.noteRoom(s.now, memberOf(7), 250)
	s.noteRoom(s.now, memberOf(6), 250) // it has filled up
	for n := range 2 {
		s.Handle(s.now, s.visit(20+n), wire.Attach{})
	}
	refused, ok := s.lastSent().(wire.Refused)
	if !ok || len(refused.Others) != fewOthers || refused.Others[0].Node != nodeID(5) {
		t.Fatalf("%+v, want node 5 and three others", refused)
	}

	p := phone(t)
	p.Learn(p.now, bootstraps(1))
	p.want("dials", p.dials(), []int{1})
	p.Handle(p.now, p.up(1), refused)
	p.want("dials of those that were named", len(p.dials()), 3)
}

// Of those that have answered a moment ago the phone turns to who has room.
func TestAPhoneTurnsToWhoHasRoom(t *testing.T) {
	s := phone(t)
	s.Recall(s.now, kept(s.now, 1, 20))
	s.Learn(s.now, nil)
	for _, d := range took[Dial](s) {
		s.Failed(s.now, d.Member, errDial)
	}
	s.advance(rushAfter)
	for i, p := range s.probes() {
		load := uint8(255)
		if i%5 == 0 {
			load = 20
		}
		s.Pong(s.now, p.Member.Addr, p.Nonce, load)
	}
	busy := 0
	for _, d := range took[Dial](s) {
		if e := s.cache.find(d.Member); e.probe.load > 20 {
			busy++
		}
	}
	if busy > 2 { // the first was the first to answer
		t.Errorf("%d dials of those that are busy", busy)
	}
}

func TestVisitorsAreBounded(t *testing.T) {
	s := supernode(t)
	guest := s.visit(9999)
	s.Handle(s.now, guest, wire.Attach{})
	for n := range 3 * maxVisitors {
		s.visit(n + 1)
	}
	if n := len(s.links); n > maxVisitors+1 {
		t.Errorf("%d sessions are remembered", n)
	}
	if _, ok := s.Attached(nodeID(9999)); !ok {
		t.Error("a guest was pushed out by visitors")
	}
}

func TestNobodyIsServedBeforeTheLogin(t *testing.T) {
	s := supernode(t)
	s.SetSelf(s.now, Self{})
	ix := s.visit(5)
	s.want("dropped", took[Drop](s), []Drop{{ix}})
	s.Handle(s.now, ix, wire.Attach{})
	s.want("sent", s.sent(), []string{})
	s.SetSelf(s.now, selfOf(0))
	s.Handle(s.now, s.visit(5), wire.Attach{})
	s.want("guests", s.Guests(), 1)
}
