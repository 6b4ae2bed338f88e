package media

import "peerphone/hal"

// Walk moves a leg by hand, without a sound card and in whatever time the caller
// keeps: what the Engine's goroutines do with the one that talks.
type Walk struct{ leg *Leg }

// NewWalk returns the walk of l, which no Engine may have.
func NewWalk(l *Leg) Walk { return Walk{l} }

// Say takes 10 ms from the mouth, of which the first sample was captured at the
// instant at; it is over 10 ms later.
func (w Walk) Say(at hal.Instant, pcm []int16) { w.leg.capture(at, false, pcm) }

// Hear fills pcm with the next 10 ms for the ear, where they sound at the
// instant sounds.
func (w Walk) Hear(now, sounds hal.Instant, pcm []int16) {
	w.leg.pull(now, pcm)
	w.leg.sounds(sounds)
}
