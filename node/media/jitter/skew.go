package jitter

import (
	"math"
	"time"

	"peerphone/hal"
)

const (
	// skewWindow is the time of which the fastest packet is taken.
	skewWindow = time.Second
	// skewForget is the number of windows after which an old one counts 1/e: a
	// crystal follows the temperature of its room.
	skewForget = 240
	// skewUsual is the standard deviation of clocks, in parts per one, before
	// anything is known.
	skewUsual = 100e-6
	// skewMost is what no crystal exceeds.
	skewMost = 500e-6
	// jumpLeast is a change of delay, in s, between windows that is no skew:
	// the route has changed. jumpTimes says how many usual deviations it is.
	jumpLeast = 1e-3
	jumpTimes = 6
)

// skew measures the drift of one clock against another from times at which both
// were read: by regression through the least differences of each window, which
// delays least disturb. Where the differences jump a new line begins, of the
// same slope.
type skew struct {
	ends  hal.Instant // of this window; 0: nothing seen
	began hal.Instant
	least time.Duration // difference in this window
	when  hal.Instant   // of least
	zero  time.Duration // the first difference, to keep numbers small

	n, x, y float64 // windows in this line and their means, in s
	xx, xy  float64 // its sums of squares and products
	XX, XY  float64 // those of earlier lines
	noise   float64 // mean square of what the line does not explain, s^2
	windows int
	slope   float64 // the estimate
}

// observe takes a difference that was read at the instant at.
func (s *skew) observe(at hal.Instant, diff time.Duration) {
	if s.ends == 0 {
		*s = skew{ends: at.Add(skewWindow), began: at, least: diff, when: at, zero: diff, noise: 1e-8}
		return
	}
	if at < s.ends {
		if diff < s.least {
			s.least, s.when = diff, at
		}
		return
	}
	s.window(s.when.Sub(s.began).Seconds(), (s.least - s.zero).Seconds())
	s.ends, s.least, s.when = at.Add(skewWindow), diff, at
}

// window takes the point of a whole window.
func (s *skew) window(x, y float64) {
	s.windows++
	if s.n > 0 {
		off := y - (s.y + s.slope*(x-s.x))
		limit := max(jumpLeast, jumpTimes*math.Sqrt(s.noise))
		s.noise += (min(off*off, limit*limit) - s.noise) / min(float64(s.windows), 20)
		if math.Abs(off) > limit {
			s.line()
		}
	}
	const keep = 1 - 1./skewForget
	s.n, s.xx, s.xy, s.XX, s.XY = s.n*keep+1, s.xx*keep, s.xy*keep, s.XX*keep, s.XY*keep
	dx, dy := x-s.x, y-s.y
	if s.n == 1 {
		s.x, s.y = x, y
		return
	}
	s.x += dx / s.n
	s.y += dy / s.n
	s.xx += dx * (x - s.x)
	s.xy += dx * (y - s.y)
	// The usual spread of clocks draws the slope towards 0 until there is more
	// evidence than noise.
	slope := (s.XY + s.xy) / (s.XX + s.xx + (s.noise+1e-9)/(skewUsual*skewUsual))
	s.slope = min(max(slope, -skewMost), skewMost)
}

// line closes this line.
func (s *skew) line() {
	s.XX += s.xx
	s.XY += s.xy
	s.n, s.x, s.y, s.xx, s.xy = 0, 0, 0, 0, 0
}

// pause lets time pass in which the difference may have changed: a new line.
func (s *skew) pause() {
	if s.ends != 0 {
		s.line()
	}
}
