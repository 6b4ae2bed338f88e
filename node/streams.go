package node

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// streams are the TLS connections of a node as the core knows them, up or
// coming up. Each belongs to one session, whose end is its own; the sessions
// are bounded by their table.
type streams struct {
	last    path.StreamID
	byID    map[path.StreamID]stream
	byIndex map[wire.Index]path.StreamID
}

// stream is one of them.
type stream struct {
	index  wire.Index
	udp    netip.AddrPort // where whom we dial takes UDP; not valid: it was accepted
	remote netip.AddrPort // of the connection

	// reached is set when TCP has connected: until then a dial costs next to
	// nothing.
	reached bool
}

func newStreams() streams {
	return streams{byID: map[path.StreamID]stream{}, byIndex: map[wire.Index]path.StreamID{}}
}

func (s *streams) add(x stream) path.StreamID {
	s.last++
	s.byID[s.last], s.byIndex[x.index] = x, s.last
	return s.last
}

func (s *streams) remove(id path.StreamID) {
	delete(s.byIndex, s.byID[id].index)
	delete(s.byID, id)
}

// reach reports whether a stream has reached a supernode at one of the ports of the
// web, or at another one.
func (s *streams) reach(web bool) bool {
	for _, x := range s.byID {
		if p := x.remote.Port(); x.reached && x.udp.IsValid() && web == (p == 443 || p == 80) {
			return true
		}
	}
	return false
}

// tryStream dials a stream beside a dial over UDP, or in its place.
func (c *Core) tryStream(now time.Time, e path.TryStream) {
	d := c.peers.dials[e.Index]
	if d == nil || c.merelyLate(now) || !c.thrift.spare(now, streamPrice) {
		return
	}
	ix := c.sessions.Reserve(now)
	if ix == 0 {
		return
	}
	d.attempts = append(d.attempts, ix)
	c.peers.dials[ix] = d
	id := c.streams.add(stream{index: ix, udp: d.at, remote: e.Addr})
	c.do(DialStream{
		Stream: id, Index: ix, Addr: e.Addr,
		Want: session.Want{Role: session.AsNode, Peer: d.to.Node, Network: c.network},
	})
}

// merelyLate reports whether answers are late, while nothing says that UDP is blocked.
func (c *Core) merelyLate(now time.Time) bool {
	return c.sessions.Late(now) >= lateLine && !c.seemsBlocked()
}

// streamsFirst is how much a stream is ahead of UDP where that was found blocked.
const streamsFirst = time.Second

// heldBack reports whether a flight of the session that is being dialled over
// UDP is not sent: UDP seems blocked, and streams are tried at once.
// A flight with keys that resist quantum computers is 1,600 bytes; if UDP passes
// by now, the survey's questions show it.
func (c *Core) heldBack(now time.Time, ix wire.Index) bool {
	d := c.peers.dials[ix]
	if d == nil || d.race != ix || c.index != nil || !c.seemsBlocked() {
		return false
	}
	if d.until.IsZero() {
		d.until = now.Add(streamsFirst)
		if len(d.attempts) == 1 { // no stream is under way
			c.racer.Sent(now, ix)
			c.racer.Ended(now, ix) // the first port is tried at once
		}
	}
	return now.Before(d.until)
}

// seemsBlocked reports whether UDP was found blocked, or nobody has answered by it in
// a network that we do not know, while a stream that was dialled later got through.
func (c *Core) seemsBlocked() bool {
	switch c.NAT().UDP {
	case path.No:
		return true
	case path.Unknown:
		return c.outside.survey.Silent() && (c.streams.reach(true) || c.streams.reach(false))
	}
	return false
}

// ExpectStream makes room for a connection from remote whose handshake is about
// to begin; 0: there is none. StreamUp or StreamFailed follows.
func (c *Core) ExpectStream(now time.Time, remote netip.AddrPort) (path.StreamID, wire.Index) {
	ix := c.sessions.Reserve(now)
	if ix == 0 || c.index == nil {
		return 0, 0
	}
	id := c.streams.add(stream{index: ix, remote: remote})
	c.settle(now)
	return id, ix
}

// StreamReached says that a stream that is dialled has reached its peer, which
// has yet to shake hands: other ports need not be tried.
func (c *Core) StreamReached(now time.Time, id path.StreamID) {
	if s, ok := c.streams.byID[id]; ok && c.peers.dials[s.index] != nil {
		s.reached = true
		c.streams.byID[id] = s
		c.racer.Answered(now, c.peers.dials[s.index].race)
	}
	c.settle(now)
}

// Unroutable says that this host has no way to an address: what is dialled
// there need not wait for an answer. A host without IPv6 knows supernodes that
// have it.
func (c *Core) Unroutable(now time.Time, addr netip.AddrPort) {
	for _, ix := range slices.Sorted(maps.Keys(c.peers.dials)) {
		if d := c.peers.dials[ix]; d != nil && d.race == ix && d.at == addr {
			c.sessions.Abort(now, ix)
		}
	}
	c.settle(now)
}

// StreamUp takes what the handshake of a stream has found.
func (c *Core) StreamUp(now time.Time, id path.StreamID, a session.Adoption) {
	s, ok := c.streams.byID[id]
	if !ok {
		c.do(CloseStream{id}) // another way was faster
		return
	}
	c.paths.OpenStream(now, s.index, id, s.udp)
	if err := c.sessions.Adopt(now, s.index, a); err != nil {
		c.endStream(id)
	}
	c.settle(now)
}

// StreamFailed says that a stream did not come up, and whether that was because
// this host has no way to its address. Where flights over UDP are held back
// nothing else tells it, and a dial that cannot come up would keep another from
// being made.
func (c *Core) StreamFailed(now time.Time, id path.StreamID, err error, unroutable bool) {
	if s, ok := c.streams.byID[id]; ok {
		c.streams.remove(id)
		c.do(Log{Debug, "stream failed", []any{"addr", s.remote, "error", err}})
		d := c.peers.dials[s.index]
		c.sessions.Close(now, s.index)
		if unroutable && d != nil {
			c.sessions.Abort(now, d.race)
		}
	}
	c.settle(now)
}

// StreamDown says that a stream that was up has ended. The session ends with
// it, unless it has moved.
func (c *Core) StreamDown(now time.Time, id path.StreamID) {
	if s, ok := c.streams.byID[id]; ok {
		c.streams.remove(id)
		c.paths.StreamLost(now, s.index)
		if _, ok := c.paths.Way(s.index); !ok {
			c.sessions.Abort(now, s.index)
		}
	}
	c.settle(now)
}

// endStream closes a stream that is not needed any more; frames that were sent
// in it before arrive.
func (c *Core) endStream(id path.StreamID) {
	if _, ok := c.streams.byID[id]; ok {
		c.streams.remove(id)
		c.do(CloseStream{id})
	}
}

// streamOf returns the stream of a session.
func (c *Core) streamOf(ix wire.Index) (stream, bool) {
	s, ok := c.streams.byID[c.streams.byIndex[ix]]
	return s, ok
}

// won ends the other attempts of a dial that is up by the attempt ix.
func (c *Core) won(now time.Time, d *dial, ix wire.Index) {
	c.racer.Stop(d.race)
	for _, other := range d.attempts {
		delete(c.peers.dials, other)
		if other != ix {
			c.sessions.Abort(now, other)
		}
	}
	d.attempts = nil
}

// lostAttempt notes that the attempt ix of a dial was in vain and reports
// whether others go on. What a peer has said itself holds for all.
func (c *Core) lostAttempt(now time.Time, d *dial, ix wire.Index, reason error) (others bool) {
	d.attempts = slices.DeleteFunc(d.attempts, func(other wire.Index) bool { return other == ix })
	if ix == d.race && !errors.Is(reason, session.ErrTimeout) {
		c.won(now, d, 0)
		return false
	}
	if ix == d.race {
		c.racer.Stop(ix) // by now all that there is has been tried
	}
	c.racer.Ended(now, d.race)
	for _, e := range c.racer.Take() {
		c.fromRacer(now, e)
	}
	if len(d.attempts) == 0 {
		return false
	}
	if c.peers.byNode[d.to.Node] == ix {
		c.peers.byNode[d.to.Node] = d.attempts[0]
	}
	return true
}

func (c *Core) fromRacer(now time.Time, e path.Event) {
	if e, ok := e.(path.TryStream); ok {
		c.tryStream(now, e)
	}
}

// answered tells the race of a dial that the peer has answered by UDP. Streams
// that have not reached it yet would be wasted.
func (c *Core) answered(now time.Time, ix wire.Index) {
	d := c.peers.dials[ix]
	if d == nil || d.race != ix {
		return
	}
	var back []netip.AddrPort
	for _, other := range slices.Clone(d.attempts) {
		if s, ok := c.streamOf(other); ok && !s.reached {
			back = append(back, s.remote)
			delete(c.peers.dials, other)
			d.attempts = slices.DeleteFunc(d.attempts, func(x wire.Index) bool { return x == other })
			c.sessions.Abort(now, other)
		}
	}
	c.racer.Answered(now, ix, back...)
}
