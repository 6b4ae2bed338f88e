package dsp

import (
	"math/rand/v2"
	"testing"
)

func TestStretchingTakesWholePeriods(t *testing.T) {
	for _, hz := range []float64{100, 160, 200, 250, 320} {
		period := Rate / int(hz)
		x := voice(2*Unit, hz)
		natural := largestStep(x)

		short := append([]int16{}, x...)
		n := Shorten(short, MaxPitch, GoodMatchQ15)
		if n == 0 || n%period != 0 {
			t.Errorf("%v Hz: shortened by %d, want periods of %d", hz, n, period)
		}
		for i := range short[:len(x)-n] {
			if d := int(short[i]) - int(x[i]); d > 40 || d < -40 {
				t.Fatalf("%v Hz: sample %d is %d, want %d", hz, i, short[i], x[i])
			}
		}

		long := append(append([]int16{}, x...), make([]int16, MaxPitch)...)
		n = Lengthen(long, len(x), MaxPitch)
		if n == 0 || n%period != 0 {
			t.Errorf("%v Hz: lengthened by %d, want periods of %d", hz, n, period)
		}
		if s := largestStep(long[:len(x)+n]); s > natural+40 {
			t.Errorf("%v Hz: a step of %d in the longer, %d are natural", hz, s, natural)
		}
		if long[len(x)+n-1] != x[len(x)-1] {
			t.Errorf("%v Hz: the end is not the end", hz)
		}
	}
}

func TestStretchingKeepsToWhatItMay(t *testing.T) {
	x := voice(2*Unit, 100)
	if n := Shorten(append([]int16{}, x...), 100, GoodMatchQ15); n > 100 {
		t.Errorf("shortened by %d, allowed 100", n)
	}
	if n := Shorten(append([]int16{}, x...), MinPitch-1, GoodMatchQ15); n != 0 {
		t.Errorf("shortened by %d, allowed less than a period", n)
	}
	if n := Shorten(x[:StretchNeed-1], MaxPitch, GoodMatchQ15); n != 0 {
		t.Errorf("shortened too little sound by %d", n)
	}
}

func TestNoiseIsNotStretched(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	x := make([]int16, 2*Unit)
	for i := range x {
		x[i] = int16(r.IntN(20000) - 10000)
	}
	if n := Shorten(x, MaxPitch, GoodMatchQ15); n != 0 {
		t.Errorf("noise was shortened by %d", n)
	}
}

func TestSilenceIsStretchedByAnything(t *testing.T) {
	x := make([]int16, 2*Unit+77)
	x[5], x[30] = 20, -20
	if n := Shorten(x[:2*Unit], 77, GoodMatchQ15); n != 77 {
		t.Errorf("shortened by %d, want 77", n)
	}
	if n := Lengthen(x, 2*Unit, 77); n != 77 {
		t.Errorf("lengthened by %d, want 77", n)
	}
}

func FuzzStretch(f *testing.F) {
	f.Add([]byte("some sound, some sound, some sound"), 50, 30)
	f.Fuzz(func(t *testing.T, b []byte, most, room int) {
		x := make([]int16, 4*len(b))
		for i := range x {
			x[i] = int16(b[i%len(b)])<<8 | int16(b[i*7%len(b)])
		}
		if n := Shorten(append([]int16{}, x...), most, GoodMatchQ15); n < 0 || n > max(most, 0) {
			t.Fatalf("shortened by %d of %d", n, most)
		}
		room = min(max(room, 0), 1000)
		y := append(append([]int16{}, x...), make([]int16, room)...)
		if n := Lengthen(y, len(x), most); n < 0 || n > max(most, 0) || n > room {
			t.Fatalf("lengthened by %d of %d, room for %d", n, most, room)
		}
	})
}

func BenchmarkShorten(b *testing.B) {
	x, y := voice(2*Unit, 120), make([]int16, 2*Unit)
	for range b.N {
		copy(y, x)
		Shorten(y, MaxPitch, GoodMatchQ15)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "us/10ms")
}
