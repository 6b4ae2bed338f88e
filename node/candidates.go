package node

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/path"
	"peerphone/node/wire"
)

// maxCandidates is how many addresses of our own count: who has more has them
// for other things.
const maxCandidates = 8

// predictions is how many of the ports that a symmetric NAT gives out in
// sequence are foretold: other programs use some meanwhile, and so do our own
// challenges.
const predictions = 6

// candidates returns the addresses at which this host may be reached directly.
func (n *Node) candidates() []netip.AddrPort {
	own := n.Addr()
	if !own.Addr().IsUnspecified() {
		return []netip.AddrPort{own}
	}
	var list []netip.AddrPort
	for _, a := range ownAddrs() {
		if len(list) < maxCandidates {
			list = append(list, netip.AddrPortFrom(a, own.Port()))
		}
	}
	return list
}

// usable reports whether an address can be a candidate: link-local ones need a
// zone, which is nobody else's.
func usable(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsLoopback()
}

// ourCandidates is what a contact is told of where we are, the most hopeful
// first: IPv6, then as the outside sees us, then the ports that a symmetric NAT
// will give out next, then our own addresses.
func (c *Core) ourCandidates() wire.Candidates {
	var m wire.Candidates
	add := func(a netip.AddrPort) {
		if a.IsValid() && a.Port() != 0 && len(m.Addrs) < 16 && !slices.Contains(m.Addrs, a) {
			m.Addrs = append(m.Addrs, a)
		}
	}
	nat, hosts := c.outside.survey.NAT(), c.candidate()
	for _, h := range hosts {
		if h.Addr().Is6() {
			add(h)
		}
	}
	add(nat.Mapped6)
	add(c.outside.granted)
	add(nat.Mapped)
	add(nat.Other)
	for _, u := range c.outside.uplinks {
		add(u.survey.NAT().Mapped)
	}
	if nat.Mapping == path.MappingDependent {
		m.Scatter = nat.Mapped.Addr()
		for k := range predictions {
			if port := int(nat.Mapped.Port()) + (k+1)*nat.Delta; nat.Delta != 0 && port > 0 && port < 1<<16 {
				add(netip.AddrPortFrom(nat.Mapped.Addr(), uint16(port)))
			}
		}
	}
	for _, h := range hosts {
		add(h)
	}
	for _, u := range c.outside.uplinks {
		for _, a := range u.Addrs {
			add(netip.AddrPortFrom(a, u.port))
		}
	}
	return m
}

// tellCandidates sends our addresses to a contact or to whom we dialled, and
// lets it come straight to us: once per session, and again when they change.
func (c *Core) tellCandidates(now time.Time, ix wire.Index) {
	if c.attempts.told == ix || !c.mayMeet(ix) {
		return
	}
	c.attempts.told, c.attempts.heard = ix, wire.Candidates{}
	c.paths.Permit(now, ix)
	c.sayCandidates(now, ix)
	if c.NAT().Delta != 0 {
		c.lookOut(now) // the next port is another by now
	}
}

func (c *Core) sayCandidates(now time.Time, ix wire.Index) {
	m := c.ourCandidates()
	c.attempts.said = m
	c.send(now, ix, m)
}

// tellAgain sends our addresses anew to whom we talk with, if they are others
// than it was told.
func (c *Core) tellAgain(now time.Time) {
	v := c.calls.Current()
	if v.Index == 0 || c.attempts.told != v.Index || !v.State.Live() || !c.mayMeet(v.Index) {
		return
	}
	m := c.ourCandidates()
	if slices.Equal(m.Addrs, c.attempts.said.Addrs) && m.Scatter == c.attempts.said.Scatter {
		return
	}
	c.sayCandidates(now, v.Index)
	c.scatter(now, v.Index)
}

// candidates takes the far end's addresses. Probing them shows ours.
func (c *Core) candidates(now time.Time, ix wire.Index, m wire.Candidates) {
	if !c.maySearch(ix) {
		return // no call, no ringing: nobody shall find out where a phone is
	}
	m = c.sensible(m)
	first := c.attempts.told != ix && c.attempts.phones[ix].asked
	c.tellCandidates(now, ix)
	c.attempts.heard = m
	if first { // who has dialled is told first, and would be early with its challenges
		c.paths.CandidatesAfter(now, ix, m.Addrs, c.oneWay(ix))
	} else {
		c.paths.Candidates(now, ix, m.Addrs)
	}
	c.scatter(now, ix)
	c.freshen(now, ix)
}

// sensible returns m without what is no far phone's address: all of this host or
// of everybody.
func (c *Core) sensible(m wire.Candidates) wire.Candidates {
	m.Addrs = slices.DeleteFunc(slices.Clone(m.Addrs), func(a netip.AddrPort) bool { return !c.mayDial(a) })
	if m.Scatter.IsValid() && !c.mayDial(netip.AddrPortFrom(m.Scatter, 1)) {
		m.Scatter = netip.Addr{}
	}
	return m
}

// oneWay is how long a message takes to the far phone: half a round trip, or
// before one was measured, that to the home between us, as if the far phone
// were as far from it.
func (c *Core) oneWay(ix wire.Index) time.Duration {
	if rtt := c.sessions.RTT(ix); rtt > 0 {
		return rtt / 2
	}
	w, _ := c.paths.Way(ix)
	return c.sessions.RTT(w.Home)
}

// scatter begins the search that a symmetric NAT makes necessary, over IPv4: at
// random if it is on the far side, from many sockets if it is on ours. Where
// both have one there is none.
func (c *Core) scatter(now time.Time, ix wire.Index) {
	nat, far := c.NAT(), c.attempts.heard
	switch {
	case nat.Mapping == path.MappingDependent && !far.Scatter.IsValid():
		if i := slices.IndexFunc(far.Addrs, outer); i >= 0 {
			c.paths.Spray(now, ix, far.Addrs[i])
		}
	case nat.Mapping != path.MappingDependent && far.Scatter.Is4():
		c.paths.Seek(now, ix, far.Scatter, sequence(far))
		c.fresh.Scout(now, ix, c.helpers())
	}
}

// sequence returns how a far phone's predictions go on (ourCandidates).
func sequence(far wire.Candidates) path.Sequence {
	var ports []int
	for _, a := range far.Addrs {
		if a.Addr() == far.Scatter {
			ports = append(ports, int(a.Port()))
		}
	}
	if len(ports) < 3 {
		return path.Sequence{}
	}
	last := ports[len(ports)-1]
	step := last - ports[len(ports)-2]
	return path.Sequence{Next: uint16(last + step), Step: step}
}

// shared are the addresses between a provider's NAT and its customers (RFC
// 6598): as little use from outside as private ones.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// outer reports whether an address may be one that the outside sees.
func outer(a netip.AddrPort) bool {
	return a.Addr().Is4() && !a.Addr().IsPrivate() && !shared.Contains(a.Addr())
}
