package media

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"peerphone/node/media/dsp"
	"peerphone/node/media/opus"
	"peerphone/node/wire"
)

// record is a packet in a file, with the final range of its encoder.
type record struct {
	data       []byte
	finalRange uint32
}

// records reads a file of packets, each behind its length and final range.
func records(t testing.TB, name string) (list []record) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	must(t, err)
	for len(b) >= 8 {
		n := int(binary.BigEndian.Uint32(b))
		list = append(list, record{b[8 : 8+n], binary.BigEndian.Uint32(b[4:])})
		b = b[8+n:]
	}
	return list
}

// packets reads the packets of such a file.
func packets(t testing.TB, name string) (list [][]byte) {
	t.Helper()
	for _, r := range records(t, name) {
		list = append(list, r.data)
	}
	return list
}

// correlation compares two sounds at the best lag up to most samples.
func correlation(a, b []int16, most int) float64 {
	best := 0.0
	for lag := range most {
		var ab, aa, bb float64
		for i := range min(len(a), len(b)-lag) {
			x, y := float64(a[i]), float64(b[i+lag])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		best = max(best, ab/math.Sqrt(aa*bb+1))
	}
	return best
}

// What our codec does not speak is heard all the same, and as well as the
// reference hears it: of the three files libopus 1.3.1 makes 0.928, 0.930 and
// 0.996, compared with speech under a slightly other low-pass than decimated's.
func TestForeignPackets(t *testing.T) {
	said := decimated(speech(7, 48000, 1))
	for _, c := range []struct {
		file   string
		mode   opus.Mode
		stereo bool
		want   float64
	}{{"hybrid.bit", opus.Hybrid, false, 0.927}, {"stereo.bit", opus.SILK, true, 0.927}, {"celt.bit", opus.CELT, false, 0.995}} {
		d := newOpusDecoder()
		var heard []int16
		met := false
		for i, p := range packets(t, c.file) {
			parsed, err := opus.Parse(p)
			must(t, err)
			met = met || parsed.Mode == c.mode && parsed.Stereo == c.stereo || parsed.Stereo && c.stereo
			pcm := make([]int16, d.Duration(p)*dsp.Unit)
			if err := d.Decode(pcm, p); err != nil || len(pcm) == 0 {
				t.Fatalf("%s: packet %d of %d samples: %v", c.file, i, len(pcm), err)
			}
			heard = append(heard, pcm...)
		}
		if r := correlation(said, heard, 400); !met || r < c.want {
			t.Errorf("%s: correlation with what was said %.3f, want >= %.3f; a packet of its kind was met: %v", c.file, r, c.want, met)
		}
	}
}

// decimated takes speech of 48 kHz to 16 kHz under a low-pass at 7.8 kHz, whose
// phase is linear as that of the decoders is.
func decimated(pcm []int16) []int16 {
	const reach, cut = 72, 2 * 7800. / 48000
	out := make([]int16, 0, len(pcm)/3)
	for at := 0; at < len(pcm); at += 3 {
		var sum float64
		for k := max(-reach, -at); k <= reach && at+k < len(pcm); k++ {
			h := cut
			if x := math.Pi * cut * float64(k); k != 0 {
				h = cut * math.Sin(x) / x
			}
			sum += h * (0.5 + 0.5*math.Cos(math.Pi*float64(k)/reach)) * float64(pcm[at+k])
		}
		out = append(out, int16(sum))
	}
	return out
}

// A lost packet is made up by whoever decoded last, and fades.
func TestForeignLossIsConcealed(t *testing.T) {
	d := newOpusDecoder()
	pcm := make([]int16, 6*dsp.Unit)
	list := packets(t, "celt.bit")
	for _, p := range list[:30] {
		must(t, d.Decode(pcm[:d.Duration(p)*dsp.Unit], p))
	}
	var first, last int
	for i := range 30 {
		d.Conceal(pcm[:dsp.Unit])
		for _, s := range pcm[:dsp.Unit] {
			if i == 0 {
				first = max(first, int(s), -int(s))
			} else if i == 29 {
				last = max(last, int(s), -int(s))
			}
		}
	}
	if first == 0 || last > first/100 {
		t.Errorf("concealment begins with a peak of %d and has %d after 300 ms, want sound, then silence", first, last)
	}
}

// Hostile packets cost an error, whatever mode they claim.
func FuzzOpusDecoder(f *testing.F) {
	for _, name := range []string{"hybrid.bit", "stereo.bit", "celt.bit"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[8 : 8+binary.BigEndian.Uint32(b)])
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		d := newOpusDecoder()
		units := d.Duration(packet)
		if units == 0 {
			return
		}
		if units > 12 {
			t.Fatalf("a packet of %d units", units)
		}
		pcm := make([]int16, units*dsp.Unit)
		d.Decode(pcm, packet)
		d.Conceal(pcm[:dsp.Unit])
	})
}

// Our own speech, through both halves of the codec, within the path's 5 kB/s.
func TestOpusRoundTrip(t *testing.T) {
	e, d := newEncoder(wire.CodecOpus), newDecoder(wire.CodecOpus)
	said := speech(3, 16000, 5)
	var heard []int16
	bytes := 0
	frame := e.Units() * dsp.Unit
	for i := 0; i+frame <= len(said); i += frame {
		p := e.Encode(nil, said[i:i+frame])
		bytes += len(p) + wire.MediaHeader + overhead
		pcm := make([]int16, d.Duration(p)*dsp.Unit)
		must(t, d.Decode(pcm, p))
		heard = append(heard, pcm...)
	}
	rate := float64(bytes) / 5
	r := correlation(said, heard, 400)
	t.Logf("%.0f bytes per second of path, correlation %.3f", rate, r)
	if rate > 5000 || r < 0.8 {
		t.Errorf("%.0f bytes per second and correlation %.3f, want <= 5000 and >= 0.8", rate, r)
	}
}
