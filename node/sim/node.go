package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"peerphone/node"
	"peerphone/node/call"
	"peerphone/node/contacts"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// Node is a node of the world.
type Node struct {
	// Constant after construction.
	w      *World
	number int
	dial   identity.Number
	addr   netip.AddrPort
	user   *user // nil: a supernode

	on    bool
	core  *node.Core
	hands *session.StandIn
	open  map[wire.Index]*session.Channel
	badge badges
	sound sound
	alarm alarm
}

// badges are what a node shows in each role.
type badges struct{ node, phone session.Badge }

// alarm is when the core wants to be called; a newer setting makes the older
// ones void.
type alarm struct {
	at      time.Time
	setting uint64
}

// numberOf is the number by which node i is called.
func numberOf(i int) identity.Number { return identity.Number(fmt.Sprint(100000 + i)) }

func newNode(w *World, i int, supernode bool) (*Node, error) {
	n := &Node{w: w, number: i, dial: numberOf(i), addr: address(i), open: map[wire.Index]*session.Channel{}}
	account, err := identity.NewKey(w.rng)
	if err != nil {
		return nil, err
	}
	device, err := identity.NewKey(w.rng)
	if err != nil {
		return nil, err
	}
	saved, err := n.enrol(account, device)
	if err != nil {
		return nil, err
	}
	book, err := contacts.New(nil)
	if err != nil {
		return nil, err
	}
	n.hands = session.NewStandIn(session.StandInConfig{
		Rand: w.rng, Common: w.common, Network: w.network, Badge: n.show,
		Now: func() time.Time { return w.now }, Suite: session.SuitePlain,
	})
	n.core = node.NewCore(node.CoreConfig{
		Rand: w.rng, Network: w.network, Account: account, Device: device,
		Supernode: supernode, Phone: !supernode, Addr: n.addr,
		Candidates: func() []netip.AddrPort { return []netip.AddrPort{n.addr} },
		Login: login.ClientConfig{
			Invitation: identity.Invitation{Network: w.network}, Name: n.name(), Number: n.dial, Saved: saved,
		},
		Contacts: book, Log: new(contacts.Log), Codecs: []wire.Codec{wire.CodecPCM16}, Verify: identity.ID.Verify,
	})
	if !supernode {
		n.user = &user{n: n}
		return n, n.befriend(book)
	}
	return n, nil
}

func (n *Node) name() identity.Name { return identity.Name(fmt.Sprintf("node%d", n.number)) }

// befriend makes everybody a contact of everybody, by number: account keys are
// pinned at the first call.
func (n *Node) befriend(book *contacts.Book) error {
	for i := range n.w.cfg.Phones {
		c := contacts.Contact{Number: numberOf(n.w.cfg.Supernodes + i)}
		if c.Number == n.dial {
			continue
		}
		if err := book.Add(n.w.now, c); err != nil {
			return err
		}
	}
	book.Take()
	return nil
}

// enrol is what the login server would have granted a moment ago.
func (n *Node) enrol(account, device identity.Key) (*login.Saved, error) {
	now := n.w.now
	badge, err := identity.IssueDevice(account, device.ID(), now)
	if err != nil {
		return nil, err
	}
	name, err := identity.IssueName(n.w.issuing, account.ID(), n.name(), n.dial, now)
	if err != nil {
		return nil, err
	}
	epoch := identity.EpochAt(now)
	own := login.NodeKey(device, epoch).ID()
	nodeCert, err := identity.IssueNode(n.w.issuing, own, now)
	if err != nil {
		return nil, err
	}
	next, err := identity.IssueNodeFor(n.w.issuing, login.NodeKey(device, epoch+1).ID(), epoch+1, now)
	if err != nil {
		return nil, err
	}
	n.badge.node = n.nodeBadge(nodeCert)
	n.badge.phone = session.Badge{
		Peer: session.Peer{Role: session.AsPhone, ID: device.ID(), Phone: identity.Phone{
			Device: device.ID(), Account: account.ID(), Name: n.name(), Number: n.dial,
		}},
		Network: n.w.network, NotAfter: name.NotAfter, Chain: len(badge.DER) + len(name.DER),
	}
	return &login.Saved{Device: badge.DER, Epoch: epoch, Granted: wire.Granted{
		Name: name.DER, Node: nodeCert.DER, Next: next.DER, Params: n.w.params, Time: now.Unix(),
		Placements: n.place(account, name.NotAfter),
	}}, nil
}

func (n *Node) nodeBadge(c identity.NodeCertificate) session.Badge {
	return session.Badge{
		Peer: session.Peer{Role: session.AsNode, ID: c.Subject}, Network: n.w.network,
		NotAfter: c.NotAfter, Chain: len(c.DER),
	}
}

// place signs where the account's two records live.
func (n *Node) place(account identity.Key, until time.Time) [2]wire.Placement {
	keys := login.RecordKeys(account)
	lookups := [2]identity.Lookup{n.w.network.LookupNumber(n.dial), n.w.network.LookupName(n.name())}
	var places [2]wire.Placement
	for i := range places {
		p := wire.Placement{Index: lookups[i].Index, RecordKey: keys[i].ID(), NotAfter: until.Unix()}
		p.Signature = n.w.issuing.Sign(wire.PlacementMessage(p))
		places[i] = p
	}
	return places
}

func (n *Node) show(r session.Role) session.Badge {
	if r == session.AsPhone {
		return n.badge.phone
	}
	return n.badge.node
}

func (n *Node) switchOn(now time.Time) {
	n.on = true
	n.core.Start(now)
	n.flush(now)
	if n.user != nil {
		n.core.Hook(now, false)
		n.flush(now)
		n.user.rest(now)
	}
}

// receive sorts a datagram as the reader of a real socket does.
func (n *Node) receive(now time.Time, from netip.AddrPort, b []byte) {
	if !n.on {
		return
	}
	switch wire.KindOf(b) {
	case wire.HandshakeFrame:
		n.core.Handshake(now, path.Way{Addr: from}, b)
	case wire.SessionFrame:
		n.unseal(now, from, b)
	}
	n.flush(now)
}

func (n *Node) unseal(now time.Time, from netip.AddrPort, b []byte) {
	h, ok := wire.ParseHeader(b)
	ch := n.open[h.To]
	if !ok || ch == nil {
		return
	}
	payload, err := ch.Open(nil, b)
	if err != nil {
		return
	}
	if wire.PayloadOf(payload) == wire.PayloadMedia {
		n.w.report.SoundIn++
		return
	}
	n.core.Opened(now, h.To, path.Way{Addr: from}, payload)
}

// handshakeTime is what a step of TLS takes on a small board.
const handshakeTime = 5 * time.Millisecond

var errNoStreams = errors.New("sim: no streams")

// flush carries out what the core asks, and sets the alarm anew.
func (n *Node) flush(now time.Time) {
	for _, e := range n.core.Take() {
		n.carryOut(now, e)
	}
	n.setAlarm()
}

func (n *Node) carryOut(now time.Time, e node.Effect) {
	switch e := e.(type) {
	case node.SendUDP:
		n.w.carry(n, e.Addr, e.Frame)
	case node.DialStream: // nobody here takes streams: it is refused at once
		n.w.after(0, func(now time.Time) {
			n.core.StreamFailed(now, e.Stream, errNoStreams)
			n.flush(now)
		})
	case node.Handshake:
		n.w.after(handshakeTime, func(now time.Time) {
			n.core.Progress(now, e.Request.Session(), n.hands.Do(e.Request))
			n.flush(now)
		})
	case node.OpenSession:
		n.open[e.Index] = e.Channel
	case node.CloseSession:
		delete(n.open, e.Index)
	case node.Certified:
		n.badge.node = n.nodeBadge(e.Granted.Node)
	case node.StartMedia:
		n.sound.start(n, e.Call, e.Index)
	case node.MoveMedia:
		n.sound.index = e.Index
	case node.RouteMedia:
		n.sound.route(e.Index, e.Way, e.Channel)
	case node.StopMedia:
		n.sound.stop()
	case node.ShowFace:
		n.user.see(now, e.Face)
	}
}

func (n *Node) setAlarm() {
	next := n.core.Next()
	if next.Equal(n.alarm.at) {
		return
	}
	n.alarm = alarm{next, n.alarm.setting + 1}
	if next.IsZero() {
		return
	}
	setting := n.alarm.setting
	n.w.at(next, func(now time.Time) {
		if n.alarm.setting == setting {
			n.alarm.at = time.Time{}
			n.core.Advance(now)
			n.flush(now)
		}
	})
}

// sound is a call's stream of packets; zero: silence.
type sound struct {
	call    call.ID
	running uint64 // the stream; each start makes another one
	on      bool
	index   wire.Index
	to      netip.AddrPort
	channel *session.Channel
}

func (s *sound) start(n *Node, id call.ID, ix wire.Index) {
	s.call, s.index, s.on = id, ix, true
	s.running++
	s.tick(n, s.running)
}

func (s *sound) route(ix wire.Index, w path.Way, ch *session.Channel) {
	if ix == s.index && s.on {
		s.to, s.channel = w.Addr, ch
	}
}

func (s *sound) stop() { s.on, s.channel = false, nil }

// tick sends a packet and schedules the next.
func (s *sound) tick(n *Node, stream uint64) {
	if !s.on || s.running != stream {
		return
	}
	if s.channel != nil {
		payload := append(wire.AppendMedia(nil, wire.Media{}), make([]byte, 40)...)
		n.w.carry(n, s.to, s.channel.Seal(nil, payload))
		n.w.report.SoundOut++
	}
	n.w.after(n.w.cfg.MediaEvery, func(time.Time) { s.tick(n, stream) })
}
