package jitter

import "peerphone/hal"

const (
	// plausible is how far, in units, a time may lie from what the arrival
	// clock says is due: 3 s, more than any network delays in earnest.
	plausible = 300
	// jumpsNeeded is the number of packets in a row that make a jump credible.
	jumpsNeeded = 3
	// ahead keeps positions above 0 whatever the clock and the time say.
	ahead = 1 << 16
)

// An extender makes 16-bit times longer. A time is taken to be the one nearest
// to where the arrival clock says the sender should be by now, so a pause of
// any length keeps its length.
type extender struct {
	at    hal.Instant // arrival of the last plausible packet
	pos   int64       // and its position; 0: none yet
	jump  uint16      // time of the last implausible packet
	jumps int         // implausible packets in a row
}

// extend returns the position of time; plain is false, and the position
// meaningless, when it is implausible.
func (e *extender) extend(at hal.Instant, time uint16) (pos int64, plain bool) {
	if e.pos == 0 {
		return e.anchor(at, time), true
	}
	pos, plain = e.place(at, time)
	if plain {
		e.at, e.pos, e.jumps = at, pos, 0
	}
	return pos, plain
}

// place is extend of a time that says nothing about what is due: a copy's.
func (e *extender) place(at hal.Instant, time uint16) (pos int64, plain bool) {
	due := e.pos + int64(at.Sub(e.at)/unit)
	pos = nearest(due, time)
	if e.pos == 0 || pos-due > plausible || due-pos > plausible || pos <= 0 {
		return 0, false
	}
	return pos, true
}

// jumped notes an implausible time and reports whether the sender has indeed
// begun anew: several such times in a row went forward in small steps.
func (e *extender) jumped(at hal.Instant, time uint16) bool {
	if step := time - e.jump; e.jumps == 0 || step == 0 || step > 2*MaxUnits {
		e.jumps = 0
	}
	e.jumps++
	e.jump = time
	return e.jumps >= jumpsNeeded
}

// anchor begins anew with this time.
func (e *extender) anchor(at hal.Instant, time uint16) int64 {
	*e = extender{at: at, pos: nearest(int64(at)/int64(unit)+ahead, time)}
	return e.pos
}

// nearest is the position next to due that time may stand for.
func nearest(due int64, time uint16) int64 {
	return due + int64(int16(time-uint16(due)))
}
