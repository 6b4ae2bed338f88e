package trace

import (
	"math"
	"testing"
	"time"
)

// voice is a tone that changes its pitch, with pauses: something to stretch.
func voice() []int16 {
	pcm := make([]int16, 16000*3)
	var x float64
	for i := range pcm {
		t := float64(i) / 16000
		x += 2 * math.Pi * (140 + 40*math.Sin(2*t)) / 16000
		if math.Mod(t, 1) < .7 {
			pcm[i] = int16(5000*math.Sin(x) + 2500*math.Sin(2*x) + 1200*math.Sin(3*x))
		}
	}
	return pcm
}

// play returns the mean over the phases.
func play(t testing.TB, tr Trace, said []int16) Result {
	var rs []Result
	for _, phase := range Phases() {
		rs = append(rs, Player{Phase: phase, Speech: said}.Play(tr))
	}
	return Mean(rs)
}

// What each kind of network may cost, over a few seeds of two minutes. The
// bounds lie a little above what was measured.
func TestEachKindOfNetwork(t *testing.T) {
	said := voice()
	for _, c := range []struct {
		kind            string
		delay           float64 // ms
		excess, stretch float64 // percent
	}{
		{"lan", 16, 0, .2},
		{"wifi", 75, .1, 1},
		{"wifibusy", 160, .1, 3},
		{"wifiscan", 200, 2.3, 4},
		{"lte", 110, .7, 2},
		{"bufferbloat", 420, .6, 6},
		{"burstloss", 70, .1, 3},
		{"reorder", 100, .1, 3},
		{"route", 120, .5, 2},
		{"g1050b", 130, .35, 2},
		{"g1050c", 340, .9, 5},
		{"line", 300, .5, 6},
		{"spike", 60, .4, 1},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(100); seed < 102; seed++ {
				tr := mustMake(t, c.kind, seed, 2*time.Minute)
				r := play(t, tr, said)
				excess := 100 * (r.Concealed - tr.Lost())
				t.Logf("seed %d: %.1f ms, excess %.2f %%, stretched %.2f %%", seed, r.MeanDelay, excess, 100*r.Stretched)
				if r.MeanDelay > c.delay || excess > c.excess || 100*r.Stretched > c.stretch {
					t.Errorf("seed %d: want at most %.0f ms, %.2f %%, %.2f %%", seed, c.delay, c.excess, c.stretch)
				}
			}
		})
	}
}

func TestSkewIsKnownAfterAMinute(t *testing.T) {
	for seed := range uint64(5) {
		tr := mustMake(t, "ppm", seed, time.Minute)
		first, last := tr.Packets[0], tr.Packets[len(tr.Packets)-1]
		want := (float64(last.Arrived-first.Arrived)/float64(last.Sent-first.Sent) - 1) * 1e6
		// Two packets tell it within the spread of their delays.
		if got := (Player{}).Play(tr).SkewPPM; math.Abs(got-want) > 5+40 {
			t.Errorf("seed %d: %.1f ppm, want about %.1f", seed, got, want)
		}
	}
}

func TestPlayingTwiceGivesTheSame(t *testing.T) {
	tr := mustMake(t, "g1050c", 7, 30*time.Second)
	p := Player{Phase: 5 * time.Millisecond, Speech: voice()}
	if a, b := p.Play(tr), p.Play(tr); a != b {
		t.Errorf("%+v, then %+v", a, b)
	}
}

func BenchmarkPlay(b *testing.B) {
	tr := mustMake(b, "wifi", 1, 10*time.Second)
	said := voice()
	for b.Loop() {
		Player{Speech: said}.Play(tr)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "us/10ms")
}
