package opus

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"unsafe"
)

// heard is speech at 16 kHz: what the decoder makes of a stream of testdata.
func heard(t testing.TB) []int16 {
	t.Helper()
	sound, _ := decodeAll(t, readStream(t, "wide60fec"), 16000)
	return sound
}

func newEncoder(t testing.TB, c EncoderConfig) *Encoder {
	t.Helper()
	e, err := NewEncoder(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// encodeAll encodes sound, less what does not fill a packet.
func encodeAll(t testing.TB, e *Encoder, sound []int16) (packets []codedPacket) {
	t.Helper()
	n := e.Config().FrameMS * 16
	for ; len(sound) >= n; sound = sound[n:] {
		p, err := e.Encode(nil, sound[:n])
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, codedPacket{p, e.FinalRange()})
	}
	return packets
}

// likeness is the correlation of two sounds at the best delay of got up to 15
// ms, and that delay in samples.
func likeness(got, want []int16) (best float64, delay int) {
	for d := range 240 {
		var cross, a, b float64
		for i := 0; i+d < len(got) && i < len(want); i++ {
			x, y := float64(got[i+d]), float64(want[i])
			cross, a, b = cross+x*y, a+x*x, b+y*y
		}
		if c := cross / math.Sqrt(a*b+1); c > best {
			best, delay = c, d
		}
	}
	return best, delay
}

func bitrateOf(packets []codedPacket, ms int) int {
	bytes := 0
	for _, p := range packets {
		bytes += len(p.data)
	}
	return bytes * 8 * 1000 / (len(packets) * ms)
}

// TestEncoderIsUnderstood encodes speech in many ways and decodes it: every
// final range is the encoder's, and it is the same speech.
func TestEncoderIsUnderstood(t *testing.T) {
	sound := heard(t)
	for _, c := range []EncoderConfig{
		{Bitrate: 16000, Complexity: 0, Bandwidth: Wide},
		{Bitrate: 16000, Complexity: 1, Bandwidth: Wide},
		{Bitrate: 16000, Complexity: 2, Bandwidth: Wide},
		{Bitrate: 16000, Complexity: 5, Bandwidth: Wide},
		{Bitrate: 16000, Complexity: 7, Bandwidth: Wide},
		{Bitrate: 16000, Complexity: 10, Bandwidth: Wide},
		{Bitrate: 20000, Complexity: 3, Bandwidth: Wide, FrameMS: 10},
		{Bitrate: 14000, Complexity: 3, Bandwidth: Wide, FrameMS: 40},
		{Bitrate: 14000, Complexity: 3, Bandwidth: Wide, FrameMS: 60},
		{Bitrate: 14000, Complexity: 3, Bandwidth: Wide, FrameMS: 80},
		{Bitrate: 14000, Complexity: 3, Bandwidth: Wide, FrameMS: 100},
		{Bitrate: 14000, Complexity: 3, Bandwidth: Wide, FrameMS: 120},
		{Bitrate: 16000, Complexity: 3, Bandwidth: Wide, FrameMS: 120, CBR: true},
		{Bitrate: 16000, Complexity: 3, Bandwidth: Wide, FrameMS: 100, CBR: true},
		{Bitrate: 16000, Complexity: 5, Bandwidth: Wide, CBR: true},
		{Bitrate: 24000, Complexity: 5, Bandwidth: Wide, FEC: true, ExpectedLoss: 10},
		{Bitrate: 24000, Complexity: 5, Bandwidth: Wide, FEC: true, ExpectedLoss: 10, FrameMS: 60},
		{Bitrate: 16000, Complexity: 5, Bandwidth: Wide, DTX: true},
		{Bitrate: 10000, Complexity: 5, Bandwidth: Narrow},
		{Bitrate: 12000, Complexity: 5, Bandwidth: Narrow, FrameMS: 10},
		{Bitrate: 12000, Complexity: 5, Bandwidth: Medium},
		{Bitrate: 14000, Complexity: 5, Bandwidth: Medium, FrameMS: 10},
		{Bitrate: 80000, Complexity: 5, Bandwidth: Wide},
		{Bitrate: 5000, Complexity: 5, Bandwidth: Narrow, FrameMS: 60},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			e := newEncoder(t, c)
			packets := encodeAll(t, e, sound)
			for i, p := range packets {
				info, err := Parse(p.data)
				if err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
				if info.Mode != SILK || info.Bandwidth != c.Bandwidth || info.Duration().Milliseconds() != int64(e.Config().FrameMS) {
					t.Fatalf("packet %d is %+v", i, info)
				}
				if c.CBR && len(p.data) != len(packets[0].data) {
					t.Fatalf("packet %d has %d bytes, the first %d", i, len(p.data), len(packets[0].data))
				}
			}
			got, _ := decodeAll(t, packets, 16000)
			want := 0.93
			switch {
			case c.Bitrate < 8000:
				want = 0.6
			case c.Bitrate < 15000 || c.Complexity < 2:
				want = 0.85
			}
			like, delay := likeness(got, sound)
			if like < want || delay > 120 {
				t.Errorf("likeness %.3f after %d samples, want %.2f", like, delay, want)
			}
			t.Logf("likeness %.3f after %d samples, %d bit/s", like, delay, bitrateOf(packets, e.Config().FrameMS))
		})
	}
}

func TestEncoderRefuses(t *testing.T) {
	for _, c := range []EncoderConfig{
		{Bitrate: 4999}, {Bitrate: 80001}, {Bitrate: 16000, Complexity: 11}, {Bitrate: 16000, Complexity: -1},
		{Bitrate: 16000, FrameMS: 30}, {Bitrate: 16000, ExpectedLoss: 101}, {Bitrate: 16000, ExpectedLoss: -1},
		{Bitrate: 16000, Bandwidth: SuperWide}, {Bitrate: 16000, Rate: 44100},
	} {
		if _, err := NewEncoder(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	e := newEncoder(t, EncoderConfig{Bitrate: 16000, Bandwidth: Wide})
	for _, n := range []int{0, 319, 321, 640} {
		if p, err := e.Encode(nil, make([]int16, n)); !errors.Is(err, ErrFrameLength) || len(p) != 0 {
			t.Errorf("%d samples: %d bytes, %v", n, len(p), err)
		}
	}
}

// TestEncoderDoesNotAllocate encodes on the audio path.
func TestEncoderDoesNotAllocate(t *testing.T) {
	sound := heard(t)
	for _, c := range []EncoderConfig{
		{Bitrate: 16000, Complexity: 0, Bandwidth: Wide},
		{Bitrate: 24000, Complexity: 10, Bandwidth: Wide, FEC: true, ExpectedLoss: 10},
		{Bitrate: 12000, Complexity: 5, Bandwidth: Medium, CBR: true, FrameMS: 120},
		{Bitrate: 12000, Complexity: 5, Bandwidth: Wide, FrameMS: 40, Coarse: 8000},
	} {
		e := newEncoder(t, c)
		n, at := e.Config().FrameMS*16, 0
		dst := make([]byte, 0, 1500)
		allocs := testing.AllocsPerRun(len(sound)/n-1, func() {
			if _, err := e.Encode(dst, sound[at:at+n]); err != nil {
				t.Fatal(err)
			}
			e.AppendCoarse(dst)
			at = (at + n) % (len(sound) - n)
		})
		if allocs > 0 {
			t.Errorf("%+v: %v allocations a packet", c, allocs)
		}
	}
}

// TestEncoderState holds an encoder to its budget: 100 kB less a decoder.
func TestEncoderState(t *testing.T) {
	n := unsafe.Sizeof(Encoder{})
	t.Logf("an encoder has %d bytes", n)
	if n > 84<<10 {
		t.Errorf("an encoder has %d bytes", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	sound := heard(b)
	for _, c := range []int{0, 2, 5, 10} {
		b.Run(fmt.Sprintf("complexity%d", c), func(b *testing.B) {
			e := newEncoder(b, EncoderConfig{Bitrate: 16000, Complexity: c, Bandwidth: Wide})
			bytes, packets := 0, 0
			dst := make([]byte, 0, 1500)
			for b.Loop() {
				for at := 0; at+320 <= len(sound); at += 320 {
					p, err := e.Encode(dst, sound[at:at+320])
					if err != nil {
						b.Fatal(err)
					}
					bytes += len(p)
					packets++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(packets), "us/frame")
			b.ReportMetric(float64(bytes)*50/float64(packets), "bytes/s")
		})
	}
}
