package trace

import (
	"math"
	"time"
)

// Phases are those of the first pull over which figures are taken.
func Phases() []time.Duration {
	return []time.Duration{0, 5 * time.Millisecond, 10 * time.Millisecond, 15 * time.Millisecond}
}

// Mean is the mean of results.
func Mean(rs []Result) Result {
	var m Result
	n := float64(max(len(rs), 1))
	for _, r := range rs {
		m.MeanDelay += r.MeanDelay / n
		m.P95 += r.P95 / n
		m.Concealed += r.Concealed / n
		m.Stretched += r.Stretched / n
		m.SkewPPM += r.SkewPPM / n
	}
	return m
}

// elsewhere is what the delay from mouth to ear has besides that of a trace,
// in ms.
const elsewhere = 30

// R rates a call on the scale of the E-model (ITU-T G.107, narrowband, G.711
// with concealment: Bpl 25.1): 93.2 is perfect. delay is in ms. It is for
// comparing only.
func R(delay, concealed float64) float64 {
	percent := 100 * concealed
	return 93.2 - idd(delay+elsewhere) - 95*percent/(percent+25.1)
}

// idd is the impairment by absolute delay, G.107 section 7.4.
func idd(delay float64) float64 {
	if delay <= 100 {
		return 0
	}
	x := math.Log2(delay / 100)
	return 25 * (math.Pow(1+math.Pow(x, 6), 1./6) - 3*math.Pow(1+math.Pow(x/3, 6), 1./6) + 2)
}
