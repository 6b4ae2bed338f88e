// Package jitter evens out the arrival of packets: Insert on arrival, Pull per
// 10 ms. In between it decides how long sound waits.
//
// A packet's position is its 16-bit time made longer by the arrival clock, so
// that a wrap, a pause of minutes and a sender that begins anew are told apart;
// it counts units of 10 ms of the sender's clock. What is played is counted in
// the sender's samples.
//
// Insert only files packets and arrivals under the mutex. Everything else runs
// in Pull: learning from the arrivals (aim.go, skew.go), decoding, concealment,
// merging, stretching (pull.go, steer.go), into a FIFO from which the
// resampler takes what makes 10 ms of the card's clock.
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
	"peerphone/node/media/dsp"
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
	// maxOwed bounds, in samples, what is made up before what it stood for is
	// given up: 500 ms.
	maxOwed = Rate / 2
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

// Recoverer is a Decoder whose packets may tell what the packet before them
// held: in-band FEC, or a copy.
type Recoverer interface {
	// Recovers reports whether packet tells that. It reads no state: any
	// goroutine may ask.
	Recovers(packet []byte) bool
	// Recover fills pcm, of as many units as packet has, with the sound before
	// packet, or fails and fills nothing. Decode of packet follows.
	Recover(pcm []int16, packet []byte) error
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

// A Buffer is the jitter buffer of one sender. Insert, Counters and the other
// questions may be asked from any goroutine, Pull from one at a time.
type Buffer struct {
	// constant after New
	dec Decoder
	fec Recoverer // nil: dec is none

	// owned by Pull
	fifo    [past + 2*Unit + MaxUnits*Unit + 2*dsp.MaxPitch]int16 // played, then waiting to sound
	ready   int                                                   // samples of fifo that wait
	packet  [MaxPacket]byte                                       // the one being decoded
	tail    [mergeLength]int16                                    // what a concealment would have gone on with
	merge   bool                                                  // the next packet is cross-faded with tail
	marks   marks                                                 // where packets begin in fifo
	vary    dsp.Vary                                              // from the sender's clock to the card's
	steer   steer
	playing bool
	drained [maxArrivals]arrival

	mu sync.Mutex // guards what follows; held for the time of one packet's copy
	filed
}

// filed is what Insert and Pull share.
type filed struct {
	state    State
	ring     ring
	time     extender
	arrivals arrivals
	play     int64 // the sample that is decoded next, counted from position 0
	owed     int64 // samples made up since Starved began: what they stood for may still be played
	starved  int64 // samples made up since Starved began, however many
	pause    pause
	late     int  // late packets since the last one in time
	cut      bool // play has moved: what follows does not join what went before
	missed   missed
	counts   Counters
	report   report
}

// report is what Pull tells those who ask.
type report struct {
	target time.Duration
	skew   float64 // ppm
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
	MadeUp    uint64 // samples made up
	Concealed uint64 // the same in units of 10 ms, rounded up
	Recovered uint64 // samples that the packet behind them told
	Restored  uint64 // units that came as a copy and not before
	Skipped   uint64 // units passed over to catch up
	Stretched uint64 // samples added or left out
	Restarts  uint64 // jumps of the sender's time
}

// New returns an empty Buffer that decodes with dec.
func New(dec Decoder) *Buffer {
	b := &Buffer{dec: dec, merge: true}
	b.fec, _ = dec.(Recoverer)
	b.steer.reset()
	return b
}

// Insert files a packet that arrived at the instant at; time is that of its
// first sample. The packet is copied.
func (b *Buffer) Insert(at hal.Instant, time uint16, packet []byte) Fate {
	units := b.units(packet)
	b.mu.Lock()
	defer b.mu.Unlock()
	fate := b.insertLocked(at, time, packet, units)
	b.counts.count(fate)
	return fate
}

// InsertNext is Insert of a packet of which is known that the sender sent none
// between it and the one before: what lies between them in time is a pause, not
// a loss.
func (b *Buffer) InsertNext(at hal.Instant, time uint16, packet []byte) Fate {
	units := b.units(packet)
	b.mu.Lock()
	defer b.mu.Unlock()
	from := b.ring.newest
	fate := b.insertLocked(at, time, packet, units)
	b.counts.count(fate)
	if fate == Kept && b.time.jumps == 0 {
		b.pauseLocked(from, b.time.pos)
	}
	return fate
}

// InsertCopy files a copy of a packet in case the packet was lost. It came with
// another, which is inserted first.
func (b *Buffer) InsertCopy(at hal.Instant, time uint16, packet []byte) Fate {
	units := b.units(packet)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.copyLocked(at, time, packet, units)
}

// units is the duration of packet, 0 if it is none or too large.
func (b *Buffer) units(packet []byte) int {
	if len(packet) == 0 || len(packet) > MaxPacket {
		return 0
	}
	return b.dec.Duration(packet)
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
	switch b.state {
	case Empty:
		b.state, b.play = Filling, pos*Unit
	case Filling:
		b.makeRoomLocked(pos + int64(units))
		b.play = min(b.play, max(pos, b.ring.newest-span+MaxUnits)*Unit)
	}
	fate := b.fileLocked(at, pos, packet, units)
	if fate == Kept || fate == Late {
		b.arrivals.note(arrival{at, pos, units, itself})
	}
	return fate
}

func (b *Buffer) fileLocked(at hal.Instant, pos int64, packet []byte, units int) Fate {
	end := pos + int64(units)
	if end*Unit <= b.play-b.owed {
		return b.lateLocked(at, pos, end)
	}
	b.makeRoomLocked(end)
	if !b.ring.put(at, pos, packet, units) {
		return Duplicate
	}
	b.late = 0
	return Kept
}

// lateLocked tells a late packet from a second copy. Several of either in a row
// with nothing else to play mean that the way has become longer than sound may
// wait, or that the sender has begun anew just behind.
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

// copyLocked keeps a copy of what has not come, and learns from each: sound must
// wait for as long as copies take.
func (b *Buffer) copyLocked(at hal.Instant, time uint16, packet []byte, units int) Fate {
	if units < 1 || units > MaxUnits {
		return Malformed
	}
	pos, plain := b.time.place(at, time)
	if !plain || b.state == Empty {
		return Strange
	}
	end := pos + int64(units)
	switch {
	case end*Unit <= b.play-b.owed:
		if !b.missed.found(pos, end) {
			b.arrivals.note(arrival{at, pos, units, spare})
			return Duplicate
		}
		b.arrivals.note(arrival{at, pos, units, needed})
		return Late
	case end > b.ring.newest:
		return Duplicate
	case !b.ring.put(at, pos, packet, units):
		b.arrivals.note(arrival{at, pos, units, spare})
		return Duplicate
	}
	b.arrivals.note(arrival{at, pos, units, needed})
	b.counts.Restored += uint64(units)
	return Kept
}

// makeRoomLocked lets go of the oldest when end is too far ahead: nobody pulls,
// or the sender runs away.
func (b *Buffer) makeRoomLocked(end int64) {
	if first := (end - span) * Unit; first > b.play-b.owed {
		b.skipLocked(max(first, b.play))
		b.owed = 0
	}
}

// skipLocked moves on to sample to without playing what lies before.
func (b *Buffer) skipLocked(to int64) {
	b.counts.Skipped += uint64(to-b.play) / Unit
	b.ring.dropBefore(to / Unit)
	b.play, b.owed, b.cut = to, 0, true
}

func (b *Buffer) restartLocked(at hal.Instant, time uint16) int64 {
	b.ring.clear()
	b.arrivals.begin()
	b.missed.clear()
	b.state, b.owed, b.late, b.cut = Filling, 0, 0, true
	b.counts.Restarts++
	pos := b.time.anchor(at, time)
	b.play = pos * Unit
	return pos
}

// Counters returns the totals.
func (b *Buffer) Counters() Counters {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	c.LostUnits = b.missed.total
	per := uint64(max(b.ring.units, 1))
	c.Lost = (c.LostUnits + per - 1) / per
	c.Concealed = (c.MadeUp + Unit - 1) / Unit
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
	return b.report.target
}

// Skew returns by how many millionths the sender's clock is slow: what its
// packets are later each second, in us.
func (b *Buffer) Skew() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.report.skew
}
