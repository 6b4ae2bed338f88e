package judge

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
	"peerphone/hal"
)

// start is the time of the first sample of every track here.
const start = hal.Instant(1e12)

func recording(t *testing.T, file []byte) []int16 {
	t.Helper()
	s, err := wav.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if s.Rate != Rate {
		t.Fatalf("%d Hz, want %d", s.Rate, Rate)
	}
	return s.PCM
}

// from makes a track that begins at start.
func from(pcm []int16) Track { return Track{PCM: pcm, Stamps: []Stamp{{0, start}}} }

// heard makes what a far end plays that hears pcm after some time, and goes on
// a while.
func heard(pcm []int16, after time.Duration) Track {
	all := append(make([]int16, samples(after)), pcm...)
	return from(append(all, make([]int16, Rate)...))
}

func noise(n int, amplitude float64) []int16 {
	r := rand.New(rand.NewPCG(7, 7))
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(r.NormFloat64() * amplitude)
	}
	return pcm
}

// eachFrame returns a copy of pcm in which three of ten frames of 20 ms were
// changed.
func eachFrame(pcm []int16, change func(frame, before []int16)) []int16 {
	r := rand.New(rand.NewPCG(1, 2))
	pcm = slices.Clone(pcm)
	for i := frameLen; i+frameLen <= len(pcm); i += frameLen {
		if r.IntN(10) < 3 {
			change(pcm[i:i+frameLen], pcm[i-frameLen:i])
		}
	}
	return pcm
}

// replace returns a copy of pcm with other in it from a second on.
func replace(pcm []int16, second float64, other []int16) []int16 {
	pcm = slices.Clone(pcm)
	copy(pcm[int(second*Rate):], other)
	return pcm
}

// atSpeed plays pcm faster, as a tape would.
func atSpeed(pcm []int16, factor float64) []int16 {
	return wav.Sound{Rate: int(Rate * factor), PCM: pcm}.At(Rate).PCM
}

// hurried plays pcm faster at the same pitch: of every 200 ms a part is left
// out.
func hurried(pcm []int16, part float64) []int16 {
	const piece = Rate / 5
	var out []int16
	for i := 0; i+piece <= len(pcm); i += piece {
		out = append(out, pcm[i:i+int(piece*(1-part))]...)
	}
	return out
}

func quieter(pcm []int16, factor float64) []int16 {
	out := make([]int16, len(pcm))
	for i, v := range pcm {
		out[i] = int16(math.Round(float64(v) * factor))
	}
	return out
}

// stretched takes 20 ms out at one place and adds 30 ms at another, as a
// jitter buffer does.
func stretched(pcm []int16) []int16 {
	out := slices.Concat(pcm[:3*Rate], pcm[3*Rate+320:7*Rate], pcm[7*Rate-480:])
	return out
}

// mix adds a weak hiss.
func mix(pcm, other []int16) []int16 {
	out := make([]int16, len(pcm))
	for i := range out {
		out[i] = pcm[i] + other[i]
	}
	return out
}

// TestVerdicts is what the judge is for: it must tell speech that came through
// from everything else.
func TestVerdicts(t *testing.T) {
	kitchen, workshop := recording(t, speech.Kitchen), recording(t, speech.Workshop)
	// A place where the kitchen pauses for 250 ms or more.
	pause := longestPause(kitchen)
	for _, c := range []struct {
		about string
		heard Track
		want  string // part of a problem; "" if it is to pass
	}{
		{"as it was said", heard(kitchen, 0), ""},
		{"after 80 ms", heard(kitchen, 80*time.Millisecond), ""},
		{"after 1.2 s", heard(kitchen, 1200*time.Millisecond), ""},
		{"12 dB quieter", heard(quieter(kitchen, .25), 80*time.Millisecond), ""},
		{"stretched a little", heard(stretched(kitchen), 80*time.Millisecond), ""},
		{"one sample doubled", heard(slices.Insert(slices.Clone(kitchen), 4*Rate, kitchen[4*Rate]), 80*time.Millisecond), ""},
		{"a crystal 100 ppm off", heard(wav.Sound{Rate: 160016, PCM: kitchen}.At(160000).PCM, 80*time.Millisecond), ""},
		{"a weak hiss", heard(mix(kitchen, noise(len(kitchen), 10)), 80*time.Millisecond), ""},

		{"silence", heard(make([]int16, len(kitchen)), 0), "0.0 s were heard"},
		{"nothing at all", from(nil), "0.0 s were heard"},
		{"noise", heard(noise(len(kitchen), 2000), 0), "similarity"},
		{"the other's speech", heard(workshop, 80*time.Millisecond), "similarity"},
		{"backwards", heard(reversed(kitchen), 80*time.Millisecond), "similarity"},
		{"30 % of the frames missing", heard(eachFrame(kitchen, func(f, _ []int16) { clear(f) }), 80*time.Millisecond), "similarity"},
		{"30 % of the frames repeated", heard(eachFrame(kitchen, func(f, b []int16) { copy(f, b) }), 80*time.Millisecond), "similarity"},
		{"a second of the other in between", heard(replace(kitchen, 4, workshop[2*Rate:3*Rate]), 80*time.Millisecond), "similarity"},
		{"a word of the other in a pause", heard(replace(kitchen, pause, workshop[2*Rate:2*Rate+3200]), 80*time.Millisecond), "pauses"},
		{"half a second cut out", heard(slices.Delete(slices.Clone(kitchen), 4*Rate, 4*Rate+Rate/2), 600*time.Millisecond), "varies by 500ms"},
		{"10 % faster", heard(atSpeed(kitchen, 1.1), 80*time.Millisecond), "similarity"},
		{"10 % faster, after a second", heard(atSpeed(kitchen, 1.1), time.Second), "similarity"},
		{"10 % slower", heard(atSpeed(kitchen, .9), 80*time.Millisecond), "similarity"},
		{"10 % faster at the same pitch", heard(hurried(kitchen, .1), 1200*time.Millisecond), "varies by"},
		{"after 3 s", heard(kitchen, 3*time.Second), "similarity"},
		{"the first half only", heard(kitchen[:len(kitchen)/2], 80*time.Millisecond), "were heard"},
		{"under a hiss", heard(mix(kitchen, noise(len(kitchen), 300)), 80*time.Millisecond), "similarity"},
	} {
		v := Compare(from(kitchen), c.heard)
		problems := strings.Join(v.Problems(), "; ")
		t.Logf("%-32s similarity %.3f, worst second %.3f, heard %4.1f of %4.1f s, delay %5.1f ms, wander %5.1f ms, pauses %3.0f dB: %s",
			c.about, v.Similarity, v.Worst, v.Heard, v.Said, ms(v.Delay), ms(v.Wander), v.Pauses, problems)
		if c.want == "" && problems != "" || !strings.Contains(problems, c.want) {
			t.Errorf("%s: problems %q, want %q", c.about, problems, c.want)
		}
		if faults := v.Faults(); (len(faults) > 0) != slices.Contains(unlikeSpeech, c.about) {
			t.Errorf("%s: faults %q", c.about, faults)
		}
	}
}

// unlikeSpeech are those that nobody would take for what was said.
var unlikeSpeech = []string{
	"silence", "nothing at all", "noise", "the other's speech", "backwards", "10 % faster", "10 % faster, after a second", "10 % slower",
	"after 3 s", "the first half only",
}

func reversed(pcm []int16) []int16 {
	pcm = slices.Clone(pcm)
	slices.Reverse(pcm)
	return pcm
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// longestPause returns the second at which the longest silence within pcm
// begins.
func longestPause(pcm []int16) float64 {
	best, length, run := 0, 0, 0
	for i := Rate; i+frameLen < len(pcm)-Rate; i += frameLen {
		if level(pcm, i) > silence {
			run = 0
			continue
		}
		if run++; run > length {
			best, length = i-(run-1)*frameLen, run
		}
	}
	return float64(best) / Rate
}

// TestOther: one voice must not pass for the other, wherever it is looked for.
func TestOther(t *testing.T) {
	kitchen, workshop := recording(t, speech.Kitchen), recording(t, speech.Workshop)
	for _, after := range []time.Duration{0, 60 * time.Millisecond, 500 * time.Millisecond} {
		for _, v := range []Verdict{Compare(from(kitchen), heard(workshop, after)), Compare(from(workshop), heard(kitchen, after))} {
			if v.Similarity > MaxOther-.2 {
				t.Errorf("after %v: similarity %.2f with the other's speech", after, v.Similarity)
			}
		}
	}
}

// TestDelayIsOfTheStamps: the delay comes from the times at the sound cards,
// not from places in files.
func TestDelayIsOfTheStamps(t *testing.T) {
	kitchen := recording(t, speech.Kitchen)
	said := Track{PCM: kitchen, Stamps: []Stamp{{0, start}, {3 * Rate, start.Add(3 * time.Second)}}}
	played := Track{PCM: append(make([]int16, 777), kitchen...), Stamps: []Stamp{{0, start.Add(50 * time.Millisecond)}}}
	v := Compare(said, played)
	want := 50*time.Millisecond + span(777)
	if d := v.Delay - want; d.Abs() > time.Millisecond {
		t.Errorf("delay %v, want %v", v.Delay, want)
	}
	for _, d := range v.Delays {
		if e := d.Delay - want; e.Abs() > time.Millisecond {
			t.Errorf("at %v: delay %v, want %v", d.At, d.Delay, want)
		}
	}
}

// TestClocksThatDiffer: two cards count samples at their own speeds; the
// stamps tell, and the delay that is found is the true one throughout.
func TestClocksThatDiffer(t *testing.T) {
	kitchen := recording(t, speech.Kitchen)
	stamps := func(pcm []int16, ppm float64, at hal.Instant) Track {
		k := Track{PCM: pcm}
		for i := 0; i < len(pcm); i += 160 {
			k.Stamps = append(k.Stamps, Stamp{i, at.Add(time.Duration(float64(span(i)) / (1 + ppm*1e-6)))})
		}
		return k
	}
	said := stamps(kitchen, 0, start)
	played := stamps(wav.Sound{Rate: 160000, PCM: kitchen}.At(160080).PCM, 500, start.Add(70*time.Millisecond))
	v := Compare(said, played)
	if v.Wander > time.Millisecond || (v.Delay-70*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("delay %v wanders by %v, want 70ms and nothing", v.Delay, v.Wander)
	}
}

func TestBetween(t *testing.T) {
	pcm := noise(Rate, 100)
	track := Track{PCM: pcm, Stamps: []Stamp{{0, start}, {4000, start.Add(250 * time.Millisecond)}, {8000, start.Add(600 * time.Millisecond)}}}
	cut := track.Between(start.Add(100*time.Millisecond), start.Add(650*time.Millisecond))
	if want := pcm[1600:8800]; !slices.Equal(cut.PCM, want) {
		t.Errorf("%d samples, want %d", len(cut.PCM), len(want))
	}
	for sample, want := range map[int]time.Duration{0: 100, 2400: 250, 6400: 600, 7200: 650} {
		if got := cut.At(sample).Sub(start); got != want*time.Millisecond {
			t.Errorf("sample %d at %v, want %v", sample, got, want*time.Millisecond)
		}
	}
	if n := len(track.Between(start.Add(-time.Hour), start.Add(time.Hour)).PCM); n != len(pcm) {
		t.Errorf("a wide cut has %d samples, want all", n)
	}
	if n := len(track.Between(start.Add(time.Hour), start.Add(time.Minute)).PCM); n != 0 {
		t.Errorf("an empty cut has %d samples", n)
	}
}

// TestFFT compares with the sum that defines the transform.
func TestFFT(t *testing.T) {
	const n = 16
	x := make([]complex128, n)
	for i, v := range noise(n, 100) {
		x[i] = complex(float64(v), 0)
	}
	got := slices.Clone(x)
	newFFT(n).forward(got)
	for k := range got {
		sum := complex(0, 0)
		for i := range x {
			sin, cos := math.Sincos(-2 * math.Pi * float64(k*i) / n)
			sum += x[i] * complex(cos, sin)
		}
		if d := got[k] - sum; math.Hypot(real(d), imag(d)) > 1e-9 {
			t.Errorf("bin %d: %v, want %v", k, got[k], sum)
		}
	}
}

func TestCorrelate(t *testing.T) {
	a, b := []float64{1, 2}, []float64{3, 5, 7, 11}
	want := []float64{13, 19, 29}
	got := newFFT(4).correlate(a, b)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-9 {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}
