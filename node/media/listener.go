package media

import (
	"time"

	"peerphone/node/media/dsp"
	"peerphone/node/media/opus"
)

// speaker is whose sound of an Opus stream is heard.
//
//	nobody ──────► ourselves ──────► theForeigner
//	   │               ▲  a packet that     │ a packet of
//	   │               │  is not ours       │ mono SILK
//	   │        both say the same,          ▼
//	   │        or patience ends ────── returning
//	   └──────────────────────────► theForeigner
//
// While returning, both decode and the foreigner is heard: it knows what the
// sound before the change turned into, and our decoder, which heard nothing of
// it, catches up. Any packet that is not ours leads to theForeigner.
type speaker uint8

const (
	nobody speaker = iota
	ourselves
	theForeigner
	returning
)

const (
	// primers is how many packets the foreigner is told when its turn comes:
	// 100 ms of the usual ones let its filters settle.
	primers = 5
	// patience is how many packets our decoder has to catch up.
	patience = 50
	// alike is how many times the sound is stronger than a difference that
	// nobody hears, 30 dB.
	alike = 1000
)

// Listener turns all packets of one Opus stream into sound: mono SILK by our
// own codec, all else by the foreign one. Either's sound goes over into the
// other's without a click. It is not safe for concurrent use.
type Listener struct {
	hz      int
	own     *opus.Decoder
	foreign foreign

	heard    speaker
	patience int    // packets until returning ends
	exact    bool   // our own decoder read the last packet, and all of it
	celt     bool   // the last packet was CELT
	joint    bool   // the last packet had a frame of CELT at its joint
	abrupt   bool   // the last packet began where CELT broke off
	recent   recent // what the foreigner was not told
	other    []int16
}

// recent is the last packets, the oldest first.
type recent struct {
	data  [primers][opus.MaxFrame + 1]byte
	sizes [primers]int
	held  int
}

// NewListener returns a Listener whose sound has 8000, 12000, 16000, 24000 or
// 48000 samples a second, mono; for other rates opus.ErrRate.
func NewListener(hz int) (*Listener, error) {
	own, err := opus.NewDecoder(hz)
	if err != nil {
		return nil, err
	}
	most := int(opus.MaxDuration/time.Millisecond) * hz / 1000
	return &Listener{hz: hz, own: own, foreign: foreign{hz: hz}, other: make([]int16, most)}, nil
}

// Decode fills dst with the sound of a packet and returns how many samples that
// is. The error is that of opus.Parse, opus.ErrRoom, or the foreign decoder's.
func (l *Listener) Decode(dst []int16, packet []byte) (n int, err error) {
	p, err := opus.Parse(packet)
	if err != nil {
		return 0, err
	}
	n = int(int64(p.Duration()) * int64(l.hz) / int64(time.Second))
	if len(dst) < n {
		return 0, opus.ErrRoom
	}
	dst = dst[:n]
	if p.Mode == opus.SILK && !p.Stereo {
		err = l.mono(dst, packet)
	} else {
		err = l.others(dst, packet, p.Mode == opus.CELT)
	}
	l.celt = p.Mode == opus.CELT
	return n, err
}

// others decodes what our own codec does not speak. CELT begins with silence:
// where the packet before it did not lead over, what may have followed that one
// fills 2.5 ms and fades for as long, as the reference decoder has it.
func (l *Listener) others(dst []int16, packet []byte, celt bool) error {
	bare := celt && !l.joint && (l.heard == ourselves || l.heard == returning)
	l.exact, l.abrupt, l.joint, l.heard = false, false, false, theForeigner
	l.prime()
	if err := l.foreign.decode(dst, packet); err != nil {
		return err
	}
	if bare {
		half := l.hz / 400
		before := l.other[:min(2*half, len(dst))]
		l.own.Conceal(before)
		dsp.CrossFade(dst[copy(dst, before[:half]):], before[half:])
	}
	return nil
}

// mono decodes what our own codec speaks, unless the foreigner is to be heard: a
// CELT frame at the joint of two modes or bandwidths, RFC 6716 section 4.5.1,
// is in the packet, or our decoder has not caught up.
func (l *Listener) mono(dst []int16, packet []byte) error {
	if l.heard == theForeigner {
		l.own.Reset() // RFC 6716 section 4.5.2
		l.heard, l.patience = returning, patience
	}
	if _, err := l.own.Decode(dst, packet); err != nil {
		return err
	}
	l.joint = l.own.Trailer()
	l.exact, l.abrupt = !l.joint, l.celt && !l.joint
	if !l.joint && l.heard != returning {
		l.heard = ourselves
		l.recent.add(packet)
		return nil
	}
	l.prime()
	other := l.other[:len(dst)]
	l.patience--
	switch err := l.foreign.decode(other, packet); {
	case err != nil, !l.joint && (l.patience <= 0 || same(dst, other)):
		l.heard = ourselves
	default:
		if l.heard != returning {
			l.heard, l.patience = returning, patience
		}
		copy(dst, other)
	}
	return nil
}

// FinalRange is the state of the range coder after the last packet. It is known
// only of packets that our own codec read to their end.
func (l *Listener) FinalRange() (state uint32, known bool) {
	return l.own.FinalRange(), l.exact
}

// prime tells the foreigner what was heard without it.
func (l *Listener) prime() {
	r := &l.recent
	for i := range r.held {
		packet := r.data[i][:r.sizes[i]]
		if p, err := opus.Parse(packet); err == nil {
			n := int(p.Duration()/time.Millisecond) * l.hz / 1000
			_ = l.foreign.decode(l.other[:n], packet) // what it cannot hear it need not know
		}
	}
	r.held = 0
}

// add remembers a packet instead of the oldest; one that is larger than a frame
// makes it forget all.
func (r *recent) add(packet []byte) {
	if len(packet) > len(r.data[0]) {
		r.held = 0
		return
	}
	if r.held == primers {
		for i := 1; i < primers; i++ {
			copy(r.data[i-1][:r.sizes[i]], r.data[i][:])
			r.sizes[i-1] = r.sizes[i]
		}
		r.held--
	}
	r.sizes[r.held] = copy(r.data[r.held][:], packet)
	r.held++
}

// same reports whether nobody hears a difference; some steps of the smallest
// kind are none.
func same(a, b []int16) bool {
	var difference uint64
	for i, s := range a {
		d := int64(s) - int64(b[i])
		difference += uint64(d * d)
	}
	return difference*alike <= dsp.Energy(a)+uint64(4*alike*len(a))
}
