package overlay

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

var errDial = errors.New("nobody answers")

func TestAPhoneAttachesToThreeHomesAtOnce(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3, 4, 5))
	first := s.dials()
	s.want("dials at once", len(first), 3)
	for i, n := range first {
		ix := s.up(n)
		s.want("sent", s.sent(), []string{[]string{"1 Attach", "2 Attach", "3 Attach"}[i]})
		s.now = s.now.Add(20 * time.Millisecond)
		s.Handle(s.now, ix, wire.Attached{Observed: addrOf(900), Refresh: 60, Members: []wire.Member{memberOf(7), memberOf(8)}})
		s.want("homes changed", len(took[HomesChanged](s)), 1)
	}
	s.want("homes", s.homes(), first)
	s.want("observed", s.Observed(), addrOf(900))
	s.want("round trip", s.Homes()[0].RTT, 20*time.Millisecond)
	s.advance(30 * time.Second)
	s.want("more dials", len(s.dials()), 0)
	s.want("cache", len(s.Cache()), 5) // three reached, two heard
}

func TestASlowHomeIsRacedByAnother(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3, 4, 5, 6, 7))
	first := s.dials()
	s.advance(raceEvery - time.Millisecond)
	s.want("dials", len(s.dials()), 0)
	s.advance(time.Millisecond)
	extra := s.dials()
	s.want("dials after a moment", len(extra), 1)
	s.advance(10 * time.Second)
	s.want("dials after that, of seven that there are", len(s.dials()), 3)
	s.attachTo(first[0])
	s.attachTo(first[1])
	s.attachTo(extra[0])
	late := s.attachTo(first[2])
	s.want("homes", len(s.Homes()), 3)
	s.want("the loser is dropped", took[Drop](s), []Drop{{late}})
}

// Who lets a phone wait is not the last who is tried: somebody who has little to do
// is as well, and when he was quicker the queue is left.
func TestAPhoneLeavesAQueue(t *testing.T) {
	for load, tried := range map[uint8]int{littleLoad - 1: 1, littleLoad: 0} {
		s := phone(t)
		s.Learn(s.now, bootstraps(1, 2, 3, 4))
		first := s.dials()
		s.attachTo(first[0])
		s.attachTo(first[1])
		slow := s.up(first[2])
		s.advance(rushAfter)
		for _, p := range took[Ping](s) {
			s.Pong(s.now, p.Member.Addr, p.Nonce, load)
		}
		other := s.dials()
		if len(other) != tried {
			t.Fatalf("somebody with load %d is dialled %d times, want %d", load, len(other), tried)
		}
		if tried == 0 {
			continue
		}
		s.attachTo(other[0])
		s.want("sent", s.sent(), []string{"4 Attach", fmt.Sprint(slow, " Detach")})
		s.want("is it a home", slices.Contains(s.homes(), other[0]), true)
		s.want("is the queue left", slices.Contains(s.homes(), first[2]), false)
	}
}

func TestAHomeIsReplacedAtOnce(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3))
	s.dials()
	ix := s.attachTo(1, memberOf(10), memberOf(11))
	s.attachTo(2)
	s.attachTo(3)
	s.advance(time.Second)
	took[Event](s)
	s.Down(s.now, ix, errDial)
	s.want("homes", s.homes(), []int{2, 3})
	next := s.dials()
	if len(next) != 1 || next[0] < 10 {
		t.Fatalf("dialled %v, want 10 or 11 at once", next)
	}
	s.Failed(s.now, memberOf(next[0]), errDial)
	other := s.dials()
	if len(other) != 1 || other[0] < 10 || other[0] == next[0] {
		t.Fatalf("dialled %v after %v failed", other, next)
	}
	s.attachTo(other[0])
	s.want("homes", s.homes(), []int{2, 3, other[0]})
}

// Each home is told once a minute that we are there, from soon after the
// attachment on.
func TestRefreshEveryMinute(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3))
	s.dials()
	ix := s.attachTo(1)
	s.attachTo(2)
	s.advance(firstRefresh - time.Millisecond)
	s.want("refreshes at once", s.refreshes, 0)
	s.advance(firstRefresh + time.Millisecond)
	s.want("refreshes soon", s.refreshes, 2)
	for _, home := range s.Homes() { // one of them was asked
		s.Handle(s.now, home.Index, wire.Members{Live: []wire.Member{memberOf(20)}})
	}
	s.want("learnt", s.Cache()[len(s.Cache())-1], memberOf(20))
	for range 10 {
		before := s.refreshes
		s.advance(refreshEvery)
		if n := s.refreshes - before; n < 2 || n > 3 {
			t.Errorf("%d refreshes of two homes in a minute", n)
		}
	}
	s.Handle(s.now, ix, wire.Refused{After: 60})
	s.want("a home that knows us no more is given up", s.homes(), []int{2})
}

func TestRetryAfterIsHonouredWithJitter(t *testing.T) {
	earliest, latest := time.Hour, time.Duration(0)
	for seed := range byte(20) {
		s := newScript(t, Config{Homes: 1})
		s.Overlay = New(Config{Homes: 1, Rand: seeded(seed)})
		s.SetSelf(s.now, selfOf(0))
		s.Learn(s.now, bootstraps(1))
		s.want("dials", s.dials(), []int{1})
		ix := s.up(1)
		s.Handle(s.now, ix, wire.Refused{After: 20})
		s.want("released", took[Drop](s), []Drop{{ix}})
		began := s.now
		for len(s.dials()) == 0 {
			s.advance(100 * time.Millisecond)
		}
		waited := s.now.Sub(began)
		earliest, latest = min(earliest, waited), max(latest, waited)
	}
	if earliest < 20*time.Second || latest > 30*time.Second+100*time.Millisecond || latest-earliest < 4*time.Second {
		t.Errorf("came back after %v to %v, want 20 s to 30 s, spread", earliest, latest)
	}
}

func TestARefusedPhoneTurnsToOthers(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3, 4))
	first := s.dials()
	ix := s.up(first[0])
	took[Event](s)
	s.Handle(s.now, ix, wire.Refused{After: 60})
	s.want("dials", len(s.dials()), 1)
}

func TestFailuresBackOff(t *testing.T) {
	s := newScript(t, Config{Homes: 1})
	s.Learn(s.now, bootstraps(1))
	dials := 0
	for range 600 {
		for _, d := range took[Dial](s) {
			dials++
			s.Failed(s.now, d.Member, errDial)
		}
		s.advance(time.Second)
	}
	if dials < 10 || dials > 60 {
		t.Errorf("%d dials in ten minutes", dials)
	}
	s.Wake(s.now)
	s.want("dials after Wake", len(s.dials()), 1)
}

// The IPv6 address of a supernode, which is an entry of its own as long as nobody has
// answered there, is not tried again and again by a phone that has no IPv6, and bars
// nobody else's way: a home that has only restarted is one again at once.
func TestTheOtherAddressOfAHomeBacksOff(t *testing.T) {
	s := phone(t)
	six := func(n int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(n)}), 4000)
	}
	s.Learn(s.now, bootstraps(1, 2, 3))
	var others []wire.Member
	for n := 1; n <= 3; n++ {
		s.Learn(s.now, []wire.Member{{Addr: six(n)}})
		others = append(others, wire.Member{Node: nodeID(n), Addr: addrOf(n), Addr6: six(n)})
	}
	vain := 0
	away := map[int]bool{}
	indices := map[int]wire.Index{}
	play := func(d time.Duration) {
		for end := s.now.Add(d); s.now.Before(end); s.advance(100 * time.Millisecond) {
			for range 50 {
				list := took[Dial](s)
				for _, e := range list {
					n := int(e.Member.Addr.Addr().AsSlice()[len(e.Member.Addr.Addr().AsSlice())-1])
					if e.Member.Addr.Addr().Is6() || away[n] {
						vain++
						s.Failed(s.now, e.Member, errDial)
						continue
					}
					indices[n] = s.attachTo(n, others...)
				}
				if len(list) == 0 {
					break
				}
			}
		}
	}
	play(2 * time.Second)
	s.want("homes", s.homes(), []int{1, 2, 3})
	for round := range 20 {
		n := 1 + round%3
		away[n], vain = true, 0
		s.Down(s.now, indices[n], errDial)
		play(5 * time.Second)
		if limit := 40; vain > limit {
			t.Fatalf("round %d: %d dials in vain in 5 s, want %d at most", round, vain, limit)
		}
		away[n] = false
		play(15 * time.Second)
		s.want("homes", s.homes(), []int{1, 2, 3})
	}
}

func TestAnUnansweredDialFails(t *testing.T) {
	s := newScript(t, Config{Homes: 1})
	s.Learn(s.now, bootstraps(1))
	s.dials()
	s.advance(dialWait + 2*time.Second)
	if len(s.dials()) == 0 {
		t.Error("the dial is waited for in vain for ever")
	}
}

func TestTwoAddressesOfOneNodeAreOneHome(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2))
	s.dials()
	s.attachTo(1)
	s.last++
	s.Up(s.now, s.last, nodeID(1), addrOf(2), true) // the same node
	s.want("homes", s.homes(), []int{1})
	s.want("the second session", took[Drop](s), []Drop{{s.last}})
}

func TestOurselvesAreNoHome(t *testing.T) {
	s := newScript(t, Config{Homes: 3, Supernode: true, SelfAddr: addrOf(0)})
	s.Learn(s.now, append(bootstraps(0, 5), wire.Member{Node: nodeID(0), Addr: addrOf(6)}))
	s.want("dials", s.dials(), []int{5})
	s.last++
	s.Up(s.now, s.last, nodeID(0), addrOf(5), true)
	s.want("dropped", took[Drop](s), []Drop{{s.last}})
}

func TestUnaskedMessagesChangeNothing(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3))
	s.dials()
	ix := s.attachTo(1)
	s.sent()
	before := s.Counters().Unasked
	for _, m := range []wire.Message{
		wire.Attached{Refresh: 60, Members: []wire.Member{memberOf(9)}}, wire.Attach{}, wire.Detach{},
		wire.Members{Live: []wire.Member{memberOf(9)}}, joinOf(1), wire.Bye{},
	} {
		s.Handle(s.now, ix, m)
		s.Handle(s.now, 999, m)
	}
	s.want("counted", s.Counters().Unasked-before, 12)
	s.want("homes", s.homes(), []int{1})
	s.want("cache", len(s.Cache()), 1)
}
