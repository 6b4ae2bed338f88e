package path

import (
	"io"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// laneBudget is what one attempt may carry, in bytes of frames, both
	// directions together: a handshake takes 3.6 kB, the signals of a call less
	// than 1 kB, the rest is for repetitions.
	laneBudget = 8192
	// laneIdle is how long an attempt may carry nothing: longer than a phone
	// rings. laneLife ends it in any case.
	laneIdle = 90 * time.Second
	laneLife = 5 * time.Minute
	// A caller may begin a burst of callerBurst attempts and one more each
	// callerEvery; of more than callerLive its oldest ends.
	callerBurst = 10
	callerEvery = 3 * time.Second
	callerLive  = 4
	// A callee is disturbed by that many attempts, by whomever.
	calleeBurst = 20
	calleeEvery = time.Second
	calleeLive  = 16
	// maxAttemptsAtHome and maxParties bound the memory: about 200 bytes each.
	maxAttemptsAtHome = 4096
	maxParties        = 8192
	partySweep        = time.Minute
	// maxEnded bounds the legs whose end is said again to who goes on sending:
	// a refusal may be lost.
	maxEnded = 4096
)

// IntroducerCounters count what an Introducer did. They only grow.
type IntroducerCounters struct {
	Opened  uint64 // attempts
	Carried uint64 // bytes of frames
	Unknown uint64 // attempts to nodes that are not attached
	Busy    uint64 // attempts beyond the limits
	Spent   uint64 // attempts that used up their bytes
	Gone    uint64 // frames of attempts that have ended, and attempts that a lost session ended
}

// Introducer is the home's half of the introduction lanes: it carries the
// first frames of callers to the phones that are attached here. It never sends
// to an address, only into sessions. The zero value is not usable.
type Introducer struct {
	rand     io.Reader
	legs     map[laneKey]*attempt         // both legs
	byAge    []*attempt                   // in the order in which they began
	parties  map[identity.ID]*party       // callers and callees
	ended    map[laneKey]wire.LaneRefusal // legs that have ended, and why; at most maxEnded
	lately   []laneKey                    // the same, the oldest first
	sweep    time.Time                    // when parties are looked through; set while there are any
	out      []Event
	counters IntroducerCounters
}

// attempt joins two legs.
type attempt struct {
	caller, callee     laneKey
	callerID, calleeID identity.ID
	left               int       // bytes
	idle               time.Time // ends it; set anew by each frame
	end                time.Time // ends it in any case
}

// party is a node that calls or is called.
type party struct {
	calls, called *rate.Limiter
	live          int        // attempts in which it is the callee
	mine          []*attempt // attempts that it began, the oldest first
}

// NewIntroducer returns an Introducer without attempts.
func NewIntroducer(cfg Config) *Introducer {
	return &Introducer{
		rand: cfg.Rand, legs: map[laneKey]*attempt{}, parties: map[identity.ID]*party{},
		ended: map[laneKey]wire.LaneRefusal{},
	}
}

// Take returns what has been asked since the last Take, oldest first: only
// LanePayload.
func (i *Introducer) Take() []Event {
	out := i.out
	i.out = nil
	return out
}

// Counters returns the counters.
func (i *Introducer) Counters() IntroducerCounters { return i.counters }

// Len returns the number of attempts under way.
func (i *Introducer) Len() int { return len(i.byAge) }

// Owns reports whether a lane payload from session from is for the Introducer
// of a node that has a Table, too.
func (i *Introducer) Owns(from wire.Index, l wire.Lane) bool {
	leg := laneKey{from, l.Attempt}
	return l.Op == wire.LaneOpen || i.legs[leg] != nil || i.ended[leg] != 0
}

// Lane takes a lane payload from the session from, whose peer is the node
// fromNode; attached tells in which session a node is attached here.
func (i *Introducer) Lane(now time.Time, from wire.Index, fromNode identity.ID, l wire.Lane,
	attached func(identity.ID) (wire.Index, bool)) {
	leg := laneKey{from, l.Attempt}
	a := i.legs[leg]
	switch {
	case l.Op == wire.LaneRefuse:
		if a != nil {
			i.end(a, wire.LaneGone, leg)
		}
	case a != nil:
		i.carry(now, a, leg, l.Frame)
	case i.ended[leg] != 0:
		i.counters.Gone++
		i.refuse(leg, i.ended[leg])
	case l.Op == wire.LaneOpen && l.Attempt&homeBit == 0:
		i.open(now, leg, fromNode, l, attached)
	default:
		i.counters.Gone++
		i.refuse(leg, wire.LaneGone)
	}
}

// open begins an attempt.
func (i *Introducer) open(now time.Time, leg laneKey, caller identity.ID, l wire.Lane,
	attached func(identity.ID) (wire.Index, bool)) {
	callee, ok := attached(l.Target)
	if !ok || callee == leg.home {
		i.counters.Unknown++
		i.refuse(leg, wire.LaneUnknown)
		return
	}
	if !i.admit(now, caller, l.Target) {
		i.counters.Busy++
		i.refuse(leg, wire.LaneBusy)
		return
	}
	i.counters.Opened++
	a := &attempt{
		caller: leg, callee: laneKey{callee, i.draw(callee)},
		callerID: caller, calleeID: l.Target,
		left: laneBudget, end: now.Add(laneLife),
	}
	i.legs[a.caller], i.legs[a.callee] = a, a
	i.byAge = append(i.byAge, a)
	i.parties[caller].mine = append(i.parties[caller].mine, a)
	i.parties[l.Target].live++
	i.carry(now, a, leg, l.Frame)
}

// admit holds a new attempt against the limits. A caller with too many ends
// its own oldest.
func (i *Introducer) admit(now time.Time, caller, callee identity.ID) bool {
	if len(i.byAge) >= maxAttemptsAtHome {
		return false
	}
	from, to := i.party(now, caller), i.party(now, callee)
	if from == nil || to == nil || !from.calls.AllowN(now, 1) {
		return false
	}
	if to.live >= calleeLive || !to.called.AllowN(now, 1) {
		return false
	}
	if len(from.mine) >= callerLive {
		i.end(from.mine[0], wire.LaneBusy, laneKey{})
	}
	return true
}

// party returns the limits of id; nil when there are too many parties.
func (i *Introducer) party(now time.Time, id identity.ID) *party {
	p := i.parties[id]
	if p == nil && len(i.parties) < maxParties {
		p = &party{
			calls:  rate.NewLimiter(rate.Every(callerEvery), callerBurst),
			called: rate.NewLimiter(rate.Every(calleeEvery), calleeBurst),
		}
		i.parties[id] = p
		if i.sweep.IsZero() {
			i.sweep = now.Add(partySweep)
		}
	}
	return p
}

// draw draws a number for the leg to the callee.
func (i *Introducer) draw(callee wire.Index) uint32 {
	for {
		n := draw32(i.rand) | homeBit
		if leg := (laneKey{callee, n}); i.legs[leg] == nil && i.ended[leg] == 0 {
			return n
		}
	}
}

// carry passes a frame from one leg to the other.
func (i *Introducer) carry(now time.Time, a *attempt, from laneKey, frame []byte) {
	if len(frame) > a.left {
		i.counters.Spent++
		i.end(a, wire.LaneSpent, laneKey{})
		return
	}
	a.left -= len(frame)
	a.idle = now.Add(laneIdle)
	i.counters.Carried += uint64(len(frame))
	to := a.callee
	if from == a.callee {
		to = a.caller
	}
	i.emit(to, wire.Lane{Op: wire.LaneFrame, Attempt: to.attempt, Frame: frame})
}

// end forgets a and tells both legs but the one that said so itself.
func (i *Introducer) end(a *attempt, why wire.LaneRefusal, but laneKey) {
	delete(i.legs, a.caller)
	delete(i.legs, a.callee)
	i.byAge = without(i.byAge, a)
	from := i.parties[a.callerID]
	from.mine = without(from.mine, a)
	i.parties[a.calleeID].live--
	for _, leg := range []laneKey{a.caller, a.callee} {
		i.remember(leg, why)
		if leg != but {
			i.refuse(leg, why)
		}
	}
}

// remember notes why a leg has ended.
func (i *Introducer) remember(leg laneKey, why wire.LaneRefusal) {
	if i.ended[leg] == 0 {
		i.lately = append(i.lately, leg)
	}
	i.ended[leg] = why
	if len(i.lately) > maxEnded {
		delete(i.ended, i.lately[0])
		i.lately = i.lately[1:]
	}
}

func (i *Introducer) refuse(leg laneKey, why wire.LaneRefusal) {
	i.emit(leg, wire.Lane{Op: wire.LaneRefuse, Attempt: leg.attempt, Refusal: why})
}

func (i *Introducer) emit(leg laneKey, l wire.Lane) {
	payload := wire.AppendLane(make([]byte, 0, wire.MaxLaneHeader+len(l.Frame)), l)
	i.out = append(i.out, LanePayload{Home: leg.home, Payload: payload})
}

// Lost tells that session ix has ended: the other side of each of its attempts
// hears so.
func (i *Introducer) Lost(now time.Time, ix wire.Index) {
	for _, a := range slices.Clone(i.byAge) {
		switch ix {
		case a.caller.home:
			i.counters.Gone++
			i.end(a, wire.LaneGone, a.caller)
		case a.callee.home:
			i.counters.Gone++
			i.end(a, wire.LaneGone, a.callee)
		}
	}
}

// Next returns when Advance wants to be called; zero: never.
func (i *Introducer) Next() time.Time {
	next := i.sweep
	for _, a := range i.byAge {
		next = earlier(next, earlier(a.idle, a.end))
	}
	return next
}

// Advance ends attempts that are idle or old, and forgets parties whose limits
// are whole again.
func (i *Introducer) Advance(now time.Time) {
	for _, a := range slices.Clone(i.byAge) {
		if !a.idle.After(now) || !a.end.After(now) {
			i.end(a, wire.LaneGone, laneKey{})
		}
	}
	if !i.sweep.IsZero() && !i.sweep.After(now) {
		i.forget(now)
	}
}

func (i *Introducer) forget(now time.Time) {
	for id, p := range i.parties {
		if len(p.mine) == 0 && p.live == 0 &&
			p.calls.TokensAt(now) >= callerBurst && p.called.TokensAt(now) >= calleeBurst {
			delete(i.parties, id)
		}
	}
	i.sweep = time.Time{}
	if len(i.parties) > 0 {
		i.sweep = now.Add(partySweep)
	}
}
