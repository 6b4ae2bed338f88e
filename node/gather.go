package node

import (
	"time"

	"peerphone/hal"
)

const (
	// A reader that passes on busyFrames or more in gatherWindow lets datagrams
	// gather for gatherRest before it looks again: at 20,000 frames a second
	// twenty share three system calls. A millisecond is a twentieth of a packet
	// of sound.
	busyFrames   = 32
	gatherWindow = 16 * time.Millisecond
	gatherRest   = time.Millisecond
)

// gather decides whether the reader of a socket lets datagrams gather.
type gather struct {
	began  hal.Instant // of the window
	frames int         // passed on in it
	busy   bool        // the window before was full
}

// passed notes that n frames were passed on and reports whether to rest before
// the next look: there will be more.
func (g *gather) passed(now hal.Instant, n int) (rest bool) {
	if now.Sub(g.began) >= gatherWindow {
		g.busy = g.frames >= busyFrames && now.Sub(g.began) < 2*gatherWindow
		g.began, g.frames = now, 0
	}
	g.frames += n
	return g.busy && n > 0
}
