package path

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// script drives one Table by explicit time and compares what it asks.
type script struct {
	*testing.T
	now   time.Time
	start time.Time
	table *Table
}

const (
	ours  wire.Index = 0x70 // the session under test
	homeA wire.Index = 1
	homeB wire.Index = 2
	homeC wire.Index = 3
)

var callee = identity.ID{0xca, 0x11, 0xee}

func seeded(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func newScript(t *testing.T) *script {
	start := time.Unix(1_700_000_000, 0)
	return &script{T: t, now: start, start: start, table: New(Config{Rand: seeded(1)})}
}

// advance passes time and fires each timer at its own time.
func (s *script) advance(d time.Duration) {
	end := s.now.Add(d)
	for {
		next := s.table.Next()
		if next.IsZero() || next.After(end) {
			break
		}
		if next.Before(s.now) {
			s.Fatalf("at %v Next is %v in the past", s.at(), s.now.Sub(next))
		}
		s.now = next
		s.table.Advance(s.now)
		if again := s.table.Next(); !again.IsZero() && !again.After(s.now) {
			s.Fatalf("at %v Advance leaves a timer that is due", s.at())
		}
	}
	s.now = end
}

func (s *script) at() time.Duration { return s.now.Sub(s.start) }

// want compares what was asked since the last want, in the words of say, but for
// what goes along with Moved.
func (s *script) want(want ...string) {
	s.Helper()
	var got []string
	for _, e := range s.table.Take() {
		switch e.(type) {
		case Proven, Ways:
		default:
			got = append(got, s.say(e))
		}
	}
	if !slices.Equal(got, want) {
		s.Fatalf("at %v\n got %s\nwant %s", s.at(), strings.Join(got, "; "), strings.Join(want, "; "))
	}
}

func (s *script) say(e Event) string {
	switch e := e.(type) {
	case UDP:
		return fmt.Sprintf("udp %s %s", e.Addr, sayFrame(e.Frame))
	case RelayProbe:
		return sayProbe(e)
	case RelaySilent:
		return "relay silent"
	case LanePayload:
		l, ok := wire.ParseLane(e.Payload)
		if !ok {
			return "bad lane payload"
		}
		if l.Op == wire.LaneOpen && l.Target != callee {
			return "wrong target"
		}
		return fmt.Sprintf("home %d %s %s", e.Home, map[wire.LaneOp]string{1: "open", 2: "frame", 3: "refuse"}[l.Op], l.Frame)
	case Probe:
		op, _, ok := parseProbe(e.Payload)
		if !ok {
			return "bad probe"
		}
		return fmt.Sprintf("%s %s", map[byte]string{1: "challenge", 2: "respond", 3: "move", 4: "return"}[op], e.Addr)
	case Inner:
		return fmt.Sprintf("inner %s from home %d", e.Frame, e.Way.Home)
	case Moved:
		if e.Way.IsLane() {
			return fmt.Sprintf("moved home %d", e.Way.Home)
		}
		if e.Way.IsRelay() {
			return "moved relay " + map[Way]string{relayA: "a", relayB: "b"}[e.Way]
		}
		return "moved " + e.Way.String()
	case Unreachable:
		return fmt.Sprintf("unreachable %d", e.Why)
	}
	return fmt.Sprintf("%T", e)
}

func (s *script) wantState(want State) {
	s.Helper()
	if got, ok := s.table.State(ours); !ok || got != want {
		s.Fatalf("at %v state %v (%v), want %v", s.at(), got, ok, want)
	}
}

func (s *script) send(frame string) { s.table.Send(s.now, ours, []byte(frame)) }

// lane returns our lane at home.
func (s *script) lane(home wire.Index) Way {
	for _, l := range s.table.routes[ours].lanes {
		if l.home == home {
			return Way{Home: l.home, Attempt: l.attempt}
		}
	}
	s.Helper()
	s.Fatalf("no lane at home %d", home)
	return Way{}
}

// answer lets the peer's frame come by the lane at home.
func (s *script) answer(home wire.Index, frame string) {
	w := s.lane(home)
	s.table.Lane(s.now, home, wire.Lane{Op: wire.LaneFrame, Attempt: w.Attempt, Frame: []byte(frame)})
	s.table.Heard(s.now, ours, w, 100)
}

func (s *script) refuse(home wire.Index, why wire.LaneRefusal) {
	s.table.Lane(s.now, home, wire.Lane{Op: wire.LaneRefuse, Attempt: s.lane(home).Attempt, Refusal: why})
}

func (s *script) dial(homes ...wire.Index) { s.table.OpenLanes(s.now, ours, callee, homes) }

func TestLanesAreRacedOverTheHomes(t *testing.T) {
	s := newScript(t)
	s.dial(homeA, homeB, homeC)
	s.want()
	s.send("hello")
	s.send("more")
	s.want("home 1 open hello", "home 1 open more")
	s.advance(149 * time.Millisecond)
	s.want()
	s.advance(time.Millisecond)
	s.want("home 2 open hello", "home 2 open more")
	s.advance(50 * time.Millisecond)
	s.send("again") // the session repeats itself on both
	s.want("home 1 open again", "home 2 open again")
	s.answer(homeB, "hi")
	s.want("inner hi from home 2", "moved home 2")
	s.wantState(Laned)
	s.advance(time.Second) // the third home is left in peace
	s.send("last")
	s.want("home 2 frame last")
}

func TestARefusedLaneIsReplacedAtOnce(t *testing.T) {
	for _, why := range []wire.LaneRefusal{wire.LaneUnknown, wire.LaneBusy, wire.LaneGone} {
		s := newScript(t)
		s.dial(homeA, homeB)
		s.send("hello")
		s.want("home 1 open hello")
		s.advance(10 * time.Millisecond)
		s.refuse(homeA, why)
		s.want("home 2 open hello")
		s.refuse(homeB, why)
		s.want(fmt.Sprintf("unreachable %d", why))
		s.wantState(Stranded)
		s.send("nobody")
		s.advance(time.Minute)
		s.want()
		s.table.AddHome(s.now, ours, homeC)
		s.want("home 3 open hello", "home 3 open nobody")
		s.answer(homeC, "at last")
		s.want("inner at last from home 3", "moved home 3")
	}
}

func TestASpentLaneIsTriedAgain(t *testing.T) {
	s := newScript(t)
	s.dial(homeA, homeB)
	s.send("hello")
	s.answer(homeA, "hi")
	s.want("home 1 open hello", "inner hi from home 1", "moved home 1")
	s.send("more")
	s.want("home 1 frame more")
	for n := 2; n < maxAttempts; n++ {
		spent := s.table.routes[ours].bestLane().home
		s.refuse(spent, wire.LaneSpent)
		if next := s.table.routes[ours].bestLane().home; next == spent {
			t.Errorf("home %d follows itself", spent)
		} else {
			s.want(fmt.Sprintf("home %d open more", next))
		}
	}
	s.refuse(homeA, wire.LaneSpent)
	s.refuse(homeB, wire.LaneSpent)
	s.want("home 2 open more", "unreachable 2")
}

func TestSilentLanesEnd(t *testing.T) {
	s := newScript(t)
	s.dial(homeA, homeB)
	s.send("hello")
	s.advance(laneRace)
	s.want("home 1 open hello", "home 2 open hello")
	s.advance(laneWait - laneRace)
	s.want()
	s.advance(laneRace)
	s.want("unreachable 0")
	if next := s.table.Next(); !next.IsZero() {
		t.Errorf("a timer is left: %v", next)
	}
}

func TestAHomeThatIsLostMidAttempt(t *testing.T) {
	s := newScript(t)
	s.dial(homeA, homeB)
	s.send("one")
	s.want("home 1 open one")
	s.advance(20 * time.Millisecond)
	s.table.Lost(s.now, homeA)
	s.want("home 2 open one")
	s.answer(homeB, "reply")
	s.want("inner reply from home 2", "moved home 2")
	s.send("two")
	s.want("home 2 frame two")
	s.table.AddHome(s.now, ours, homeC)
	s.table.Lost(s.now, homeB)
	s.want("home 3 open two") // what the peer may not have got
	s.table.Lost(s.now, homeC)
	s.want("unreachable 4")
	s.table.Lost(s.now, homeC)
	s.want()
}

func TestLanesWithoutHomesWaitForOne(t *testing.T) {
	s := newScript(t)
	s.dial()
	for i := range maxFlight + 2 {
		s.send(fmt.Sprint(i))
	}
	s.want()
	s.table.AddHome(s.now, ours, homeA)
	s.want("home 1 open 2", "home 1 open 3", "home 1 open 4", "home 1 open 5") // the oldest are dropped
	s.table.AddHome(s.now, ours, homeB)
	s.want()
	s.advance(laneRace)
	s.want("home 2 open 2", "home 2 open 3", "home 2 open 4", "home 2 open 5")
}

func TestAttemptsAreBounded(t *testing.T) {
	s := newScript(t)
	s.dial(homeA)
	s.send("x")
	for range 50 {
		if len(s.table.routes[ours].lanes) > 0 {
			s.refuse(homeA, wire.LaneUnknown)
		}
		s.table.AddHome(s.now, ours, homeA)
	}
	opened := 0
	for _, e := range s.table.Take() {
		if _, ok := e.(LanePayload); ok {
			opened++
		}
	}
	if opened != maxAttempts {
		t.Errorf("%d lanes opened, want %d", opened, maxAttempts)
	}
	if len(s.table.laned) != 0 || s.table.Counters().Limited == 0 {
		t.Errorf("%d lanes left, counters %+v", len(s.table.laned), s.table.Counters())
	}
}

func TestTheCalleeAnswersByTheLaneItWasCalledBy(t *testing.T) {
	s := newScript(t)
	in := Way{Home: homeA, Attempt: homeBit | 77}
	s.table.Lane(s.now, homeA, wire.Lane{Op: wire.LaneFrame, Attempt: in.Attempt, Frame: []byte("hello")})
	s.want("inner hello from home 1")
	if s.table.Len() != 0 || len(s.table.laned) != 0 {
		t.Fatal("a frame from a stranger is remembered")
	}
	s.table.Open(s.now, ours, in)
	s.send("reply")
	s.want("home 1 frame reply")
	second := Way{Home: homeB, Attempt: homeBit | 78}
	s.table.Heard(s.now, ours, second, 100) // the caller's race
	s.send("reply")
	s.want("home 1 frame reply")
	s.refuse(homeA, wire.LaneGone)
	s.want("moved home 2")
	s.refuse(homeB, wire.LaneSpent)
	s.advance(strandWait - time.Millisecond)
	s.want() // the caller may come by another lane
	third := Way{Home: homeC, Attempt: homeBit | 79}
	s.table.Heard(s.now, ours, third, 100)
	s.want("moved home 3")
	s.advance(time.Minute)
	s.refuse(homeC, wire.LaneGone)
	s.advance(strandWait)
	s.want("unreachable 4")
	s.table.Heard(s.now, ours, in, 100)
	s.want("moved home 1")
	s.table.Shut(s.now, ours)
	if len(s.table.laned)+len(s.table.timed)+s.table.Len() != 0 {
		t.Error("something is left after Shut")
	}
}

func TestUnaskedLanePayloadsAreDroppedAndCounted(t *testing.T) {
	s := newScript(t)
	s.dial(homeA)
	s.send("x")
	s.want("home 1 open x")
	attempt := s.lane(homeA).Attempt
	for _, l := range []struct {
		home wire.Index
		lane wire.Lane
	}{
		{homeA, wire.Lane{Op: wire.LaneOpen, Attempt: 5, Target: callee, Frame: []byte("x")}},
		{homeA, wire.Lane{Op: wire.LaneFrame, Attempt: attempt + 1, Frame: []byte("x")}},
		{homeB, wire.Lane{Op: wire.LaneFrame, Attempt: attempt, Frame: []byte("x")}},
		{homeB, wire.Lane{Op: wire.LaneRefuse, Attempt: attempt, Refusal: wire.LaneGone}},
		{homeA, wire.Lane{Op: 9, Attempt: attempt}},
	} {
		s.table.Lane(s.now, l.home, l.lane)
	}
	s.want()
	if n := s.table.Counters().Unasked; n != 5 {
		t.Errorf("%d counted, want 5", n)
	}
	s.send(strings.Repeat("x", wire.MaxInner+1))
	s.want()
	if n := s.table.Counters().TooLong; n != 1 {
		t.Errorf("%d too long, want 1", n)
	}
}

func TestWayString(t *testing.T) {
	for want, w := range map[string]Way{
		"nowhere":                         {},
		"10.0.0.1:9":                      {Addr: netip.MustParseAddrPort("10.0.0.1:9")},
		"lane 0000000a by session 000001": {Home: 1, Attempt: 10},
		"stream 4":                        {Stream: 4},
	} {
		if w.String() != want {
			t.Errorf("got %q, want %q", w, want)
		}
	}
}

// A caller none of whose homes can be reached hears so at once.
func TestNoHomeCanBeReached(t *testing.T) {
	s := newScript(t)
	s.dial()
	s.send("x")
	s.table.NoHomes(s.now, ours)
	s.want("unreachable 0")
	s.wantState(Stranded)
	s.table.AddHome(s.now, ours, homeA)
	s.want("home 1 open x")
	s.answer(homeA, "y")
	s.table.NoHomes(s.now, ours)
	s.want("inner y from home 1", "moved home 1")
}
