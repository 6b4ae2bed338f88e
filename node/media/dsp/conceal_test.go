package dsp

import (
	"math"
	"math/rand/v2"
	"testing"
)

// voice is n samples like a vowel: pitch hz with overtones.
func voice(n int, hz float64) []int16 {
	x := make([]int16, n)
	for i := range x {
		p := 2 * math.Pi * hz * float64(i) / Rate
		x[i] = int16(5000*math.Sin(p) + 3000*math.Sin(2*p+1) + 2000*math.Sin(3*p+2) + 1000*math.Sin(7*p))
	}
	return x
}

func TestConcealContinuesAVowel(t *testing.T) {
	for _, hz := range []float64{70, 100, 123.4, 180, 233, 320, 395} {
		x := voice(2*Rate/10, hz)
		var c Concealer
		heard := x[:Rate/10]
		for i := 0; i < len(heard); i += Unit {
			c.Hear(heard[i : i+Unit])
		}
		made := make([]int16, Unit)
		c.Conceal(made)
		var signal, noise float64
		for i, s := range made {
			want := float64(x[len(heard)+i])
			signal += want * want
			noise += (float64(s) - want) * (float64(s) - want)
		}
		if snr := 10 * math.Log10(signal/noise); snr < 9 {
			t.Errorf("%v Hz: %.1f dB of signal to noise in the first 10 ms, want 9", hz, snr)
		}
		whole := append(append([]int16{}, heard...), made...)
		if s, natural := largestStep(whole), largestStep(x); s > natural*3/2 {
			t.Errorf("%v Hz: a step of %d, natural are %d", hz, s, natural)
		}
	}
}

func TestConcealFadesToSilence(t *testing.T) {
	var c Concealer
	c.Hear(voice(Rate/10, 150))
	former := uint64(math.MaxUint64)
	for ms := 0; ms < 100; ms += 10 {
		made := make([]int16, Unit)
		c.Conceal(made)
		e := Energy(made)
		if ms >= 20 && e > former {
			t.Errorf("louder at %d ms than before", ms)
		}
		if ms >= 60 && e != 0 {
			t.Errorf("energy %d at %d ms, want silence", e, ms)
		}
		if ms < 40 && e == 0 {
			t.Errorf("silent at %d ms already", ms)
		}
		former = e
	}
}

func TestConcealOfSilenceIsSilence(t *testing.T) {
	var c Concealer
	made := make([]int16, Unit)
	c.Conceal(made)
	c.Hear(make([]int16, Unit))
	c.Conceal(made)
	if Energy(made) != 0 {
		t.Error("sound out of nothing")
	}
}

func TestConcealOfTheLoudestNoiseStaysInRange(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var c Concealer
	for range 200 {
		x := make([]int16, 1+r.IntN(1000))
		for i := range x {
			x[i] = int16(r.Uint32())
			if r.IntN(2) == 0 {
				x[i] = -32768
			}
		}
		c.Hear(x)
		c.Conceal(make([]int16, 1+r.IntN(700)))
	}
}

func BenchmarkConceal(b *testing.B) {
	var c Concealer
	x, made := voice(Unit, 120), make([]int16, Unit)
	for range b.N {
		c.Hear(x)
		c.Conceal(made)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "us/10ms")
}
