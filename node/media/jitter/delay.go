package jitter

import (
	"time"

	"peerphone/hal"
)

const (
	// startWait is the target before anything is known.
	startWait = 40 * time.Millisecond
	// leastWait covers a reader and a playout thread that are each a period
	// late, which a busy machine with two cores shows every few seconds.
	leastWait = 30 * time.Millisecond
	// mostWait bounds the delay: beyond it a talk becomes a walkie-talkie's.
	mostWait = 500 * time.Millisecond
	// margin lies above the slowest packet seen: one unit, the step of Pull.
	margin = unit
	// baseSpan is half of the time over which the fastest packet is sought;
	// a drift of 300 ppm moves it by 3 ms in there.
	baseSpan = 5 * time.Second
	// hold is how long the target stays after a spike before it falls.
	hold = time.Second
)

// delay decides how long sound should wait. The target rises at once to cover
// a packet that came late, and falls slowly.
type delay struct {
	wait   time.Duration // the target, above the fastest packet
	falls  hal.Instant   // when it may begin to fall
	last   hal.Instant   // arrival seen last
	base   time.Duration // of the fastest packet, arrival less position
	former time.Duration // the fastest of this half and of the one before
	recent time.Duration
	turn   hal.Instant // when the halves change; 0: nothing seen
}

func (d *delay) reset() { *d = delay{wait: startWait} }

// observe takes the arrival of a packet.
func (d *delay) observe(at hal.Instant, pos int64) {
	late := time.Duration(at) - time.Duration(pos)*unit
	d.findBase(at, late)
	need := min(late-d.base+margin, mostWait)
	if need >= d.wait {
		d.wait, d.falls = need, at.Add(hold)
	} else if at > d.falls {
		d.fall(at.Sub(d.last), need)
	}
	d.last = at
}

// fall lowers the target by a sixteenth of its excess per second.
func (d *delay) fall(by, need time.Duration) {
	floor := max(leastWait, need)
	if by = min(by, time.Second); d.wait > floor {
		d.wait -= time.Duration(int64(d.wait-floor) * int64(by) / int64(16*time.Second))
	}
}

func (d *delay) findBase(at hal.Instant, late time.Duration) {
	switch {
	case d.turn == 0:
		d.former, d.recent, d.turn = late, late, at.Add(baseSpan)
	case at >= d.turn:
		d.former, d.recent, d.turn = d.recent, late, at.Add(baseSpan)
	default:
		d.recent = min(d.recent, late)
	}
	d.base = min(d.former, d.recent)
}

// target is the lead that is aimed at.
func (d *delay) target() time.Duration { return d.base + d.wait }
