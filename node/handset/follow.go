package handset

import (
	"cmp"
	"time"
)

// Call takes a change of the call.
func (h *Handset) Call(now time.Time, v CallView) {
	before := h.call.Phase
	h.call = v
	switch h.state {
	case onHook, alerting:
		h.followOnHook(now, before)
	case dialling, collecting, finished, howling, parked:
		h.followIdle()
	case calling, answering, talking:
		h.followCall(now)
	}
	h.refresh(now)
}

// followOnHook rings. A call that goes on without a receiver is ended: its
// microphone would be open unseen.
func (h *Handset) followOnHook(now time.Time, before Phase) {
	switch h.call.Phase {
	case HereRinging:
		h.digits, h.chosen = "", choice{}
		h.enter(now, alerting, 0)
		return
	case Calling, FarRinging, Talking:
		h.emit(HangUp{})
	}
	if h.state == alerting {
		if before == HereRinging && !h.call.Phase.live() && h.call.Reason != ReasonDeclined {
			h.missed = missed{min(h.missed.count+1, maxMissed), cmp.Or(h.call.Number, h.call.Peer)}
		}
		h.enter(now, onHook, 0)
	}
}

// followIdle keeps a receiver that is off without a call out of any call that
// comes: nobody has been heard to ring.
func (h *Handset) followIdle() {
	if h.call.Phase.live() {
		h.emit(HangUp{})
	}
}

// followCall goes with the call that the user has asked for.
func (h *Handset) followCall(now time.Time) {
	switch h.call.Phase {
	case Talking:
		h.enter(now, talking, 0)
	case Over, None:
		h.finish(now, noticeOver(h.call.Reason))
	case Calling, FarRinging:
		if h.state != calling {
			h.enter(now, calling, 0)
		}
	case HereRinging:
		if h.state != answering {
			h.emit(HangUp{})
			h.finish(now, noticeOver(NoReason))
		}
	}
}
