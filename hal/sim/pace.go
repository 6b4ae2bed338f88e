package sim

import (
	"time"

	"peerphone/hal"
)

// pace is the clock of one stream: it tells the instant of each sample since
// the stream began. Deadlines are absolute, so nothing adds up.
type pace struct {
	start hal.Instant
	rate  float64 // true samples per second, drift included
}

func newPace(start hal.Instant, cfg *Config) pace {
	return pace{start: start, rate: float64(cfg.Rate) * (1 + cfg.DriftPPM/1e6)}
}

// at is the instant of sample n.
func (p pace) at(n int64) hal.Instant {
	return p.start.Add(time.Duration(float64(n) / p.rate * 1e9))
}

// elapsed is the number of samples from the start to t, rounded down.
func (p pace) elapsed(t hal.Instant) int64 {
	return int64(t.Sub(p.start).Seconds() * p.rate)
}
