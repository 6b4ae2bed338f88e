package jitter

import (
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
)

const (
	// past is how much of what has sounded is kept for finding the pitch: 20 ms.
	past = 2 * Unit
	// mergeLength is over how much received sound takes over from made-up
	// sound: 5 ms.
	mergeLength = Rate / 200
	// lean is by how much sound may wait too shortly after a hole of which that
	// much was left out instead of made up: lengthening, which follows, picks
	// a better place.
	lean = 6 * time.Millisecond
	// early is how much before its time the first packet may begin, so that
	// pulls every 10 ms start at the target and not 10 ms behind it.
	early = unit / 2
	// farBehind is the excess of delay from which sound is passed over
	// instead of hurried.
	farBehind = 400 * time.Millisecond
	// resume is how much above the target sound may be resumed after nothing
	// came for a while: what is older is passed over.
	resume = 250 * time.Millisecond
)

// Sound tells about the 10 ms pulled.
type Sound struct {
	Arrived hal.Instant   // of the first packet that begins in it; 0: none does
	Time    uint16        // of that packet, as Insert had it
	Offset  time.Duration // from the first sample pulled to the packet's first
	Buffer  time.Duration // sound that still waits
	Age     time.Duration // of the first sample pulled, less what the network took at its best of late; 0: nothing plays
	State   State
}

// Pull fills pcm, of Unit samples, with the next 10 ms. It is called every
// 10 ms of the sound card's clock; now is when. The stages:
//
//	learn    from what arrived since: how long should sound wait?
//	next     choose, under the mutex: a packet, sound to make up, or neither
//	decode   the packet, or recover, or conceal
//	join     cross-fade with what was made up before
//	stretch  by a pitch period, when the lead is off the target
//	vary     take what makes 10 ms of the card's clock
func (b *Buffer) Pull(now hal.Instant, pcm []int16) Sound {
	b.learn(now)
	b.vary.Speed(b.steer.speed())
	need := b.vary.Need(Unit)
	b.fill(now, need)
	if b.playing {
		b.stretch(now, need)
		b.fill(now, need)
	}
	b.vary.Convert(pcm[:Unit], b.waiting()[:need])
	return b.passed(need)
}

// waiting is what has not sounded, with the room behind it.
func (b *Buffer) waiting() []int16 { return b.fifo[past : past+b.ready] }

// passed lets n samples go that sound now.
func (b *Buffer) passed(n int) Sound {
	var s Sound
	copy(b.fifo[:], b.fifo[n:past+b.ready])
	b.ready -= n
	if m, ok := b.marks.pass(n); ok {
		s.Arrived, s.Time, s.Offset = m.at, m.time, samples(m.offset+dsp.VaryDelay)
	}
	if b.playing {
		s.Age = b.steer.age()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.Stretched += b.steer.trimmings()
	s.State = b.state
	s.Buffer = time.Duration(b.ring.waiting(b.play/Unit))*unit + samples(b.ready)
	return s
}

// learn takes what arrived since the last pull.
func (b *Buffer) learn(now hal.Instant) {
	b.mu.Lock()
	n, anew := b.arrivals.take(&b.drained)
	play := b.play
	b.playing = b.state == Playing || b.state == Starved
	b.mu.Unlock()
	if anew {
		b.steer.reset()
	}
	b.steer.tick(now)
	b.steer.learn(b.drained[:n])
	if b.playing {
		b.steer.measure(now, play-int64(b.ready))
	}
}

// choice is what Pull does next.
type choice struct {
	act   act
	size  int // of the packet in b.packet
	units int // of that packet
	skip  int // samples at its start that are overdue
	count int // samples to make up
	at    hal.Instant
	time  uint16
	cut   bool // it does not join what went before
}

type act uint8

const (
	conceal act = iota
	decode
	recall
)

// fill decodes or makes up until need samples wait.
func (b *Buffer) fill(now hal.Instant, need int) {
	for b.ready < need {
		b.render(b.next(now, need-b.ready))
	}
}

func (b *Buffer) next(now hal.Instant, need int) choice {
	r := report{b.steer.aim.wanted(now), b.steer.sender.slope * 1e6}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report = r
	if b.state == Empty || b.state == Filling && !b.beginLocked(now) {
		return choice{count: need}
	}
	b.catchUpLocked()
	if s := b.ring.covering(b.play / Unit); s != nil {
		return b.takeLocked(s)
	}
	if b.ring.held == 0 {
		return b.starveLocked(need)
	}
	return b.bridgeLocked(need)
}

// beginLocked starts playing once the first packet has waited for the target.
// What is older than that is passed over.
func (b *Buffer) beginLocked(now hal.Instant) bool {
	s := &b.steer
	over := time.Duration(now) - samples(b.play-int64(b.ready)) - s.line - s.aim.target(now) + early
	if over < 0 {
		return false
	}
	over -= over % unit
	b.play = min(b.play+toSamples(over), max(b.play, (b.ring.newest-1)*Unit))
	b.ring.dropBefore(b.play / Unit)
	b.state, b.owed, b.playing = Playing, 0, true
	s.lead = lead{}
	s.measure(now, b.play-int64(b.ready))
	return true
}

// catchUpLocked passes over sound when far too much waits, and gives sound that
// was believed missing its time back.
func (b *Buffer) catchUpLocked() {
	if b.steer.off > farBehind && b.ring.held > 0 {
		b.moveLocked(b.play + toSamples(b.steer.off))
		return
	}
	if b.owed == 0 || b.ring.held == 0 {
		return
	}
	first := max(b.ring.first(b.play-b.owed), b.play-b.owed)
	if first < b.play {
		b.rewindLocked(first)
	}
	b.owed = 0
}

// rewindLocked goes back to sample first: what was made up meanwhile has
// lengthened the delay, as far as that may be resumed.
func (b *Buffer) rewindLocked(first int64) {
	s := &b.steer
	room := max(0, toSamples(resume-s.off))
	to := max(first, b.play-room)
	s.moved(samples(b.play - to))
	b.missed.found(to/Unit, b.play/Unit+1)
	b.play = to
	b.ring.dropBefore(to / Unit)
}

// moveLocked goes on to sample to.
func (b *Buffer) moveLocked(to int64) {
	b.steer.moved(samples(b.play - to))
	b.skipLocked(to)
}

func (b *Buffer) takeLocked(s *slot) choice {
	c := choice{
		act: decode, size: copy(b.packet[:], s.data[:s.size]), units: s.units, at: s.at,
		time: uint16(s.pos), skip: int(b.play - s.pos*Unit), cut: b.cut,
	}
	b.cut = false
	b.missed.found(s.pos, s.end())
	b.play = s.end() * Unit
	b.ring.free(s)
	b.ring.dropBefore(b.play / Unit)
	b.state, b.owed = Playing, 0
	return c
}

// starveLocked makes sound up while nothing waits.
func (b *Buffer) starveLocked(need int) choice {
	if b.state != Starved {
		b.state, b.starved = Starved, 0
	}
	b.starved += int64(need)
	b.owed = min(b.owed+int64(need), maxOwed)
	return b.missLocked(need)
}

// bridgeLocked fills the hole before the first packet that waits. A part of it
// is left out, as much as sound waits too long already and lean more.
func (b *Buffer) bridgeLocked(need int) choice {
	gap := b.ring.first(b.play) - b.play
	if s := b.ring.covering((b.play + gap) / Unit); b.recoversLocked(s, gap) {
		return b.recoverLocked(s, gap)
	}
	if spare := b.steer.off + b.steer.lean(); spare > 0 {
		out := min(gap, toSamples(spare))
		b.markLocked(out)
		b.counts.Stretched += uint64(out)
		b.steer.moved(-samples(out))
		b.play += out
		b.cut = true
		if gap -= out; gap == 0 {
			return b.takeLocked(b.ring.covering(b.play / Unit))
		}
	}
	return b.missLocked(int(min(gap, int64(need))))
}

// recoversLocked reports whether the packet behind a hole tells what was in it.
func (b *Buffer) recoversLocked(s *slot, gap int64) bool {
	return b.fec != nil && s != nil && gap <= int64(s.units)*Unit && b.fec.Recovers(s.data[:s.size])
}

// recoverLocked asks the packet behind the hole for what was in it.
func (b *Buffer) recoverLocked(s *slot, gap int64) choice {
	c := choice{act: recall, size: copy(b.packet[:], s.data[:s.size]), units: s.units, skip: s.units*Unit - int(gap), count: int(gap)}
	b.markLocked(gap)
	b.play += gap
	b.counts.Recovered += uint64(gap)
	return c
}

// missLocked lets n samples pass that are not there.
func (b *Buffer) missLocked(n int) choice {
	b.markLocked(int64(n))
	b.counts.MadeUp += uint64(b.pause.missing(b.play, n))
	b.play += int64(n)
	return choice{count: n}
}

// markLocked takes note that the next n samples are missing, but for a pause.
func (b *Buffer) markLocked(n int64) {
	for pos := b.play / Unit; pos*Unit < b.play+n; pos++ {
		if !b.pause.holds(pos * Unit) {
			b.missed.mark(pos)
		}
	}
}

// render puts the choice into the FIFO.
func (b *Buffer) render(c choice) {
	switch c.act {
	case conceal:
		b.conceal(c.count)
	case decode:
		b.decode(c)
	case recall:
		b.recover(c)
	}
}

// conceal makes n samples up.
func (b *Buffer) conceal(n int) {
	for n > 0 {
		part := min(n, Unit)
		b.dec.Conceal(b.fifo[past+b.ready : past+b.ready+part])
		b.ready += part
		n -= part
	}
	b.merge = true
}

func (b *Buffer) decode(c choice) {
	out := b.fifo[past+b.ready : past+b.ready+c.units*Unit]
	joined := b.merge || c.cut || c.skip > 0
	if joined {
		b.dec.Conceal(b.tail[:])
	}
	if b.dec.Decode(out, b.packet[:c.size]) != nil {
		b.spoilt(c)
		return
	}
	if c.skip == 0 {
		b.marks.add(mark{c.at, c.time, b.ready})
	}
	b.append(out, c.skip, joined)
}

// append joins what lies at the end of the FIFO, without its first skip
// samples, to what is before.
func (b *Buffer) append(out []int16, skip int, joined bool) {
	copy(out, out[skip:])
	out = out[:len(out)-skip]
	if joined {
		n := min(len(out), mergeLength)
		dsp.CrossFade(out, b.tail[:n])
	}
	b.merge = false
	b.ready += len(out)
}

func (b *Buffer) recover(c choice) {
	out := b.fifo[past+b.ready : past+b.ready+c.units*Unit]
	if b.merge || c.skip > 0 {
		b.dec.Conceal(b.tail[:])
	}
	if b.fec.Recover(out, b.packet[:c.size]) == nil {
		b.append(out, c.skip, b.merge || c.skip > 0)
		return
	}
	b.conceal(c.count)
	b.mu.Lock()
	b.counts.Recovered -= uint64(c.count)
	b.counts.MadeUp += uint64(c.count)
	b.mu.Unlock()
}

// spoilt makes up for a packet that would not decode.
func (b *Buffer) spoilt(c choice) {
	n := c.units*Unit - c.skip
	b.conceal(n)
	b.mu.Lock()
	b.counts.MadeUp += uint64(n)
	b.counts.Malformed++
	b.mu.Unlock()
}

func toSamples(d time.Duration) int64 { return int64(d / samples(1)) }
