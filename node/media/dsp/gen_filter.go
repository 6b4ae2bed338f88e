//go:build ignore

package main

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"math/cmplx"
)

// The prototype of all rate conversion. Frequencies are in parts of the lower
// of the two rates, times in its samples.
const (
	protoSpan  = 48            // length
	protoSteps = 64            // points per sample
	passEdge   = 7300. / 16000 // the passband's end
	stopEdge   = 8500. / 16000 // from here on nothing passes
	gridEdge   = 3.            // beyond it falls by itself
	passGoal   = 0.008         // ripple, 0.07 dB
	stopGoal   = 5e-5          // -86 dB at stopEdge, falling by 6 dB per octave
	terms      = gridEdge * protoSpan
)

// filter writes the prototype: of the shortest low-passes with these edges the
// one of least delay.
func filter(b *bytes.Buffer) {
	h := leastPhase(linearPhase())
	fmt.Fprintf(b, "// protoSpan is the length of the prototype in samples of the lower rate, protoSteps the number of its points in each.\nconst (\nprotoSpan = %d\nprotoSteps = %d\n)\n\n", protoSpan, protoSteps)
	b.WriteString("// protoQ30 is the prototype of rate conversion, a low-pass of least phase; one zero before it and two behind it are for interpolation.\nvar protoQ30 = [protoSpan*protoSteps+4]int32{\n0,")
	for i := 0; i <= protoSpan*protoSteps; i++ {
		row(b, i, int(math.Round(h[i]*(1<<30))))
	}
	b.WriteString("\n0,0,}\n")
}

// linearPhase finds the low-pass of even symmetry whose largest error, weighed
// by the goals, is least (Lawson's iteration). It is a sum of cosines over
// protoSpan; the result holds protoSteps points per sample.
func linearPhase() []float64 {
	const step = 1. / (12 * protoSpan)
	// Rows are scaled to give a constant a gain of 1: so it must have that here.
	freq, want, goal := []float64{0}, []float64{1}, []float64{passGoal / 100}
	for f := passEdge; f > 0; f -= step {
		freq, want, goal = append(freq, f), append(want, 1), append(goal, passGoal)
	}
	for f := stopEdge; f < gridEdge; f += step {
		freq, want, goal = append(freq, f), append(want, 0), append(goal, stopGoal*stopEdge/f)
	}
	basis := make([][]float64, len(freq))
	weight := make([]float64, len(freq))
	for i, f := range freq {
		weight[i] = 1
		basis[i] = make([]float64, terms+1)
		for m := range basis[i] {
			x := float64(m)
			basis[i][m] = (sinc(f*protoSpan-x) + sinc(f*protoSpan+x)) / goal[i]
		}
		want[i] /= goal[i]
	}
	var a []float64
	for range 200 {
		a = leastSquares(basis, want, weight)
		var sum float64
		for i, row := range basis {
			e := -want[i]
			for m, v := range row {
				e += a[m] * v
			}
			weight[i] *= math.Abs(e) + 1e-12
			sum += weight[i]
		}
		for i := range weight {
			weight[i] *= float64(len(weight)) / sum
		}
	}
	h := make([]float64, protoSpan*protoSteps+1)
	for i := range h {
		t := float64(i)/protoSteps - protoSpan/2.
		for m, v := range a {
			h[i] += 2 * v * math.Cos(2*math.Pi*float64(m)*t/protoSpan) / protoSpan
		}
	}
	return h
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// leastSquares solves weight*(basis*a - want) = least, by Cholesky's method.
func leastSquares(basis [][]float64, want, weight []float64) []float64 {
	n := len(basis[0])
	m := make([][]float64, n)
	y := make([]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
	}
	for k, row := range basis {
		for i, v := range row {
			w := weight[k] * v
			y[i] += w * want[k]
			for j := 0; j <= i; j++ {
				m[i][j] += w * row[j]
			}
		}
	}
	var trace float64
	for i := range m {
		trace += m[i][i]
	}
	for i := range m {
		m[i][i] += 1e-15 * trace
		for j := 0; j <= i; j++ {
			s := m[i][j]
			for k := 0; k < j; k++ {
				s -= m[i][k] * m[j][k]
			}
			if i == j {
				m[i][i] = math.Sqrt(s)
			} else {
				m[i][j] = s / m[j][j]
			}
		}
	}
	for i := 0; i < n; i++ {
		for k := 0; k < i; k++ {
			y[i] -= m[i][k] * y[k]
		}
		y[i] /= m[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			y[i] -= m[k][i] * y[k]
		}
		y[i] /= m[i][i]
	}
	return y
}

// leastPhase returns what has the magnitude of h and the least delay: its
// cepstrum is folded into positive times.
func leastPhase(h []float64) []float64 {
	const n = 1 << 18
	x := make([]complex128, n)
	for i, v := range h {
		x[i] = complex(v, 0)
	}
	fft(x, -1)
	for i, v := range x {
		x[i] = complex(math.Log(math.Max(cmplx.Abs(v), 1e-6)), 0)
	}
	fft(x, 1)
	for i := range x {
		x[i] = complex(real(x[i])/n, 0)
		switch {
		case i > 0 && i < n/2:
			x[i] *= 2
		case i > n/2:
			x[i] = 0
		}
	}
	fft(x, -1)
	for i, v := range x {
		x[i] = cmplx.Exp(v)
	}
	fft(x, 1)
	out := make([]float64, len(h))
	for i := range out {
		out[i] = real(x[i]) / n
	}
	return out
}

// fft is the discrete Fourier transform of a power of two, in place.
func fft(x []complex128, sign float64) {
	n := len(x)
	shift := 64 - bits.Len(uint(n-1))
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); j > i {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		for k := range size / 2 {
			w := cmplx.Rect(1, sign*2*math.Pi*float64(k)/float64(size))
			for i := k; i < n; i += size {
				a, b := x[i], x[i+size/2]*w
				x[i], x[i+size/2] = a+b, a-b
			}
		}
	}
}
