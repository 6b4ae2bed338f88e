package node

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// peers are the sessions with other nodes, up or being dialled, and what waits
// for them to come up.
type peers struct {
	byNode map[identity.ID]wire.Index
	nodes  map[wire.Index]identity.ID // sessions that are up
	dials  map[wire.Index]*dial
	idle   []wire.Index // the overlay has no use for them, but a call may go through
}

func newPeers() peers {
	return peers{
		byNode: map[identity.ID]wire.Index{}, nodes: map[wire.Index]identity.ID{}, dials: map[wire.Index]*dial{},
	}
}

// dial is a session with a node that is not up yet: by UDP, and by streams
// beside that. The first attempt that comes up is the session.
type dial struct {
	to       wire.Member
	at       netip.AddrPort // which of its addresses
	race     wire.Index     // the attempt by UDP, also when it has ended
	attempts []wire.Index   // that go on
	overlay  bool           // the overlay wants to know how it ended
	waiting  []wire.Message // to be sent once it is up, at most maxWaiting
	calls    []wire.Index   // phone sessions that want a lane through it

	// until is when flights over UDP may go out, where UDP was found blocked.
	// Set with the first that is held back.
	until time.Time
}

// maxWaiting bounds what waits for one node, in messages; more are dropped, and
// their askers ask elsewhere.
const maxWaiting = 64

// Keep-alives of sessions that need none for a NAT.
const (
	memberKeepAlive = time.Minute      // between supernodes, so that deaths are known
	memberPatience  = 5 * time.Second  // for which a fellow may be silent to questions: ten look after each
	guestKeepAlive  = 75 * time.Second // they refresh each minute
	homeKeepAlive   = 30 * time.Minute // the overlay feels their pulse
	streamKeepAlive = 70 * time.Second // TCP's bindings live for hours; the refresh each minute comes before it
)

// keep lets us know when the node at the other end of a session is gone.
func (c *Core) keep(ix wire.Index, initiator bool) {
	if c.index != nil && initiator {
		c.sessions.Watch(ix, memberKeepAlive, memberPatience)
		return
	}
	c.sessions.KeepAlive(ix, c.keepAlive(ix))
}

func (c *Core) keepAlive(ix wire.Index) time.Duration {
	w, _ := c.paths.Way(ix)
	switch {
	case w.IsStream():
		return streamKeepAlive
	case c.index != nil:
		return guestKeepAlive
	}
	return c.binding()
}

// homeAlive is the keep-alive of a session with a home: a supernode's is one with
// a fellow, too.
func (c *Core) homeAlive() time.Duration {
	if c.index != nil {
		return guestKeepAlive
	}
	return homeKeepAlive
}

// dialNode dials a supernode for the overlay.
func (c *Core) dialNode(now time.Time, m wire.Member) {
	if ix, ok := c.peers.byNode[m.Node]; ok && !m.Node.IsZero() {
		if d := c.peers.dials[ix]; d != nil {
			d.overlay = true
			return
		}
		if i := slices.Index(c.peers.idle, ix); i >= 0 {
			c.peers.idle = slices.Delete(c.peers.idle, i, i+1)
			c.overlay.Up(now, ix, m.Node, c.addrOf(m), true)
			return
		}
		c.overlay.Failed(now, m, session.ErrGlare) // it knows the session that stands
		return
	}
	if d := c.startDial(now, m); d != nil {
		d.overlay = true
		return
	}
	c.overlay.Failed(now, m, session.ErrBacklog)
}

// addrOf returns the address by which we reach a supernode: over IPv4 where this
// host has that, else over IPv6.
func (c *Core) addrOf(m wire.Member) netip.AddrPort { return m.Over(!c.outside.six) }

// startDial dials a node; nil: there is no room for another session.
func (c *Core) startDial(now time.Time, m wire.Member) *dial {
	ix := c.sessions.Dial(now, session.Want{
		Role: session.AsNode, Peer: m.Node, Network: c.network, Padded: true,
	})
	if ix == 0 {
		return nil
	}
	at := c.addrOf(m)
	c.paths.Open(now, ix, path.Way{Addr: at})
	c.outside.survey.Contact(now, at.Addr())
	d := &dial{to: m, at: at, race: ix, attempts: []wire.Index{ix}}
	c.peers.dials[ix] = d
	if c.index == nil { // supernodes have UDP, else they were none
		c.racer.Start(ix, at, m.Ports)
	}
	if !m.Node.IsZero() {
		c.peers.byNode[m.Node] = ix
	}
	return d
}

// reach returns the session with a node when it is up, else a dial to it.
func (c *Core) reach(now time.Time, m wire.Member) (wire.Index, *dial) {
	if ix, ok := c.peers.byNode[m.Node]; ok {
		return ix, c.peers.dials[ix]
	}
	if d := c.startDial(now, m); d != nil {
		return 0, d
	}
	return 0, &dial{to: m} // what waits there waits in vain
}

// ask sends a message to a supernode, which is dialled when need be.
func (c *Core) ask(now time.Time, m wire.Member, msg wire.Message) {
	ix, d := c.reach(now, m)
	if d == nil {
		c.send(now, ix, msg)
		return
	}
	if len(d.waiting) < maxWaiting {
		d.waiting = append(d.waiting, msg)
	}
}

// send sends a message reliably in a session. A backlog means that the peer has
// stopped answering: its keep-alive will end the session.
func (c *Core) send(now time.Time, ix wire.Index, m wire.Message) {
	if c.lie != nil {
		if m = c.lie(ix, m); m == nil {
			return
		}
	}
	if err := c.sessions.Send(now, ix, wire.Append(nil, m)); err != nil {
		c.do(Log{Debug, "message not sent", []any{"session", ix, "error", err}})
	}
	if w, ok := c.paths.Way(ix); ok && w.Direct() {
		c.outside.survey.Contact(now, w.Addr.Addr())
	}
}

func (c *Core) sessionUp(now time.Time, e session.Up) {
	c.do(OpenSession{e.Index, c.sessions.Channel(e.Index)})
	if e.Peer.Role == session.AsPhone {
		c.phoneUp(now, e)
		return
	}
	d := c.peers.dials[e.Index]
	if d != nil {
		delete(c.peers.dials, e.Index)
		c.won(now, d, e.Index)
	}
	c.peers.byNode[e.Peer.ID], c.peers.nodes[e.Index] = e.Index, e.Peer.ID
	c.keep(e.Index, e.Initiator)
	c.overlay.Up(now, e.Index, e.Peer.ID, c.addr(e.Index), e.Initiator)
	c.revoker.Up(now, e.Index)
	if d != nil {
		c.deliver(now, d, e.Index)
	}
}

// deliver gives what waited for a dial to the session that stands now.
func (c *Core) deliver(now time.Time, d *dial, ix wire.Index) {
	for _, m := range d.waiting {
		c.send(now, ix, m)
	}
	for _, phone := range d.calls {
		c.paths.AddHome(now, phone, ix)
	}
	d.waiting, d.calls = nil, nil
}

// addr returns the address by which a session's peer is reached now. That of a
// stream is where its peer takes UDP, with port 0 if we do not know.
func (c *Core) addr(ix wire.Index) netip.AddrPort {
	w, _ := c.paths.Way(ix)
	s, ok := c.streamOf(ix)
	switch {
	case w.IsStream() && ok && s.udp.IsValid():
		return s.udp
	case w.IsStream() && ok:
		return netip.AddrPortFrom(s.remote.Addr(), 0)
	}
	return w.Addr
}

func (c *Core) sessionDown(now time.Time, ix wire.Index, reason error) {
	c.do(CloseSession{ix})
	if _, routed := c.paths.Way(ix); !routed {
		c.endStream(c.streams.byIndex[ix])
	}
	c.paths.Shut(now, ix)
	c.fresh.Shut(ix)
	c.legs.Shut(ix)
	c.peers.idle = slices.DeleteFunc(c.peers.idle, func(other wire.Index) bool { return other == ix })
	if c.phoneDown(now, ix, reason) {
		c.closeIdle(now)
		return
	}
	c.paths.Lost(now, ix)
	c.legs.Lost(now, ix)
	id, up := c.peers.nodes[ix]
	if up {
		c.doubt(now)
		c.overlay.Down(now, ix, reason)
		c.revoker.Down(now, ix)
		delete(c.peers.nodes, ix)
	}
	d := c.peers.dials[ix]
	if d != nil {
		id = d.to.Node
		delete(c.peers.dials, ix)
		if c.lostAttempt(now, d, ix, reason) {
			return
		}
	}
	c.forget(id, ix)
	if d != nil {
		c.dialFailed(now, d, reason)
	}
	if c.index != nil {
		c.lanes.Lost(now, ix)
		c.relay.Lost(now, ix)
		c.index.Lost(now, ix)
		c.keeper.Lost(now, ix)
	}
}

// forget takes session ix from a node; an older one that stands takes its place.
func (c *Core) forget(id identity.ID, ix wire.Index) {
	if c.peers.byNode[id] != ix {
		return
	}
	delete(c.peers.byNode, id)
	for _, other := range c.sessions.With(session.AsNode, id) {
		if _, up := c.peers.nodes[other]; up {
			c.peers.byNode[id] = other
		}
	}
}

// closeIdle closes the sessions that nobody needs, unless there is a call whose
// lanes may go through them.
func (c *Core) closeIdle(now time.Time) {
	if len(c.attempts.phones) > 0 || len(c.attempts.dialled) > 0 {
		return
	}
	for _, ix := range c.peers.idle {
		c.sessions.Close(now, ix)
	}
	c.peers.idle = nil
}

// dialFailed tells everybody who waited for a node. When the node has dialled us
// at the same time its session serves them.
func (c *Core) dialFailed(now time.Time, d *dial, reason error) {
	if d.overlay {
		c.overlay.Failed(now, d.to, reason)
	}
	if d.to.Node.IsZero() {
		return
	}
	if ix, ok := c.peers.byNode[d.to.Node]; ok && c.peers.dials[ix] == nil {
		c.deliver(now, d, ix)
		return
	}
	if others := c.sessions.With(session.AsNode, d.to.Node); len(others) > 0 {
		c.peers.dials[others[0]] = &dial{to: d.to, waiting: d.waiting, calls: d.calls}
		return
	}
	for _, phone := range d.calls {
		c.lessHomes(now, phone)
	}
	c.legs.Unreachable(now, d.to.Node)
}

// lessHomes notes that a home of a callee cannot be reached. When that was the
// last one the call need not wait.
func (c *Core) lessHomes(now time.Time, phone wire.Index) {
	for _, d := range c.peers.dials {
		if slices.Contains(d.calls, phone) {
			return
		}
	}
	c.paths.NoHomes(now, phone)
}

// homesChanged tells the directory where requests go and what to publish.
func (c *Core) homesChanged(now time.Time) {
	homes := c.overlay.Homes()
	if len(homes) > 0 {
		c.view.stranded = false
	}
	if len(homes) > 0 && c.view.homed.IsZero() {
		c.view.homed = now
	}
	var indices []wire.Index
	for _, h := range homes {
		indices = append(indices, h.Index)
		if w, _ := c.paths.Way(h.Index); w.Direct() {
			c.sessions.KeepAlive(h.Index, c.homeAlive())
		}
	}
	c.client.SetHomes(now, indices)
	c.presenceHomes(now)
	c.firstLook(now)
	c.overlay.SetPulse(c.binding())
	c.measureLifetime(now)
	c.listing.wait(now, c.overlay.Coming())
	c.list(now)
	c.line(now)
	c.legs.Again(now)
}
