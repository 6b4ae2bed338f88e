package opus

import (
	"errors"
	"time"
)

// Mode is the layer or layers that a packet is coded in.
type Mode uint8

// The modes.
const (
	SILK Mode = iota
	Hybrid
	CELT
)

// Bandwidth is the width of the sound in a packet.
type Bandwidth uint8

// The bandwidths: up to 4, 6, 8, 12 and 20 kHz.
const (
	Narrow Bandwidth = iota
	Medium
	Wide
	SuperWide
	Full
)

//go:generate go tool stringer -type=Mode,Bandwidth

const (
	// MaxFrame is the longest frame in bytes, [R2].
	MaxFrame = 1275
	// MaxFrames is how many frames the longest packet holds: 48 of 2.5 ms.
	MaxFrames = 48
	// MaxDuration is the longest packet's, [R5].
	MaxDuration = 120 * time.Millisecond
)

// What makes a packet malformed, by the rules of RFC 6716 section 3.4.
var (
	ErrEmpty    = errors.New("opus: packet without a byte breaks [R1]")
	ErrFrame    = errors.New("opus: frame of more than 1275 bytes breaks [R2]")
	ErrHalves   = errors.New("opus: two frames of one size in an odd number of bytes break [R3]")
	ErrFirst    = errors.New("opus: first frame that ends beyond the packet breaks [R4]")
	ErrCount    = errors.New("opus: no frame or more than 120 ms break [R5]")
	ErrConstant = errors.New("opus: frames of one size that do not fill the packet break [R6]")
	ErrVariable = errors.New("opus: frames that end beyond the packet break [R7]")
)

// Packet is what a packet says of itself.
type Packet struct {
	Mode      Mode
	Bandwidth Bandwidth
	Stereo    bool
	FrameSize time.Duration // of each frame: 2.5 to 60 ms
	Frames    int           // 1 to MaxFrames
	Redundant bool          // the frames before are in it too, coarsely (LBRR); never in CELT
}

// Duration is the length of the packet's sound.
func (p Packet) Duration() time.Duration { return time.Duration(p.Frames) * p.FrameSize }

// Parse reads the table of contents and checks the framing of a packet. It
// refuses what is malformed, and looks at no frame but for the flags at the
// beginning of the first. Any goroutine may call it.
func Parse(packet []byte) (Packet, error) {
	var f framing
	if err := f.parse(packet); err != nil {
		return Packet{}, err
	}
	return f.Packet, nil
}

// framing is a packet taken apart: where its frames lie.
type framing struct {
	Packet
	sizes [MaxFrames]int16
	body  []byte // the frames, one after another
}

// next cuts frame i off the body.
func (f *framing) next(i int) []byte {
	n := int(f.sizes[i])
	frame := f.body[:n:n]
	f.body = f.body[n:]
	return frame
}

func (f *framing) parse(packet []byte) error {
	if len(packet) == 0 {
		return ErrEmpty
	}
	f.contents(packet[0])
	f.body = packet[1:]
	var err error
	switch packet[0] & 3 {
	case 0:
		f.Frames = 1
		err = f.constant(ErrFrame)
	case 1:
		f.Frames = 2
		err = f.constant(ErrHalves)
	case 2:
		f.Frames = 2
		err = f.variable(ErrFirst)
	default:
		err = f.counted()
	}
	if err == nil {
		f.Redundant = f.redundant()
	}
	return err
}

// contents reads the first byte, section 3.1.
func (f *framing) contents(toc byte) {
	config := toc >> 3
	f.Stereo = toc&4 != 0
	switch {
	case config < 12:
		f.Mode, f.Bandwidth = SILK, Bandwidth(config>>2)
		f.FrameSize = [4]time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16:
		f.Mode, f.Bandwidth = Hybrid, SuperWide+Bandwidth(config>>1&1)
		f.FrameSize = [2]time.Duration{10, 20}[config&1] * time.Millisecond
	default:
		f.Mode, f.Bandwidth = CELT, [4]Bandwidth{Narrow, Wide, SuperWide, Full}[config>>2&3]
		f.FrameSize = 2500 * time.Microsecond << (config & 3)
	}
}

// counted reads the header of code 3, section 3.2.5.
func (f *framing) counted() error {
	if len(f.body) == 0 {
		return ErrConstant
	}
	b := f.body[0]
	f.body = f.body[1:]
	f.Frames = int(b & 63)
	if f.Frames == 0 || f.Duration() > MaxDuration {
		return ErrCount
	}
	split, broken := f.constant, ErrConstant
	if b&0x80 != 0 {
		split, broken = f.variable, ErrVariable
	}
	if b&0x40 != 0 && !f.padding() {
		return broken
	}
	return split(broken)
}

// padding takes the padding off the body, if there is as much.
func (f *framing) padding() bool {
	for n := 0; len(f.body) > 0; {
		b := int(f.body[0])
		f.body = f.body[1:]
		if b == 255 {
			n += 254
			continue
		}
		n += b
		if n > len(f.body) {
			return false
		}
		f.body = f.body[:len(f.body)-n]
		return true
	}
	return false
}

// constant splits the body into frames of one size.
func (f *framing) constant(broken error) error {
	n := len(f.body) / f.Frames
	if n*f.Frames != len(f.body) {
		return broken
	}
	if n > MaxFrame {
		return ErrFrame
	}
	for i := range f.Frames {
		f.sizes[i] = int16(n)
	}
	return nil
}

// variable reads the sizes of all frames but the last, section 3.2.1.
func (f *framing) variable(broken error) error {
	total := 0
	for i := range f.Frames - 1 {
		n, used := size(f.body)
		f.body = f.body[used:]
		total += n
		if used == 0 || total > len(f.body) {
			return broken
		}
		f.sizes[i] = int16(n)
	}
	last := len(f.body) - total
	if last > MaxFrame {
		return ErrFrame
	}
	f.sizes[f.Frames-1] = int16(last)
	return nil
}

// size reads the length of a frame, of one or two bytes; used is 0 where they
// are missing.
func size(b []byte) (n, used int) {
	switch {
	case len(b) > 0 && b[0] < 252:
		return int(b[0]), 1
	case len(b) > 1:
		return int(b[0]) + 4*int(b[1]), 2
	}
	return 0, 0
}

// redundant reads the flags at the beginning of the first frame: activity of
// every 20 ms, then redundancy; for either channel.
func (f *framing) redundant() bool {
	if f.Mode == CELT || f.sizes[0] == 0 {
		return false
	}
	n := uint(max(1, f.FrameSize/(20*time.Millisecond)))
	mid := f.body[0]>>(7-n)&1 != 0
	return mid || f.Stereo && f.body[0]>>(6-2*n)&1 != 0
}
