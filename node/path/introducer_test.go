package path

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// home drives one Introducer by explicit time.
type home struct {
	*testing.T
	now      time.Time
	in       *Introducer
	sessions map[identity.ID]wire.Index
}

var caller = identity.ID{0xca, 0x11, 0xe4}

const callerLeg, calleeLeg wire.Index = 11, 12

func newHome(t *testing.T) *home {
	return &home{
		T: t, now: time.Unix(1_700_000_000, 0), in: NewIntroducer(Config{Rand: seeded(2)}),
		sessions: map[identity.ID]wire.Index{callee: calleeLeg},
	}
}

func (h *home) attached(id identity.ID) (wire.Index, bool) { ix, ok := h.sessions[id]; return ix, ok }

func (h *home) lane(from wire.Index, node identity.ID, l wire.Lane) {
	h.in.Lane(h.now, from, node, l, h.attached)
}

func (h *home) open(attempt uint32, frame string) {
	h.lane(callerLeg, caller, wire.Lane{Op: wire.LaneOpen, Attempt: attempt, Target: callee, Frame: []byte(frame)})
}

// sent is a lane payload that the home sent.
type sent struct {
	to wire.Index
	wire.Lane
}

func (h *home) take() []sent {
	var out []sent
	for _, e := range h.in.Take() {
		p := e.(LanePayload)
		l, ok := wire.ParseLane(p.Payload)
		if !ok {
			h.Fatalf("bad lane payload % x", p.Payload)
		}
		out = append(out, sent{p.Home, l})
	}
	return out
}

// want compares what the home sent: "session op text".
func (h *home) want(want ...string) []sent {
	h.Helper()
	out := h.take()
	var got []string
	for _, s := range out {
		if s.Op == wire.LaneRefuse {
			got = append(got, fmt.Sprintf("%d refuse %d", s.to, s.Refusal))
		} else {
			got = append(got, fmt.Sprintf("%d frame %s", s.to, s.Frame))
		}
	}
	if !slices.Equal(got, want) {
		h.Fatalf("got %q, want %q", got, want)
	}
	return out
}

func (h *home) advance(d time.Duration) {
	end := h.now.Add(d)
	for next := h.in.Next(); !next.IsZero() && !next.After(end); next = h.in.Next() {
		if next.Before(h.now) {
			h.Fatal("Next is in the past")
		}
		h.now = next
		h.in.Advance(h.now)
		if again := h.in.Next(); again.Equal(next) {
			h.Fatal("Advance leaves a timer that is due")
		}
	}
	h.now = end
}

func TestTheHomeCarriesFramesBothWays(t *testing.T) {
	h := newHome(t)
	h.open(7, "hello")
	leg := h.want("12 frame hello")[0].Attempt
	if leg&homeBit == 0 {
		t.Error("the home's number has a clear top bit")
	}
	h.open(7, "more") // LaneOpen may be repeated
	h.lane(callerLeg, caller, wire.Lane{Op: wire.LaneFrame, Attempt: 7, Frame: []byte("most")})
	h.want("12 frame more", "12 frame most")
	h.lane(calleeLeg, callee, wire.Lane{Op: wire.LaneFrame, Attempt: leg, Frame: []byte("reply")})
	if back := h.want("11 frame reply")[0]; back.Attempt != 7 {
		t.Errorf("the caller's number is %d, want 7", back.Attempt)
	}
	if !h.in.Owns(calleeLeg, wire.Lane{Op: wire.LaneFrame, Attempt: leg}) || h.in.Owns(callerLeg, wire.Lane{Op: wire.LaneFrame, Attempt: 8}) {
		t.Error("Owns is wrong")
	}
}

func TestTheHomeRefuses(t *testing.T) {
	h := newHome(t)
	h.lane(callerLeg, caller, wire.Lane{Op: wire.LaneOpen, Attempt: 1, Target: identity.ID{9}, Frame: []byte("x")})
	h.want("11 refuse 1")
	h.sessions[caller] = callerLeg
	h.lane(callerLeg, caller, wire.Lane{Op: wire.LaneOpen, Attempt: 1, Target: caller, Frame: []byte("to myself")})
	h.want("11 refuse 1")
	h.lane(callerLeg, caller, wire.Lane{Op: wire.LaneFrame, Attempt: 1, Frame: []byte("x")})
	h.want("11 refuse 4")
	h.lane(callerLeg, caller, wire.Lane{Op: wire.LaneRefuse, Attempt: 1, Refusal: wire.LaneGone})
	h.want() // nobody answers a refusal
	h.lane(callerLeg, caller, wire.Lane{Op: wire.LaneOpen, Attempt: homeBit | 1, Target: callee, Frame: []byte("x")})
	h.want("11 refuse 4") // the home's kind of number
}

func TestAnAttemptCarriesEightKilobytes(t *testing.T) {
	h := newHome(t)
	frame := string(make([]byte, 1024))
	h.open(7, frame)
	leg := h.take()[0].Attempt
	carried := 1
	for h.in.Len() > 0 {
		h.lane(calleeLeg, callee, wire.Lane{Op: wire.LaneFrame, Attempt: leg, Frame: []byte(frame)}) // both directions count
		if out := h.take(); out[0].Op == wire.LaneFrame {
			carried++
		} else if len(out) != 2 || out[0].Refusal != wire.LaneSpent || out[1].Refusal != wire.LaneSpent {
			t.Fatalf("the end is told by %+v", out)
		}
	}
	if carried*1024 != laneBudget {
		t.Errorf("%d bytes carried, want %d", carried*1024, laneBudget)
	}
	h.lane(calleeLeg, callee, wire.Lane{Op: wire.LaneFrame, Attempt: leg, Frame: []byte(frame)})
	h.want("12 refuse 2") // again, for the first may be lost
	h.open(7, frame)
	h.want("11 refuse 2")
	if !h.in.Owns(callerLeg, wire.Lane{Op: wire.LaneFrame, Attempt: 7}) {
		t.Error("the end is forgotten")
	}
	if c := h.in.Counters(); c.Spent != 1 || c.Carried != laneBudget {
		t.Errorf("counters %+v", c)
	}
}

func TestLimitsPerCaller(t *testing.T) {
	h := newHome(t)
	for i := range uint32(callerLive) {
		h.open(i+1, "x")
	}
	h.take()
	h.open(100, "x")
	h.want("11 refuse 3", "12 refuse 3", "12 frame x") // the oldest of its own
	refused := 0
	for i := range uint32(50) {
		h.open(200+i, "x")
		for _, s := range h.take() {
			if s.to == callerLeg && s.Attempt == 200+i && s.Op == wire.LaneRefuse {
				refused++
			}
		}
	}
	if want := 50 - (callerBurst - callerLive - 1); refused != want {
		t.Errorf("%d refused, want %d", refused, want)
	}
	if h.in.Len() > callerLive {
		t.Errorf("%d attempts of one caller", h.in.Len())
	}
	h.advance(callerEvery)
	h.take()
	h.open(900, "y")
	out := h.take()
	if last := out[len(out)-1]; string(last.Frame) != "y" {
		t.Errorf("after a pause: %+v", last)
	}
}

func TestLimitsPerCallee(t *testing.T) {
	h := newHome(t)
	admitted := 0
	for i := range 100 {
		ix := wire.Index(1000 + i)
		h.lane(ix, identity.ID{1, byte(i)}, wire.Lane{Op: wire.LaneOpen, Attempt: 1, Target: callee, Frame: []byte("x")})
		if h.take()[0].Op == wire.LaneFrame {
			admitted++
		}
	}
	if admitted != calleeLive {
		t.Errorf("%d attempts at once, want %d", admitted, calleeLive)
	}
	h.in.Lost(h.now, calleeLeg)
	h.take()
	for i := range 100 {
		ix := wire.Index(2000 + i)
		h.lane(ix, identity.ID{2, byte(i)}, wire.Lane{Op: wire.LaneOpen, Attempt: 1, Target: callee, Frame: []byte("x")})
		if h.take()[0].Op == wire.LaneFrame {
			admitted++
		}
		h.in.Lost(h.now, ix)
		h.take()
	}
	if admitted != calleeBurst {
		t.Errorf("%d attempts in a burst, want %d", admitted, calleeBurst)
	}
}

func TestALostSessionEndsItsAttempts(t *testing.T) {
	h := newHome(t)
	h.open(1, "x")
	h.open(2, "x")
	h.take()
	h.in.Lost(h.now, calleeLeg)
	h.want("11 refuse 4", "11 refuse 4")
	h.open(3, "x")
	h.take()
	h.in.Lost(h.now, callerLeg)
	h.want("12 refuse 4")
	h.open(4, "x")
	leg := h.take()[0].Attempt
	h.lane(calleeLeg, callee, wire.Lane{Op: wire.LaneRefuse, Attempt: leg, Refusal: wire.LaneGone})
	h.want("11 refuse 4")
	if h.in.Len() != 0 || len(h.in.legs) != 0 {
		t.Error("attempts are left")
	}
}

func TestIdleAndOldAttemptsEnd(t *testing.T) {
	h := newHome(t)
	h.open(1, "x")
	h.advance(laneIdle - time.Second)
	h.want("12 frame x")
	h.open(1, "y")
	h.advance(laneIdle - time.Second)
	h.want("12 frame y")
	h.advance(time.Second)
	h.want("11 refuse 4", "12 refuse 4")
	h.open(2, "x")
	h.take()
	for range 10 {
		h.advance(laneLife / 10)
		h.open(2, "x")
	}
	if out := h.take(); !slices.ContainsFunc(out, func(s sent) bool { return s.Op == wire.LaneRefuse }) {
		t.Error("an attempt outlives its end")
	}
	h.advance(time.Hour)
	if len(h.in.parties) != 0 || !h.in.Next().IsZero() {
		t.Errorf("%d parties are remembered for ever", len(h.in.parties))
	}
}

func TestTheHomesMemoryIsBounded(t *testing.T) {
	h := newHome(t)
	for i := range 3 * maxParties {
		id := identity.ID{3, byte(i), byte(i >> 8), byte(i >> 16)}
		h.sessions[id] = wire.Index(100000 + i)
		h.lane(wire.Index(i+20), id, wire.Lane{Op: wire.LaneOpen, Attempt: 1, Target: identity.ID{3, byte(i + 1), byte((i + 1) >> 8), byte((i + 1) >> 16)}, Frame: []byte("x")})
		h.lane(wire.Index(i+20), id, wire.Lane{Op: wire.LaneOpen, Attempt: 2, Target: id, Frame: []byte("x")})
	}
	h.take()
	for i := range 3 * maxEnded {
		h.in.Lost(h.now, wire.Index(i+20))
	}
	if len(h.in.ended) > maxEnded || len(h.in.lately) > maxEnded {
		t.Errorf("%d ends are remembered", len(h.in.ended))
	}
	if h.in.Len() > maxAttemptsAtHome || len(h.in.parties) > maxParties {
		t.Errorf("%d attempts and %d parties", h.in.Len(), len(h.in.parties))
	}
}
