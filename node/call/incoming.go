package call

import "peerphone/node/wire"

// The acts of a phone that is called, in the order of a call.

// ring begins a call from s.peer.
func ring(c *call, s signal) {
	c.begin(s.peer)
	c.adopt(s)
	c.rang = s.now
	c.send(c.ix, wire.Ringing{Call: c.name})
	c.enter(s.now, RingingHere, ringFor)
}

// adopt makes the call of an Invite ours.
func (c *call) adopt(s signal) {
	c.side, c.name, c.ix, c.codec, c.peer = invited, s.name, s.ix, s.codec, s.peer
}

// ringAnew goes on ringing for the phone that has called again: it has one call
// at a time, so the one before is over there and its Bye late.
func ringAnew(c *call, s signal) {
	if s.ix == c.ix {
		c.ix = 0 // the session goes on
	}
	c.end(s.now, HungUpThere, nil)
	ring(c, s)
}

// repeat says again what we said last, for a session that took it along when
// it went.
func repeat(c *call, s signal) {
	switch {
	case c.state == RingingHere:
		c.send(c.ix, wire.Ringing{Call: c.name})
	case c.state == Talking && c.side == invited:
		c.send(c.ix, wire.Accept{Call: c.name, Codec: c.codec})
	}
}

func answer(c *call, s signal) {
	c.send(c.ix, wire.Accept{Call: c.name, Codec: c.codec})
	c.talk(s)
}

// decline is our user's no, or his silence.
func decline(c *call, s signal) {
	why, code := Declined, wire.RejectDeclined
	if s.input == inTimeout {
		why, code = NoAnswer, wire.RejectNoAnswer
	}
	c.end(s.now, why, wire.Reject{Call: c.name, Code: code})
}

func byed(c *call, s signal) { c.end(s.now, HungUpThere, nil) }

// lost ends a call whose session has gone; there is nothing to release.
func lost(c *call, s signal) {
	c.ix = 0
	c.end(s.now, Vanished, nil)
}

// refuse answers an Invite for which there is no room.
func refuse(c *call, s signal) {
	code := s.code
	if code == 0 {
		code = wire.RejectBusy
	}
	c.send(s.ix, wire.Reject{Call: s.name, Code: code})
	if s.ix != c.ix {
		c.emit(parted{s.ix, s.peer.Device, lingerFor})
	}
}

// disown answers the Invite of a call that has ended here.
func disown(c *call, s signal) {
	c.send(s.ix, wire.Bye{Call: s.name})
	c.emit(parted{s.ix, s.peer.Device, lingerFor})
}
