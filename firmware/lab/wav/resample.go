package wav

import "math"

// A resampler of the textbook kind: a low-pass filter of windowed sinc form,
// one set of taps per phase.
const (
	crossings = 24  // zero crossings of the sinc on each side
	rolloff   = .94 // the pass band ends at this part of the smaller half rate
	kaiserB   = 9.0 // of the window: about 90 dB of stop band
)

// At returns the sound at another rate; at its own rate, s itself.
func (s Sound) At(rate int) Sound {
	if rate == s.Rate {
		return s
	}
	d := gcd(s.Rate, rate)
	up, down := rate/d, s.Rate/d
	r := newResampler(up, down)
	out := make([]int16, (len(s.PCM)*up+down-1)/down)
	for i := range out {
		out[i] = r.sample(s.PCM, i*down/up, i*down%up)
	}
	return Sound{Rate: rate, PCM: out}
}

// resampler holds the taps of every phase; taps[p][k] weighs the sample half-k
// places before the one at or before the wanted place.
type resampler struct {
	half int
	taps [][]float64
}

func newResampler(up, down int) resampler {
	cutoff := rolloff * min(1, float64(up)/float64(down)) // of half the old rate
	half := int(math.Ceil(crossings / cutoff))
	r := resampler{half: half, taps: make([][]float64, up)}
	for p := range r.taps {
		r.taps[p] = phase(half, float64(p)/float64(up), cutoff)
	}
	return r
}

// phase computes the taps for a place that is frac of a sample after a sample.
func phase(half int, frac, cutoff float64) []float64 {
	taps := make([]float64, 2*half+1)
	sum := 0.0
	for k := range taps {
		x := float64(k-half) - frac
		taps[k] = cutoff * sinc(cutoff*x) * kaiser(x/float64(half+1))
		sum += taps[k]
	}
	for k := range taps {
		taps[k] /= sum // so that a constant stays what it is
	}
	return taps
}

func (r resampler) sample(pcm []int16, at, phase int) int16 {
	sum := 0.0
	for k, w := range r.taps[phase] {
		if i := at + k - r.half; i >= 0 && i < len(pcm) {
			sum += w * float64(pcm[i])
		}
	}
	return int16(math.Round(max(math.MinInt16, min(math.MaxInt16, sum))))
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the Kaiser window at x of -1 to 1.
func kaiser(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return bessel(kaiserB*math.Sqrt(1-x*x)) / bessel(kaiserB)
}

// bessel is the modified Bessel function of order 0, by its power series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
