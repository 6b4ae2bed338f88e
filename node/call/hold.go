package call

import (
	"time"

	"peerphone/node/wire"
)

//go:generate go tool stringer -type=Hold -linecomment -output=hold_string.go

// Hold says who has put the call on hold, in Talking.
//
//	           our user, here                    far user, there
//	Flowing <-----------------> HeldHere  <-------------------+
//	   ^                           ^                          v
//	   +--------> HeldThere <------+-----------------> HeldBoth
//
// While anybody does, no sound is sent.
type Hold uint8

// The holds; they are sums of who holds.
const (
	Flowing   Hold = 0                    // flowing
	HeldHere  Hold = 1                    // held here
	HeldThere Hold = 2                    // held there
	HeldBoth  Hold = HeldHere | HeldThere // held at both ends
)

// Here reports whether our user holds the call.
func (h Hold) Here() bool { return h&HeldHere != 0 }

// Held says that the sound of a call rests from now on, or flows again.
type Held struct {
	ID   ID
	Hold Hold
}

func (Held) event() {}

// Hold puts the call on hold, or takes it back. It does nothing unless we talk.
func (b *Calls) Hold(now time.Time, on bool) {
	if b.call.state != Talking || b.call.hold.Here() == on {
		return
	}
	b.apply(func(c *call, s signal) {
		c.send(c.ix, wire.Hold{Call: c.name, On: on})
		c.rest(s.now, HeldHere)
	}, signal{now: now})
}

// held takes the far user's hold, in our call's own session.
func (b *Calls) held(now time.Time, ix wire.Index, m wire.Hold) {
	c := &b.call
	if c.state == Talking && b.uses(ix) && c.name == m.Call && m.On != (c.hold&HeldThere != 0) {
		b.apply(func(c *call, s signal) { c.rest(s.now, HeldThere) }, signal{now: now})
	}
}

// rest notes that who holds the call, or holds it no longer.
func (c *call) rest(now time.Time, who Hold) {
	c.hold ^= who
	c.emit(Held{c.id, c.hold})
	c.enter(now, Talking, 0)
}
