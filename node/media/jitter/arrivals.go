package jitter

import "peerphone/hal"

// maxArrivals is how many arrivals wait for Pull to learn from them: more than
// a second of packets of 20 ms. When it is full the oldest is dropped.
const maxArrivals = 64

// arrival is when the packet at a position came.
type arrival struct {
	at    hal.Instant
	pos   int64
	units int
	by    carrier
}

// carrier is what an arrival came by.
type carrier uint8

const (
	itself carrier = iota
	needed         // a copy, and not yet otherwise
	spare          // a copy of what has come: it says how long copies take
)

// arrivals are what Insert leaves for Pull.
type arrivals struct {
	list [maxArrivals]arrival
	n    int  // ever noted since taken
	anew bool // what was learned before means nothing now
}

func (a *arrivals) note(x arrival) {
	a.list[a.n%maxArrivals] = x
	a.n++
}

// begin forgets: the sender has begun anew.
func (a *arrivals) begin() { a.n, a.anew = 0, true }

// take empties a into dst, oldest first.
func (a *arrivals) take(dst *[maxArrivals]arrival) (n int, anew bool) {
	first := max(0, a.n-maxArrivals)
	for i := first; i < a.n; i++ {
		dst[i-first] = a.list[i%maxArrivals]
	}
	n, anew = a.n-first, a.anew
	a.n, a.anew = 0, false
	return n, anew
}
