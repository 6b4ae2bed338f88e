package node

import (
	"maps"
	"slices"
	"time"

	"peerphone/node/call"
	"peerphone/node/directory"
	"peerphone/node/handset"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/overlay"
	"peerphone/node/wire"
)

// loggedIn follows the login: a grant gives us our identities, whom to trust,
// and where to begin.
func (c *Core) loggedIn(now time.Time) {
	if g := c.login.Granted(); !g.IsZero() {
		before := c.nodeID()
		c.granted = g
		c.revokedLately(now)
		c.do(Certified{c.granted})
		c.sessions.SetIdentity(c.nodeID(), c.device.ID())
		c.overlay.SetLimits(overlay.Limits{Quota: int(g.Params.Quota), Exempt: g.Params.Exempt, Membership: g.Params.Membership})
		c.overlay.SetSelf(now, c.overlaySelf())
		if c.index != nil {
			c.index.SetSelf(c.nodeID(), g.NodeKey.Sign)
			c.relay.SetSelf(now, c.nodeID())
		}
		c.calls.SetSelf(call.Peer{
			Account: c.account.ID(), Device: c.device.ID(), Name: string(g.Name.Name), Number: string(g.Name.Number),
		})
		c.overlay.Recall(now, c.cache)
		c.overlay.Learn(now, bootstrap(g.Params))
		c.cache = nil
		c.firstLook(now)
		if !c.phone {
			c.view.certified(now)
		}
		c.list(now)
		c.enter(now)
		if before != c.nodeID() && !before.IsZero() {
			c.meetAgain(now)
		}
	}
	c.line(now)
}

// meetAgain ends the sessions in which others know us by the node key of the
// epoch before; the overlay opens new ones, and the record follows.
func (c *Core) meetAgain(now time.Time) {
	for _, ix := range slices.Sorted(maps.Keys(c.peers.nodes)) {
		c.sessions.Close(now, ix)
	}
}

// nodeID returns the node that we are in this epoch; zero before the first
// grant.
func (c *Core) nodeID() identity.ID { return c.granted.Node.Subject }

// overlaySelf is as whom other supernodes know us.
func (c *Core) overlaySelf() overlay.Self {
	compact, _ := identity.CompactNode(c.granted.Node.DER) // ours always have a compact form
	return overlay.Self{Node: c.nodeID(), Certificate: compact, Sign: c.granted.NodeKey.Sign}
}

// bootstrap returns the supernodes that the network's root names; who they are
// shows when they answer.
func bootstrap(p identity.Params) []wire.Member {
	var list []wire.Member
	for _, a := range p.Bootstrap {
		list = append(list, wire.Member{Addr: a})
	}
	return list
}

// listing puts off what the directory is told of our homes.
type listing struct {
	// at is when the directory is told. Set by a change of the homes while more
	// are coming, cleared when none is, or when it is due.
	at  time.Time
	due func(now time.Time)
}

// homesWait is how long a record waits for further homes: they come within
// a round trip of each other, and each change of the record costs 1.5 kB.
const homesWait = 300 * time.Millisecond

// wait puts the telling off while some homes are coming.
func (l *listing) wait(now time.Time, coming int) {
	switch {
	case coming == 0:
		l.at = time.Time{}
	case l.at.IsZero():
		l.at = now.Add(homesWait)
	}
}

// Next implements timer.
func (l *listing) Next() time.Time { return l.at }

// Advance implements timer.
func (l *listing) Advance(now time.Time) {
	l.at = time.Time{}
	l.due(now)
}

// list tells the directory what to publish of us. A pure supernode is nobody
// whom one calls.
func (c *Core) list(now time.Time) {
	homes := c.overlay.Homes()
	if !c.phone || c.granted.IsZero() || len(homes) == 0 || !c.listing.at.IsZero() {
		return
	}
	members := make([]wire.Member, len(homes))
	for i, h := range homes {
		members[i] = h.Member
	}
	c.client.SetListing(now, directory.Own{
		Certificate: c.granted.Name.DER,
		Device:      wire.Device{Device: c.device.ID(), Node: c.nodeID(), Homes: members},
		Number:      c.granted.Name.Number,
		Name:        c.granted.Name.Name,
		Placements:  c.granted.Placements,
		RecordKeys:  login.RecordKeys(c.account),
		Unlisted:    c.settings.Unlisted,
	})
}

// published takes the directory's word on our own records.
func (c *Core) published(now time.Time, p directory.Published) {
	c.view.published(now, p.Copies)
	if p.Err != nil {
		c.do(Log{Warn, "record not published", []any{"error", p.Err}})
	}
}

// stranded notes that nobody in the host cache answers, and asks the login server
// who does.
func (c *Core) stranded(now time.Time) {
	c.view.stranded = true
	c.do(Log{Warn, "no supernode answers; asking the login server for others", []any{"cached", c.overlay.Known()}})
	c.login.Refresh(now)
	c.line(now)
}

// strandedProblem is the sentence for the owner.
const strandedProblem = "No supernode that this phone knows answers. It asks the login server for others, and goes on trying; check the network cable."

// problem returns what the owner should know, empty when all is well.
func (c *Core) problem() string {
	if p := c.login.Problem(); p != "" || !c.view.stranded {
		return p
	}
	return strandedProblem
}

// line shows on the handset how we stand with the network.
func (c *Core) line(now time.Time) {
	v := handset.LineView{Name: string(c.granted.Name.Name), Number: string(c.granted.Name.Number)}
	switch c.login.State() {
	case login.None, login.Asking:
		v.State = handset.LoggingIn
	case login.Waiting, login.Refused:
		v.State, v.Text = handset.Trouble, c.login.Problem()
	case login.In:
		v.State = handset.Attaching
		switch {
		case len(c.overlay.Homes()) > 0:
			v.State = handset.Ready
		case c.view.stranded:
			v.State, v.Text = handset.Trouble, c.problem()
		}
	}
	if homes := len(c.overlay.Homes()); v.State != c.view.line || homes != c.view.homes {
		c.view.line, c.view.homes = v.State, homes
		c.do(Log{Info, "line", []any{"state", v.State.String(), "homes", homes, "problem", v.Text}})
	}
	c.handset.Line(now, v)
}
