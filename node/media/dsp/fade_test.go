package dsp

import "testing"

func TestCrossFadeBeginsAsOneAndEndsAsTheOther(t *testing.T) {
	a, b := make([]int16, 80), make([]int16, 100)
	for i := range a {
		a[i] = 10000
	}
	for i := range b {
		b[i] = -10000
	}
	CrossFade(b, a)
	if b[0] < 9500 || b[79] > -9500 || b[80] != -10000 {
		t.Errorf("got %d ... %d, %d", b[0], b[79], b[80])
	}
	for i := 1; i < 80; i++ {
		if b[i] > b[i-1] {
			t.Fatalf("not falling at %d", i)
		}
	}
}

func TestFadesReachSilence(t *testing.T) {
	for _, full := range []int16{32767, -32768} {
		x, y := make([]int16, Unit), make([]int16, Unit)
		for i := range x {
			x[i], y[i] = full, full
		}
		FadeOut(x)
		FadeIn(y)
		if x[Unit-1] != 0 || y[0] != 0 || x[0]/full != 0 && x[0] != full || int(x[0])*int(full) < 0 {
			t.Errorf("%d: out %d ... %d, in %d ... %d", full, x[0], x[Unit-1], y[0], y[Unit-1])
		}
		if s := largestStep(x); s > 210 {
			t.Errorf("%d: a step of %d while fading out", full, s)
		}
	}
}

func TestAddSaturates(t *testing.T) {
	x := []int16{30000, -30000, 5}
	Add(x, []int16{30000, -30000, 6})
	if x[0] != 32767 || x[1] != -32768 || x[2] != 11 {
		t.Errorf("got %v", x)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	var c Concealer
	var tone Tone
	tone.Set(Busy)
	x := voice(4*Unit, 130)
	got := testing.AllocsPerRun(200, func() {
		tone.Add(x[:Unit])
		c.Hear(x[:Unit])
		c.Conceal(x[Unit : 2*Unit])
		n := 3*Unit - Shorten(x[:3*Unit], MaxPitch, GoodMatchQ15)
		Lengthen(x, n, MaxPitch)
	})
	if got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}
