package call

import (
	"bytes"

	"peerphone/node/wire"
)

// Glare is two phones that dial each other at once. Each takes the other's
// Invite for an answer, for its user has asked for this very conversation.

// meet gives up our own attempt and accepts the far phone's. In Searching and
// Connecting the far phone knows nothing of ours; in RingingFar it has left our
// call already, for it has one at a time.
func meet(c *call, s signal) {
	switch {
	case c.state == Searching || c.state == Connecting:
		c.emit(Cancel{c.id})
	default:
		c.send(c.ix, wire.Bye{Call: c.name})
		if c.ix != s.ix {
			c.emit(parted{c.ix, c.peer.Device, lingerFor})
		}
	}
	c.adopt(s)
	answer(c, s)
}

// cross decides between two Invites on the way: the smaller CallID stays. If
// that is ours the far phone decides so too and accepts it.
func cross(c *call, s signal) {
	if bytes.Compare(s.name[:], c.name[:]) < 0 {
		meet(c, s)
	}
}

// moved goes on in session s.to. What was on its way in the old one may be
// lost, so that each end says its part again.
func moved(c *call, s signal) {
	c.shift(s.to)
	if c.state == Inviting || c.state == RingingFar {
		c.send(c.ix, wire.Invite{Call: c.name, Codecs: c.codecs})
	}
	repeat(c, s)
}

// follow goes on in session s.to before moved can say why.
func follow(c *call, s signal) {
	c.emit(parted{c.ix, c.peer.Device, lingerFor})
	c.shift(s.to)
}

func (c *call) shift(to wire.Index) {
	c.ix = to
	if c.state == Talking {
		c.emit(MoveMedia{c.id, c.ix})
	}
}
