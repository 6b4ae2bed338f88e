package node

import (
	"time"

	"peerphone/hal"
)

// strew reports whether the call has fallen silent, and says so when that is no
// doubt only: the loop searches then.
func (r *mediaRoute) strew(now hal.Instant) bool {
	silence := r.silence(now)
	if silence <= r.patience(now) || now < hal.Instant(r.wakes.Load()) || now.Sub(hal.Instant(r.sound.Load())) > strewFor {
		return false
	}
	if silence > silentAfter+r.stretch() {
		r.tellSilence(now)
	}
	return true
}

// tellSilence tells the loop that nothing comes, ever more seldom.
func (r *mediaRoute) tellSilence(now hal.Instant) {
	calm := now.Sub(hal.Instant(r.told.Load()))
	pause := time.Duration(r.tells.Load())
	if calm <= pause || !r.mayTell(now) {
		return
	}
	if calm > 2*tellRest {
		pause = 0
	}
	r.tells.Store(int64(min(max(2*pause, silentAfter), tellRest)))
	r.out.silent()
}

// afford reports whether the packet that is sent now may go by all ways, and
// notes its price: the time since the one before.
func (r *mediaRoute) afford(now hal.Instant) bool {
	passed := now.Sub(hal.Instant(r.strewn.Swap(int64(now))))
	vain := max(0, time.Duration(r.vain.Load())-passed/strewShare)
	price := max(shortPacket, min(time.Duration(r.own.Load()), longPacket))
	if vain+price > r.strewMost() {
		r.vain.Store(int64(vain))
		return false
	}
	r.vain.Store(int64(vain + price))
	return true
}

// strewMost is how long sound may go by all ways in vain. On a line that was
// narrow from the start copies are most likely the reason of the silence.
func (r *mediaRoute) strewMost() time.Duration {
	if r.narrows() {
		return strewMost / 4
	}
	return strewMost
}

// silence is how long nothing has been heard: no sound, where some comes
// regularly, for a way whose sound stays away may carry other frames still.
func (r *mediaRoute) silence(now hal.Instant) time.Duration {
	if r.every.Load() > 0 {
		return now.Sub(hal.Instant(r.sound.Load()))
	}
	return now.Sub(hal.Instant(r.heard.Load()))
}
