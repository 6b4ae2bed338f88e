package session

import "time"

const (
	shortestTimeout = 60 * time.Millisecond
	firstTimeout    = 200 * time.Millisecond // while no round trip is known
)

// rtt estimates the round-trip time (RFC 6298 section 2). The zero value knows
// nothing.
type rtt struct{ smooth, vary, least time.Duration }

func (r *rtt) sample(d time.Duration) {
	d = max(d, time.Microsecond)
	if r.smooth == 0 {
		r.smooth, r.vary, r.least = d, d/2, d
		return
	}
	r.least = min(r.least, d)
	r.vary += ((r.smooth - d).Abs() - r.vary) / 4
	r.smooth += (d - r.smooth) / 8
}

// timeout returns how long to wait for an acknowledgement.
func (r *rtt) timeout() time.Duration {
	if r.smooth == 0 {
		return firstTimeout
	}
	return min(max(r.smooth+4*r.vary, shortestTimeout), longestResend)
}
