package media

import (
	"math"
	"sync/atomic"
	"time"

	"peerphone/hal"
	"peerphone/node/media/adapt"
	"peerphone/node/media/emodel"
)

// codecDelay is what Opus looks ahead: 5 ms, and a sample or two for its
// filters.
const codecDelay = 6500 * time.Microsecond

// near is what our own sending is like, for all to see.
type near struct {
	rtt, bitrate, packet, copies, loss, allowed, through atomic.Int64
	least                                                atomic.Int64 // round trip of late, without what waited at bottlenecks

	// owned by the capture goroutine
	quick peak // of -rtt
}

// steers notes what the pilot believes and has chosen. Loss is in 1/10000.
func (b *books) steers(now hal.Instant, w adapt.Way, s adapt.Setting) {
	n := &b.near
	n.rtt.Store(int64(w.RTT))
	if w.RTT > 0 {
		n.quick.observe(now, -w.RTT)
		n.least.Store(int64(-n.quick.most()))
	}
	n.loss.Store(int64(1e4 * w.Loss.Share))
	n.allowed.Store(int64(w.Allowed))
	n.through.Store(int64(w.Through))
	n.bitrate.Store(int64(s.Bitrate))
	n.packet.Store(int64(s.Packet / time.Millisecond))
	n.copies.Store(int64(s.Copies))
}

// far is what the far end sends.
type far struct {
	units        atomic.Int64 // of its last packet
	heard, bytes atomic.Int64 // units and bytes of sound, ever

	// owned by the playout goroutine
	before [2]int64
	rate   float64 // bit/s, of its talking
}

// hear takes a packet's sound.
func (b *books) hear(units, bytes int) {
	if units > 0 {
		b.far.units.Store(int64(units))
		b.far.heard.Add(int64(units))
		b.far.bytes.Add(int64(bytes))
	}
}

// turn returns the bit rate at the end of a second. Pauses of the speaker take
// fewer bits without being any worse: what counts is the highest of late.
func (f *far) turn() float64 {
	heard, bytes := f.heard.Load(), f.bytes.Load()
	if units := heard - f.before[0]; units > 0 {
		f.rate = max(.95*f.rate, float64(8*(bytes-f.before[1]))/(float64(units)*unit.Seconds()))
	}
	f.before = [2]int64{heard, bytes}
	return f.rate
}

// uncoded is a bit rate that only linear PCM has.
const uncoded = 128000

// impairs is Ie of what the far end sends.
func (f *far) impairs(bitrate float64) float64 {
	if bitrate > uncoded {
		return 0
	}
	return emodel.Codec(bitrate, f.packet())
}

// packet is the duration of the far end's packets.
func (f *far) packet() time.Duration { return time.Duration(f.units.Load()) * unit }

// mouth is the time from the far mouth to our ear of sound of that age, as
// jitter.Sound has it, when it is heard; 0 before there is a packet. The least
// that the network takes is half of what it takes there and back.
func (b *books) mouth(age time.Duration) time.Duration {
	if b.far.units.Load() == 0 {
		return 0
	}
	return age + b.lookAhead + time.Duration(b.near.least.Load())/2
}

// score is what the last second was worth.
type score struct{ r, mos atomic.Uint64 }

func (s *score) get() (r, mos float64) {
	return math.Float64frombits(s.r.Load()), math.Float64frombits(s.mos.Load())
}

// rate scores a second; madeUp is the share of it that was.
func (s *score) rate(mouth time.Duration, madeUp, ie float64) {
	r := emodel.R(mouth, ie, madeUp)
	s.r.Store(math.Float64bits(r))
	s.mos.Store(math.Float64bits(emodel.MOS(r)))
}
