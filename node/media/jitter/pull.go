package jitter

import (
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
)

const (
	// mergeLength is over how much received sound takes over from made-up
	// sound: 5 ms.
	mergeLength = Rate / 200
	// maxStretch is what one stretching adds at most.
	maxStretch = dsp.MaxPitch
	// early is how much before its time the first packet may begin, so that
	// pulls every 10 ms start at the target and not 10 ms behind it.
	early = unit / 2
	// farBehind is the excess of delay from which sound is passed over
	// instead of hurried.
	farBehind = 250 * time.Millisecond
	// shortenAbove and lengthenBelow enclose the leads that are left alone;
	// a pitch period of 15 ms fits between them.
	shortenAbove  = 10 * time.Millisecond
	lengthenBelow = -7 * time.Millisecond
	// overshoot is how far beyond the target one stretching may go.
	overshoot = 5 * time.Millisecond
	// pullPause is a time without a pull that no busy machine explains.
	pullPause = 200 * time.Millisecond
	// restBetween is the number of pulls between two stretchings: 50 ms, as
	// NetEQ has it.
	restBetween = 5
)

// mark is where a packet begins in the FIFO; at 0: nowhere.
type mark struct {
	at     hal.Instant
	offset int
}

// Sound tells about the 10 ms pulled.
type Sound struct {
	Arrived hal.Instant   // of the packet that begins in it; 0: none does
	Offset  time.Duration // from the first sample pulled to the packet's first
	Buffer  time.Duration // sound that still waits
	State   State
}

// Pull fills pcm, of Unit samples, with the next 10 ms. It is called every
// 10 ms of the sound card's clock; now is when. The stages:
//
//	next     choose, under the mutex: a packet, sound to make up, or neither
//	decode   the packet, or conceal
//	join     cross-fade with what was made up before
//	stretch  by a pitch period, when the lead is off the target
func (b *Buffer) Pull(now hal.Instant, pcm []int16) Sound {
	var s Sound
	first := true
	for b.ready < Unit {
		c := b.next(now, first)
		first = false
		b.render(c)
	}
	copy(pcm, b.fifo[:Unit])
	b.ready -= Unit
	copy(b.fifo[:b.ready], b.fifo[Unit:Unit+b.ready])
	b.rested++
	b.takeMark(&s)
	b.mu.Lock()
	s.State = b.state
	s.Buffer = time.Duration(b.ring.waiting(b.play))*unit + samples(b.ready)
	b.mu.Unlock()
	return s
}

func (b *Buffer) takeMark(s *Sound) {
	if b.mark.at == 0 {
		return
	}
	if b.mark.offset < Unit {
		s.Arrived, s.Offset = b.mark.at, samples(b.mark.offset)
		b.mark = mark{}
		return
	}
	b.mark.offset -= Unit
}

// samples is the duration of n samples.
func samples(n int) time.Duration { return time.Duration(n) * (time.Second / Rate) }

// choice is what Pull does next.
type choice struct {
	size  int // of the packet in b.packet; 0: make up one unit
	units int // of that packet
	skip  int // units at its start that are overdue
	at    hal.Instant
	off   time.Duration // the lead less the target
	cut   bool          // it does not join what went before
}

func (b *Buffer) next(now hal.Instant, first bool) choice {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == Empty || b.state == Filling && !b.beginLocked(now) {
		return choice{}
	}
	if first {
		b.measureLocked(now)
	}
	c := choice{off: b.lead.now() - b.delay.target()}
	if c.off > farBehind && b.ring.held > 0 {
		b.skipLocked(b.play + int64(c.off/unit))
		c.off = 0
	}
	if s := b.ring.covering(b.play); s != nil {
		b.takeLocked(&c, s)
	} else {
		b.missLocked()
	}
	return c
}

// measureLocked takes the lead of this pull. After a pause, when the card was
// away, what was measured before means nothing.
func (b *Buffer) measureLocked(now hal.Instant) {
	if now.Sub(b.pulled) > pullPause {
		b.lead = lead{}
	}
	b.pulled = now
	b.lead.observe(b.leadLocked(now))
}

// leadLocked is how long the next sample has waited for now.
func (b *Buffer) leadLocked(now hal.Instant) time.Duration {
	return time.Duration(now) - time.Duration(b.play)*unit + samples(b.ready)
}

// beginLocked starts playing once the first packet has waited for the target.
// What is older than that is passed over.
func (b *Buffer) beginLocked(now hal.Instant) bool {
	over := b.leadLocked(now) - b.delay.target() + early
	if over < 0 {
		return false
	}
	b.play = min(b.play+int64(over/unit), max(b.play, b.ring.newest-1))
	b.ring.dropBefore(b.play)
	b.state, b.owed = Playing, 0
	return true
}

func (b *Buffer) takeLocked(c *choice, s *slot) {
	c.size = copy(b.packet[:], s.data[:s.size])
	c.units, c.at = s.units, s.at
	c.skip = int(b.play - s.pos)
	c.cut, b.cut = b.cut, false
	b.play = s.end()
	b.ring.free(s)
	b.ring.dropBefore(b.play)
	b.state, b.owed = Playing, 0
}

// missLocked lets one unit pass that is not there.
func (b *Buffer) missLocked() {
	if b.ring.held == 0 {
		b.state = Starved
		b.owed = min(b.owed+1, int(mostWait/unit))
	}
	b.missed.mark(b.play)
	b.counts.Concealed++
	b.play++
}

// render puts the choice into the FIFO.
func (b *Buffer) render(c choice) {
	out := b.fifo[b.ready : b.ready+max(c.units, 1)*Unit]
	if c.size == 0 {
		b.dec.Conceal(out)
		b.ready += Unit
		b.merge = true
		return
	}
	joined := b.merge || c.cut || c.skip > 0
	if joined {
		b.dec.Conceal(b.tail[:])
	}
	if b.dec.Decode(out, b.packet[:c.size]) != nil {
		b.spoilt(out, c)
		return
	}
	copy(out, out[c.skip*Unit:])
	out = out[:len(out)-c.skip*Unit]
	if joined {
		dsp.CrossFade(out, b.tail[:])
	}
	b.merge = false
	b.noteMark(c)
	b.ready += len(out)
	b.stretch(c.off)
}

// spoilt makes up for a packet that would not decode.
func (b *Buffer) spoilt(out []int16, c choice) {
	n := c.units - c.skip
	for i := range n {
		b.dec.Conceal(out[i*Unit : (i+1)*Unit])
	}
	b.ready += n * Unit
	b.merge = true
	b.mu.Lock()
	b.counts.Concealed += uint64(n)
	b.counts.Malformed++
	b.mu.Unlock()
}

func (b *Buffer) noteMark(c choice) {
	if b.mark.at == 0 && c.skip == 0 {
		b.mark = mark{at: c.at, offset: b.ready}
	}
}

// stretch moves the lead towards the target by one pitch period.
func (b *Buffer) stretch(off time.Duration) {
	if b.rested < restBetween {
		return
	}
	by := 0
	switch {
	case off > shortenAbove:
		by = -dsp.Shorten(b.fifo[:b.ready], int((off+overshoot)/samples(1)))
	case off < lengthenBelow:
		most := min(int((overshoot-off)/samples(1)), maxStretch)
		by = dsp.Lengthen(b.fifo[:b.ready+most], b.ready, most)
	}
	if by == 0 {
		return
	}
	b.ready += by
	b.rested = 0
	b.mu.Lock()
	b.lead.moved(samples(by))
	b.counts.Stretched += uint64(max(by, -by))
	b.mu.Unlock()
}
