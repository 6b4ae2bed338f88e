package node

import (
	"sync/atomic"
	"time"

	"peerphone/hal"
)

const (
	// calmFor is how long a false alarm is remembered.
	calmFor = 10 * time.Second
	// mostPatience bounds how long a silence is borne because sound has come as
	// late, of more than lateAtAll: on a line that is too narrow packets come late
	// and seldom, and copies by other ways would make it narrower.
	mostPatience = 500 * time.Millisecond
	lateAtAll    = 150 * time.Millisecond
	// stoodStill is a pause between two looks of the capture goroutine in which
	// this machine must have stood still, and wakes how long what came meanwhile
	// then takes to be read.
	stoodStill = 30 * time.Millisecond
	wakes      = 10 * time.Millisecond
)

// alarms remember false alarms: sound that came by the active way, so late that
// it had been missed. Sound that was lost meanwhile, and is followed by some that
// is in time, was no false alarm: the way was dead, and whatever brought it back
// may have been what we did about it. One false alarm says nothing about the next
// (somebody stood still for once), two within calmFor do.
//
// The zero value remembers none.
type alarms struct {
	at     atomic.Int64 // hal.Instant of the last one; 0: none
	latest atomic.Int64 // time.Duration that one would have had to wait to be spared it
	borne  atomic.Int64 // likewise to be spared one of two; 0: there was but one
}

// hear takes sound that came after a silence in which the far end's own time ran
// on by ran; its packets are every apart, and doubt is how long a silence is borne
// at least.
func (a *alarms) hear(now hal.Instant, silence, ran, every, doubt time.Duration) {
	wait := silence - ran + every // had nothing been lost
	if ran <= 0 || every <= 0 || wait <= doubt {
		return
	}
	if at := hal.Instant(a.at.Load()); at == 0 || now.Sub(at) > calmFor {
		a.borne.Store(0)
	} else {
		a.borne.Store(max(a.borne.Load(), min(a.latest.Load(), int64(wait))))
	}
	a.latest.Store(int64(wait))
	a.at.Store(int64(now))
}

// late is how late sound is to be expected; 0: it is not.
func (a *alarms) late(now hal.Instant) time.Duration {
	if now.Sub(hal.Instant(a.at.Load())) > calmFor {
		return 0
	}
	return time.Duration(a.borne.Load())
}
