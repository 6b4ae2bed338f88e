package jitter

import (
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
)

const (
	// pullPause is a time without a pull that no busy machine explains.
	pullPause = 200 * time.Millisecond
	// trimMost is by how much sound is played faster or slower to correct small
	// errors: one cent, which nobody hears.
	trimMost = 600e-6
	// trimTime is in what time trimming would undo an error.
	trimTime = time.Second
	// standing is the slip of the raster of pulls that counts as none: 10 ms in
	// ten minutes.
	standing = 15e-6
	// steady is the spread of pulls up to which they have a raster, steadyFor
	// how many pulls have to be like that: 2 s.
	steady    = 3 * time.Millisecond
	steadyFor = 200
	// quietFor is how many steady pulls show that the machine has time: 15 s.
	quietFor = 1500
	// slack is by how much the target may move before it is followed where
	// there is no raster.
	slack = 3 * time.Millisecond
)

// steer holds what Pull knows about time: the two clocks, the lead, the target.
type steer struct {
	aim     aim
	sender  skew // of the sender's time against arrivals
	card    skew // of pulls
	pulls   int64
	pulled  hal.Instant   // the last pull; 0: none
	line    time.Duration // what the sender's skew has added up to
	slow    float64       // rate at which line grows
	lead    lead
	aimed   time.Duration // the target that is followed
	off     time.Duration // the lead less that
	quiet   int           // pulls since they were not steady
	wobble  int           // pulls until there is a raster, if they are steady; 0: there is one
	rested  int           // pulls since the last stretching
	trimmed float64       // samples that trimming has moved, not yet counted
}

func (s *steer) reset() {
	*s = steer{card: s.card, pulls: s.pulls, pulled: s.pulled, quiet: quietFor}
	s.aim.reset()
}

// tick takes the instant of a pull.
func (s *steer) tick(now hal.Instant) {
	s.pulls++
	s.aim.tick()
	s.rested++
	if gap := now.Sub(s.pulled); gap > pullPause || gap < 0 {
		s.lead = lead{}
		s.card.pause()
	} else {
		s.line += time.Duration(s.slow * float64(gap))
	}
	s.pulled = now
	s.card.observe(now, time.Duration(now)-time.Duration(s.pulls)*unit)
}

// learn takes what arrived since the last pull.
func (s *steer) learn(list []arrival) {
	for _, x := range list {
		transit := time.Duration(x.at) - time.Duration(x.pos)*unit
		if x.by == spare {
			s.aim.offered(x.at, transit-s.line)
			continue
		}
		s.sender.observe(x.at, transit)
		s.aim.observe(x, transit-s.line)
	}
	s.slow = s.sender.slope
}

// measure compares how long sound waits with how long it should: next is the
// sample that sounds next.
func (s *steer) measure(now hal.Instant, next int64) {
	s.lead.observe(time.Duration(now) - samples(next) - s.line)
	s.aim.grid.regular = s.isSteady()
	s.aim.grid.phase = s.lead.now() + samples(next%Unit)
	if t := s.aim.target(now); s.aim.grid.regular || max(t-s.aimed, s.aimed-t) > slack {
		s.aimed = t
	}
	s.off = s.lead.now() - s.aimed
}

// age is how old what is pulled now is, less what the network takes at the
// least: until its packet was full, until that came or the copy in its stead,
// and in the buffer.
func (s *steer) age() time.Duration {
	least, _ := s.aim.ways.limits()
	return s.lead.latest() - least
}

// isSteady reports whether the pulls have stood still against the sender's time
// for a while. A call begins as if they did.
func (s *steer) isSteady() bool {
	spread := s.lead.spread()
	if spread >= steady {
		s.quiet = 0
	}
	s.quiet++
	s.aim.busy = s.quiet < quietFor
	if spread < steady && max(s.slip(), -s.slip()) < standing {
		s.wobble = max(0, s.wobble-1)
	} else {
		s.wobble = steadyFor
	}
	return s.wobble == 0
}

// slip is how fast the pulls move against the sender's time.
func (s *steer) slip() float64 { return s.card.slope - s.slow }

// speed is how many samples more than one are taken for each one given, Q32.
func (s *steer) speed() int64 {
	trim := float64(s.off) / float64(trimTime)
	trim = min(max(trim, -trimMost), trimMost)
	s.trimmed += max(trim, -trim) * Unit
	s.lead.moved(-time.Duration(trim * float64(unit)))
	return int64((s.slip() + trim) * (1 << 32))
}

const (
	// restBetween is the number of pulls between two stretchings: 50 ms, as
	// NetEQ has it; restFar when the lead is far off.
	restBetween = 5
	restFar     = 3
	far         = 50 * time.Millisecond
	// shortenAbove and lengthenBelow enclose the errors that are left to
	// trimming.
	shortenAbove  = 4 * time.Millisecond
	lengthenBelow = -2 * time.Millisecond
	// overshoot is how far beyond the target one lengthening may go.
	overshoot = 5 * time.Millisecond
	// fairMatchQ15 is the likeness that is enough when the other choice is to
	// make sound up: 0.75.
	fairMatchQ15 = 24576
)

// trimmings returns the whole samples that trimming has moved since.
func (s *steer) trimmings() uint64 {
	n := uint64(s.trimmed)
	s.trimmed -= float64(n)
	return n
}

// lean is what may be left out of a hole beyond what waits too long. Where copies
// come nearly all that is lost is told later, and a hole is whole packets long:
// there the place of what follows is worth more.
func (s *steer) lean() time.Duration {
	if s.aim.copied() {
		return 0
	}
	return lean
}

// moved takes note that sound was moved on purpose.
func (s *steer) moved(by time.Duration) {
	s.off += by
	s.lead.moved(by)
}

// stretch moves the lead towards the target by one pitch period, or holds the
// last sound when the next is overdue.
func (b *Buffer) stretch(now hal.Instant, need int) {
	if b.merge {
		return
	}
	a := b.following(now)
	s := &b.steer
	rest := restBetween
	if s.off > far {
		rest = restFar
	}
	by := 0
	switch {
	case s.rested < restFar:
	case a.hole > 0 && b.ready < 2*need:
		b.bridge(int(min(a.hole, dsp.MaxPitch)))
	case !a.more && b.ready < 2*need && s.off < far && s.aim.overdue(a.age):
		by = dsp.Repeat(b.fifo[:], past, b.ready, dsp.MaxPitch, fairMatchQ15)
	case s.rested < rest:
	case s.off > shortenAbove:
		most := int(toSamples(s.off))
		if !a.more || a.hole > 0 {
			most = min(most, b.ready-need)
		}
		by = -dsp.Shorten(b.waiting(), most, dsp.GoodMatchQ15)
	case s.off < lengthenBelow:
		most := min(int(toSamples(overshoot-s.off)), dsp.MaxPitch)
		by = dsp.Repeat(b.fifo[:], past, b.ready, most, dsp.GoodMatchQ15)
	}
	if by != 0 {
		b.stretched(by)
	}
}

// following tells about what follows the sound that waits.
type following struct {
	more bool          // a packet is there
	hole int64         // samples before it that are not; 0: none
	age  time.Duration // of the packet that is next
}

func (b *Buffer) following(now hal.Instant) following {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := following{more: b.ring.held > 0, age: time.Duration(now) - samples(b.play) - b.steer.line}
	if a.more && b.ring.covering(b.play/Unit) == nil {
		gap := b.ring.first(b.play) - b.play
		if !b.pause.holds(b.play) && !b.recoversLocked(b.ring.covering((b.play+gap)/Unit), gap) {
			a.hole = gap
		}
	}
	return a
}

// bridge stretches what lies before a hole into it, by at most most samples.
func (b *Buffer) bridge(most int) {
	by := dsp.Repeat(b.fifo[:], past, b.ready, most, dsp.GoodMatchQ15)
	if by == 0 {
		return
	}
	b.ready += by
	b.marks.shift(by)
	b.steer.rested = 0
	b.mu.Lock()
	defer b.mu.Unlock()
	b.markLocked(int64(by))
	b.play += int64(by)
	b.counts.Stretched += uint64(by)
}

func (b *Buffer) stretched(by int) {
	b.ready += by
	b.marks.shift(by)
	s := &b.steer
	s.rested = 0
	s.moved(samples(by))
	b.mu.Lock()
	b.counts.Stretched += uint64(max(by, -by))
	b.mu.Unlock()
}
