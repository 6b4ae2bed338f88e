package node

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/call"
	"peerphone/node/identity"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// Relaying: what the two halves of it, path.Relay in a supernode and
// path.Legkeeper in a phone, have to do with the other cores.

// Legs returns the data plane of the relay, nil in a phone that serves nobody.
func (c *Core) Legs() *path.Legs {
	if c.relay == nil {
		return nil
	}
	return c.relay.Legs()
}

// relayMessage sorts what a phone asks of a relay, and what that answers.
func (c *Core) relayMessage(now time.Time, ix wire.Index, from identity.ID, m wire.Message) {
	switch m := m.(type) {
	case wire.RelayOpen:
		w, ok := c.paths.Way(ix)
		if c.relay == nil || !ok {
			c.send(now, ix, wire.RelayRefused{Serial: m.Ticket.Serial, Code: wire.RelayCapped})
			return
		}
		c.relay.Open(now, ix, from, w, m)
	case wire.RelayOpened:
		c.legs.Opened(now, ix, from, m)
	case wire.RelayReady:
		c.legs.Ready(now, ix, from, m)
	case wire.RelayRefused:
		c.do(Log{Info, "relay refused", []any{"relay", from, "code", m.Code}})
		c.legs.Refused(now, from, m)
	case wire.RelayClosed:
		if c.relay != nil {
			c.relay.Closed(now, ix, m)
		}
		c.legs.Closed(now, ix, m)
	}
}

// nodeSession returns our session with a node, and how its frames go.
func (c *Core) nodeSession(id identity.ID) (ix wire.Index, w path.Way, ok bool) {
	if ix, ok = c.peers.byNode[id]; !ok {
		return 0, path.Way{}, false
	}
	if _, up := c.peers.nodes[ix]; !up {
		return 0, path.Way{}, false
	}
	w, ok = c.paths.Way(ix)
	return ix, w, ok
}

func (c *Core) fromRelay(now time.Time, e path.Event) {
	switch e := e.(type) {
	case path.RelayReply:
		c.send(now, e.Index, e.Message)
	case path.RelayKeep:
		c.do(SaveRelay{e.Month})
	}
}

func (c *Core) fromLegs(now time.Time, e path.Event) {
	switch e := e.(type) {
	case path.RelayAsk:
		c.askRelay(now, e.Relay, e.Message)
	case path.RelayOffer:
		c.send(now, e.Index, wire.Relays{Tickets: e.Tickets})
	case path.RelayUp:
		c.paths.AddRelay(now, e.Index, e.Way, e.Order)
	case path.RelayDown:
		c.paths.DropRelay(now, e.Index, e.Way)
	case path.RelayWanted:
		c.legs.Offer(now, e.Index, c.granted.NodeKey, c.relaysFor(e.Index, e.Tried))
	}
}

// askRelay asks a relay for a leg; it is dialled when need be. To say that one
// is not needed any more nobody is dialled.
func (c *Core) askRelay(now time.Time, relay wire.Member, m wire.Message) {
	ix, known := c.peers.byNode[relay.Node]
	_, up := c.peers.nodes[ix]
	switch {
	case known && up:
		c.send(now, ix, m)
	case m.Kind() == wire.RelayClosed{}.Kind():
	case !known && !c.mayDial(c.addrOf(relay)):
		c.legs.Unreachable(now, relay.Node)
	default:
		c.ask(now, relay, m)
	}
}

// mayDial reports whether an address that another phone has named is one that
// somebody else can have: not our own, none of this host unless our network
// lives on it, and none of everybody.
func (c *Core) mayDial(addr netip.AddrPort) bool {
	ip := addr.Addr()
	switch {
	case !addr.IsValid() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() || ip == broadcast:
		return false
	case ip.IsLoopback():
		return c.onLoopback() && !slices.Contains(c.candidate(), addr)
	}
	return addr != c.overlay.Observed() && !slices.Contains(c.candidate(), addr)
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// onLoopback reports whether the whole network runs on this host, as a
// demonstration does: its root has named supernodes there.
func (c *Core) onLoopback() bool {
	return slices.ContainsFunc(c.granted.Params.Bootstrap, func(a netip.AddrPort) bool { return a.Addr().IsLoopback() })
}

// meet gets relays for a call that rings here, or that we accept, once for each
// session.
func (c *Core) meet(now time.Time, ix wire.Index) {
	if p, ok := c.attempts.phones[ix]; ok {
		c.legs.Meet(now, ix, p.node)
	}
}

// relaysFor names supernodes that may relay for the session ix, the best first:
// the home whose lane the caller came by, for both have a session with it;
// our other homes, first those that the caller knows; then any supernode.
func (c *Core) relaysFor(ix wire.Index, tried []identity.ID) []wire.Member {
	caller := c.attempts.phones[ix]
	w, _ := c.paths.Way(ix)
	var first, known, others []wire.Member
	for _, h := range c.overlay.Homes() {
		switch {
		case w.IsLane() && h.Index == w.Home:
			first = append(first, h.Member)
		case slices.Contains(caller.homes, h.Member.Node):
			known = append(known, h.Member)
		default:
			others = append(others, h.Member)
		}
	}
	all := slices.Concat(first, known, others, c.overlay.Cache())
	taken := slices.Clone(tried)
	return slices.DeleteFunc(all, func(m wire.Member) bool {
		if slices.Contains(taken, m.Node) || m.Node == c.nodeID() || m.Node == caller.node {
			return true
		}
		taken = append(taken, m.Node)
		return false
	})
}

// relays takes the callee's tickets.
func (c *Core) relays(now time.Time, ix wire.Index, m wire.Relays) {
	if v := c.calls.Current(); v.Index == ix && v.State.Live() && v.State >= call.Inviting {
		c.legs.Tickets(now, ix, c.nodeID(), m.Tickets)
	}
}

// dress adds to a message of the calls' what they do not know: the node for
// which tickets are to be made, and where it has sessions.
func (c *Core) dress(m wire.Message) wire.Message {
	if invite, ok := m.(wire.Invite); ok {
		invite.Node = c.nodeID()
		for _, h := range c.overlay.Homes() {
			invite.Homes = append(invite.Homes, h.Member.Node)
		}
		return invite
	}
	return m
}

// MediaHeard takes the data plane's word that the sound of a session comes by w
// now, and no more by the way in use.
func (c *Core) MediaHeard(now time.Time, ix wire.Index, w path.Way) {
	c.paths.Nominate(now, ix, c.legs.Whole(w))
	c.settle(now)
}

// MediaStray takes its word that a frame of a session, of size bytes, came by a
// way that is none of the known ones.
func (c *Core) MediaStray(now time.Time, ix wire.Index, w path.Way, size int) {
	if w = c.legs.Whole(w); !w.IsZero() {
		c.paths.Heard(now, ix, w, size)
	}
	c.settle(now)
}

// MediaSilent takes its word that nothing comes in a session in which sound
// should.
func (c *Core) MediaSilent(now time.Time, ix wire.Index) {
	c.paths.Silent(now, ix)
	c.doubt(now)
	c.settle(now)
}
