package opus

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// bytesOfSize is a packet: its header, then n bytes.
func bytesOfSize(n int, header ...byte) []byte { return append(header, make([]byte, n)...) }

// TestMalformed has the packets that RFC 6716 section 3.4 rules out, and their
// neighbours that it does not.
func TestMalformed(t *testing.T) {
	const silk20, silk60, celt2 = 1 << 3, 3 << 3, 16 << 3
	tests := []struct {
		name   string
		packet []byte
		want   error
	}{
		{"nothing", nil, ErrEmpty},
		{"contents alone", []byte{silk20}, nil},
		{"largest frame", bytesOfSize(1275, silk20), nil},
		{"frame too large", bytesOfSize(1276, silk20), ErrFrame},
		{"two largest frames", bytesOfSize(2550, silk20|1), nil},
		{"two frames too large", bytesOfSize(2552, silk20|1), ErrFrame},
		{"two empty halves", []byte{silk20 | 1}, nil},
		{"odd halves", bytesOfSize(3, silk20|1), ErrHalves},
		{"code 2 without a length", []byte{silk20 | 2}, ErrFirst},
		{"code 2 of two empty frames", []byte{silk20 | 2, 0}, nil},
		{"code 2 beyond the end", []byte{silk20 | 2, 1}, ErrFirst},
		{"code 2 with half a length", []byte{silk20 | 2, 252}, ErrFirst},
		{"code 2 with a long length", bytesOfSize(252, silk20|2, 252, 0), nil},
		{"code 2 with a long length beyond the end", bytesOfSize(251, silk20|2, 252, 0), ErrFirst},
		{"code 2, second frame too large", bytesOfSize(1276, silk20|2, 0), ErrFrame},
		{"code 3 without a count", []byte{silk20 | 3}, ErrConstant},
		{"code 3 of no frame", []byte{silk20 | 3, 0}, ErrCount},
		{"code 3 of 120 ms", []byte{silk20 | 3, 6}, nil},
		{"code 3 of 140 ms", []byte{silk20 | 3, 7}, ErrCount},
		{"code 3 of 180 ms", []byte{silk60 | 3, 3}, ErrCount},
		{"code 3 of 48 frames", []byte{celt2 | 3, 48}, nil},
		{"code 3 of 49 frames", []byte{celt2 | 3, 49}, ErrCount},
		{"code 3, constant", bytesOfSize(6, silk20|3, 3), nil},
		{"code 3, constant, remainder", bytesOfSize(7, silk20|3, 3), ErrConstant},
		{"code 3, constant, too large", bytesOfSize(3*1276, silk20|3, 3), ErrFrame},
		{"padding without a length", []byte{silk20 | 3, 0x41}, ErrConstant},
		{"padding without its second length", []byte{silk20 | 3, 0x41, 255}, ErrConstant},
		{"padding of nothing", []byte{silk20 | 3, 0x41, 0}, nil},
		{"padding to the end", bytesOfSize(5, silk20|3, 0x41, 5), nil},
		{"padding beyond the end", bytesOfSize(4, silk20|3, 0x41, 5), ErrConstant},
		{"padding of 254 and 1", bytesOfSize(255, silk20|3, 0x41, 255, 1), nil},
		{"padding of 254 and 1 beyond the end", bytesOfSize(254, silk20|3, 0x41, 255, 1), ErrConstant},
		{"padding beyond the end, variable", bytesOfSize(4, silk20|3, 0xc1, 5), ErrVariable},
		{"code 3, variable", bytesOfSize(7, silk20|3, 0x83, 2, 3), nil},
		{"code 3, variable, last one empty", bytesOfSize(5, silk20|3, 0x83, 2, 3), nil},
		{"code 3, variable, beyond the end", bytesOfSize(4, silk20|3, 0x83, 2, 3), ErrVariable},
		{"code 3, variable, without a length", []byte{silk20 | 3, 0x83, 0}, ErrVariable},
		{"code 3, variable, last one too large", bytesOfSize(1276, silk20|3, 0x82, 0), ErrFrame},
	}
	for _, test := range tests {
		_, err := Parse(test.packet)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
		d := newDecoder(t, 16000)
		if n, derr := d.Decode(make([]int16, 1920), test.packet); test.want != nil && (derr != err || n != 0) {
			t.Errorf("%s: Decode returns %d and %v", test.name, n, derr)
		}
	}
}

func TestContents(t *testing.T) {
	ms := time.Millisecond
	tests := []struct {
		toc  byte
		want Packet
	}{
		{0 << 3, Packet{Mode: SILK, Bandwidth: Narrow, FrameSize: 10 * ms, Frames: 1}},
		{3 << 3, Packet{Mode: SILK, Bandwidth: Narrow, FrameSize: 60 * ms, Frames: 1}},
		{6<<3 | 4, Packet{Mode: SILK, Bandwidth: Medium, FrameSize: 40 * ms, Frames: 1, Stereo: true}},
		{9<<3 | 1, Packet{Mode: SILK, Bandwidth: Wide, FrameSize: 20 * ms, Frames: 2}},
		{12 << 3, Packet{Mode: Hybrid, Bandwidth: SuperWide, FrameSize: 10 * ms, Frames: 1}},
		{15 << 3, Packet{Mode: Hybrid, Bandwidth: Full, FrameSize: 20 * ms, Frames: 1}},
		{16 << 3, Packet{Mode: CELT, Bandwidth: Narrow, FrameSize: 2500 * time.Microsecond, Frames: 1}},
		{21 << 3, Packet{Mode: CELT, Bandwidth: Wide, FrameSize: 5 * ms, Frames: 1}},
		{26 << 3, Packet{Mode: CELT, Bandwidth: SuperWide, FrameSize: 10 * ms, Frames: 1}},
		{31 << 3, Packet{Mode: CELT, Bandwidth: Full, FrameSize: 20 * ms, Frames: 1}},
	}
	for _, test := range tests {
		if got, err := Parse([]byte{test.toc}); err != nil || got != test.want {
			t.Errorf("contents %#x: got %+v, %v; want %+v", test.toc, got, err, test.want)
		}
	}
}

// TestRedundantFlag reads the flag that stands behind one flag of activity for
// each 20 ms.
func TestRedundantFlag(t *testing.T) {
	tests := []struct {
		packet []byte
		want   bool
	}{
		{[]byte{9 << 3, 0x40, 0}, true},          // 20 ms: active, redundant
		{[]byte{9 << 3, 0xbf, 0}, false},         //
		{[]byte{8 << 3, 0x40, 0}, true},          // 10 ms
		{[]byte{10 << 3, 0x20, 0}, true},         // 40 ms
		{[]byte{10 << 3, 0xdf, 0}, false},        //
		{[]byte{11 << 3, 0x10, 0}, true},         // 60 ms
		{[]byte{9<<3 | 4, 0x10, 0}, true},        // the side channel
		{[]byte{9<<3 | 4, 0xaf, 0}, false},       //
		{[]byte{31 << 3, 0xff, 0}, false},        // CELT has none
		{[]byte{9<<3 | 2, 0, 0xff, 0xff}, false}, // an empty first frame
	}
	for _, test := range tests {
		p, err := Parse(test.packet)
		if err != nil || p.Redundant != test.want {
			t.Errorf("%x: got %v, %v; want %v", test.packet, p.Redundant, err, test.want)
		}
	}
}

// FuzzParse holds the framing to the packet: the frames lie in it, one behind
// another, and what is parsed can be decoded as long as it says.
func FuzzParse(f *testing.F) {
	f.Add([]byte{9 << 3, 1, 2, 3})
	f.Add([]byte{9<<3 | 3, 0xc3, 2, 1, 1, 9, 9, 9, 0, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		var x framing
		err := x.parse(packet)
		p, perr := Parse(packet)
		if err != perr {
			t.Fatalf("parse %v, Parse %v", err, perr)
		}
		if err != nil {
			return
		}
		if p.Frames < 1 || p.Frames > MaxFrames || p.Duration() > MaxDuration {
			t.Fatalf("%d frames, %v", p.Frames, p.Duration())
		}
		all := x.body
		var joined []byte
		for i := range x.Frames {
			frame := x.next(i)
			if len(frame) > MaxFrame {
				t.Fatalf("frame of %d bytes", len(frame))
			}
			joined = append(joined, frame...)
		}
		if len(x.body) != 0 || !bytes.Equal(joined, all) || !bytes.Contains(packet, all) {
			t.Fatal("frames are not the packet's")
		}
	})
}
