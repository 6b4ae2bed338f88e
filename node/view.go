package node

import (
	"time"

	"peerphone/node/call"
	"peerphone/node/handset"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// view is what the core remembers for those who look: times and words that
// decide nothing.
type view struct {
	started time.Time
	homed   time.Time     // attached to the first home
	ready   time.Time     // attached and published; a supernode: certified
	copies  int           // of our records, after the last publishing
	search  time.Duration // of the last search
	setup   time.Duration // of the last call made: from the number sent until it rang
	direct  time.Duration // of the last call: from ringing until the direct path stood
	last    call.View
	line    handset.LineState
	homes   int // as last logged
	way     path.Way
	safety  string
	logged  call.ID      // the last one in the log
	calls   []LoggedCall // of the log; nil: it has changed

	stranded bool // nobody in the host cache has answered since there was a home
}

// call follows a call's state.
func (v *view) call(now time.Time, c call.View) {
	if c.ID != v.last.ID {
		v.way, v.direct, v.safety = path.Way{}, 0, ""
	}
	if c.State == call.RingingFar && v.last.State != call.RingingFar {
		v.setup = c.Rang.Sub(c.Dialled)
	}
	v.last = c
}

// moved follows the path of the call's session.
func (v *view) moved(now time.Time, ix wire.Index, w path.Way) {
	if ix != v.last.Index {
		return
	}
	v.way = w
	if w.Direct() && v.direct == 0 && !v.last.Rang.IsZero() {
		v.direct = now.Sub(v.last.Rang)
	}
}

// published follows the publishing of our records.
func (v *view) published(now time.Time, copies int) {
	v.copies = copies
	if copies > 0 {
		v.certified(now)
	}
}

// certified marks the first time that the node is ready to serve or be called.
func (v *view) certified(now time.Time) {
	if v.ready.IsZero() {
		v.ready = now
	}
}

// milliseconds returns d in the unit of Timing.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
