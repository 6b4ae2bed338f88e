// Package hal is the contract between a telephone and its hardware: sound,
// keys, hook, lamps, screen and ringer. Drivers live in the packages below it;
// haltest holds a fake for each interface and the conformance tests that fakes
// and drivers both pass.
//
// Times are Instants of CLOCK_MONOTONIC, the only clock of the media plane.
package hal

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Instant is a reading of CLOCK_MONOTONIC in nanoseconds. Readings of two
// processes on one machine can be compared.
type Instant int64

// Now reads CLOCK_MONOTONIC.
func Now() Instant {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("hal: no CLOCK_MONOTONIC: " + err.Error())
	}
	return Instant(ts.Nano())
}

// Sleep returns at until, or a little later; at once when it has passed. It is
// accurate to the kernel's timer, which a Go timer, rounded up to a millisecond,
// is not.
func Sleep(until Instant) {
	ts := unix.NsecToTimespec(int64(until))
	for errors.Is(unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil), unix.EINTR) {
	}
}

// Add returns the instant d later.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns how much later t is than u.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }
