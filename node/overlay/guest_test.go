package overlay

import (
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
	s.want("at once", s.Guests(), 21)
	s.now = s.now.Add(time.Second)
	for n := range 500 {
		s.Handle(s.now, s.visit(n+2001), wire.Attach{})
	}
	s.want("a second later", s.Guests(), 31)
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
