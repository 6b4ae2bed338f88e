package dsp

import (
	"math"
	"math/rand/v2"
	"testing"
)

// run passes x through v in blocks of 10 ms.
func (v *Vary) run(x []int16) []int16 {
	var out []int16
	var pcm [Unit]int16
	for {
		n := v.Need(Unit)
		if n > len(x) {
			return out
		}
		v.Convert(pcm[:], x[:n])
		x = x[n:]
		out = append(out, pcm[:]...)
	}
}

func q32(ppm float64) int64 { return int64(ppm / 1e6 * (1 << 32)) }

// VaryDelay is what sound is delayed by, to the nearest sample.
func TestVaryDelay(t *testing.T) {
	x := voice(40*Unit, 150)
	for _, ppm := range []float64{0, 20} {
		var v Vary
		v.Speed(q32(ppm))
		y := v.run(x)
		best, least := 0, math.Inf(1)
		for lag := range 20 {
			var sum float64
			for i := 2 * Unit; i < 4*Unit; i++ {
				d := float64(y[i]) - float64(x[i-lag])
				sum += d * d
			}
			if sum < least {
				best, least = lag, sum
			}
		}
		if best != VaryDelay {
			t.Errorf("%v ppm: delayed by %d samples, want %d", ppm, best, VaryDelay)
		}
	}
}

func TestVaryTakesWhatItNeeds(t *testing.T) {
	for _, ppm := range []float64{-1e6, -300, 0, 300, 1e6} {
		var v Vary
		v.Speed(q32(ppm))
		taken, blocks := 0, 1000
		var pcm [Unit]int16
		src := make([]int16, 2*Unit)
		for range blocks {
			n := v.Need(Unit)
			v.Convert(pcm[:], src[:n])
			taken += n
		}
		want := float64(blocks*Unit) * (1 + min(max(ppm, -1e4), 1e4)/1e6)
		if math.Abs(float64(taken)-want) > 2 {
			t.Errorf("%+.0f ppm: %d samples taken, want %.0f", ppm, taken, want)
		}
	}
}

func TestVaryDoesNotOverflow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]int16, 100*Unit)
	for i := range x {
		x[i] = 32767
		if r.IntN(2) == 0 {
			x[i] = -32768
		}
	}
	var v Vary
	v.Speed(q32(500))
	v.run(x)
	// The loudest noise stays noise: a wrapped sum would jump from rail to rail
	// where the input does not move.
	for i := range x {
		x[i] = 32767
	}
	y := v.run(x)[Unit:]
	for i, s := range y {
		if s < 32700 {
			t.Fatalf("sample %d of a constant 32767 is %d", i, s)
		}
	}
}

func TestVaryAllocatesNothing(t *testing.T) {
	var v Vary
	v.Speed(q32(300))
	src := make([]int16, 2*Unit)
	var pcm [Unit]int16
	if n := testing.AllocsPerRun(100, func() { v.Convert(pcm[:], src[:v.Need(Unit)]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkVary(b *testing.B) {
	var v Vary
	v.Speed(q32(300))
	src := voice(2*Unit, 150)
	var pcm [Unit]int16
	for b.Loop() {
		v.Convert(pcm[:], src[:v.Need(Unit)])
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/10ms")
}

func TestRepeatPlaysThePeriodBefore(t *testing.T) {
	for _, hz := range []float64{100, 160, 200, 250, 320} {
		const now, n = 2 * Unit, Unit
		x := voice(now+n, hz)
		y := append(append([]int16{}, x...), make([]int16, MaxPitch)...)
		added := Repeat(y, now, n, MaxPitch, GoodMatchQ15)
		if period := Rate / int(hz); added == 0 || added%period != 0 {
			t.Errorf("%v Hz: %d added, want periods of %d", hz, added, period)
			continue
		}
		for i := range x[:now] {
			if y[i] != x[i] {
				t.Fatalf("%v Hz: what has sounded was changed at %d", hz, i)
			}
		}
		if s, natural := largestStep(y[:now+n+added]), largestStep(x); s > natural+40 {
			t.Errorf("%v Hz: a step of %d, %d are natural", hz, s, natural)
		}
		for i := seamLength; i < n; i++ {
			if y[now+added+i] != x[now+i] {
				t.Fatalf("%v Hz: what follows is not what followed, at %d", hz, i)
			}
		}
	}
}

func TestRepeatRefuses(t *testing.T) {
	x := make([]int16, 6*Unit)
	r := rand.New(rand.NewPCG(2, 1))
	for i := range x {
		x[i] = int16(r.IntN(20000) - 10000)
	}
	if n := Repeat(x, 2*Unit, Unit, MaxPitch, GoodMatchQ15); n != 0 {
		t.Errorf("noise was lengthened by %d", n)
	}
	if n := Repeat(x, 2*Unit, seamLength-1, MaxPitch, 0); n != 0 {
		t.Errorf("too little sound was lengthened by %d", n)
	}
	if n := Repeat(x, 2*Unit, Unit, MinPitch-1, 0); n != 0 {
		t.Errorf("lengthened by %d, allowed less than a period", n)
	}
}
