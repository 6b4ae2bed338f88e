package sim

import (
	"time"

	"peerphone/hal"
)

// Clock is what the board's sound card runs by.
type Clock interface {
	Now() hal.Instant
	// Sleep returns at until, or a little later; at once when it has passed.
	Sleep(until hal.Instant)
}

// Monotonic is CLOCK_MONOTONIC.
type Monotonic struct{}

// Now reads the clock.
func (Monotonic) Now() hal.Instant { return hal.Now() }

// Sleep waits in the kernel.
func (Monotonic) Sleep(until hal.Instant) { hal.Sleep(until) }

// GoTime is package time's clock. In a bubble of testing/synctest it is
// virtual, and hours pass in a moment.
type GoTime struct{}

// Now reads the clock.
func (GoTime) Now() hal.Instant { return hal.Instant(time.Now().UnixNano()) }

// Sleep waits with a Go timer.
func (c GoTime) Sleep(until hal.Instant) { time.Sleep(until.Sub(c.Now())) }
