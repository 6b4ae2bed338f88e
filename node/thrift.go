package node

import (
	"time"

	"peerphone/node/call"
	"peerphone/node/path"
	"peerphone/node/wire"
)

const (
	// thriftShare of what a call may send is left for all that is not the call, on
	// a line that has no more than narrowLine bytes a second; such a line that lets
	// wideLine through again is none.
	thriftShare = 20
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
	// controlShare is the same share for what the phones of a call say to each other
	// besides sound; at most controlMost at once. What is as short as controlSmall goes
	// at all times: acknowledgements, checks, the end of a call.
	controlShare = 8
	controlMost  = 700
	controlSmall = 150
	// probeShare is the same share for checks of direct ways, probeMost what they may
	// take at once: while none is found there are ten and more a second, and answers
	// come seconds later.
	probeShare = 10
	probeMost  = 350
	// What is as short as ackSmall goes at all times, and is paid for later: it is an
	// acknowledgement as a rule, without which a home would send again what is ten
	// times as long.
	ackSmall = 64
	// lateLine is by how much answers are late on a line that has no room for attempts by
	// TCP beside those by UDP: it is the queue that answers wait in, nothing is blocked.
	lateLine = 400 * time.Millisecond
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
	line    float64 // bytes a second; 0: no limit
	others  allowance
	control allowance // for messages of the call
	checks  allowance // of its direct ways
}

// allowance is what may be sent of one kind.
type allowance struct {
	left float64
	at   time.Time // of left
}

// take reports whether size bytes may go now, and takes them: rate comes back in a
// second, most is what may go at once.
func (a *allowance) take(now time.Time, rate, most float64, size int) bool {
	a.left = min(a.left+rate*now.Sub(a.at).Seconds(), most)
	a.at = now
	if a.left < min(float64(size), most) {
		return false
	}
	a.left -= float64(size)
	return true
}

// follow takes how many bytes a second the line lets through; 0: nobody knows more
// than before.
func (t *thrift) follow(now time.Time, line int) {
	limit := narrowLine
	if t.on() {
		limit = wideLine
	}
	switch {
	case line <= 0:
		return
	case line >= limit:
		*t = thrift{}
		return
	case !t.on():
		t.others, t.control, t.checks = allowance{thriftFirst, now}, allowance{controlMost, now}, allowance{probeMost, now}
	}
	t.line = float64(line)
}

// spare reports whether size bytes may go now that are not the call's, and takes
// them.
func (t *thrift) spare(now time.Time, size int) bool {
	if !t.on() || t.others.take(now, max(thriftLeast, t.line/thriftShare), thriftMost, size) {
		return true
	}
	if size > ackSmall {
		return false
	}
	t.others.left = max(t.others.left-float64(size), -thriftMost)
	return true
}

// says is spare of what the phones of a call say to each other.
func (t *thrift) says(now time.Time, size int) bool {
	return !t.on() || size <= controlSmall || t.control.take(now, t.line/controlShare, controlMost, size)
}

// probes is spare of a check of a direct way of the call.
func (t *thrift) probes(now time.Time, size int) bool {
	return !t.on() || t.checks.take(now, t.line/probeShare, probeMost, size)
}

// on reports whether there is a limit.
func (t *thrift) on() bool { return t.line > 0 }

// Line tells how many bytes a second a call's sound may have now, and how many come
// through; 0: nobody knows more than before. That a line has become wide again only
// what has come through shows, and not what one would like to try.
func (c *Core) Line(now time.Time, allowed, through int) {
	if c.calls.Current().State != call.Talking {
		return
	}
	if c.thrift.on() && allowed >= wideLine {
		allowed = min(allowed, through)
	}
	c.narrow(now, allowed)
}

// narrow takes how many bytes a second the line of the call lets through.
func (c *Core) narrow(now time.Time, line int) {
	c.thrift.follow(now, line)
	c.paths.Narrow(c.thrift.on())
}

// widen ends all limits.
func (c *Core) widen() {
	c.thrift = thrift{}
	c.paths.Narrow(false)
}

// spares reports whether a frame of a session may go. What is kept back of a call is
// sent again when its time comes.
func (c *Core) spares(now time.Time, ix wire.Index, size int) bool {
	if _, ofCall := c.attempts.phones[ix]; ofCall {
		return c.thrift.says(now, size+ipUDP)
	}
	return c.thrift.spare(now, size+ipUDP)
}

// mayProbe reports whether a direct way of a session may be checked.
func (c *Core) mayProbe(now time.Time, ix wire.Index) bool {
	if _, ofCall := c.attempts.phones[ix]; ofCall {
		return c.thrift.probes(now, path.CheckFrame+ipUDP)
	}
	return c.thrift.spare(now, path.CheckFrame+ipUDP)
}
