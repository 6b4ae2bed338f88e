package judge

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// fft is the fast Fourier transform of one length, a power of two, in place.
type fft struct {
	turns []complex128 // exp(-2 pi i k / n)
}

func newFFT(n int) fft {
	f := fft{turns: make([]complex128, n/2)}
	for k := range f.turns {
		f.turns[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n))
	}
	return f
}

// forward transforms x, whose length is that of the transform.
func (f fft) forward(x []complex128) {
	n := len(x)
	shift := 64 - bits.Len(uint(n-1))
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); j > i {
			x[i], x[j] = x[j], x[i]
		}
	}
	for half := 1; half < n; half *= 2 {
		step := n / (2 * half)
		for start := 0; start < n; start += 2 * half {
			low, high := x[start:start+half], x[start+half:start+2*half]
			for k := range low {
				v := high[k] * f.turns[k*step]
				low[k], high[k] = low[k]+v, low[k]-v
			}
		}
	}
}

// correlate returns the sum of a[i]*b[i+lag] for each lag of 0 to
// len(b)-len(a), with f of at least the length of b.
func (f fft) correlate(a, b []float64) []float64 {
	n := 2 * len(f.turns)
	x := make([]complex128, n) // both at once: a is real, b imaginary
	for i, v := range b {
		x[i] = complex(0, v)
	}
	for i, v := range a {
		x[i] += complex(v, 0)
	}
	f.forward(x)
	y := make([]complex128, n)
	for i, v := range x {
		w := cmplx.Conj(x[(n-i)%n])
		ofA, ofB := (v+w)/2, (v-w)/2i
		// The inverse is the conjugate of the forward transform of the conjugate.
		y[i] = ofA * cmplx.Conj(ofB)
	}
	f.forward(y)
	sums := make([]float64, len(b)-len(a)+1)
	for lag := range sums {
		sums[lag] = real(y[lag]) / float64(n)
	}
	return sums
}
