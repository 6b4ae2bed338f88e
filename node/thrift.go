package node

import (
	"time"

	"peerphone/node/call"
	"peerphone/node/wire"
)

const (
	// thriftShare of what a call may send is left for all that is not the call, on
	// a line that has no more than narrowLine bytes a second; such a line that lets
	// wideLine through again is none.
	thriftShare = 10
	narrowLine  = 3500
	wideLine    = 4200
	// thriftLeast is what keeps three homes, in bytes a second: who has lost them
	// is found by nobody when the call is over.
	thriftLeast = 100
	// thriftMost is what may go at once after a while in which little was said: a
	// flight of a handshake, with headers. thriftFirst is what may at first, when
	// the line is full of what was said before it was known to be narrow.
	thriftMost  = 1700
	thriftFirst = 300
	// streamPrice is the same of the first flight of a stream, and of TCP before it.
	streamPrice = thriftMost
)

// thrift keeps all that is not the call to a small share of a narrow line. There
// every answer is late, what is late is asked again, who does not answer is
// dialled anew, and without a limit the phone fills the line itself: of 2 kB/s
// with seven times as much. What is kept back is lost, as it would be in the
// line, and repeated ever more seldom.
//
// The zero value is that of a line that is wide enough.
type thrift struct {
	rate float64 // bytes a second; 0: no limit
	left float64
	at   time.Time // of left
}

// follow takes how many bytes a second the line lets through; 0: nobody knows.
func (t *thrift) follow(now time.Time, line int) {
	limit := narrowLine
	if t.rate > 0 {
		limit = wideLine
	}
	switch {
	case line <= 0 || line >= limit:
		*t = thrift{}
		return
	case t.rate == 0:
		t.left, t.at = thriftFirst, now
	}
	t.rate = max(thriftLeast, float64(line)/thriftShare)
}

// spare reports whether size bytes may go now, and takes them.
func (t *thrift) spare(now time.Time, size int) bool {
	if t.rate == 0 {
		return true
	}
	t.left = min(t.left+t.rate*now.Sub(t.at).Seconds(), thriftMost)
	t.at = now
	if t.left < float64(min(size, thriftMost)) {
		return false
	}
	t.left -= float64(size)
	return true
}

// on reports whether there is a limit.
func (t *thrift) on() bool { return t.rate > 0 }

// Line tells how many bytes a second a call's sound may have now; 0: nobody knows.
func (c *Core) Line(now time.Time, line int) {
	if c.calls.Current().State == call.Talking {
		c.thrift.follow(now, line)
	}
}

// spares reports whether a frame of a session may go. What a call says goes at all
// times.
func (c *Core) spares(now time.Time, ix wire.Index, size int) bool {
	if !c.thrift.on() {
		return true
	}
	if _, ofCall := c.attempts.phones[ix]; ofCall {
		return true
	}
	return c.thrift.spare(now, size+ipUDP)
}
