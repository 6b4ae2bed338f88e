package jitter

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/hal"
)

// watch lets a skew see a minute of packets whose delay in ms is delay(t).
func watch(ppm float64, delay func(t float64, r *rand.Rand) float64) float64 {
	r := rand.New(rand.NewPCG(1, 2))
	var s skew
	for i := range 3000 {
		sent := float64(i) * .02
		late := sent*ppm/1e6 + delay(sent, r)/1e3
		s.observe(hal.Instant(1e12+(sent+late)*1e9), time.Duration(late*1e9))
	}
	return s.slope * 1e6
}

func TestSkewIsFound(t *testing.T) {
	for _, c := range []struct {
		network string
		within  float64 // ppm
		delay   func(t float64, r *rand.Rand) float64
	}{
		{"a cable", 1, func(t float64, r *rand.Rand) float64 { return 2 + r.ExpFloat64()*.3 }},
		{"a radio", 5, func(t float64, r *rand.Rand) float64 { return 15 + r.ExpFloat64()*2 }},
		{"a radio that many use", 20, func(t float64, r *rand.Rand) float64 { return 15 + r.ExpFloat64()*5 }},
		{"a route that changes", 5, func(t float64, r *rand.Rand) float64 {
			if t > 31 {
				return 80 + r.ExpFloat64()
			}
			return 20 + r.ExpFloat64()
		}},
		{"stalls", 5, func(t float64, r *rand.Rand) float64 {
			return 15 + r.ExpFloat64() + max(0, 300-1e3*math.Mod(t, 10))
		}},
	} {
		for _, ppm := range []float64{-300, -20, 0, 20, 300} {
			if got := watch(ppm, c.delay); math.Abs(got-ppm) > c.within {
				t.Errorf("%s: %.1f ppm, want %.0f within %.0f", c.network, got, ppm, c.within)
			}
		}
	}
}

// A queue that fills is no skew.
func TestQueueIsNoSkew(t *testing.T) {
	got := watch(0, func(t float64, r *rand.Rand) float64 {
		return 20 + r.ExpFloat64() + max(0, 400*math.Sin(2*math.Pi*t/30))
	})
	if math.Abs(got) > 50 {
		t.Errorf("%.1f ppm, want about 0", got)
	}
}

func TestSkewIsBounded(t *testing.T) {
	if got := watch(5000, func(float64, *rand.Rand) float64 { return 0 }); got > skewMost*1e6 {
		t.Errorf("%.0f ppm believed", got)
	}
}
