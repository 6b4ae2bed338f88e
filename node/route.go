package node

import (
	"time"

	"peerphone/hal"
	"peerphone/node/call"
	"peerphone/node/contacts"
	"peerphone/node/directory"
	"peerphone/node/handset"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/overlay"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// settle carries the results of each core to the next until none has any. The
// order is fixed: it is part of what makes a simulation repeatable.
func (c *Core) settle(now time.Time) {
	for c.round(now) {
	}
	c.near = near{}
}

// round empties every outbox once and reports whether any held something.
func (c *Core) round(now time.Time) bool {
	n := route(now, c.login.Take(), c.fromLogin)
	n += route(now, c.sessions.Take(), c.fromSession)
	n += route(now, c.paths.Take(), c.fromPath)
	n += route(now, c.racer.Take(), c.fromRacer)
	n += route(now, c.overlay.Take(), c.fromOverlay)
	c.offerHome(now)
	n += route(now, c.outside.survey.Take(), c.fromSurvey)
	n += c.fromUplinks(now)
	n += route(now, c.outside.lifetime.Take(), c.fromLifetime)
	n += route(now, c.fresh.Take(), c.fromFresh)
	n += route(now, c.revoker.Take(), c.fromRevoker)
	n += route(now, c.client.Take(), c.fromClient)
	if c.presence != nil {
		n += route(now, c.presence.Take(), c.fromPresence)
	}
	if c.candidacy != nil {
		n += route(now, c.candidacy.Take(), c.fromCandidacy)
	}
	n += route(now, c.calls.Take(), c.fromCall)
	n += route(now, c.legs.Take(), c.fromLegs)
	c.meetDirectly(now)
	c.sendTrain(now)
	n += route(now, c.handset.Take(), c.fromHandset)
	n += route(now, c.contacts.Take(), c.fromContacts)
	n += route(now, c.log.Take(), c.fromLog)
	if c.lanes != nil {
		n += route(now, c.lanes.Take(), c.fromLanes)
		n += route(now, c.index.Take(), c.fromIndex)
		n += route(now, c.keeper.Take(), c.fromKeeper)
		n += route(now, c.outside.reacher.Take(), c.fromReacher)
		n += route(now, c.relay.Take(), c.fromRelay)
		n += route(now, c.outside.later.Take(), c.fromLater)
	}
	return n > 0
}

func route[E any](now time.Time, events []E, to func(time.Time, E)) int {
	for _, e := range events {
		to(now, e)
	}
	return len(events)
}

func (c *Core) fromLogin(now time.Time, e login.Event) {
	switch e := e.(type) {
	case login.Ask:
		c.do(AskLogin{e.Request})
	case login.Save:
		c.do(SaveLogin{e.Saved})
	case login.Changed:
		c.loggedIn(now)
	}
}

func (c *Core) fromSession(now time.Time, e session.Event) {
	switch e := e.(type) {
	case session.Datagram:
		c.near.over = c.near.over || c.peers.dials[e.Index] != nil
		if c.heldBack(now, e.Index) {
			return
		}
		if !c.spares(now, e.Index, len(e.Frame)) {
			c.sessions.Withheld(now, e.Index)
			return
		}
		c.racer.Sent(now, e.Index)
		c.paths.Send(now, e.Index, e.Frame)
	case session.Message:
		c.message(now, e.Index, e.Body)
	default:
		c.near.over = true
		c.fromShaking(now, e)
	}
}

// fromShaking takes what a session says that comes up or ends.
func (c *Core) fromShaking(now time.Time, e session.Event) {
	switch e := e.(type) {
	case session.Up:
		c.sessionUp(now, e)
	case session.Down:
		c.sessionDown(now, e.Index, e.Reason)
	case session.Bounce:
		c.do(SendUDP{Addr: e.To, Frame: e.Frame})
	case session.Request:
		c.do(Handshake{e})
	}
}

func (c *Core) fromPath(now time.Time, e path.Event) {
	switch e := e.(type) {
	case path.UDP:
		c.do(SendUDP(e))
		return
	case path.StreamFrame:
		c.do(SendStream{e.Stream, e.Frame})
		return
	}
	c.near.over = true
	switch e := e.(type) {
	case path.StreamEnd:
		c.endStream(e.Stream)
	case path.LanePayload:
		c.sealed(now, e.Home, e.Payload)
	case path.Probe:
		if ch := c.sessions.Channel(e.Index); ch != nil && c.mayProbe(now, e.Index) {
			c.do(SendUDP{e.Socket, e.Addr, ch.Seal(nil, e.Payload)})
		}
	case path.Inner:
		c.inner(now, e.Way, e.Frame)
	case path.RelayProbe:
		if ch := c.sessions.Channel(e.Index); ch != nil && c.thrift.probes(now, path.CheckFrame+ipUDP) {
			c.paths.Send(now, e.Way.Home, wire.AppendRelay(nil, e.Way.Channel, ch.Seal(nil, e.Payload)))
		}
	case path.Moved:
		c.moved(now, e.Index, e.Way)
	case path.Ways:
		c.steerMedia(e.Index)
	case path.RelaySilent:
		c.legs.Silent(now, e.Way)
		c.sessions.KeepAlive(e.Way.Home, callKeepAlive) // is the supernode gone as well?
	case path.Proven:
		if c.relay != nil {
			c.relay.Proven(now, e.Index, e.Way)
		}
	case path.Unreachable:
		c.sessions.Close(now, e.Index)
	default:
		c.fromSockets(e)
	}
}

// sealed sends a payload unreliably in a session that stands.
func (c *Core) sealed(now time.Time, ix wire.Index, payload []byte) {
	if ch := c.sessions.Channel(ix); ch != nil {
		c.paths.Send(now, ix, ch.Seal(nil, payload))
	}
}

// lane sorts a lane payload: to the supernode half when it opens an attempt or
// belongs to one that passes here, else to the phone half.
func (c *Core) lane(now time.Time, ix wire.Index, payload []byte) {
	l, ok := wire.ParseLane(payload)
	peer, up := c.sessions.Peer(ix)
	if !ok || !up || peer.Role != session.AsNode {
		return
	}
	if c.lanes != nil && c.lanes.Owns(ix, l) {
		c.lanes.Lane(now, ix, peer.ID, l, c.overlay.Attached)
		return
	}
	c.paths.Lane(now, ix, l)
}

// inner takes a frame that came by a lane as if it were a datagram.
func (c *Core) inner(now time.Time, w path.Way, frame []byte) {
	switch wire.KindOf(frame) {
	case wire.HandshakeFrame:
		c.shake(now, w, frame)
	case wire.SessionFrame:
		h, ok := wire.ParseHeader(frame)
		ch := c.sessions.Channel(h.To)
		switch {
		case !ok:
			return
		case ch == nil:
			c.sessions.Ahead(h.To, frame)
			return
		}
		if payload, err := ch.Open(nil, frame); err == nil {
			c.opened(now, h.To, w, payload)
		}
	}
}

func (c *Core) fromOverlay(now time.Time, e overlay.Event) {
	switch e := e.(type) {
	case overlay.Send:
		c.send(now, e.Index, e.Message)
	case overlay.Whisper:
		c.whisper(now, e)
	case overlay.Beat:
		c.beat(now, e)
	case overlay.Ping:
		c.ping(now, e)
	default:
		c.near.over = true
		c.fromOverlayFar(now, e)
	}
}

// fromOverlayFar takes what the overlay says that concerns others as well.
func (c *Core) fromOverlayFar(now time.Time, e overlay.Event) {
	switch e := e.(type) {
	case overlay.Dial:
		c.dialNode(now, e.Member)
	case overlay.Drop:
		c.peers.idle = append(c.peers.idle, e.Index)
		c.closeIdle(now)
	case overlay.Abandon:
		c.sessions.Abort(now, e.Index)
	case overlay.HomesChanged:
		c.homesChanged(now)
	case overlay.CacheChanged:
		c.do(SaveCache{c.overlay.Keep()})
	case overlay.RosterChanged:
		c.do(SaveRoster{})
	case overlay.RestartDue:
		c.do(Restart{})
	case overlay.Stranded:
		c.stranded(now)
	case overlay.NeighboursChanged:
		c.overlay.Settled()
		c.index.NeighboursChanged(now)
	case overlay.LookFor:
		if c.index != nil {
			c.index.LookFor(now, e.Key)
		}
	case overlay.Upheaval:
		if c.index != nil {
			c.index.Upheaval()
		}
	case overlay.Synced:
		if c.index != nil {
			c.index.Synced(now)
		}
	}
}

func (c *Core) fromClient(now time.Time, e directory.Event) {
	switch e := e.(type) {
	case directory.Ask:
		c.question(now, e.To, e.Nonce, e.Message)
	case directory.Send:
		c.send(now, e.Index, e.Message)
	case directory.Mute:
		c.overlay.Feel(now, e.Index)
	case directory.Result:
		c.located(now, e)
	case directory.Published:
		c.published(now, e)
	case directory.Matches:
		c.matched(e)
	case directory.Entered:
		c.inquiry.public, c.inquiry.view = e.Words, nil
	}
}

func (c *Core) fromIndex(now time.Time, e directory.Event) {
	switch e := e.(type) {
	case directory.Send:
		c.send(now, e.Index, e.Message)
	case directory.Ask:
		c.question(now, e.To, e.Nonce, e.Message)
	case directory.AtWork:
		c.sessions.Acknowledge(e.Index)
	}
}

func (c *Core) fromLanes(now time.Time, e path.Event) {
	if e, ok := e.(path.LanePayload); ok {
		c.sealed(now, e.Home, e.Payload)
	}
}

func (c *Core) fromCall(now time.Time, e call.Event) {
	switch e := e.(type) {
	case call.Search:
		c.search(now, e.ID, e.Number)
	case call.Connect:
		c.connect(now, e.ID, e.Peer)
	case call.Cancel:
		c.cancel(now, e.ID)
	case call.Send:
		c.callSends(now, e)
	case call.StartMedia:
		c.startMedia(now, e)
	case call.MoveMedia:
		c.moveMedia(now, e)
	case call.StopMedia:
		c.widen()
		c.do(StopMedia{e.ID})
	case call.Held:
		c.do(HoldMedia{e.ID, e.Hold != call.Flowing})
	case call.Sounded:
		c.do(SoundKey{hal.Key(e.Key)})
	case call.Release:
		c.widen()
		c.sessions.Close(now, e.Index)
	case call.Changed:
		c.callChanged(now, e.View)
	}
}

func (c *Core) fromHandset(now time.Time, e handset.Event) {
	switch e := e.(type) {
	case handset.Dial:
		c.calls.Dial(now, e.Number)
	case handset.Answer:
		c.calls.Answer(now)
	case handset.HangUp:
		c.calls.HangUp(now)
	case handset.Digit:
		c.calls.Digit(now, byte(e.Key))
	case handset.Hold:
		c.calls.Hold(now, !c.calls.Current().Hold.Here())
	case handset.FaceChanged:
		if c.phone {
			c.do(ShowFace{c.handset.Face()})
		}
	}
}

func (c *Core) fromContacts(now time.Time, e contacts.Event) {
	if _, ok := e.(contacts.Changed); ok {
		c.inquiry.view = nil
		c.befriend(now)
		c.acquaint(now)
		c.do(SaveContacts{c.contacts.List()})
	}
}

func (c *Core) fromLog(_ time.Time, e contacts.Event) {
	if _, ok := e.(contacts.Changed); ok {
		c.view.calls = nil
		c.do(SaveLog{c.log.List()})
	}
}

// message sorts a control message by whom it came from: supernodes speak of
// the overlay and the index, phones of calls.
func (c *Core) message(now time.Time, ix wire.Index, body []byte) {
	m, err := wire.Parse(body)
	if err != nil {
		c.do(Log{Debug, "message dropped", []any{"session", ix, "error", err}})
		return
	}
	peer, ok := c.sessions.Peer(ix)
	c.near.over = c.near.over || !ofMembers(m)
	switch {
	case !ok:
	case peer.Role == session.AsPhone:
		c.phoneMessage(now, ix, peer, m)
	default:
		c.nodeMessage(now, ix, peer.ID, m)
	}
}

func (c *Core) nodeMessage(now time.Time, ix wire.Index, from identity.ID, m wire.Message) {
	switch m := m.(type) {
	case wire.Attach, wire.Attached, wire.Refused, wire.Members, wire.Detach,
		wire.Join, wire.Gossip, wire.Digest, wire.Roll:
		c.overlay.Handle(now, ix, m)
	case wire.CallBack, wire.Calling, wire.CallOut, wire.Reached, wire.Attested:
		c.reachMessage(now, ix, from, m)
	case wire.RelayOpen, wire.RelayOpened, wire.RelayRefused, wire.RelayClosed, wire.RelayReady:
		c.relayMessage(now, ix, from, m)
	case wire.Revoked, wire.RevokedAsk, wire.RevokedPart:
		c.revoker.Handle(now, ix, m)
	case wire.Appear, wire.Watch, wire.Seen, wire.Looked:
		c.presenceMessage(now, ix, m)
	case wire.Publish, wire.Find, wire.Shelve, wire.Browse:
		if c.index != nil {
			c.index.Handle(now, ix, m, c.overlay.Nearest)
		}
	case wire.Found, wire.Stored, wire.Entries:
		c.client.Handle(now, ix, m)
	}
}

func (c *Core) phoneMessage(now time.Time, ix wire.Index, peer session.Peer, m wire.Message) {
	switch m := m.(type) {
	case wire.Invite:
		c.invited(now, ix, peer.Phone, m)
	case wire.Candidates:
		c.candidates(now, ix, m)
	case wire.Afresh:
		c.afresh(now, ix, m)
	case wire.Acquaint:
		c.acquainted(now, peer.Phone.Account, m)
	case wire.Relays:
		c.relays(now, ix, m)
	case wire.Line:
		c.trainCame(now, ix, m)
	default:
		c.calls.Handle(now, ix, m)
	}
}
