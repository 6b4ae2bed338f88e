package call

import (
	"io"

	"peerphone/node/wire"
)

// The acts of a phone that calls, in the order of a call.

// dial begins a call. Our own number is busy, as on any telephone.
func dial(c *call, s signal) {
	c.begin(s.peer)
	c.dialled = s.now
	switch {
	case !valid(s.peer.Number):
		c.end(s.now, NotFound, nil)
	case c.isSelf(s.peer):
		c.end(s.now, Busy, nil)
	default:
		c.emit(Search{c.id, s.peer.Number})
		c.enter(s.now, Searching, searchFor)
	}
}

func connect(c *call, s signal) {
	if c.isSelf(s.peer) {
		c.end(s.now, Busy, nil)
		return
	}
	c.peer = s.peer
	c.emit(Connect{c.id, c.peer})
	c.enter(s.now, Connecting, connectFor)
}

func absent(c *call, s signal) { c.end(s.now, s.why, nil) }

func unreachable(c *call, s signal) { c.end(s.now, Unreachable, nil) }

// invite asks the far phone, in the session that has come up.
func invite(c *call, s signal) {
	c.ix, c.side = s.ix, inviter
	if _, err := io.ReadFull(c.rand, c.name[:]); err != nil {
		c.end(s.now, Unreachable, nil)
		return
	}
	c.send(c.ix, wire.Invite{Call: c.name, Codecs: c.codecs})
	c.enter(s.now, Inviting, inviteFor)
}

func ringback(c *call, s signal) {
	c.rang = s.now
	c.enter(s.now, RingingFar, ringbackFor)
}

// accepted opens the conversation, if the far phone chose a codec that we have.
func accepted(c *call, s signal) {
	if _, ok := choose([]wire.Codec{s.codec}, c.codecs); !ok {
		c.end(s.now, NoCodec, wire.Bye{Call: c.name})
		return
	}
	c.codec = s.codec
	c.talk(s)
}

// talk begins the conversation.
func (c *call) talk(s signal) {
	c.answered = s.now
	c.emit(StartMedia{c.id, c.ix, c.codec})
	c.enter(s.now, Talking, 0)
}

var reasons = map[wire.RejectCode]Reason{
	wire.RejectBusy:     Busy,
	wire.RejectDeclined: Declined,
	wire.RejectNoAnswer: NoAnswer,
	wire.RejectCodec:    NoCodec,
}

func rejected(c *call, s signal) {
	why, ok := reasons[s.code]
	if !ok {
		why = Declined
	}
	c.end(s.now, why, nil)
}

// abandon gives up a call of which the far phone knows nothing yet.
func abandon(c *call, s signal) {
	c.emit(Cancel{c.id})
	why := HungUpHere
	if s.input == inTimeout {
		why = Unreachable
	}
	c.end(s.now, why, nil)
}

// hangUp ends a call that the far phone knows of.
func hangUp(c *call, s signal) {
	why := HungUpHere
	if s.input == inTimeout {
		why = Unreachable
		if c.state == RingingFar {
			why = NoAnswer
		}
	}
	c.end(s.now, why, wire.Bye{Call: c.name})
}
