package dsp

import (
	"math"
	"math/rand/v2"
	"testing"
)

// noise is white noise of that RMS.
func noise(seed uint64, n int, rms float64) []int16 {
	r := rand.New(rand.NewPCG(seed, 0))
	x := make([]int16, n)
	for i := range x {
		x[i] = Saturate(int32(math.Round(r.NormFloat64() * rms)))
	}
	return x
}

// dB is l in dB.
func (l Level) dB() float64 { return float64(l) / 100 }

func wantLevel(t *testing.T, what string, got Level, want, within float64) {
	t.Helper()
	if math.Abs(got.dB()-want) > within {
		t.Errorf("%s: %.2f dB, want %.2f within %.2f", what, got.dB(), want, within)
	}
}

func TestLevelOfKnownPowers(t *testing.T) {
	for _, mean := range []float64{1, 3, 10, 1000, 12345, 1 << 20, 1e9, 1 << 30} {
		for _, n := range []uint64{1, 160, 16000, 1 << 30} {
			got := LevelOf(uint64(mean)*n, n)
			wantLevel(t, "level", got, math.Max(-96, 10*math.Log10(mean/(1<<30))), 0.011)
		}
	}
	if l := LevelOf(0, 10); l != SilentLevel {
		t.Errorf("silence has %d", l)
	}
	if l := LevelOf(math.MaxUint64, 1<<33); l < 0 {
		t.Errorf("the largest sum has %d", l)
	}
}

func TestMeterTakesSinesAndPeaks(t *testing.T) {
	var m Meter
	for _, peak := range []float64{32767, 10000, 1000, 100} {
		m.Add(wave(Rate, 1000, Rate, peak))
		rms, top := m.Take()
		wantLevel(t, "RMS", rms, 20*math.Log10(peak/32768)-3.01, 0.05)
		wantLevel(t, "peak", top, 20*math.Log10(peak/32768), 0.05)
	}
	if rms, top := m.Take(); rms != SilentLevel || top != SilentLevel {
		t.Errorf("nothing has %d and %d", rms, top)
	}
	m.Add([]int16{-32768})
	if rms, top := m.Take(); rms != 0 || top != 0 {
		t.Errorf("the lowest sample has %d and %d, want 0", rms, top)
	}
}

func TestMeterBallistics(t *testing.T) {
	var m Meter
	m.Add(wave(2*Rate, 1000, Rate, 32767))
	wantLevel(t, "a steady sine", m.RMS(), -3.01, 0.05)
	wantLevel(t, "its peak", m.Peak(), 0, 0.05)
	m.Add(make([]int16, fastTime))
	wantLevel(t, "RMS 125 ms after the end", m.RMS(), -3.01-4.34, 0.05)
	m.Add(make([]int16, Rate*17/10-fastTime))
	wantLevel(t, "peak 1.7 s after the end", m.Peak(), -20, 0.1)
	m.Add([]int16{16384})
	wantLevel(t, "a new peak", m.Peak(), -6.02, 0.05)
	m.Add(make([]int16, 60*Rate))
	if m.RMS() != SilentLevel || m.Peak() > -8000 {
		t.Errorf("after a minute of silence: %d and %d", m.RMS(), m.Peak())
	}
}

// Speech whose level is known while it lasts, with pauses: the active level is
// that of the bursts, the mean lies below it.
func TestSpeechLevelLeavesPausesOut(t *testing.T) {
	for _, rms := range []float64{3000, 300, 100} {
		for _, pause := range []int{0, 1, 2, 4} { // in seconds, per second of sound
			var s SpeechLevel
			for i := range 10 {
				s.Add(noise(uint64(i), Rate, rms))
				s.Add(noise(uint64(i), pause*Rate, rms/1000))
			}
			active, mean := s.Level()
			want := 20 * math.Log10(rms/32768)
			// The hangover counts 0.2 s and the envelope's end as active.
			wantLevel(t, "active", active, want, 1.3)
			wantLevel(t, "mean", mean, want-10*math.Log10(float64(1+pause)), 0.1)
		}
	}
}

func TestSpeechLevelOfNothing(t *testing.T) {
	var s SpeechLevel
	if a, m := s.Level(); a != SilentLevel || m != SilentLevel {
		t.Errorf("nothing has %d and %d", a, m)
	}
	s.Add(make([]int16, Rate))
	if a, m := s.Level(); a != SilentLevel || m != SilentLevel {
		t.Errorf("silence has %d and %d", a, m)
	}
	square := make([]int16, Rate)
	for i := range square {
		square[i] = int16(i%2*65535 - 32768)
	}
	var full SpeechLevel
	for range 10 {
		full.Add(square)
	}
	a, _ := full.Level()
	wantLevel(t, "a square wave at the limit", a, 0, 0.2)
}

func TestMetersAllocateNothing(t *testing.T) {
	var m Meter
	var s SpeechLevel
	x := noise(1, Unit, 1000)
	if n := testing.AllocsPerRun(100, func() {
		m.Add(x)
		s.Add(x)
		m.Take()
		s.Level()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMeter(b *testing.B) {
	var m Meter
	x := noise(1, Unit, 1000)
	for b.Loop() {
		m.Add(x)
	}
	perUnit(b)
}

func BenchmarkSpeechLevel(b *testing.B) {
	var s SpeechLevel
	x := noise(1, Unit, 1000)
	for b.Loop() {
		s.Add(x)
	}
	perUnit(b)
}

// perUnit reports what 10 ms of sound cost.
func perUnit(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "us/10ms")
}
