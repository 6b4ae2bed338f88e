package jitter

import (
	"time"

	"peerphone/hal"
)

// mark is where a packet begins in the FIFO.
type mark struct {
	at     hal.Instant // when the packet arrived
	time   uint16      // its own
	offset int         // samples from the first that waits
}

// marks are those that have not sounded yet, oldest first.
type marks struct {
	list [MaxUnits]mark
	n    int
}

// add notes a packet; when there is no room it is not noted.
func (m *marks) add(x mark) {
	if m.n < len(m.list) {
		m.list[m.n] = x
		m.n++
	}
}

// shift moves what lies behind the first n samples by that many.
func (m *marks) shift(by int) {
	for i := range m.list[:m.n] {
		if x := &m.list[i]; x.offset > 0 {
			x.offset = max(0, x.offset+by)
		}
	}
}

// pass takes the first of the marks within n samples, and lets them all go.
func (m *marks) pass(n int) (first mark, ok bool) {
	gone := 0
	for gone < m.n && m.list[gone].offset < n {
		gone++
	}
	first, ok = m.list[0], gone > 0
	copy(m.list[:], m.list[gone:m.n])
	m.n -= gone
	for i := range m.list[:m.n] {
		m.list[i].offset -= n
	}
	return first, ok
}

// samples is the duration of n samples.
func samples[T int | int64](n T) time.Duration {
	return time.Duration(n) * (time.Second / Rate)
}
