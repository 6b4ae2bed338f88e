package path

import (
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// laneRace is how long a lane may keep silent at least before the next home is
	// tried as well.
	laneRace = 150 * time.Millisecond
	// laneWait is how long an opened lane may keep silent before it counts as
	// ended. It outlasts the call's own time-out for connecting.
	laneWait = 12 * time.Second
	// strandWait is how long a callee whose lanes have ended waits for the
	// caller to come by another one: the caller's home says so at the same
	// time, and its frames are repeated each 2 s at most.
	strandWait = 5 * time.Second
	// maxLanes bounds the lanes of one route at a time, maxAttempts those that
	// one call may open in all: three homes, each a second time, and two more.
	maxLanes    = 6
	maxAttempts = 8
	// maxFlight bounds the frames that are kept to be said again through
	// another home: a handshake's flight has at most two.
	maxFlight = 4
)

// laneState says how far a lane has got.
//
//	                Send or the race          a frame came by it
//	laneWaiting ---------------> laneTrying -------------------> laneAnswered
//	     |                           | refused, silent, home lost     |
//	     +----------------------> (removed) <-------------------------+
type laneState uint8

const (
	laneWaiting  laneState = iota // its home has been told nothing
	laneTrying                    // every frame goes as LaneOpen
	laneAnswered                  // frames go as LaneFrame
)

// lane is one leg of an introduction: ours to a callee's home, or a home's to
// us.
type lane struct {
	home    wire.Index
	attempt uint32
	state   laneState
	end     time.Time // when it counts as ended; set in laneTrying, cleared by an answer
}

func (l *lane) key() laneKey { return laneKey{l.home, l.attempt} }

// AddHome offers one more home of the callee to a route that OpenLanes began.
func (t *Table) AddHome(now time.Time, ix wire.Index, home wire.Index) {
	r := t.routes[ix]
	if r == nil || r.target.IsZero() || home == 0 {
		return
	}
	if len(r.lanes) >= maxLanes || r.attempts >= maxAttempts {
		t.counters.Limited++
		return
	}
	r.attempts++
	t.addLane(r, &lane{home: home, attempt: t.drawAttempt(home)})
	switch {
	case r.state == Stranded:
		r.state = Opening
		t.tryNext(now, r)
	case r.state == Opening && len(r.flight) > 0 && r.trying() == 0:
		t.tryNext(now, r)
	case r.state == Opening && r.trying() > 0 && r.race.IsZero():
		r.race = now.Add(t.laneRace())
		t.arm(r)
	}
	t.settle(r)
}

// Patience tells how long a lane may keep silent before the next home is tried as
// well, if that is more than 150 ms: answers come from far away, or wait in a queue
// of our own, which a second first flight would make longer.
func (t *Table) Patience(d time.Duration) { t.patience = d }

func (t *Table) laneRace() time.Duration { return max(laneRace, t.patience) }

// NoHomes tells that AddHome will not come: a route without lanes is stranded.
func (t *Table) NoHomes(now time.Time, ix wire.Index) {
	if r := t.routes[ix]; r != nil && r.state == Opening && len(r.lanes) == 0 {
		t.strand(now, r, 0)
	}
}

// drawAttempt draws a number for our leg to home.
func (t *Table) drawAttempt(home wire.Index) uint32 {
	for {
		n := draw32(t.rand) &^ homeBit
		if !t.uses(laneKey{home, n}) {
			return n
		}
	}
}

func (t *Table) addLane(r *route, l *lane) {
	r.lanes = append(r.lanes, l)
	if !slices.Contains(t.laned, r) {
		t.laned = append(t.laned, r)
	}
}

// trying counts the lanes that are open and have not answered.
func (r *route) trying() int {
	n := 0
	for _, l := range r.lanes {
		if l.state == laneTrying {
			n++
		}
	}
	return n
}

// bestLane returns the lane that frames go by: the first that has answered,
// else the first that is tried, else the first.
func (r *route) bestLane() *lane {
	var best *lane
	for _, l := range r.lanes {
		if best == nil || l.state > best.state {
			best = l
		}
	}
	return best
}

// sendByLane sends frame by the lane that has answered; while none has, by all
// that are tried.
func (t *Table) sendByLane(now time.Time, r *route, frame []byte) {
	r.keep(frame)
	if r.state == Laned {
		t.put(r, r.bestLane(), frame)
		return
	}
	if r.trying() == 0 {
		if r.bestLane() == nil {
			t.counters.NoWay++
			return
		}
		t.tryNext(now, r)
		return
	}
	for _, l := range r.lanes {
		if l.state == laneTrying {
			t.put(r, l, frame)
		}
	}
}

// keep remembers frame for the next home; the oldest is forgotten first.
func (r *route) keep(frame []byte) {
	if r.target.IsZero() {
		return
	}
	if len(r.flight) == maxFlight {
		r.flight = slices.Delete(r.flight, 0, 1)
	}
	r.flight = append(r.flight, frame)
}

// put sends frame by l.
func (t *Table) put(r *route, l *lane, frame []byte) {
	op := wire.Lane{Op: wire.LaneFrame, Attempt: l.attempt, Frame: frame}
	if l.state == laneTrying {
		op.Op, op.Target = wire.LaneOpen, r.target
	}
	payload := wire.AppendLane(make([]byte, 0, wire.MaxLaneHeader+len(frame)), op)
	t.emit(LanePayload{Home: l.home, Payload: payload})
}

// tryNext opens the first waiting lane with the frames that are kept.
func (t *Table) tryNext(now time.Time, r *route) {
	r.race = time.Time{}
	i := r.waiting()
	if i < 0 {
		return
	}
	l := r.lanes[i]
	l.state, l.end = laneTrying, now.Add(laneWait)
	for _, frame := range r.flight {
		t.put(r, l, frame)
	}
	if r.waiting() >= 0 {
		r.race = now.Add(t.laneRace())
	}
	t.arm(r)
}

// waiting returns the place of the first lane that nobody has tried, or -1.
func (r *route) waiting() int {
	return slices.IndexFunc(r.lanes, func(l *lane) bool { return l.state == laneWaiting })
}

// heardLane notes that the peer's frames come by w.
func (t *Table) heardLane(now time.Time, r *route, w Way) {
	i := slices.IndexFunc(r.lanes, func(l *lane) bool { return l.home == w.Home && l.attempt == w.Attempt })
	switch {
	case i >= 0:
		r.lanes[i].state, r.lanes[i].end = laneAnswered, time.Time{}
	case w.Attempt&homeBit != 0 && len(r.lanes) < maxLanes:
		t.addLane(r, &lane{home: w.Home, attempt: w.Attempt, state: laneAnswered})
	default:
		t.counters.Unasked++
		return
	}
	r.race, r.giveUp, r.flight = time.Time{}, time.Time{}, nil
	if r.state != Direct && r.state != Relayed {
		r.state = Laned
		t.settle(r)
	}
}

// Lane takes a payload of the introduction lane that came in the session home:
// LaneFrame becomes an Inner, LaneRefuse ends the lane. LaneOpen is for an
// Introducer.
func (t *Table) Lane(now time.Time, home wire.Index, l wire.Lane) {
	key := laneKey{home, l.Attempt}
	switch {
	case l.Op == wire.LaneFrame && (l.Attempt&homeBit != 0 || t.uses(key)):
		t.emit(Inner{Frame: slices.Clone(l.Frame), Way: Way{Home: home, Attempt: l.Attempt}})
	case l.Op == wire.LaneRefuse && t.uses(key):
		if l.Refusal == wire.LaneSpent {
			t.again(key)
		}
		t.endAll(now, l.Refusal, func(o *lane) bool { return o.key() == key })
	default:
		t.counters.Unasked++
	}
}

// again offers the home of a lane that is used up once more: what was lost on
// the way has spent its bytes. maxAttempts holds.
func (t *Table) again(key laneKey) {
	for _, r := range t.laned {
		if r.lane(key) && !r.target.IsZero() && r.state != Direct && r.attempts < maxAttempts {
			r.attempts++
			t.addLane(r, &lane{home: key.home, attempt: t.drawAttempt(key.home)})
		}
	}
}

// uses reports whether a route has the lane key. Several may: a caller can
// begin a second session in one attempt.
func (t *Table) uses(key laneKey) bool {
	return slices.ContainsFunc(t.laned, func(r *route) bool { return r.lane(key) })
}

// lane reports whether r has the lane key.
func (r *route) lane(key laneKey) bool {
	return slices.ContainsFunc(r.lanes, func(l *lane) bool { return l.key() == key })
}

// Lost tells that the session with a home has ended, and the lanes in it.
func (t *Table) Lost(now time.Time, home wire.Index) {
	t.endAll(now, wire.LaneGone, func(l *lane) bool { return l.home == home })
}

func (t *Table) endAll(now time.Time, why wire.LaneRefusal, match func(*lane) bool) {
	for _, r := range slices.Clone(t.laned) {
		t.endLanes(now, r, why, match)
	}
}

// endLanes removes the lanes that match, and opens the next at once when none
// is left that could answer.
func (t *Table) endLanes(now time.Time, r *route, why wire.LaneRefusal, match func(*lane) bool) {
	before := len(r.lanes)
	r.lanes = slices.DeleteFunc(r.lanes, match)
	if len(r.lanes) == before {
		return
	}
	if len(r.lanes) == 0 {
		t.laned = without(t.laned, r)
	}
	if r.state == Direct || r.state == Relayed || r.state == Stranded {
		return
	}
	t.carryOn(now, r, why)
}

// carryOn finds the next lane after one has ended.
func (t *Table) carryOn(now time.Time, r *route, why wire.LaneRefusal) {
	best := r.bestLane()
	switch {
	case best == nil:
		t.strand(now, r, why)
		return
	case best.state == laneAnswered:
	case len(r.flight) > 0:
		r.state = Opening
		t.tryNext(now, r)
	default:
		r.state = Opening // the next frame opens the next lane
	}
	t.settle(r)
}

// strand notes that the last lane has ended. A caller has nothing left to try;
// a callee waits for the caller.
func (t *Table) strand(now time.Time, r *route, why wire.LaneRefusal) {
	r.state, r.race, r.best, r.told, r.why = Stranded, time.Time{}, Way{}, Way{}, why
	if r.target.IsZero() {
		r.giveUp = now.Add(strandWait)
		t.arm(r)
		return
	}
	t.emit(Unreachable{Index: r.ix, Why: why})
}

// advanceLanes opens the next lane when the race is due and ends lanes that
// keep silent.
func (t *Table) advanceLanes(now time.Time, r *route) {
	if !r.race.IsZero() && !r.race.After(now) {
		t.tryNext(now, r)
	}
	if !r.giveUp.IsZero() && !r.giveUp.After(now) {
		r.giveUp = time.Time{}
		t.emit(Unreachable{Index: r.ix, Why: r.why})
	}
	t.endLanes(now, r, 0, func(l *lane) bool { return !l.end.IsZero() && !l.end.After(now) })
}
