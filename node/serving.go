package node

import (
	"net/netip"
	"time"

	"peerphone/node/directory"
	"peerphone/node/overlay"
	"peerphone/node/path"
)

// Serving: what makes a supernode of a phone, from the start or when it is
// promoted, and a phone of a supernode again.

// halves is what the supernode's halves of the cores are made from.
type halves struct {
	records directory.Config
	relay   path.RelayConfig
}

// openHalves makes the supernode's halves.
func (c *Core) openHalves() {
	cfg := path.Config{Rand: c.rand}
	c.lanes = path.NewIntroducer(cfg)
	c.index = directory.NewIndex(c.halves.records)
	c.keeper = directory.NewKeeper(c.halves.records)
	c.outside.reacher = path.NewReacher(cfg)
	c.relay = path.NewRelay(c.halves.relay)
	c.questions = path.NewPrefixLimiter(questionLimits)
}

// Able tells whether this device has what a supernode needs.
func (c *Core) Able(now time.Time, able bool) {
	if c.candidacy != nil {
		c.candidacy.Able(now, able)
		c.settle(now)
	}
}

func (c *Core) fromCandidacy(now time.Time, e overlay.Event) {
	switch e := e.(type) {
	case overlay.SeekWords:
		c.seekAttestations(now, 0)
	case overlay.Promoted:
		c.promote(now, e.Addr)
	case overlay.SteppingDown:
		c.do(Log{Info, "no supernode any more", []any{"guests", c.overlay.Guests()}})
		c.overlay.Demote(now)
	case overlay.Retired:
		c.retire()
	}
}

// promote makes a supernode of this phone.
func (c *Core) promote(now time.Time, at netip.AddrPort) {
	if c.index != nil || c.granted.IsZero() {
		return
	}
	c.do(Log{Info, "a supernode now", []any{"address", at}})
	c.openHalves()
	c.index.SetSelf(c.nodeID(), c.granted.NodeKey.Sign)
	c.relay.SetSelf(now, c.nodeID())
	c.sessions.SetPublic(true)
	c.do(Serve{On: true})
	c.overlay.Promote(now, at)
}

// retire ends what a supernode that has stepped down was still about.
func (c *Core) retire() {
	c.halves.relay.Kept = c.relay.Month()
	c.do(SaveRelay{c.relay.Month()})
	c.lanes, c.index, c.keeper, c.outside.reacher, c.relay, c.questions = nil, nil, nil, nil, nil, nil
	c.sessions.SetPublic(false)
	c.do(Serve{On: false})
}
