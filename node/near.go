package node

import (
	"time"

	"peerphone/node/wire"
)

// Nearly all that happens to a node while nobody calls concerns three of its two
// dozen cores: a keep-alive, a beat, some news. Then these three alone are asked for
// what they want done and when they want to be called; asking all takes longer than
// what happens. They are the near cores: sessions, paths and overlay. As soon as
// something goes beyond them everything is settled.

// near is what lets far cores be left alone.
type near struct {
	over  bool      // since the last settle something concerned a far core
	known bool      // far is known; cleared by settle
	far   time.Time // the earliest wish of all far cores
}

// nearlySettled is told of each time that far cores were left alone; nil but in a
// test.
var nearlySettled func(c *Core, now time.Time)

// settleNear is settle after an input that may have concerned near cores only.
func (c *Core) settleNear(now time.Time) {
	for !c.near.over {
		n := route(now, c.sessions.Take(), c.fromSession)
		n += route(now, c.paths.Take(), c.fromPath)
		n += route(now, c.overlay.Take(), c.fromOverlay)
		if n == 0 {
			if nearlySettled != nil {
				nearlySettled(c, now)
			}
			return
		}
	}
	c.settle(now)
}

// advanceNear fires what is due in near cores, in the order of Advance.
func (c *Core) advanceNear(now time.Time) {
	fire(now, c.sessions)
	fire(now, c.paths)
	fire(now, c.overlay)
	c.settleNear(now)
}

// ofMembers reports whether a message is about who is there, and so one for the
// overlay alone.
func ofMembers(m wire.Message) bool {
	switch m.(type) {
	case wire.Members, wire.Gossip, wire.Digest, wire.Roll:
		return true
	}
	return false
}
