package media

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
	"time"

	"peerphone/hal"
	"peerphone/node/media/dsp"
	"peerphone/node/media/jitter"
	"peerphone/node/wire"
)

const (
	unit = 10 * time.Millisecond
	// overhead is what each payload costs on the wire besides itself: session
	// header and tag, IPv4 and UDP header.
	overhead = wire.SessionHeader + wire.Tag + 20 + 8
	// maxSound is the room for one coded packet.
	maxSound = jitter.MaxPacket
)

// Sender sends one media payload: wire.Media and the coded sound behind it. It
// neither blocks nor allocates, and does not keep payload.
type Sender interface {
	SendMedia(payload []byte)
}

// Route is where a leg's sound goes now.
type Route struct {
	Sender
}

// A Leg is the strip of one far end: coder, jitter buffer, decoder and their
// statistics. The Engine's goroutines walk it; the control loop sets its Route;
// the socket's reader calls Receive.
type Leg struct {
	// constant after NewLeg
	codec wire.Codec
	enc   Encoder

	// owned by the capture goroutine
	pcm    [6 * dsp.Unit]int16 // of the packet being filled
	filled int                 // samples in pcm
	time   uint16              // of the first sample of pcm, units of 10 ms
	seq    uint8               // of the next packet
	due    hal.Instant         // when the next frame should have been captured; 0: any time
	packet [wire.MediaHeader + maxSound]byte

	// shared
	route  atomic.Pointer[Route]
	muted  atomic.Bool
	jitter *jitter.Buffer
	books  books
}

// NewLeg returns a strip that sends and hears codec, one of Codecs; for any
// other it returns nil. A muted one sends silence.
func NewLeg(codec wire.Codec, muted bool) *Leg {
	enc, dec := newEncoder(codec), newDecoder(codec)
	if enc == nil || dec == nil {
		return nil
	}
	l := &Leg{codec: codec, enc: enc, jitter: jitter.New(dec)}
	l.muted.Store(muted)
	var start [3]byte
	rand.Read(start[:])
	l.time, l.seq = binary.BigEndian.Uint16(start[:]), start[2]
	return l
}

// Codec returns what the leg sends and hears.
func (l *Leg) Codec() wire.Codec { return l.codec }

// SetRoute says where sound goes from now on; nil: nowhere.
func (l *Leg) SetRoute(r *Route) { l.route.Store(r) }

// Mute replaces what the microphone hears by silence, which is still sent.
func (l *Leg) Mute(on bool) { l.muted.Store(on) }

// Muted reports whether Mute is on.
func (l *Leg) Muted() bool { return l.muted.Load() }

// Receive takes a media payload that arrived at the instant at. It copies what
// it keeps; it blocks for nothing but the jitter buffer's mutex.
func (l *Leg) Receive(at hal.Instant, payload []byte) {
	m, ok := wire.ParseMedia(payload)
	if !ok || m.Codec != l.codec {
		l.books.foreign.Add(1)
		return
	}
	l.books.received.Add(1)
	l.books.bytesDown.Add(uint64(len(payload) + overhead))
	l.jitter.Insert(at, m.Time, m.Sound)
}

// capture takes 10 ms from the microphone, whose first sample was captured at
// the instant at. It may silence pcm.
func (l *Leg) capture(at hal.Instant, gap bool, pcm []int16) {
	if l.muted.Load() {
		clear(pcm)
	}
	l.books.begin(at)
	l.books.in.add(pcm)
	l.pass(at, gap)
	copy(l.pcm[l.filled:], pcm)
	l.filled += len(pcm)
	if l.filled == l.enc.Units()*dsp.Unit {
		l.send()
	}
}

// pass lets the time go by for which nothing was captured: a gap, or a time in
// which the microphone was closed.
func (l *Leg) pass(at hal.Instant, gap bool) {
	behind := at.Sub(l.due)
	if l.due != 0 && (behind >= unit || gap && behind > unit/2) {
		units := int((behind + unit/2) / unit)
		if l.filled > 0 {
			units -= (l.enc.Units()*dsp.Unit - l.filled) / dsp.Unit
			clear(l.pcm[l.filled:])
			l.send()
		}
		l.time += uint16(max(units, 0))
	}
	l.due = at.Add(unit)
}

// send codes what is in pcm and hands it to the route.
func (l *Leg) send() {
	n := l.enc.Units() * dsp.Unit
	if r := l.route.Load(); r != nil && r.Sender != nil {
		p := wire.AppendMedia(l.packet[:0], wire.Media{Codec: l.codec, Seq: l.seq, Time: l.time})
		p = l.enc.Encode(p, l.pcm[:n])
		r.SendMedia(p)
		l.seq++
		l.books.sent.Add(1)
		l.books.bytesUp.Add(uint64(len(p) + overhead))
	}
	l.time += uint16(l.enc.Units())
	l.filled = 0
}

// pull fills pcm with the next 10 ms to be heard.
func (l *Leg) pull(now hal.Instant, pcm []int16) {
	l.books.begin(now)
	l.books.sound = l.jitter.Pull(now, pcm)
	l.books.out.add(pcm)
}

// sounds tells when the first sample pulled last is heard.
func (l *Leg) sounds(at hal.Instant) {
	l.books.played(at, l.jitter)
}
