package dsp

import (
	"math"
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

func up(x []int16) []int16 {
	var u Up
	y := make([]int16, 3*len(x))
	u.Convert(y, x)
	return y[3*Unit:]
}

func down(x []int16) []int16 {
	var d Down
	y := make([]int16, len(x)/3)
	d.Convert(y, x)
	return y[Unit:]
}

const wavePeak = 20000

func TestUpPassesSpeechAndSuppressesImages(t *testing.T) {
	worst := -200.0
	for hz := 100.0; hz <= 7500; hz += 100 {
		y := up(wave(8000, hz, 16000, wavePeak))
		if l := levelAt(y, hz, 48000, wavePeak); l < -3 || l > 0.2 {
			t.Errorf("%v Hz passes with %.2f dB, want -3 to 0.2", hz, l)
		} else if hz <= 7000 && l < -0.3 {
			t.Errorf("%v Hz passes with %.2f dB, want -0.3 at least", hz, l)
		}
		for _, image := range []float64{16000 - hz, 16000 + hz} {
			worst = max(worst, levelAt(y, image, 48000, wavePeak))
		}
	}
	t.Logf("images of up to 7.5 kHz: %.1f dB at most", worst)
	if worst > -60 {
		t.Errorf("an image has %.1f dB, want -60 at most", worst)
	}
}

func TestDownPassesSpeechAndSuppressesAliases(t *testing.T) {
	for hz := 100.0; hz <= 7500; hz += 200 {
		y := down(wave(24000, hz, 48000, wavePeak))
		if l := levelAt(y, hz, 16000, wavePeak); l < -3 || l > 0.2 {
			t.Errorf("%v Hz passes with %.2f dB, want -3 to 0.2", hz, l)
		}
	}
	worst := -200.0
	for hz := 8500.0; hz < 24000; hz += 100 {
		y := down(wave(24000, hz, 48000, wavePeak))
		alias := math.Abs(hz - 16000*math.Round(hz/16000))
		worst = max(worst, levelAt(y, alias, 16000, wavePeak))
	}
	t.Logf("aliases of 8.5 kHz and more: %.1f dB at most", worst)
	if worst > -60 {
		t.Errorf("an alias has %.1f dB, want -60 at most", worst)
	}
}

func TestResamplingKeepsAConstant(t *testing.T) {
	x := make([]int16, 800)
	for i := range x {
		x[i] = 12345
	}
	for i, s := range up(x) {
		if s != 12345 {
			t.Fatalf("up: sample %d is %d", i, s)
		}
	}
	for i, s := range down(up(x)) {
		if s < 12343 || s > 12347 {
			t.Fatalf("down: sample %d is %d", i, s)
		}
	}
}

// The loudest input for each filter must not wrap around.
func TestResamplingSaturates(t *testing.T) {
	for p := range firQ14 {
		x := new([firPhase]int16)
		for k, h := range firQ14[p] {
			x[firPhase-1-k] = 32767
			if h < 0 {
				x[firPhase-1-k] = -32768
			}
		}
		if got := phase(&firQ14[p], x); got != 32767 {
			t.Errorf("phase %d: got %d, want 32767", p, got)
		}
	}
}

func TestResamplingInPiecesIsTheSame(t *testing.T) {
	x := wave(1600, 700, 16000, wavePeak)
	var a, b Up
	whole, pieces := make([]int16, 4800), make([]int16, 4800)
	a.Convert(whole, x)
	for at, n := 0, 1; at < len(x); n = n%170 + 13 {
		n = min(n, len(x)-at)
		b.Convert(pieces[3*at:3*(at+n)], x[at:at+n])
		at += n
	}
	for i := range whole {
		if whole[i] != pieces[i] {
			t.Fatalf("sample %d: %d whole, %d in pieces", i, whole[i], pieces[i])
		}
	}
}

func BenchmarkUp(b *testing.B) {
	var u Up
	src, dst := wave(Unit, 1000, 16000, wavePeak), make([]int16, 3*Unit)
	for range b.N {
		u.Convert(dst, src)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "us/10ms")
}

func BenchmarkDown(b *testing.B) {
	var d Down
	src, dst := wave(3*Unit, 1000, 48000, wavePeak), make([]int16, Unit)
	for range b.N {
		d.Convert(dst, src)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "us/10ms")
}
