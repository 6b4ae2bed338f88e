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
	// thriftFlight is a first flight to a node, with headers; dialTime is for how long
	// others wait for what follows it.
	thriftFlight = 1600
	dialTime     = 6 * time.Second
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
	// times as long. In a session so does what is as short as wordSmall, a home's pulse,
	// an attachment or a relay's answer, while no more than wordDebt is owed. Of all that
	// no more than ackDebt is: else nobody could be dialled for a quarter of a minute.
	ackSmall  = 64
	ackDebt   = 800
	wordSmall = 128
	wordDebt  = 200
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
	relays  allowance // for handshakes with supernodes that shall relay the call
	dials   dialled
	control allowance // for messages of the call
	checks  allowance // of its direct ways
}

// dialled is the handshake that goes: two at a time would take each other's room,
// and neither would come to an end.
type dialled struct {
	ix    wire.Index
	until time.Time // when another one may go; zero: none goes
}

// flight reports whether the handshake ix may go on, or begin, for which there must
// be room in a for a whole flight.
func (d *dialled) flight(now time.Time, ix wire.Index, a *allowance, rate float64, size int) bool {
	a.come(now, rate, thriftMost)
	goes := now.Before(d.until)
	switch {
	case goes && d.ix != ix:
		return false
	case goes && size < thriftFlight/2 && a.left >= -thriftFlight/2: // a part of what has begun
	case a.left < thriftFlight:
		return false
	default:
		*d = dialled{ix, now.Add(dialTime)}
	}
	a.left -= float64(size)
	return true
}

// allowance is what may be sent of one kind.
type allowance struct {
	left float64
	at   time.Time // of left
}

// take reports whether size bytes may go now, and takes them: rate comes back in a
// second, most is what may go at once.
func (a *allowance) take(now time.Time, rate, most float64, size int) bool {
	a.come(now, rate, most)
	if a.left < min(float64(size), most) {
		return false
	}
	a.left -= float64(size)
	return true
}

// come adds what has come back.
func (a *allowance) come(now time.Time, rate, most float64) {
	a.left = min(a.left+rate*now.Sub(a.at).Seconds(), most)
	a.at = now
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
		t.others, t.relays = allowance{thriftFirst, now}, allowance{thriftMost, now}
		t.control, t.checks = allowance{controlMost, now}, allowance{probeMost, now}
	}
	t.line = float64(line)
}

// spare reports whether size bytes may go now that are not the call's, and takes
// them.
func (t *thrift) spare(now time.Time, size int) bool { return t.spareBut(now, size, ackSmall) }

// spareBut is spare where what is as short as small goes at all times.
func (t *thrift) spareBut(now time.Time, size, small int) bool {
	if !t.on() || t.others.take(now, max(thriftLeast, t.line/thriftShare), thriftMost, size) {
		return true
	}
	if size > ackSmall && (size > small || t.others.left < -wordDebt) {
		return false
	}
	t.others.left = max(t.others.left-float64(size), -ackDebt)
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
	c.slow(c.thrift.on())
}

// widen ends all limits.
func (c *Core) widen() {
	c.thrift = thrift{}
	c.slow(false)
}

// slow says whether answers take long.
func (c *Core) slow(on bool) {
	c.paths.Narrow(on)
	c.legs.Narrow(on)
}

// spares reports whether a frame of a session may go. What is kept back of a call is
// sent again when its time comes.
func (c *Core) spares(now time.Time, ix wire.Index, size int) bool {
	_, ofCall := c.attempts.phones[ix]
	switch h := &c.thrift; {
	case !h.on():
		return true
	case c.peers.dials[ix] != nil && c.rescues(ix):
		return h.dials.flight(now, ix, &h.relays, h.line/controlShare, size+ipUDP)
	case c.peers.dials[ix] != nil:
		return h.dials.flight(now, ix, &h.others, max(thriftLeast, h.line/thriftShare), size+ipUDP)
	case ofCall || c.rescues(ix):
		return h.says(now, size+ipUDP)
	default:
		return h.spareBut(now, size+ipUDP, wordSmall)
	}
}

// rescues reports whether session ix is with a supernode that shall relay the call,
// which has no direct way.
func (c *Core) rescues(ix wire.Index) bool {
	if w, _ := c.paths.Way(c.calls.Current().Index); w.Direct() {
		return false
	}
	node, ok := c.peers.nodes[ix]
	if d := c.peers.dials[ix]; !ok && d != nil {
		node = d.to.Node
	}
	return c.legs.Asks(node)
}

// mayProbe reports whether a direct way of a session may be checked.
func (c *Core) mayProbe(now time.Time, ix wire.Index) bool {
	if _, ofCall := c.attempts.phones[ix]; ofCall {
		return c.thrift.probes(now, path.CheckFrame+ipUDP)
	}
	return c.thrift.spare(now, path.CheckFrame+ipUDP)
}
