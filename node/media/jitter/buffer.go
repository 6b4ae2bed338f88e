// Package jitter evens out the arrival of packets: Insert on arrival, Pull per
// 10 ms. In between it decides how long sound waits.
//
// Time is counted in units of 10 ms of the sender's clock. A packet's position
// is its 16-bit time made longer by the arrival clock, so that a wrap, a pause
// of minutes and a sender that begins anew are told apart. Insert only files a
// packet under the mutex; decoding, concealment, merging and stretching run in
// Pull, into a FIFO of samples from which 10 ms are taken.
//
// The life of a Buffer:
//
//	Empty --packet--> Filling --its time has come--> Playing
//	Playing --nothing waits--> Starved --packet--> Playing
//	any --the sender's time jumps--> Filling
package jitter

import (
	"sync"
	"time"

	"peerphone/hal"
)

const (
	// Rate is the sample rate of all sound here, in Hz.
	Rate = 16000
	// Unit is the number of samples in one unit of time, 10 ms.
	Unit = Rate / 100
	unit = 10 * time.Millisecond
	// MaxUnits is the longest packet: 120 ms, as RFC 6716 section 3 has it.
	MaxUnits = 12
	// MaxPacket is the largest packet in bytes that is kept.
	MaxPacket = 1200
	// maxLate is the number of late packets in a row that begin anew: 200 ms
	// at the usual 20 ms.
	maxLate = 10
)

// Decoder turns packets into sound, one stream after another.
type Decoder interface {
	// Duration returns how many units of 10 ms the packet holds, 0 if it is no
	// packet of this codec. It reads no state: any goroutine may ask.
	Duration(packet []byte) int
	// Decode fills pcm, of Duration(packet) units, or fails and fills nothing.
	Decode(pcm []int16, packet []byte) error
	// Conceal fills pcm with what may have followed the sound decoded or
	// concealed last; it fades to silence. Any length up to one unit is asked.
	Conceal(pcm []int16)
}

//go:generate go tool stringer -type=State,Fate

// State is what a Buffer is doing; the transitions stand at the package.
type State uint8

// The states.
const (
	Empty State = iota
	Filling
	Playing
	Starved
)

// Fate is what became of a packet.
type Fate uint8

// The fates of a packet.
const (
	Kept      Fate = iota
	Late           // all of it should have sounded already
	Duplicate      // its time has come before
	Strange        // its time is far from what is due; several in a row begin anew
	Malformed      // not a packet of this codec, or too large
)

// A Buffer is the jitter buffer of one sender. Insert and Counters may be
// called from any goroutine, Pull from one at a time.
type Buffer struct {
	// constant after New
	dec Decoder

	// owned by Pull
	fifo   [Unit + MaxUnits*Unit + maxStretch]int16 // decoded, waiting to sound
	ready  int                                      // samples in fifo
	rested int                                      // units pulled since the last stretching
	packet [MaxPacket]byte                          // the one being decoded
	tail   [mergeLength]int16                       // what a concealment would have gone on with
	merge  bool                                     // the next packet is cross-faded with tail
	mark   mark                                     // where a packet begins in fifo

	mu sync.Mutex // guards what follows; held for the time of one packet's copy
	filed
}

// filed is what Insert and Pull share.
type filed struct {
	state  State
	ring   ring
	time   extender
	delay  delay
	play   int64       // position of the next unit to be decoded
	owed   int         // units made up since Starved began: they may still be played
	late   int         // late packets since the last one in time
	cut    bool        // play has moved: what follows does not join what went before
	lead   lead        // how long sound waits now
	pulled hal.Instant // the last pull
	missed missed
	counts Counters
}

// Counters are totals since New.
type Counters struct {
	Received  uint64 // packets, whatever their fate
	Late      uint64
	Duplicate uint64
	Strange   uint64
	Malformed uint64
	LostUnits uint64 // units of 10 ms that never came, or not until now
	Lost      uint64 // the same in packets of the last size seen, rounded up
	Concealed uint64 // units of 10 ms made up
	Skipped   uint64 // units passed over to catch up
	Stretched uint64 // samples added or removed by stretching
	Restarts  uint64 // jumps of the sender's time
}

// New returns an empty Buffer that decodes with dec.
func New(dec Decoder) *Buffer {
	b := &Buffer{dec: dec}
	b.delay.reset()
	b.merge = true
	return b
}

// Insert files a packet that arrived at the instant at; time is that of its
// first sample. The packet is copied.
func (b *Buffer) Insert(at hal.Instant, time uint16, packet []byte) Fate {
	units := 0
	if len(packet) > 0 && len(packet) <= MaxPacket {
		units = b.dec.Duration(packet)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	fate := b.insertLocked(at, time, packet, units)
	b.counts.count(fate)
	return fate
}

func (c *Counters) count(f Fate) {
	c.Received++
	switch f {
	case Late:
		c.Late++
	case Duplicate:
		c.Duplicate++
	case Strange:
		c.Strange++
	case Malformed:
		c.Malformed++
	}
}

func (b *Buffer) insertLocked(at hal.Instant, time uint16, packet []byte, units int) Fate {
	if units < 1 || units > MaxUnits {
		return Malformed
	}
	pos, plain := b.time.extend(at, time)
	if !plain {
		if !b.time.jumped(at, time) {
			return Strange
		}
		pos = b.restartLocked(at, time)
	}
	b.delay.observe(at, pos)
	switch b.state {
	case Empty:
		b.state, b.play = Filling, pos
	case Filling:
		b.makeRoomLocked(pos + int64(units))
		b.play = min(b.play, max(pos, b.ring.newest-span+MaxUnits))
	case Starved:
		b.rewindLocked(pos, units)
	}
	return b.fileLocked(at, pos, packet, units)
}

func (b *Buffer) fileLocked(at hal.Instant, pos int64, packet []byte, units int) Fate {
	end := pos + int64(units)
	if end <= b.play {
		return b.lateLocked(at, pos, end)
	}
	b.makeRoomLocked(end)
	if !b.ring.put(at, pos, packet, units) {
		return Duplicate
	}
	b.missed.found(pos, b.play)
	b.late = 0
	return Kept
}

// lateLocked tells a late packet from a second copy. Several of either in a row
// with nothing else to play mean that the way has become longer than the
// target may grow, or that the sender has begun anew just behind.
func (b *Buffer) lateLocked(at hal.Instant, pos, end int64) Fate {
	fate := Duplicate
	if b.missed.found(pos, end) {
		fate = Late
	}
	if b.late++; b.late >= maxLate && b.state == Starved {
		b.restartLocked(at, uint16(pos))
	}
	return fate
}

// makeRoomLocked lets go of the oldest when end is too far ahead: nobody pulls,
// or the sender runs away.
func (b *Buffer) makeRoomLocked(end int64) {
	if first := end - span; first > b.play {
		b.skipLocked(first)
	}
}

// skipLocked moves on to position to without playing what lies before.
func (b *Buffer) skipLocked(to int64) {
	b.counts.Skipped += uint64(to - b.play)
	b.ring.dropBefore(to)
	b.lead.moved(time.Duration(to-b.play) * -unit)
	b.play, b.owed, b.cut = to, 0, true
}

// rewindLocked gives sound that was believed missing its time back: what was
// made up meanwhile has lengthened the delay, as far as the target allows.
func (b *Buffer) rewindLocked(pos int64, units int) {
	if pos >= b.play || pos+int64(units) <= b.play-int64(b.owed) {
		return
	}
	room := b.delay.target() - b.lead.now()
	grow := int64((room + unit - 1) / unit)
	to := max(pos, b.play-int64(b.owed), b.play-max(grow, 0))
	b.missed.found(to, b.play)
	b.lead.moved(time.Duration(b.play-to) * unit)
	b.play, b.owed = to, 0
}

func (b *Buffer) restartLocked(at hal.Instant, time uint16) int64 {
	b.ring.clear()
	b.delay.reset()
	b.missed.clear()
	b.lead = lead{}
	b.state, b.owed, b.late, b.cut = Filling, 0, 0, true
	b.counts.Restarts++
	b.play = b.time.anchor(at, time)
	return b.play
}

// Counters returns the totals.
func (b *Buffer) Counters() Counters {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	c.LostUnits = b.missed.total
	per := uint64(max(b.ring.units, 1))
	c.Lost = (c.LostUnits + per - 1) / per
	return c
}

// State returns what the buffer is doing.
func (b *Buffer) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Target returns how long sound is meant to wait now, from the arrival of the
// fastest packets until it is pulled.
func (b *Buffer) Target() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.delay.wait
}
