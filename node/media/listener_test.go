package media

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"peerphone/node/media/dsp"
	"peerphone/node/media/opus"
)

func newListener(t testing.TB, hz int) *Listener {
	t.Helper()
	l, err := NewListener(hz)
	must(t, err)
	return l
}

// samples reads plain sound.
func samples(t *testing.T, name string) []int16 {
	t.Helper()
	b, err := os.ReadFile(name)
	must(t, err)
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

// loud is the root of the mean square.
func loud(pcm []int16) float64 {
	return math.Sqrt(float64(dsp.Energy(pcm)) / float64(max(len(pcm), 1)))
}

func minus(a, b []int16) []int16 {
	d := slices.Clone(a)
	for i := range d {
		d[i] -= b[i]
	}
	return d
}

// Streams that change mode, bandwidth and channels sound as the reference
// decoder has them, at the joints too: what is heard there comes of frames of
// CELT inside packets of SILK.
func TestJoints(t *testing.T) {
	for _, c := range []struct {
		stream, sound string
		joints        int // at least
	}{{"joints.bit", "joints.raw", 1}, {"../opus/testdata/change20.bit", "change.raw", 2}} {
		want := samples(t, "testdata/"+c.sound)
		l := newListener(t, 16000)
		pcm := make([]int16, 1920)
		joints, known := 0, 0
		for i, p := range records(t, c.stream) {
			n, err := l.Decode(pcm, p.data)
			if err != nil {
				t.Fatalf("%s: packet %d: %v", c.stream, i, err)
			}
			if n > len(want) {
				break
			}
			if l.joint {
				joints++
			}
			if state, ok := l.FinalRange(); ok && state != p.finalRange {
				t.Errorf("%s: packet %d: final range %#x, want %#x", c.stream, i, state, p.finalRange)
			} else if ok {
				known++
			}
			wrong, level := loud(minus(pcm[:n], want)), loud(want[:n])
			if wrong > level/3+2 {
				t.Errorf("%s: packet %d: an error of %.0f in sound of %.0f", c.stream, i, wrong, level)
			}
			want = want[n:]
		}
		if joints < c.joints || known < 20 || len(want) != 0 {
			t.Errorf("%s: %d joints, want %d; %d final ranges known; %d samples missing", c.stream, joints, c.joints, known, len(want))
		}
	}
}

// Our own codec takes over as soon as it says the same.
func TestTheForeignerReturnsTheStream(t *testing.T) {
	l := newListener(t, 16000)
	pcm := make([]int16, 1920)
	for _, p := range packets(t, "hybrid.bit") {
		_, err := l.Decode(pcm, p)
		must(t, err)
	}
	mono := records(t, "../opus/testdata/wide20cbr.bit")
	for i, p := range mono {
		_, err := l.Decode(pcm, p.data)
		must(t, err)
		if want := i > patience; l.heard == returning && want {
			t.Fatalf("packet %d is heard by the foreigner", i)
		}
	}
	want := newListener(t, 16000)
	last := make([]int16, 1920)
	for _, p := range mono {
		_, err := want.Decode(last, p.data)
		must(t, err)
	}
	if l.heard != ourselves || want.heard != ourselves || !same(pcm[:320], last[:320]) {
		t.Errorf("%d heard the end, and %d that of the stream alone", l.heard, want.heard)
	}
}

// All rates and lengths of packets are heard, and as long as they say.
func TestListenerAtAllRates(t *testing.T) {
	for _, hz := range []int{8000, 12000, 16000, 24000, 48000} {
		l := newListener(t, hz)
		pcm := make([]int16, hz*120/1000)
		total := 0
		for _, p := range packets(t, "joints.bit") {
			if _, err := l.Decode(pcm[:hz/400-1], p); !errors.Is(err, opus.ErrRoom) {
				t.Fatalf("%d Hz: without room: %v", hz, err)
			}
			n, err := l.Decode(pcm, p)
			must(t, err)
			total += n
		}
		if want := hz * 231 / 100; total != want {
			t.Errorf("%d Hz: %d samples, want %d", hz, total, want)
		}
	}
	if _, err := NewListener(44100); !errors.Is(err, opus.ErrRate) {
		t.Errorf("44100 Hz: %v", err)
	}
}

// After a gap foreign sound comes back without a step that it does not have.
func TestForeignGapEndsWithoutClick(t *testing.T) {
	list := packets(t, "celt.bit")
	step := func(a, b int16) int { return max(int(a)-int(b), int(b)-int(a)) }
	for gap := 20; gap < 40; gap++ {
		d := newOpusDecoder()
		var last int16
		pcm := make([]int16, 6*dsp.Unit)
		most := 0
		for i, p := range list[:gap+4] {
			n := d.Duration(p) * dsp.Unit
			if i == gap {
				for at := 0; at < n; at += dsp.Unit {
					d.Conceal(pcm[at:][:dsp.Unit])
				}
			} else {
				must(t, d.Decode(pcm[:n], p))
			}
			if i == gap+1 && step(pcm[0], last) > most {
				t.Errorf("gap at %d ends in a step of %d, the sound has %d", gap, step(pcm[0], last), most)
			}
			for k := 1; k < n; k++ {
				most = max(most, step(pcm[k], pcm[k-1]))
			}
			last = pcm[n-1]
		}
	}
}

// Streams of our own cost no allocation, also while the last packets are kept
// for the foreigner.
func TestListenerAllocatesNothing(t *testing.T) {
	list := records(t, "../opus/testdata/wide20cbr.bit")
	d := newOpusDecoder()
	pcm := make([]int16, 2*dsp.Unit)
	i := 0
	if n := testing.AllocsPerRun(50, func() {
		must(t, d.Decode(pcm, list[i].data))
		d.Conceal(pcm)
		i++
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// FuzzListener hears one packet after another, whatever they claim: the first
// byte says how long each is.
func FuzzListener(f *testing.F) {
	for _, name := range []string{"joints.bit", "../opus/testdata/change20.bit"} {
		var script []byte
		list := records(f, name)
		for i := 0; i < len(list); i += 20 {
			if p := list[i].data; len(p) < 256 {
				script = append(append(script, byte(len(p))), p...)
			}
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		l := newListener(t, []int{8000, 12000, 16000, 24000, 48000}[len(script)%5])
		pcm := make([]int16, 5760)
		for steps := 0; len(script) > 1 && steps < 8; steps++ {
			size := min(int(script[0]), len(script)-1)
			packet := script[1:][:size]
			script = script[1+size:]
			p, perr := opus.Parse(packet)
			n, err := l.Decode(pcm, packet)
			if perr != nil && err != perr {
				t.Fatalf("Parse: %v, Decode: %v", perr, err)
			}
			if want := p.Duration().Microseconds() * int64(l.hz) / 1e6; err == nil && int64(n) != want {
				t.Fatalf("%d samples, want %d", n, want)
			}
		}
	})
}
