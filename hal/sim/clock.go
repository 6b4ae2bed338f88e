package sim

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"peerphone/hal"
)

// Clock is what the board's sound card runs by.
type Clock interface {
	Now() hal.Instant
	// Sleep returns at until, or a little later; at once when it has passed.
	Sleep(until hal.Instant)
}

// Monotonic is CLOCK_MONOTONIC. Its Sleep is accurate to the kernel's timer,
// which a Go timer, rounded up to a millisecond, is not.
type Monotonic struct{}

// Now reads the clock.
func (Monotonic) Now() hal.Instant { return hal.Now() }

// Sleep waits in the kernel for an absolute time.
func (Monotonic) Sleep(until hal.Instant) {
	ts := unix.NsecToTimespec(int64(until))
	for errors.Is(unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil), unix.EINTR) {
	}
}

// GoTime is package time's clock. In a bubble of testing/synctest it is
// virtual, and hours pass in a moment.
type GoTime struct{}

// Now reads the clock.
func (GoTime) Now() hal.Instant { return hal.Instant(time.Now().UnixNano()) }

// Sleep waits with a Go timer.
func (c GoTime) Sleep(until hal.Instant) { time.Sleep(until.Sub(c.Now())) }
