package opus

import (
	"bytes"
	"testing"
	"time"
)

// TestEncoderCoarsePackets makes both packets of the same speech: the coarse ones
// are as small as was asked for, and the others as if there were none.
func TestEncoderCoarsePackets(t *testing.T) {
	sound := heard(t)
	for _, c := range []EncoderConfig{
		{Bitrate: 11500, FrameMS: 40, Coarse: 8000},
		{Bitrate: 16500, FrameMS: 20, Coarse: 11500},
		{Bitrate: 20000, FrameMS: 60, Coarse: 14000, CBR: true},
		{Bitrate: 24000, FrameMS: 120, Coarse: 12000},
	} {
		c.Complexity, c.Bandwidth = 5, Wide
		alone := c
		alone.Coarse = 0
		e, f := newEncoder(t, c), newEncoder(t, alone)
		n, size, packets := c.FrameMS*16, 0, 0
		for at := 0; at+n <= len(sound); at += n {
			p, err := e.Encode(nil, sound[at:at+n])
			if err != nil {
				t.Fatal(err)
			}
			if q, _ := f.Encode(nil, sound[at:at+n]); !bytes.Equal(p, q) {
				t.Fatalf("%+v: packet %d is another than without coarse ones", c, packets)
			}
			coarse := e.AppendCoarse(nil)
			if info, err := Parse(coarse); err != nil || info.Duration() != time.Duration(c.FrameMS)*time.Millisecond {
				t.Fatalf("%+v: coarse packet %d is %+v: %v", c, packets, info, err)
			}
			size += len(coarse)
			packets++
		}
		if got := float64(size*8*1000) / float64(packets*c.FrameMS); got < .7*float64(c.Coarse) || got > 1.1*float64(c.Coarse) {
			t.Errorf("%+v: coarse packets take %.0f bit/s", c, got)
		}
		if got := f.AppendCoarse(nil); len(got) > 0 {
			t.Errorf("%+v: a coarse packet that nobody asked for", alone)
		}
	}
}

// TestEncoderCoarseIsHeard loses a fifth of the packets, two in a row: with the
// coarse ones in their place hardly less is heard, without them much less.
func TestEncoderCoarseIsHeard(t *testing.T) {
	sound := heard(t)
	e := newEncoder(t, EncoderConfig{Bitrate: 12000, Complexity: 5, FrameMS: 40, Bandwidth: Wide, Coarse: 8000})
	whole, mended, broken := newDecoder(t, 16000), newDecoder(t, 16000), newDecoder(t, 16000)
	var all, coarse, gaps []int16
	decode := func(d *Decoder, p []byte) []int16 {
		pcm := make([]int16, 640)
		if _, err := d.Decode(pcm, p); err != nil {
			t.Fatal(err)
		}
		return pcm
	}
	for i := 0; i+640 <= len(sound); i += 640 {
		p, err := e.Encode(nil, sound[i:i+640])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, decode(whole, p)...)
		if i/640%10 < 8 {
			coarse = append(coarse, decode(mended, p)...)
			gaps = append(gaps, decode(broken, p)...)
			continue
		}
		coarse = append(coarse, decode(mended, e.AppendCoarse(nil))...)
		pcm := make([]int16, 640)
		broken.Conceal(pcm)
		gaps = append(gaps, pcm...)
	}
	best, _ := likeness(all, sound)
	with, _ := likeness(coarse, sound)
	without, _ := likeness(gaps, sound)
	t.Logf("likeness %.3f, with coarse packets %.3f, with gaps %.3f", best, with, without)
	if with < best-.04 || with < without+.05 {
		t.Errorf("likeness %.3f, with coarse packets %.3f, with gaps %.3f", best, with, without)
	}
}
