package media

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
	"time"

	"peerphone/hal"
	"peerphone/node/media/adapt"
	"peerphone/node/media/jitter"
	"peerphone/node/wire"
)

const (
	unit = 10 * time.Millisecond
	// overhead is what each payload costs on the wire besides itself: session
	// header and tag, IPv4 and UDP header.
	overhead = wire.SessionHeader + wire.Tag + 20 + 8
	// voicePath is what the sound of a call may cost each way, in bytes a second
	// with all headers.
	voicePath = 5000
	// maxPayload leaves room in a datagram for what a relay adds.
	maxPayload = wire.MaxDatagram - wire.SessionHeader - wire.Tag - 48
)

// Sender sends one media payload: wire.Media and the coded sound behind it. It
// neither blocks nor allocates, and does not keep payload.
type Sender interface {
	SendMedia(payload []byte)
}

// Counter is a Sender that knows how many bytes the phone has sent in all, with
// headers: sound shares a thin line with the rest. It neither blocks nor allocates.
type Counter interface{ Sent() uint64 }

// expected is what is said of the line.
type expected struct {
	at         hal.Instant
	line, owed int
}

// Route is where a leg's sound goes now.
type Route struct {
	Sender
	Extra  int // bytes that each packet costs there besides the session's and those of IPv4 and UDP
	Beside int // bytes a second that go there besides sound, to keep the call's ways
}

// A Leg is the strip of one far end: coder, jitter buffer, decoder and their
// statistics. The Engine's goroutines walk it; the control loop sets its Route;
// the socket's reader calls Receive.
type Leg struct {
	// constant after NewLeg
	codec   wire.Codec
	enc     Encoder
	tuner   Tuner   // nil: enc is none
	coarser Coarser // nil: enc is none
	bounder Bounder // nil: enc is none
	dec     Decoder

	voice // owned by the capture goroutine

	// shared
	route    atomic.Pointer[Route]
	expected atomic.Pointer[expected] // nil: it has been taken
	muted    atomic.Bool
	held     atomic.Bool
	jitter   *jitter.Buffer
	books    books
	hears    hears
}

// NewLeg returns a strip that sends and hears codec, one of Codecs; for any
// other it returns nil. A muted one sends silence.
func NewLeg(codec wire.Codec, muted bool) *Leg {
	enc, dec := newEncoder(codec), newDecoder(codec)
	if enc == nil || dec == nil {
		return nil
	}
	l := &Leg{codec: codec, enc: enc, dec: dec, jitter: jitter.New(dec)}
	if codec == wire.CodecOpus {
		l.books.lookAhead = codecDelay
	}
	l.muted.Store(muted)
	var start [3]byte
	rand.Read(start[:])
	l.time, l.seq = binary.BigEndian.Uint16(start[:]), start[2]
	l.tuner, _ = enc.(Tuner)
	l.coarser, _ = enc.(Coarser)
	l.bounder, _ = enc.(Bounder)
	l.pilot = adapt.NewPilot(adapt.Limits{Most: voicePath, Overhead: wire.MediaHeader + overhead})
	l.tune()
	return l
}

// Expect says how many bytes a second the line lets through at the instant at, and
// how many it has not let through yet of what was sent before; line 0: nobody knows.
func (l *Leg) Expect(at hal.Instant, line, owed int) { l.expected.Store(&expected{at, line, owed}) }

// Codec returns what the leg sends and hears.
func (l *Leg) Codec() wire.Codec { return l.codec }

// SetRoute says where sound goes from now on; nil: nowhere.
func (l *Leg) SetRoute(r *Route) { l.route.Store(r) }

// Mute replaces what the microphone hears by silence, which is still sent.
func (l *Leg) Mute(on bool) { l.muted.Store(on) }

// Muted reports whether Mute is on.
func (l *Leg) Muted() bool { return l.muted.Load() }

// pull fills pcm with the next 10 ms to be heard.
func (l *Leg) pull(now hal.Instant, pcm []int16) {
	l.books.begin(now)
	l.books.pulled, l.books.sound = now, l.jitter.Pull(now, pcm)
	l.books.out.add(pcm)
}

// sounds tells when the first sample pulled last is heard.
func (l *Leg) sounds(at hal.Instant) {
	l.books.played(at, l.jitter)
}
