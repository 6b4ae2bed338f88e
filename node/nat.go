package node

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// outside is what a core knows of the way to the outside, and of how others
// reach it.
type outside struct {
	survey   *path.Survey
	lifetime *path.Lifetime
	later    path.Later     // supernode half of that
	reacher  *path.Reacher  // supernode half; nil in a phone that serves nobody
	port     uint16         // of the main socket
	six      bool           // this host has IPv6 and no IPv4
	begun    bool           // a first survey has been made
	looked   time.Time      // when the last began
	doubted  time.Duration  // pause before the next that is made in doubt; 0: doubtPause
	granted  netip.AddrPort // the router's port that leads here; not valid: none
	uplinks  []*uplink      // besides the kernel's choice

	attesting time.Time       // until then supernodes that call us are told so
	attested  []wire.Attested // at most one of each supernode, and maxAttested
}

const (
	// maxAttested bounds the attestations that are kept; three are wanted.
	maxAttested = 8
	// attestTime is how long calls may take that others attest.
	attestTime = 10 * time.Second
)

// families notes by which version of IP the addresses of this host lead out.
func (o *outside) families(own []netip.AddrPort) {
	four := slices.ContainsFunc(own, func(a netip.AddrPort) bool { return a.Addr().Is4() })
	o.six = !four && len(own) > 0
}

// lookOut surveys the way to the outside.
func (c *Core) lookOut(now time.Time) {
	here := c.here(0, c.outside.port)
	c.outside.looked = now
	c.outside.begun = len(here.Helpers) > 0
	c.outside.survey.Begin(now, here)
	for _, u := range c.outside.uplinks {
		if u.port != 0 {
			u.survey.Begin(now, c.here(u.socket, u.port))
		}
	}
}

// doubtPause is how often a call that falls silent makes us look whether the
// outside sees us elsewhere now; it doubles up to doubtRest while there is no
// end of it, for a narrow line has no room for that.
const (
	doubtPause = 2 * time.Second
	doubtRest  = 30 * time.Second
)

// doubt surveys anew because something has fallen silent: a router may have
// another address since.
func (c *Core) doubt(now time.Time) {
	o := &c.outside
	passed := now.Sub(o.looked)
	switch {
	case passed < max(o.doubted, doubtPause), c.thrift.on(), c.sessions.Late(now) >= lateLine:
		return
	case passed >= 2*doubtRest:
		o.doubted = 0
	}
	o.doubted = min(max(2*o.doubted, doubtPause), doubtRest)
	c.lookOut(now)
}

// firstLook surveys once it is known whom to ask, and again when there was too
// little to learn from.
func (c *Core) firstLook(now time.Time) {
	s := c.outside.survey
	if !c.outside.begun || s.State() == path.Resting && s.NAT().Mapping == path.MappingUnknown {
		c.lookOut(now)
	}
}

// STUN takes a STUN message that came by w and is no request.
func (c *Core) STUN(now time.Time, w path.Way, b []byte) {
	if c.fresh.Heard(now, w, b) {
		c.settle(now)
		return
	}
	nonce, call := c.surveyOf(w.Socket).Heard(now, w.Addr, b)
	if call && now.Before(c.outside.attesting) && !c.outside.survey.Contacted(now, w.Addr.Addr()) {
		c.ask(now, wire.Member{Addr: w.Addr}, wire.Reached{Nonce: nonce})
	}
	c.settle(now)
}

// PortMapped tells at which address outside the router lets others in to us; not
// valid: nowhere any more.
func (c *Core) PortMapped(now time.Time, at netip.AddrPort) {
	c.outside.granted = at
	c.tellAgain(now)
	c.settle(now)
}

// TriedTCP takes the result of TryTCP.
func (c *Core) TriedTCP(now time.Time, e TryTCP, connected bool) {
	c.outside.survey.Tried(e.Addr, e.Web, connected)
	c.settle(now)
}

// Knocked takes the result of Knock.
func (c *Core) Knocked(now time.Time, e Knock, open bool) {
	if c.outside.reacher != nil {
		c.outside.reacher.Knocked(now, e.Nonce, e.Port, open)
	}
	c.settle(now)
}

func (c *Core) fromSurvey(now time.Time, e path.Event) {
	switch e := e.(type) {
	case path.UDP:
		c.do(SendUDP(e))
	case path.TryTCP:
		c.tryTCP(now, e)
	case path.Say:
		c.send(now, e.Index, e.Message)
	case path.Again:
		c.lookOut(now)
	case path.Learnt:
		c.learnt(now, e.NAT)
	}
}

// tryTCP finds out whether TCP gets through, if no stream shows it. On a narrow line
// late answers look like none, and the call has no need of TCP.
func (c *Core) tryTCP(now time.Time, e path.TryTCP) {
	switch {
	case c.streams.reach(e.Web):
		c.outside.survey.Tried(e.Addr, e.Web, true)
	case !c.thrift.on() && c.sessions.Late(now) < lateLine:
		c.do(TryTCP(e))
	}
}

func (c *Core) learnt(now time.Time, n path.NAT) {
	c.do(Log{Info, "way to the outside", []any{
		"kind", n.Kind(), "mapping", n.Mapping.String(), "filtering", n.Filtering.String(), "seen", n.Mapped.String(),
	}})
	c.do(SaveNAT{n})
	c.outside.doubted = 0 // there was a reason
	c.measureLifetime(now)
	if n.UDP == path.Yes {
		c.paths.TryUDP(now)
	}
	c.tellAgain(now)
}

// offerHome gives the survey a supernode that can have us called.
func (c *Core) offerHome(now time.Time) {
	if !c.outside.survey.WantsHome() {
		return
	}
	if ix, ok := c.speaksFor(); ok {
		c.outside.survey.Home(now, ix, c.addr(ix))
	}
}

// speaksFor returns a session with a supernode that sees our address: a home,
// else another one. It is asked often.
func (c *Core) speaksFor() (wire.Index, bool) {
	for _, h := range c.overlay.Homes() {
		if c.addr(h.Index).IsValid() {
			return h.Index, true
		}
	}
	for ix := range c.overlay.Supernodes {
		if c.addr(ix).IsValid() {
			return ix, true
		}
	}
	return 0, false
}

func (c *Core) fromReacher(now time.Time, e path.Event) {
	switch e := e.(type) {
	case path.UDP:
		c.do(SendUDP(e))
	case path.Say:
		c.send(now, e.Index, e.Message)
	case path.SayTo:
		c.ask(now, e.Member, e.Message)
	case path.Knock:
		c.do(Knock(e))
	case path.Attest:
		e.Word.By = c.nodeID()
		e.Word.Signature = c.granted.NodeKey.Sign(wire.AttestedMessage(e.Word))
		c.send(now, e.Index, e.Word)
	}
}

// reachMessage takes a message about how somebody is reached.
func (c *Core) reachMessage(now time.Time, ix wire.Index, from identity.ID, m wire.Message) {
	r := c.outside.reacher
	switch m := m.(type) {
	case wire.Calling:
		c.outside.survey.Called(m)
	case wire.Attested:
		c.takeAttested(now, ix, from, m)
	case wire.CallBack:
		if r != nil {
			r.CallBack(now, ix, from, c.addr(ix), m, c.overlay.Some(callersDrawn))
		}
	case wire.CallOut:
		if r != nil && c.overlay.HasMember(from) {
			r.CallOut(now, m)
		}
	case wire.Reached:
		if r != nil {
			r.Reached(now, ix, from, m.Nonce)
		}
	}
}

// callersDrawn is how many supernodes are drawn of whom some shall call a node:
// enough, though some share a prefix or are known to it.
const callersDrawn = 64

// SeekAttestations has supernodes in three prefixes that we have not sent to
// call us by UDP and at the TCP ports, and say what they found. Attested has
// what came, within seconds.
func (c *Core) SeekAttestations(now time.Time, ports wire.Ports) {
	c.seekAttestations(now, ports)
	c.settle(now)
}

func (c *Core) seekAttestations(now time.Time, ports wire.Ports) {
	ix, ok := c.speaksFor()
	if !ok {
		return
	}
	c.outside.attesting = now.Add(attestTime)
	c.send(now, ix, wire.CallBack{Others: wire.MaxCallers, Ports: ports, Not: c.outside.survey.Contacts()})
}

// Attested returns the words of supernodes that have reached us, the newest
// last; at most one of each prefix.
func (c *Core) Attested() []wire.Attested { return slices.Clone(c.outside.attested) }

// takeAttested keeps a supernode's word that it has reached us.
func (c *Core) takeAttested(now time.Time, ix wire.Index, from identity.ID, a wire.Attested) {
	if now.After(c.outside.attesting) || a.By != from || a.Node != c.nodeID() || !c.verify(from, wire.AttestedMessage(a), a.Signature) {
		return
	}
	list := slices.DeleteFunc(c.outside.attested, func(o wire.Attested) bool { return o.By == from })
	if len(list) == maxAttested {
		list = slices.Delete(list, 0, 1)
	}
	c.outside.attested = append(list, a)
	if c.candidacy != nil {
		c.candidacy.Word(now, from, c.addr(ix).Addr(), a.Addr)
	}
}

// NAT returns what is known of the way to the outside.
func (c *Core) NAT() path.NAT { return c.outside.survey.NAT() }

// natView is NAT in words.
func natView(n path.NAT, granted netip.AddrPort) NATView {
	if n.Learnt.IsZero() {
		return NATView{Kind: path.NAT{}.Kind()}
	}
	v := NATView{
		Kind: n.Kind(), Mapping: n.Mapping.String(), Filtering: n.Filtering.String(), Preserved: n.Preserved.String(),
		Hairpin: n.Hairpin.String(), UDP: n.UDP.String(), Delta: n.Delta, Lifetime: n.Lifetime.Seconds(), Learnt: n.Learnt,
	}
	if granted.IsValid() {
		v.Granted = granted.String()
	}
	for _, a := range []netip.AddrPort{n.Mapped, n.Other, n.Mapped6} {
		if a.IsValid() {
			v.Seen = append(v.Seen, a.String())
		}
	}
	return v
}
