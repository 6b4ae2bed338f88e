package node

import (
	"errors"
	"net/netip"
	"time"

	"peerphone/node/call"
	"peerphone/node/contacts"
	"peerphone/node/directory"
	"peerphone/node/handset"
	"peerphone/node/identity"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// attempts tie calls to the searches and sessions made for them. A phone has
// few at a time: the book of calls bounds them.
type attempts struct {
	queries map[directory.QueryID]query
	looks   map[directory.QueryID]struct{} // searches that no call waits for
	devices map[identity.ID]wire.Device    // where a peer that was located can be reached
	dialled map[wire.Index]call.ID         // phone sessions that are coming up for a call
	phones  map[wire.Index]farPhone
	told    wire.Index      // the session that has been told our candidates
	said    wire.Candidates // what it was told last
	heard   wire.Candidates // what the far end has told last
	afresh  netip.AddrPort  // of the caller's further socket
	trains  trains
}

// farPhone is a phone that we have a session with.
type farPhone struct {
	identity.Phone
	asked bool          // we dialled it
	node  identity.ID   // as its Invite says; zero before
	homes []identity.ID // supernodes that it has sessions with, likewise
}

func newAttempts() attempts {
	return attempts{
		queries: map[directory.QueryID]query{},
		looks:   map[directory.QueryID]struct{}{},
		dialled: map[wire.Index]call.ID{},
		phones:  map[wire.Index]farPhone{},
	}
}

type query struct {
	call   call.ID
	number identity.Number
	name   identity.Name // to be looked for if the number is not found: it may be unlisted; "": none
}

// search asks the directory for what was dialled: a number, or a name.
func (c *Core) search(now time.Time, id call.ID, dialled string) {
	var q directory.QueryID
	var name identity.Name
	number, err := identity.ParseNumber(c.numberOf(dialled))
	if err == nil {
		q = c.client.Find(now, c.network.LookupNumber(number))
		known, _ := c.contacts.ByNumber(number)
		name = known.Name
	} else {
		name, err := identity.ParseName(dialled)
		if err != nil {
			c.calls.Absent(now, id, call.NotFound)
			return
		}
		q = c.client.Find(now, c.network.LookupName(name))
	}
	c.attempts.queries[q] = query{id, number, name}
}

// numberOf turns a contact's name into its number, so that the pinned key is
// asked for whichever was dialled.
func (c *Core) numberOf(dialled string) string {
	for _, known := range c.contacts.List() {
		if string(known.Name) == dialled && dialled != "" {
			return string(known.Number)
		}
	}
	return dialled
}

// located takes the directory's answer to a search.
func (c *Core) located(now time.Time, r directory.Result) {
	if c.looked(r) || c.added(now, r) || c.locatedBuddy(now, r) {
		return
	}
	q, ok := c.attempts.queries[r.Query]
	if !ok {
		return
	}
	delete(c.attempts.queries, r.Query)
	c.view.search = r.Elapsed
	switch {
	case r.Outcome == directory.Absent && q.name != "":
		again := c.client.Find(now, c.network.LookupName(q.name))
		c.attempts.queries[again] = query{call: q.call, number: q.number}
	case r.Outcome == directory.Absent:
		c.calls.Absent(now, q.call, call.NotFound)
	case r.Outcome == directory.Unsure:
		c.calls.Absent(now, q.call, call.Unreachable)
	default:
		c.callee(now, q, r)
	}
}

// callee checks whom a listing speaks of, and lets the call go on.
func (c *Core) callee(now time.Time, q query, r directory.Result) {
	peer, err := c.listed(now, q.number, r.Name, r.Listing.Devices[0])
	if err != nil {
		c.do(Log{Warn, "the far phone is not who it should be", []any{"number", q.number, "error", err}})
		c.calls.Absent(now, q.call, call.Unreachable)
		return
	}
	c.calls.Located(now, q.call, peer)
}

// listed returns the peer of a listing: the number's holder by the login
// server's word, and the same account as ever when it is a contact.
func (c *Core) listed(now time.Time, number identity.Number, cert identity.NameCertificate, d wire.Device) (call.Peer, error) {
	if number != "" && cert.Number != number {
		return call.Peer{}, errors.New("node: the record is of another number")
	}
	if err := c.pin(now, cert.Number, cert.Subject); err != nil {
		return call.Peer{}, err
	}
	c.attempts.devices = map[identity.ID]wire.Device{d.Device: d}
	return call.Peer{
		Account: cert.Subject, Device: d.Device, Name: string(cert.Name), Number: string(cert.Number),
	}, nil
}

// pin holds a contact to the account key that it first had. A stranger has
// none to be held to.
func (c *Core) pin(now time.Time, number identity.Number, account identity.ID) error {
	_, err := c.contacts.Pin(now, number, account)
	if errors.Is(err, contacts.ErrNoContact) {
		return nil
	}
	return err
}

// connect dials a phone through its homes.
func (c *Core) connect(now time.Time, id call.ID, peer call.Peer) {
	device := c.attempts.devices[peer.Device]
	ix := c.sessions.Dial(now, session.Want{Role: session.AsPhone, Peer: peer.Device})
	if ix == 0 {
		c.calls.Unreachable(now, id)
		return
	}
	c.attempts.dialled[ix] = id
	var homes []wire.Index
	for _, m := range device.Homes {
		if _, known := c.peers.byNode[m.Node]; m.Node == c.nodeID() || !known && !c.mayDial(c.addrOf(m)) {
			continue // a supernode that is the callee's home cannot introduce itself yet
		}
		home, d := c.reach(now, m)
		switch {
		case d == nil:
			homes = append(homes, home)
		default:
			d.calls = append(d.calls, ix)
		}
	}
	c.paths.Patience(c.sessions.Patience(now))
	c.paths.OpenLanes(now, ix, device.Node, homes)
	c.lessHomes(now, ix)
}

// cancel gives up a search or a handshake that no call waits for any more.
func (c *Core) cancel(now time.Time, id call.ID) {
	for q, asked := range c.attempts.queries {
		if asked.call == id {
			delete(c.attempts.queries, q)
		}
	}
	for ix, dialled := range c.attempts.dialled {
		if dialled == id { // one at most
			delete(c.attempts.dialled, ix)
			c.sessions.Close(now, ix)
		}
	}
}

const (
	// callKeepAlive finds out within seconds that nothing comes from the far end,
	// even when no sound flows.
	callKeepAlive = 2 * time.Second
	// callBear is how long a call then waits for it: a router that starts anew, or
	// a walk from one network to another, takes some seconds.
	callBear = 8 * time.Second
)

// phoneUp takes a session with a phone that has come up.
func (c *Core) phoneUp(now time.Time, e session.Up) {
	p := e.Peer.Phone
	id, asked := c.attempts.dialled[e.Index]
	c.attempts.phones[e.Index] = farPhone{Phone: p, asked: asked}
	c.sessions.KeepAlive(e.Index, callKeepAlive)
	c.sessions.Bear(e.Index, callBear)
	if asked {
		delete(c.attempts.dialled, e.Index)
		if p.Account != c.calls.Current().Peer.Account {
			// The device is who it should be, but speaks for another account.
			c.calls.Unreachable(now, id)
			c.sessions.Close(now, e.Index)
			return
		}
		c.calls.Connected(now, id, e.Index)
		return
	}
	if err := c.pin(now, p.Number, p.Account); err != nil {
		c.do(Log{Warn, "caller refused: it is not who it was", []any{"number", p.Number, "error", err}})
		delete(c.attempts.phones, e.Index)
		c.sessions.Close(now, e.Index)
		return
	}
	c.calls.Opened(now, e.Index, p.Device)
}

// phoneDown takes the end of a session with a phone; false: it was none.
func (c *Core) phoneDown(now time.Time, ix wire.Index, reason error) bool {
	p, up := c.attempts.phones[ix]
	id, dialled := c.attempts.dialled[ix]
	delete(c.attempts.phones, ix)
	delete(c.attempts.dialled, ix)
	if up {
		c.parted(now, ix, p.Phone, reason)
	}
	if dialled {
		c.notConnected(now, id, ix, reason)
	}
	return up || dialled
}

// parted ends a session that was up. When the far phone dialled at the same
// time, its session takes over.
func (c *Core) parted(now time.Time, ix wire.Index, p identity.Phone, reason error) {
	if errors.Is(reason, session.ErrGlare) {
		if other := c.sessionWith(p.Device); other != 0 {
			c.calls.Moved(now, ix, other)
			return
		}
	}
	if errors.Is(reason, session.ErrRefused) {
		c.do(Log{Info, "phone not reached", []any{"error", reason}})
	}
	c.calls.Lost(now, ix)
}

// notConnected ends a dial that did not come up. When the far phone's own dial
// won, its session serves our call too, now or once it is up.
func (c *Core) notConnected(now time.Time, id call.ID, ix wire.Index, reason error) {
	if errors.Is(reason, session.ErrGlare) {
		device := c.calls.Current().Peer.Device
		if other := c.sessionWith(device); other != 0 {
			c.calls.Connected(now, id, other)
			return
		}
		if others := c.sessions.With(session.AsPhone, device); len(others) > 0 {
			c.attempts.dialled[others[0]] = id
			return
		}
	}
	c.do(Log{Info, "phone not reached", []any{"error", reason}})
	c.calls.Unreachable(now, id)
}

// sessionWith returns the session with a phone that is up, 0 for none. There is
// one at most, but while two are told apart.
func (c *Core) sessionWith(device identity.ID) wire.Index {
	var found wire.Index
	for ix, p := range c.attempts.phones {
		if p.Device == device && ix > found {
			found = ix
		}
	}
	return found
}

// startMedia begins the sound of a call, by what ways there are.
func (c *Core) startMedia(now time.Time, e call.StartMedia) {
	line := c.trainsOf(e.Index).line()
	c.narrow(now, line)
	c.do(StartMedia{e.ID, e.Index, e.Codec, line})
	c.steerMedia(e.Index)
}

// moveMedia lets the sound go on in another session.
func (c *Core) moveMedia(now time.Time, e call.MoveMedia) {
	c.do(MoveMedia{e.ID, e.Index})
	c.steerMedia(e.Index)
}

// moved takes path's word that a session goes another way.
func (c *Core) moved(now time.Time, ix wire.Index, w path.Way) {
	if _, ok := c.attempts.phones[ix]; ok {
		c.view.moved(now, ix, w)
		if w.Direct() {
			c.fresh.Settle(ix, w.Socket)
		}
		return
	}
	if s, ok := c.streamOf(ix); ok {
		c.sessions.KeepAlive(ix, c.keepAlive(ix)) // UDP's bindings end sooner
		if s.udp.IsValid() {
			c.doubt(now) // the firewall is another
		}
	}
	if c.relay != nil {
		c.relay.Proven(now, ix, w)
	}
	c.steerMedia(c.calls.Current().Index) // its relay may be reached by another way now
}

// steerMedia tells the sound of a session its ways, if there are any that can
// carry it.
func (c *Core) steerMedia(ix wire.Index) {
	w, ok := c.paths.Ways(ix)
	ch := c.sessions.Channel(ix)
	if _, phone := c.attempts.phones[ix]; !ok || !phone || ch == nil {
		return
	}
	e := RouteMedia{Index: ix, Channel: ch, Active: c.mediaWay(w.Active), Trial: c.mediaWay(w.Trial)}
	for _, s := range w.Standby {
		e.Standby = append(e.Standby, c.mediaWay(s))
	}
	c.do(e)
}

func (c *Core) mediaWay(w path.Way) MediaWay {
	if !w.IsRelay() {
		return MediaWay{Way: w, Via: w}
	}
	via, _ := c.paths.Way(w.Home)
	return MediaWay{Way: w, Via: via, Rank: 1 + c.legs.Order(w)}
}

// callSends sends a message of the calls. Before a phone says that it rings, or
// that it accepts, it makes tickets for the caller.
func (c *Core) callSends(now time.Time, e call.Send) {
	switch e.Message.(type) {
	case wire.Ringing, wire.Accept:
		c.meet(now, e.Index)
		route(now, c.legs.Take(), c.fromLegs)
	}
	c.send(now, e.Index, c.dress(e.Message))
}

// callChanged follows the call's state: it shows on the handset, and at its end
// in the log.
func (c *Core) callChanged(now time.Time, v call.View) {
	c.view.call(now, v)
	c.do(Log{Info, "call", []any{"state", v.State.String(), "incoming", v.Incoming(), "reason", v.Reason.String()}})
	c.handset.Call(now, faceCall(v))
	c.acquaint(now)
	if v.State == call.Ended {
		c.lastWords(c.attempts.told)
		if err := c.log.Add(now, entry(v)); err != nil {
			c.do(Log{Debug, "call not logged", []any{"error", err}})
		}
		c.view.logged = v.ID
	}
}

// lastWords ends the search for ways of a session whose call is over.
func (c *Core) lastWords(ix wire.Index) {
	w, _ := c.paths.Way(ix)
	c.paths.Rest(ix)
	c.fresh.Settle(ix, w.Socket)
}

// meetDirectly tells the far phone our addresses once it rings here, or once we
// talk: two phones that dial each other talk without ringing.
func (c *Core) meetDirectly(now time.Time) {
	if v := c.calls.Current(); v.State == call.RingingHere || v.State == call.Talking {
		c.tellCandidates(now, v.Index)
	}
}

// entry is what the log says of a call.
func entry(v call.View) contacts.Entry {
	e := contacts.Entry{
		Direction: contacts.Made, Name: identity.Name(v.Peer.Name), Number: v.Peer.Number, Account: v.Peer.Account,
		At: v.Dialled, Reason: v.Reason.String(),
	}
	if v.Incoming() {
		e.At, e.Direction = v.Rang, contacts.Missed
	}
	if !v.Answered.IsZero() {
		e.Talked = v.Over.Sub(v.Answered)
		if v.Incoming() {
			e.Direction = contacts.Received
		}
	}
	return e
}

// invited takes an Invite. A phone rings for everybody; the call of a stranger,
// who may not learn our address (DESIGN section 6), is relayed to its end.
func (c *Core) invited(now time.Time, ix wire.Index, p identity.Phone, m wire.Invite) {
	if far, ok := c.attempts.phones[ix]; ok {
		far.node, far.homes = m.Node, m.Homes
		c.attempts.phones[ix] = far
	}
	c.calls.Invited(now, ix, callPeer(p), m)
}

// mayMeet reports whether the phone of a session may learn our address.
func (c *Core) mayMeet(ix wire.Index) bool {
	p, ok := c.attempts.phones[ix]
	return ok && !c.settings.AlwaysRelay && (p.asked || c.isContact(p.Account))
}

func (c *Core) isContact(account identity.ID) bool {
	_, ok := c.contacts.ByAccount(account)
	return ok
}

func callPeer(p identity.Phone) call.Peer {
	return call.Peer{Account: p.Account, Device: p.Device, Name: string(p.Name), Number: string(p.Number)}
}

// phases gives each state of a call its face.
var phases = map[call.State]handset.Phase{
	call.Idle: handset.None, call.Searching: handset.Calling, call.Connecting: handset.Calling,
	call.Inviting: handset.Calling, call.RingingFar: handset.FarRinging, call.RingingHere: handset.HereRinging,
	call.Talking: handset.Talking, call.Ended: handset.Over,
}

// holds are the words for who holds a call.
var holds = map[call.Hold]string{call.HeldHere: "On hold", call.HeldBoth: "On hold", call.HeldThere: "Held there"}

// faceCall is what the handset is shown of a call.
func faceCall(v call.View) handset.CallView {
	f := handset.CallView{
		Phase: phases[v.State], Peer: v.Peer.Name, Number: v.Peer.Number,
		Reason: handset.Reason(v.Reason), // the same order; a test of package sim holds it
	}
	switch v.State {
	case call.Talking:
		f.Since, f.Hold = v.Answered, holds[v.Hold]
	case call.RingingFar, call.RingingHere:
		f.Since = v.Rang
	default:
		f.Since = v.Dialled
	}
	return f
}
