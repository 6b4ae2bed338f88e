package dsp

import (
	"fmt"
	"math"
	"testing"
)

// conference mixes what each party says, in frames of 20 ms.
func conference(said [][]int16) (heard [][]int16) {
	m := NewMixer(len(said))
	heard = make([][]int16, len(said))
	in, out := make([][]int16, len(said)), make([][]int16, len(said))
	length := 0
	for _, s := range said {
		length = max(length, len(s))
	}
	for i := range heard {
		heard[i] = make([]int16, length)
	}
	for at := 0; at+2*Unit <= length; at += 2 * Unit {
		for i, s := range said {
			out[i] = heard[i][at : at+2*Unit]
			if in[i] = nil; s != nil {
				in[i] = s[at : at+2*Unit]
			}
		}
		m.Mix(out, in)
	}
	return heard
}

func TestOneSpeakerIsHeardAsItIs(t *testing.T) {
	loud := noise(1, 50*Unit, 20000) // to both limits
	heard := conference([][]int16{nil, loud, nil, nil})
	for i, h := range heard {
		for k := MixDelay; k < len(h); k++ {
			want := loud[k-MixDelay]
			if i == 1 {
				want = 0
			}
			if h[k] != want {
				t.Fatalf("party %d, sample %d: %d, want %d", i, k, h[k], want)
			}
		}
	}
}

func TestEachHearsAllOthers(t *testing.T) {
	said := make([][]int16, 8)
	for i := range said {
		said[i] = wave(100*Unit, float64(300+200*i), Rate, 3000)
	}
	for i, h := range conference(said) {
		for k := range said {
			level := levelAt(h[4*Unit:], float64(300+200*k), Rate, 3000)
			if k == i && level > -70 {
				t.Errorf("party %d hears itself at %.1f dB", i, level)
			}
			if k != i && math.Abs(level) > 0.1 {
				t.Errorf("party %d hears party %d at %.2f dB, want 0", i, k, level)
			}
		}
	}
}

// Sums beyond full scale become quieter and are not distorted: the tones that
// are said are all there is.
func TestLoudSumsAreNotDistorted(t *testing.T) {
	for _, voices := range []int{2, 3, 7} {
		said := make([][]int16, voices+1)
		for i := range voices {
			said[i] = wave(400*Unit, []float64{310, 470, 730, 1130, 1490, 2110, 2730}[i], Rate, 32767)
		}
		h := conference(said)[voices][100*Unit:]
		var tones float64
		for i := range voices {
			tones += math.Pow(10, levelAt(h, []float64{310, 470, 730, 1130, 1490, 2110, 2730}[i], Rate, 1)/10) / 2
		}
		all := float64(Energy(h)) / float64(len(h))
		rest := 10 * math.Log10(max(all-tones, 1)/tones)
		t.Logf("%d voices at full scale: distortion %.1f dB", voices, rest)
		if rest > -30 {
			t.Errorf("%d voices: all but the tones has %.1f dB, want -30 at most", voices, rest)
		}
		if top := largest(h); top > 32768 || top < 24000 {
			t.Errorf("%d voices: the peak is %d", voices, top)
		}
	}
}

// The gain comes and goes without a click: a quiet sine beside a shout keeps
// its shape, so that the step between two samples grows by nothing but the
// shout's.
func TestLimiterComesAndGoesWithoutAClick(t *testing.T) {
	shout := make([]int16, 500*Unit)
	copy(shout[100*Unit:], wave(50*Unit, 200, Rate, 32767))
	said := [][]int16{wave(len(shout), 150, Rate, 30000), shout, nil}
	h := conference(said)[2]
	natural := largestStep(said[0]) + largestStep(shout)
	if s := largestStep(h); s > natural {
		t.Errorf("a step of %d, want %d at most", s, natural)
	}
	// Three seconds later the gain is 1 again.
	for k := len(h) - 20*Unit; k < len(h); k++ {
		if d := int(h[k]) - int(said[0][k-MixDelay]); d < -3 || d > 3 {
			t.Fatalf("sample %d: %d, want %d", k, h[k], said[0][k-MixDelay])
		}
	}
}

// The worst there is: all parties from silence to the same rail at once, and
// to the other.
func TestLimiterNeverWraps(t *testing.T) {
	said := make([][]int16, 8)
	for i := range said {
		said[i] = make([]int16, 40*Unit)
		for k := range said[i] {
			if k > 317 {
				said[i][k] = int16(k/777%2*65535 - 32768)
			}
		}
	}
	for i, h := range conference(said) {
		for k := MixDelay + 318; k < len(h); k++ {
			if (h[k] < 0) != (said[0][k-MixDelay] < 0) {
				t.Fatalf("party %d, sample %d: %d", i, k, h[k])
			}
		}
	}
}

func TestMixingAllocatesNothing(t *testing.T) {
	m, out, in := room(8)
	if n := testing.AllocsPerRun(100, func() { m.Mix(out, in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// room is a conference in which everybody shouts.
func room(parties int) (m *Mixer, out, in [][]int16) {
	for i := range parties {
		in = append(in, noise(uint64(i), 2*Unit, 9000))
		out = append(out, make([]int16, 2*Unit))
	}
	return NewMixer(parties), out, in
}

func BenchmarkMixer(b *testing.B) {
	for _, parties := range []int{3, 8} {
		b.Run(fmt.Sprint(parties), func(b *testing.B) {
			m, out, in := room(parties)
			for b.Loop() {
				m.Mix(out, in)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "us/20ms")
		})
	}
}
