package dsp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// wave is a sine of hz at rate, peak in 16-bit steps.
func wave(n int, hz, rate, peak float64) []int16 {
	x := make([]int16, n)
	for i := range x {
		x[i] = int16(math.Round(peak * math.Sin(2*math.Pi*hz*float64(i)/rate)))
	}
	return x
}

// levelAt is the level of the component of x at hz, in dB relative to peak.
func levelAt(x []int16, hz, rate, peak float64) float64 {
	var re, im, sum float64
	for i, s := range x {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(x))) // Hann
		re += w * float64(s) * math.Cos(2*math.Pi*hz*float64(i)/rate)
		im += w * float64(s) * math.Sin(2*math.Pi*hz*float64(i)/rate)
		sum += w
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/sum/peak+1e-9)
}

// figures are what a conversion is held to.
const (
	wantRipple = 0.1 // dB, either way
	wantRest   = -80 // dB: all images, aliases and rounding together
	wavePeak   = 20000
)

// bench measures a conversion with sines.
type bench struct {
	from, to int
	speeds   func(unit int) (ppm float64) // for each 10 ms
}

func steady(ppm float64) func(int) float64 { return func(int) float64 { return ppm } }

// changing goes from -500 to 500 ppm, and back in one step.
func changing(unit int) float64 { return float64(unit*100%1001) - 500 }

// sine passes a sine of hz through the conversion and returns the level of the
// sine that comes out and that of all else, in dB relative to what went in. The
// delay must not change meanwhile.
func (m bench) sine(t testing.TB, hz float64) (level, rest float64) {
	t.Helper()
	r, err := NewResampler(m.from, m.to)
	if err != nil {
		t.Fatal(err)
	}
	const units, settle = 16, 4
	src := wave(2*m.from*units/100, hz, float64(m.from), wavePeak)
	var y, phase []float64
	dst := make([]int16, m.to/100)
	place := 0.
	for unit := range units + settle {
		ppm := m.speeds(unit)
		r.Speed(q32(ppm))
		n := r.Need(len(dst))
		r.Convert(dst, src[:n])
		src = src[n:]
		for _, s := range dst {
			if unit >= settle {
				y, phase = append(y, float64(s)), append(phase, 2*math.Pi*hz*place)
			}
			place += (1 + ppm*1e-6) / float64(m.to)
		}
	}
	a, left := fitPhase(y, phase)
	return 20 * math.Log10(a/wavePeak+1e-9), 20 * math.Log10(left/wavePeak+1e-9)
}

// fitPhase finds the amplitude of the sine with that phase in y, and that of
// what remains.
func fitPhase(y, phase []float64) (level, rest float64) {
	var ss, sc, cc, sy, cy, yy float64
	for i, f := range y {
		s, c := math.Sincos(phase[i])
		ss, sc, cc = ss+s*s, sc+s*c, cc+c*c
		sy, cy, yy = sy+s*f, cy+c*f, yy+f*f
	}
	d := ss*cc - sc*sc
	a, b := (sy*cc-cy*sc)/d, (cy*ss-sy*sc)/d
	left := yy - a*sy - b*cy
	return math.Hypot(a, b), math.Sqrt(max(0, 2*left/float64(len(y))))
}

// swept are the extremes of a sweep, in dB.
type swept struct {
	low, high float64 // of the passband
	edge      float64 // at the frequency that may have -3 dB
	image     float64 // besides sines up to that
	alias     float64 // of what the result cannot hold
}

// sweep measures the whole band, in steps of that part of the lower rate.
func (m bench) sweep(t testing.TB, step float64) swept {
	t.Helper()
	low := float64(min(m.from, m.to))
	s := swept{low: 99, high: -99, image: -200, alias: -200}
	for f := step; f < 0.4375+step; f += step {
		level, rest := m.sine(t, min(f, 0.4375)*low)
		s.low, s.high, s.image = min(s.low, level), max(s.high, level), max(s.image, rest)
	}
	var rest float64
	s.edge, rest = m.sine(t, 7500./16000*low)
	s.image = max(s.image, rest)
	for f := 8500. / 16000 * low; f < float64(m.from)/2; f += 2 * step * low {
		level, rest := m.sine(t, f)
		s.alias = max(s.alias, level, rest)
	}
	return s
}

func (s swept) check(t *testing.T) {
	t.Helper()
	if s.low < -wantRipple || s.high > wantRipple {
		t.Errorf("the passband has %.3f to %.3f dB, want +-%v", s.low, s.high, wantRipple)
	}
	if s.edge < -3 {
		t.Errorf("7.5 kHz of 16 have %.2f dB, want -3 at least", s.edge)
	}
	if s.image > wantRest {
		t.Errorf("images have %.1f dB, want %v at most", s.image, wantRest)
	}
	if s.alias > wantRest {
		t.Errorf("aliases have %.1f dB, want %v at most", s.alias, wantRest)
	}
}

// phoneRates are those that meet in a telephone.
var phoneRates = []int{8000, 16000, 24000, 44100, 48000}

func TestSweepOfEveryPairOfRates(t *testing.T) {
	worst := swept{low: 99, high: -99, edge: 99, image: -200, alias: -200}
	for _, from := range phoneRates {
		for _, to := range phoneRates {
			for _, ppm := range []float64{0, -100, 100, -500, 500} {
				t.Run(fmt.Sprintf("%d to %d %+.0f ppm", from, to, ppm), func(t *testing.T) {
					s := bench{from, to, steady(ppm)}.sweep(t, 1./40)
					s.check(t)
					worst = worst.or(s)
				})
			}
			t.Run(fmt.Sprintf("%d to %d changing", from, to), func(t *testing.T) {
				s := bench{from, to, changing}.sweep(t, 1./40)
				s.check(t)
				worst = worst.or(s)
			})
		}
	}
	t.Logf("worst: passband %.3f to %.3f dB, 7.5 kHz of 16 %.2f, images %.1f, aliases %.1f", worst.low, worst.high, worst.edge, worst.image, worst.alias)
}

func (s swept) or(o swept) swept {
	return swept{min(s.low, o.low), max(s.high, o.high), min(s.edge, o.edge), max(s.image, o.image), max(s.alias, o.alias)}
}

// Rates that no card of a telephone has, coarsely.
func TestSweepOfOtherRates(t *testing.T) {
	for _, other := range []int{11025, 12000, 22050, 32000} {
		for _, with := range Rates {
			t.Run(fmt.Sprintf("%d and %d", other, with), func(t *testing.T) {
				bench{other, with, steady(300)}.sweep(t, 1./8).check(t)
				bench{with, other, changing}.sweep(t, 1./8).check(t)
			})
		}
	}
}

// At the nominal speed 10 ms are 10 ms for ever, so that a card's period needs
// no queue.
func TestNominalSpeedIsExact(t *testing.T) {
	for _, from := range phoneRates {
		for _, to := range phoneRates {
			r, err := NewResampler(from, to)
			if err != nil {
				t.Fatal(err)
			}
			dst, src := make([]int16, to/100), make([]int16, from/100)
			for unit := range 1000 {
				if n := r.Need(len(dst)); n != len(src) {
					t.Fatalf("%d to %d: 10 ms number %d take %d samples", from, to, unit, n)
				}
				r.Convert(dst, src)
			}
		}
	}
}

func TestRatesThatAreNone(t *testing.T) {
	for _, pair := range [][2]int{{0, 16000}, {16000, 0}, {-8000, 8000}, {16000, 96000}, {44101, 48000}} {
		if _, err := NewResampler(pair[0], pair[1]); err != ErrRate {
			t.Errorf("%v: %v, want ErrRate", pair, err)
		}
	}
}

// converter is what runs in 10 ms.
func converter(t testing.TB, from, to int) *Resampler {
	t.Helper()
	r, err := NewResampler(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// all passes x through r.
func (r *Resampler) all(x []int16) []int16 {
	var out []int16
	for n := r.block; r.Need(n) <= len(x); {
		y := make([]int16, n)
		take := r.Need(n)
		r.Convert(y, x[:take])
		out, x = append(out, y...), x[take:]
	}
	return out
}

func TestResamplingKeepsAConstant(t *testing.T) {
	x := make([]int16, 4800)
	for i := range x {
		x[i] = 12345
	}
	for _, from := range phoneRates {
		for _, to := range phoneRates {
			for _, ppm := range []float64{0, 333} {
				r := converter(t, from, to)
				r.Speed(q32(ppm))
				for i, s := range r.all(x)[2*to/100:] {
					if s != 12345 {
						t.Fatalf("%d to %d, %v ppm: sample %d is %d", from, to, ppm, i, s)
					}
				}
			}
		}
	}
}

// The loudest sound there is must not wrap around: where the input stays at a
// rail, so does the output, and whatever random signs make is within 16 bits of
// an unlimited sum.
func TestResamplingSaturates(t *testing.T) {
	for _, pair := range [][2]int{{16000, 48000}, {48000, 16000}, {44100, 8000}, {8000, 44100}} {
		b := newBank(pair[0]/gcd(pair[0], pair[1]), pair[1]/gcd(pair[0], pair[1]))
		x := make([]int16, b.taps)
		for place := range b.places {
			for k, c := range b.row(place) {
				x[k] = 32767
				if c < 0 {
					x[k] = -32768
				}
			}
			if got := b.sample(x, uint64(place)<<32|1<<31); got != 32767 {
				t.Fatalf("%v: place %d: got %d, want 32767", pair, place, got)
			}
		}
	}
}

func TestResamplingInPiecesIsTheSame(t *testing.T) {
	x := wave(3200, 700, 16000, wavePeak)
	a, b := converter(t, 16000, 44100), converter(t, 16000, 44100)
	a.Speed(q32(250))
	b.Speed(q32(250))
	whole, pieces := make([]int16, 8000), make([]int16, 8000)
	a.Convert(whole, x[:a.Need(len(whole))])
	for at, n := 0, 1; at < len(pieces); n = n%470 + 13 {
		n = min(n, len(pieces)-at)
		take := b.Need(n)
		b.Convert(pieces[at:at+n], x[:take])
		at, x = at+n, x[take:]
	}
	for i := range whole {
		if whole[i] != pieces[i] {
			t.Fatalf("sample %d: %d whole, %d in pieces", i, whole[i], pieces[i])
		}
	}
}

func TestResetForgets(t *testing.T) {
	r, fresh := converter(t, 44100, 16000), converter(t, 44100, 16000)
	r.Speed(q32(-400))
	r.all(noise(1, 44100, 5000))
	r.Reset()
	x := noise(2, 4410, 5000)
	a, b := r.all(x), fresh.all(x)
	for i := range b {
		if a[i] != b[i] {
			t.Fatalf("sample %d: %d after Reset, %d from a new one", i, a[i], b[i])
		}
	}
}

// The two ways to multiply give the same sum.
func TestDotIsTheSameInBothWidths(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, b := range []*bank{newBank(1, 3), newBank(3, 1), newBank(6, 1), newBank(441, 160)} {
		x := make([]int16, b.taps)
		for range 200 {
			for k := range x {
				x[k] = int16([]int{-32768, 32767, r.IntN(65536) - 32768}[r.IntN(3)])
			}
			row := b.row(r.IntN(b.places + 1))
			w, n := dotWide(row, x), dotNarrow(row, x)
			if c := dotCoarse(row[:b.coarse], x) + dotNarrow(row[b.coarse:], x[b.coarse:]); w != n || w != c {
				t.Fatalf("%d with 64 bits, %d with 32, %d with coarse coefficients", w, n, c)
			}
		}
	}
}

// Speech is delayed by little: the group delay, from the phases of two sines.
func TestDelayOfResampling(t *testing.T) {
	for _, d := range []struct {
		from, to int
		hz       float64
		most     float64 // ms
	}{
		{16000, 48000, 1000, 0.17}, {48000, 16000, 1000, 0.17}, {16000, 44100, 1000, 0.17}, {44100, 16000, 1000, 0.17},
		{16000, 16000, 1000, 0.17}, {16000, 48000, 5000, 0.25}, {16000, 48000, 6900, 0.6}, {8000, 16000, 1000, 0.35},
	} {
		if got := 1000 * delay(t, d.from, d.to, d.hz); got > d.most || got < 0 {
			t.Errorf("%d to %d, %v Hz: %.3f ms, want %v at most", d.from, d.to, d.hz, got, d.most)
		}
	}
}

// delay is the group delay in s at hz, in real time: the end of each 10 ms taken
// is the end of the 10 ms given.
func delay(t testing.TB, from, to int, hz float64) float64 {
	const apart = 50
	return (phaseOf(t, from, to, hz-apart) - phaseOf(t, from, to, hz+apart)) / (2 * math.Pi * 2 * apart)
}

// phaseOf is the phase of a sine that has passed.
func phaseOf(t testing.TB, from, to int, hz float64) float64 {
	y := converter(t, from, to).all(wave(from/2, hz, float64(from), wavePeak))
	var re, im float64
	begin := to / 10
	// A whole number of turns of both sines.
	for i := begin; i < begin+to/5; i++ {
		s, c := math.Sincos(2 * math.Pi * hz * float64(i) / float64(to))
		re, im = re+float64(y[i])*s, im+float64(y[i])*c
	}
	return math.Atan2(im, re)
}

func TestResamplingAllocatesNothing(t *testing.T) {
	for _, pair := range [][2]int{{16000, 48000}, {44100, 16000}} {
		r := converter(t, pair[0], pair[1])
		src, dst := make([]int16, pair[0]/50), make([]int16, pair[1]/100)
		for _, ppm := range []float64{0, 300} {
			r.Speed(q32(ppm))
			if n := testing.AllocsPerRun(100, func() { r.Convert(dst, src[:r.Need(len(dst))]) }); n != 0 {
				t.Errorf("%v: %v allocations", pair, n)
			}
		}
	}
}

func BenchmarkResampler(b *testing.B) {
	for _, pair := range [][2]int{{16000, 48000}, {48000, 16000}, {16000, 44100}, {44100, 16000}, {8000, 16000}, {16000, 8000}, {16000, 16000}} {
		for _, ppm := range []float64{0, 100} {
			b.Run(fmt.Sprintf("%dto%d/%gppm", pair[0], pair[1], ppm), func(b *testing.B) {
				r := converter(b, pair[0], pair[1])
				r.Speed(q32(ppm))
				src, dst := wave(pair[0]/50, 1000, float64(pair[0]), wavePeak), make([]int16, pair[1]/100)
				for b.Loop() {
					r.Convert(dst, src[:r.Need(len(dst))])
				}
				perUnit(b)
			})
		}
	}
}
