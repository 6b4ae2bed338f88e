// Package haltest holds a fake for each interface of package hal, and the
// conformance tests that fakes and drivers both pass.
//
// A driver's test calls TestCard, TestKeypad and so on with a function that
// makes a fresh device. The fakes run by package time, so that in a bubble of
// testing/synctest their time is virtual.
package haltest

import (
	"time"

	"peerphone/hal"
)

// clocked is a device on a clock of its own.
type clocked interface {
	Now() hal.Instant
}

// clockOf returns the clock by which a device runs, CLOCK_MONOTONIC if it does
// not say.
func clockOf(device any) func() hal.Instant {
	if c, ok := device.(clocked); ok {
		return c.Now
	}
	return hal.Now
}

// goTime reads package time's clock.
func goTime() hal.Instant { return hal.Instant(time.Now().UnixNano()) }
