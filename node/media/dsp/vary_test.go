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

func TestVaryCopiesAtTheSameSpeed(t *testing.T) {
	x := voice(20*Unit, 150)
	var v Vary
	y := v.run(x)
	for i := VaryDelay + 1; i < len(y); i++ {
		if y[i] != x[i-VaryDelay-1] {
			t.Fatalf("sample %d: got %d, want %d", i, y[i], x[i-VaryDelay-1])
		}
	}
}

// A sine comes out as a sine of the other frequency, as strong as it was; what
// is not that sine is 59.5 dB below it.
func TestVaryKeepsSines(t *testing.T) {
	const amplitude = 16000
	for _, ppm := range []float64{-10000, -500, -300, 300, 500} {
		for _, hz := range []float64{100, 1000, 3000, 5000, 6000, 6800} {
			x := make([]int16, 4*Rate)
			for i := range x {
				x[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz/Rate*float64(i))))
			}
			var v Vary
			v.Speed(q32(ppm))
			y := v.run(x)[Rate/2:]
			level, rest := fit(y, 2*math.Pi*hz/Rate*(1+ppm/1e6))
			ripple := 20 * math.Log10(level/amplitude)
			noise := 20 * math.Log10(rest/level)
			if math.Abs(ripple) > .1 || noise > -59.5 {
				t.Errorf("%+.0f ppm, %.0f Hz: %+.3f dB, the rest at %.1f dB", ppm, hz, ripple, noise)
			}
		}
	}
}

// fit finds the amplitude of the sine of w radians per sample in y, and that of
// what remains.
func fit(y []int16, w float64) (level, rest float64) {
	var ss, sc, cc, sy, cy, yy float64
	for i, v := range y {
		s, c := math.Sincos(w * float64(i))
		f := float64(v)
		ss, sc, cc = ss+s*s, sc+s*c, cc+c*c
		sy, cy, yy = sy+s*f, cy+c*f, yy+f*f
	}
	d := ss*cc - sc*sc
	a, b := (sy*cc-cy*sc)/d, (cy*ss-sy*sc)/d
	left := yy - a*sy - b*cy
	return math.Hypot(a, b), math.Sqrt(max(0, 2*left/float64(len(y))))
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
