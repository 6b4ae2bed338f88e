package node

import (
	"time"

	"peerphone/node/overlay"
	"peerphone/node/wire"
)

// Beat takes a home's beat, which came outside of its session.
func (c *Core) Beat(now time.Time, nonce uint32) {
	c.overlay.Beat(now, nonce)
	c.settleNear(now)
}

// whisper says something to a home, guest or fellow once.
func (c *Core) whisper(now time.Time, e overlay.Whisper) {
	if ids, ok := wire.ParseOffer(e.Payload); ok && c.lie != nil {
		c.send(now, e.Index, wire.Gossip{Have: ids}) // a liar may say something else
		return
	}
	if !c.spares(now, e.Index, len(e.Payload)+wire.SessionHeader+wire.Tag) {
		return
	}
	c.sealed(now, e.Index, e.Payload)
	if w, ok := c.paths.Way(e.Index); ok && w.Direct() {
		c.outside.survey.Contact(now, w.Addr.Addr())
	}
}

// beat lets a guest hear us, by the way by which its session goes; or keeps a way
// to a home open.
func (c *Core) beat(now time.Time, e overlay.Beat) {
	w, ok := c.paths.Way(e.Index)
	frame := wire.AppendBeat(nil, e.Nonce)
	switch {
	case !ok:
	case w.IsStream():
		c.do(SendStream{w.Stream, frame})
	case w.Direct():
		c.outside.survey.Contact(now, w.Addr.Addr())
		c.do(SendUDP{w.Socket, w.Addr, frame})
	}
}

// streamed reports whether a session goes by a stream.
func (c *Core) streamed(ix wire.Index) bool {
	w, ok := c.paths.Way(ix)
	return ok && w.IsStream()
}
