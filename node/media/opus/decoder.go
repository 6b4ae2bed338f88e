package opus

import (
	"errors"
	"time"
)

// What Decode and its kin cannot do.
var (
	// ErrMode is a packet that is not mono SILK.
	ErrMode = errors.New("opus: packet is not mono SILK")
	// ErrRoom is sound that does not fit into dst.
	ErrRoom = errors.New("opus: no room for the sound")
	// ErrRate is a sample rate that Opus does not have.
	ErrRate = errors.New("opus: sample rate is not 8, 12, 16, 24 or 48 kHz")
)

// Decoder turns the packets of one stream into sound, one after another. It
// allocates nothing. It is not safe for concurrent use.
type Decoder struct {
	kHz     int // of the sound made
	heard   bool
	step    int // units of 10 ms that are concealed at a time: 1, or 2 after frames of 20 ms or more
	rng     uint32
	trailer bool
	channel channel
	resampler
	late int16 // the last sample decoded: all sound is one sample late

	frame    [1 + maxSamples]int16 // late, then a frame at its own rate
	leftover [10 * 48]int16        // concealed, but not asked for yet
	left     int                   // samples of it
}

// NewDecoder returns a Decoder that makes sound of 8000, 12000, 16000, 24000 or
// 48000 samples a second, else ErrRate.
func NewDecoder(hz int) (*Decoder, error) {
	switch hz {
	case 8000, 12000, 16000, 24000, 48000:
		d := &Decoder{kHz: hz / 1000}
		d.Reset()
		return d, nil
	}
	return nil, ErrRate
}

// Reset makes the Decoder forget all it heard.
func (d *Decoder) Reset() {
	d.heard = false
	d.rng = 0
	d.trailer = false
	d.left = 0
	d.late = 0
	d.channel.reset()
}

// FinalRange is the state of the range decoder after the last frame decoded,
// which is that of the encoder if there is no Trailer; 0 after a frame of no
// more than one byte.
func (d *Decoder) FinalRange() uint32 { return d.rng }

// Trailer reports whether the last frame decoded ended in the CELT frame that
// smooths a change of mode or bandwidth, RFC 6716 section 4.5.1. It is left out:
// sound is not faded into it, and FinalRange does not count it. Whoever is to
// hear it decodes the packet elsewhere, as media.Listener does.
func (d *Decoder) Trailer() bool { return d.trailer }

// samples is how many there are in a duration.
func (d *Decoder) samples(t time.Duration) int { return int(t/time.Millisecond) * d.kHz }

// Decode fills dst with the sound of a packet and returns how many samples that
// is. Frames of no more than one byte are silence that the sender does not code:
// they are concealed, with comfort noise. What is malformed changes nothing.
func (d *Decoder) Decode(dst []int16, packet []byte) (n int, err error) {
	var f framing
	if err := d.admit(&f, packet); err != nil {
		return 0, err
	}
	size := d.samples(f.FrameSize)
	if len(dst) < f.Frames*size {
		return 0, ErrRoom
	}
	d.left = 0
	d.pace(f.FrameSize)
	for i := range f.Frames {
		out := dst[i*size:][:size]
		if frame := f.next(i); len(frame) > 1 {
			d.decode(out, frame, f.Packet)
		} else {
			d.rng, d.trailer = 0, false
			d.miss(out)
		}
	}
	return f.Frames * size, nil
}

// DecodeFEC fills dst with the sound that was lost right before packet, as far
// as packet holds it (Packet.Redundant): its last samples, as many as one frame
// of packet has. What is before them, and what packet does not hold, is
// concealed. A dst shorter than a frame is concealed as a whole. Decode of the
// packet itself comes next.
func (d *Decoder) DecodeFEC(dst []int16, packet []byte) error {
	var f framing
	if err := d.admit(&f, packet); err != nil {
		return err
	}
	size := d.samples(f.FrameSize)
	frame := f.next(0)
	if len(dst) < size || len(frame) <= 1 {
		d.Conceal(dst)
		return nil
	}
	d.Conceal(dst[:len(dst)-size])
	d.left = 0
	d.pace(f.FrameSize)
	d.decodeRedundant(dst[len(dst)-size:], frame, f.Packet)
	return nil
}

func (d *Decoder) admit(f *framing, packet []byte) error {
	if err := f.parse(packet); err != nil {
		return err
	}
	if f.Mode != SILK || f.Stereo {
		return ErrMode
	}
	return nil
}

// Conceal fills dst with what may have followed the sound so far. It fades
// within some 100 ms into comfort noise. Lengths that are not whole units of
// 10 ms are fine: the next Conceal goes on where this one ended.
func (d *Decoder) Conceal(dst []int16) {
	n := copy(dst, d.leftover[:d.left])
	copy(d.leftover[:], d.leftover[n:d.left])
	d.left -= n
	dst = dst[n:]
	unit := 10 * d.kHz
	whole := len(dst) / unit * unit
	d.miss(dst[:whole])
	if dst = dst[whole:]; len(dst) > 0 {
		d.miss(d.leftover[:unit])
		n := copy(dst, d.leftover[:unit])
		d.left = copy(d.leftover[:], d.leftover[n:unit])
	}
}

func (d *Decoder) pace(frame time.Duration) {
	d.step = min(int(frame/(10*time.Millisecond)), 2)
}

// miss conceals whole units of 10 ms.
func (d *Decoder) miss(dst []int16) {
	if !d.heard {
		clear(dst)
		return
	}
	for len(dst) > 0 {
		f := format{d.channel.kHz, min(len(dst)/(10*d.kHz), d.step) * 2}
		d.channel.shape(f)
		d.channel.miss(d.frame[1:])
		dst = dst[d.put(dst, f):]
		d.channel.gain = freshGain
	}
}

// begin makes ready for an Opus frame of p: its parts, each of 10 or 20 ms, and
// their flags.
func (d *Decoder) begin(r *rangeDecoder, h *header, frame []byte, p Packet) format {
	f := format{8 + 4*int(p.Bandwidth), maxSubframes}
	parts := int(p.FrameSize / (20 * time.Millisecond))
	if parts == 0 {
		f.subframes, parts = 2, 1
	}
	if d.channel.shape(f) {
		d.resampler.init(f.kHz, d.kHz)
	}
	d.heard = true
	r.init(frame)
	h.read(r, parts)
	return f
}

func (d *Decoder) decode(dst []int16, frame []byte, p Packet) {
	var r rangeDecoder
	var h header
	f := d.begin(&r, &h, frame, p)
	for i := range h.parts {
		if h.redundant[i] {
			d.channel.skip(&r, true, h.redundantCoding(i))
		}
	}
	how := independent
	for i := range h.parts {
		d.channel.frame(d.frame[1:], &r, h.active[i], how)
		how = conditional
		dst = dst[d.put(dst, f):]
	}
	if d.trailer = r.tell()+17 <= 8*len(frame); d.trailer {
		r.bit(1) // on which side of the change
	}
	d.rng = r.rng
}

func (d *Decoder) decodeRedundant(dst []int16, frame []byte, p Packet) {
	var r rangeDecoder
	var h header
	f := d.begin(&r, &h, frame, p)
	for i := range h.parts {
		if h.redundant[i] {
			d.channel.frame(d.frame[1:], &r, true, h.redundantCoding(i))
		} else {
			d.channel.miss(d.frame[1:])
		}
		dst = dst[d.put(dst, f):]
	}
}

// put converts the frame at work to the rate of the sound, and returns how many
// samples it became.
func (d *Decoder) put(dst []int16, f format) int {
	n := f.samples()
	d.frame[0] = d.late
	d.late = d.frame[n]
	d.resampler.convert(dst, d.frame[:n])
	return n / f.kHz * d.kHz
}
