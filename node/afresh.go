package node

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/call"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// Calls that find no direct way although both ends keep their ports for
// everybody: what path.Fresh has to do with the other cores.

// freshen lets a call that we made try further sockets when it finds no direct
// way. Where a NAT has another port for each destination the spray does that.
func (c *Core) freshen(now time.Time, ix wire.Index) {
	far := c.attempts.heard
	if c.attempts.phones[ix].asked && c.NAT().Mapping != path.MappingDependent && !far.Scatter.IsValid() && slices.ContainsFunc(far.Addrs, outer) {
		c.fresh.Begin(now, ix, c.helpers())
	}
}

// helpers are supernodes that tell us over IPv4 at which address they see us.
func (c *Core) helpers() []netip.AddrPort {
	return slices.DeleteFunc(c.here(0, 0).Helpers, func(a netip.AddrPort) bool { return !a.Addr().Is4() })
}

func (c *Core) fromFresh(now time.Time, e path.Event) {
	switch e := e.(type) {
	case path.Refreshed:
		c.refreshed(now, e)
	default:
		c.fromSockets(e)
	}
}

// fromSockets carries out what a core does with sockets of its own.
func (c *Core) fromSockets(e path.Event) {
	switch e := e.(type) {
	case path.OpenGates:
		c.do(OpenSockets(e))
	case path.CloseGates:
		c.do(CloseSockets(e))
	case path.UDP:
		c.do(SendUDP(e))
	}
}

// refreshed tells the far phone of a further socket of ours. If that has a
// symmetric NAT, we search from the socket. Else the callee knows the caller's
// already, and challenges it as soon as the caller will do so too.
func (c *Core) refreshed(now time.Time, e path.Refreshed) {
	if !c.maySearch(e.Index) {
		return
	}
	c.send(now, e.Index, wire.Afresh{Addr: e.Addr})
	switch {
	case c.attempts.heard.Scatter.Is4():
		c.paths.SeekBy(e.Index, e.Socket)
	case !c.attempts.phones[e.Index].asked:
		c.paths.CandidatesBy(now, e.Index, e.Socket, c.attempts.afresh, c.oneWay(e.Index))
	}
}

// afresh takes the address of a further socket of the far phone.
func (c *Core) afresh(now time.Time, ix wire.Index, m wire.Afresh) {
	if !c.maySearch(ix) || c.attempts.told != ix {
		return
	}
	s, ok := c.fresh.Socket(ix)
	switch {
	case c.NAT().Mapping == path.MappingDependent:
		c.paths.SprayTo(ix, m.Addr)
	case !c.attempts.phones[ix].asked:
		c.attempts.afresh = m.Addr
		c.fresh.Follow(now, ix, c.helpers())
	case ok:
		c.paths.CandidatesBy(now, ix, s, m.Addr, 0)
	}
}

// maySearch reports whether a direct way is looked for in the session of a call.
func (c *Core) maySearch(ix wire.Index) bool {
	v := c.calls.Current()
	return v.Index == ix && v.State >= call.RingingFar && v.State.Live() && c.mayMeet(ix)
}
