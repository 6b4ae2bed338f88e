package dsp

import (
	"math"
	"testing"
)

// colored is noise with a slope and a hump: white noise through two poles at hz.
func colored(seed uint64, n int, hz, radius, rms float64) []int16 {
	w := noise(seed, n, 1000)
	y := make([]float64, n)
	a, b := 2*radius*math.Cos(2*math.Pi*hz/Rate), -radius*radius
	var sum float64
	for i := range y {
		y[i] = float64(w[i])
		if i > 1 {
			y[i] += a*y[i-1] + b*y[i-2]
		}
		sum += y[i] * y[i]
	}
	x := make([]int16, n)
	for i := range x {
		x[i] = Saturate(int32(math.Round(y[i] * rms / math.Sqrt(sum/float64(n)))))
	}
	return x
}

// bands are the levels of x in four bands of 2 kHz, dB.
func bands(x []int16) (b [4]float64) {
	const n = 320 // bins of 50 Hz
	for at := 0; at+n <= len(x); at += n {
		for bin := 1; bin < n/2; bin++ {
			var re, im float64
			for i := range n {
				s, c := math.Sincos(2 * math.Pi * float64(bin*i%n) / n)
				w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/n)
				re, im = re+w*float64(x[at+i])*c, im+w*float64(x[at+i])*s
			}
			b[bin*4/(n/2)] += re*re + im*im
		}
	}
	for i := range b {
		b[i] = 10 * math.Log10(b[i]+1)
	}
	return b
}

// hear passes x through c.
func (c *ComfortNoise) hear(x []int16) {
	for ; len(x) >= Unit; x = x[Unit:] {
		c.Hear(x[:Unit])
	}
}

// Speech over a background: what is made in its place has the level and the
// spectrum of the background alone.
func TestComfortNoiseIsLikeTheBackground(t *testing.T) {
	for _, back := range [][]int16{
		noise(1, 6*Rate, 40), noise(2, 6*Rate, 400),
		colored(3, 6*Rate, 300, .95, 200), colored(4, 6*Rate, 3000, .9, 100), colored(5, 6*Rate, 50, .98, 1000),
	} {
		x := append([]int16(nil), back...)
		for at := 0; at < len(x); at += 50 * Unit { // words of 230 ms, pauses of 270
			Add(x[at:at+23*Unit], voice(23*Unit, 120))
		}
		var c ComfortNoise
		c.hear(x)
		made := make([]int16, 3*Rate)
		c.Make(made)
		made = made[Unit:]
		got, want := LevelOf(Energy(made), uint64(len(made))), LevelOf(Energy(back), uint64(len(back))) // rumble swings most
		wantLevel(t, "noise", got, want.dB(), 3)
		a, b := bands(made[:2*Rate]), bands(back[:2*Rate])
		for i := range a {
			if want := b[i]; math.Abs(a[i]-want) > 4 && want > b[0]-30 {
				t.Errorf("band %d: %.1f dB, want %.1f", i, a[i], want)
			}
		}
	}
}

func TestComfortNoiseFollowsTheBackground(t *testing.T) {
	var c ComfortNoise
	c.hear(noise(1, 5*Rate, 500))
	c.hear(noise(2, 5*Rate, 50))
	made := make([]int16, Rate)
	c.Make(made)
	wantLevel(t, "after it became quiet", LevelOf(Energy(made), Rate), 20*math.Log10(50./32768), 2)
	c.hear(noise(3, 5*Rate, 500))
	c.Make(made)
	c.Make(made)
	wantLevel(t, "after it became loud", LevelOf(Energy(made), Rate), 20*math.Log10(500./32768), 2)
}

func TestComfortNoiseOfSilenceIsSilence(t *testing.T) {
	var c ComfortNoise
	x := make([]int16, Unit)
	c.Make(x)
	if largest(x) != 0 {
		t.Error("nothing heard, but noise made")
	}
	c.hear(make([]int16, Rate))
	c.Make(x)
	if largest(x) != 0 {
		t.Error("silence heard, but noise made")
	}
}

// Tones, rails and steps make no filter that runs away.
func TestComfortNoiseStaysInRange(t *testing.T) {
	square := make([]int16, Rate)
	for i := range square {
		square[i] = int16(i/20%2*65535 - 32768)
	}
	rail := make([]int16, Rate)
	for i := range rail {
		rail[i] = -32768
	}
	for _, x := range [][]int16{wave(Rate, 1000, Rate, 32767), wave(Rate, 7999, Rate, 32767), square, rail, noise(1, Rate, 30000)} {
		var c ComfortNoise
		c.hear(x)
		made := make([]int16, 3*Rate)
		c.Make(made)
		limit := LevelOf(Energy(x), Rate) + 300
		if l := LevelOf(Energy(made[Rate:]), 2*Rate); l > limit {
			t.Errorf("%d, heard %d", l, limit-300)
		}
	}
}

func TestComfortNoiseAllocatesNothing(t *testing.T) {
	var c ComfortNoise
	x := noise(1, Unit, 100)
	y := make([]int16, Unit)
	if n := testing.AllocsPerRun(100, func() { c.Hear(x); c.Make(y) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkComfortNoise(b *testing.B) {
	x := noise(1, Unit, 100)
	b.Run("hear", func(b *testing.B) {
		var c ComfortNoise
		for b.Loop() {
			c.Hear(x)
		}
		perUnit(b)
	})
	b.Run("make", func(b *testing.B) {
		var c ComfortNoise
		c.hear(x)
		y := make([]int16, Unit)
		for b.Loop() {
			c.learned = true
			c.Make(y)
		}
		perUnit(b)
	})
}
