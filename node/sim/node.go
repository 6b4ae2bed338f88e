package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
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
	w       *World
	in      *shard
	number  int
	born    identity.ID // of its first node certificate
	place   int         // of Latencies
	dial    identity.Number
	addr    netip.AddrPort
	phone   bool
	serves  bool // is a supernode
	account identity.Key
	device  identity.Key
	saved   *login.Saved
	cache   disk
	book    []contacts.Contact // as kept on disk
	known   []node.Acquaintance
	// announcement is that of a supernode of an old network.
	announcement []byte
	malice       malice
	standing     wire.Place // of a Byzantine supernode

	scheduled uint64     // happenings, for their ranks
	draw      *rand.Rand // what chance does to it
	luck      luck       // on which draw is
	rand      luck       // of its core
	shake     luck       // of its stand-in for TLS, which has randomness of its own
	trace     trace      // of what it sends

	on    bool
	core  *node.Core // nil: switched off
	user  *user      // nil: nobody uses it
	hands handshaker
	badge badges
	sound sound
	alarm alarm
	sent  uint64 // bytes, IP and UDP headers included
	got   uint64

	granted *login.Granted // what TLS shows; nil before the first
}

// handshaker is session.StandIn, or session.TLS.
type handshaker interface {
	Do(session.Request) session.Progress
}

// badges are what a node shows in each role.
type badges struct{ node, phone session.Badge }

// alarm is when the core wants to be called. An event for it lies in the heap;
// when the core has come to want another call, a later one, that event is
// repeated then: so a core that changes its mind with every datagram costs no
// event each time.
type alarm struct {
	at  time.Time // zero: never
	set time.Time // of the first event in the heap; zero: there is none
}

// numberOf is the number by which node i is called.
func numberOf(i int) identity.Number { return identity.Number(fmt.Sprint(1000000 + i)) }

func newNode(w *World, i int, supernode bool) (*Node, error) {
	n := &Node{
		w: w, number: i, dial: numberOf(i), addr: address(i), phone: !supernode || w.cfg.Mode == Gnutella, serves: supernode,
		account: w.key("account", i),
		device:  w.key("device", i),
		in:      w.shards[i%len(w.shards)],
		luck:    newLuck(w.cfg.Seed, "luck", i), rand: newLuck(w.cfg.Seed, "core", i), shake: newLuck(w.cfg.Seed, "handshakes", i),
	}
	n.draw = rand.New(&n.luck)
	var err error
	if n.saved, err = n.enrol(); err != nil {
		return nil, err
	}
	if n.phone && !w.cfg.Silent {
		n.user = &user{n: n}
	}
	return n, nil
}

// boot makes the node's program anew, from what it keeps on disk.
func (n *Node) boot() error {
	w := n.w
	book, err := contacts.New(n.book)
	if err != nil {
		return err
	}
	n.alarm.at = time.Time{}
	n.hands = n.newHands()
	var lie func(wire.Index, wire.Message) wire.Message
	if n.malice != honest {
		lie = n.lie
	}
	n.core = node.NewCore(node.CoreConfig{
		Rand: &n.rand, Network: w.network, Account: n.account, Device: n.device,
		Supernode: n.serves, Candidate: n.phone && w.cfg.Candidates, Phone: n.phone, Addr: n.addr, Port: n.addr.Port(),
		MaxGuests: w.cfg.MaxGuests, AttachRate: w.cfg.AttachRate, Lie: lie, Keep: w.copies.of,
		Candidates: func() []netip.AddrPort { return []netip.AddrPort{n.addr} },
		Login: login.ClientConfig{
			Invitation: identity.Invitation{Network: w.network}, Name: n.name(), Number: n.dial, Display: n.display(), Saved: n.saved,
			Signatures: w.signatures(),
		},
		Settings: node.Settings{Searchable: w.cfg.Searchable},
		Cache:    w.cacheOf(n), Contacts: book, Known: n.known, Log: new(contacts.Log), Codecs: []wire.Codec{wire.CodecPCM16}, Verify: w.signatures().Verify, CheckNode: w.verify.node,
		Roster: w.rosterOf(n),
	})
	if n.user != nil && !n.w.cfg.Strangers && n.book == nil {
		return n.befriend(book)
	}
	return nil
}

// newHands returns what shakes hands for the node.
func (n *Node) newHands() handshaker {
	w := n.w
	now := n.now
	if w.cfg.Real {
		return session.NewTLS(n.credentials, n.trust, now)
	}
	return session.NewStandIn(session.StandInConfig{
		Rand: &n.shake, Common: w.common, Network: w.network, Badge: n.show, Now: now, Suite: session.SuitePlain,
	})
}

// credentials are what the node shows in TLS.
func (n *Node) credentials(r session.Role) session.Credentials {
	g := n.granted
	switch {
	case g == nil:
		return session.Credentials{}
	case r == session.AsPhone:
		return session.Credentials{Chain: g.PhoneChain(), Key: n.device}
	}
	return session.Credentials{Chain: g.NodeChain(), Key: g.NodeKey}
}

func (n *Node) trust() identity.Trust {
	return identity.Trust{Network: n.w.network, Issuing: n.w.issuing.ID(), Signatures: n.w.signatures()}
}

func (n *Node) name() identity.Name { return identity.Name(fmt.Sprintf("node%d", n.number)) }

// friends is how many neighbours to each side a phone has as contacts.
const friends = 10

// befriend makes contacts of the phones with the next numbers, who have this one
// as a contact too: account keys are pinned at the first call.
func (n *Node) befriend(book *contacts.Book) error {
	for _, i := range n.friends() {
		if err := book.Add(n.now(), contacts.Contact{Number: numberOf(i)}); err != nil {
			return err
		}
	}
	book.Take()
	return nil
}

// friends returns the numbers of the nodes whom the user of n calls.
func (n *Node) friends() []int {
	first, phones := n.w.cfg.Supernodes, n.w.cfg.Phones
	var list []int
	for step := 1; step <= min(friends, (phones-1)/2); step++ {
		for _, side := range []int{step, phones - step} {
			list = append(list, first+(n.number-first+side)%phones)
		}
	}
	if phones == 2 {
		list = append(list, first+(n.number-first+1)%2)
	}
	return list
}

// enrol is what the login server would have granted a moment ago.
func (n *Node) enrol() (*login.Saved, error) {
	now, account, device := n.w.cfg.Birth, n.account, n.device
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
	n.badge.node, n.born = n.nodeBadge(nodeCert), nodeCert.Subject
	n.badge.phone = session.Badge{
		Peer: session.Peer{Role: session.AsPhone, ID: device.ID(), Phone: identity.Phone{
			Device: device.ID(), Account: account.ID(), Name: n.name(), Number: n.dial,
		}},
		Network: n.w.network, NotAfter: name.NotAfter, Chain: len(badge.DER) + len(name.DER),
	}
	return &login.Saved{Device: badge.DER, Epoch: epoch, Granted: wire.Granted{
		Name: name.DER, Node: nodeCert.DER, Next: next.DER, Params: n.w.params, Time: now.Unix(),
		Placements: n.placements(account, name.NotAfter), Words: n.words(account, name.NotAfter),
	}}, nil
}

func (n *Node) nodeBadge(c identity.NodeCertificate) session.Badge {
	return session.Badge{
		Peer: session.Peer{Role: session.AsNode, ID: c.Subject}, Network: n.w.network,
		NotAfter: c.NotAfter, Chain: len(c.DER),
	}
}

// placements signs where the account's two records live.
func (n *Node) placements(account identity.Key, until time.Time) [2]wire.Placement {
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
	if err := n.boot(); err != nil {
		panic("sim: " + err.Error()) // the disk of a simulated node does not fail
	}
	n.on = true
	n.core.Start(now)
	n.core.Able(now, true)
	n.flush(now)
	if n.user != nil {
		n.core.Hook(now, false)
		n.flush(now)
		n.user.begin()
	}
}

// switchOff ends the program without a word, as a power cut does.
func (n *Node) switchOff() {
	n.on, n.core, n.hands = false, nil, nil
	n.alarm.at = time.Time{}
}

// receive sorts a datagram as the reader of a real socket does.
func (n *Node) receive(now time.Time, from netip.AddrPort, b []byte) {
	if !n.on {
		return
	}
	n.got += uint64(len(b) + ipUDP)
	switch w := (path.Way{Addr: from}); wire.KindOf(b) {
	case wire.HandshakeFrame:
		n.core.Handshake(now, w, b)
	case wire.QuestionFrame:
		if n.malice != honest && n.evade(func(answer []byte) { n.send(from, answer) }, b) {
			return
		}
		n.core.Question(now, from, b)
	case wire.BeatFrame:
		if nonce, ok := wire.ParseBeat(b); ok {
			n.core.Beat(now, nonce)
		}
	case wire.SessionFrame:
		n.unseal(now, w, b)
	case wire.STUNFrame:
		n.stun(now, from, b)
	case wire.RelayFrame:
		n.relay(now, w, b)
	}
	n.flush(now)
}

func (n *Node) stun(now time.Time, from netip.AddrPort, b []byte) {
	switch {
	case !path.IsSTUNRequest(b):
		n.core.STUN(now, path.Way{Addr: from}, b)
	case n.serves:
		n.send(from, path.AnswerSTUN(nil, b, from))
	}
}

// relay passes a relay frame on, or takes what is in it.
func (n *Node) relay(now time.Time, w path.Way, b []byte) {
	if legs := n.core.Legs(); legs != nil {
		b = slices.Clone(b) // the world may deliver it once more
		if to, ok := legs.Forward(w, b); ok {
			n.in.report.Relayed++
			n.send(to.Addr, b)
			return
		}
	}
	if channel, inner, ok := wire.ParseRelay(b); ok {
		n.unseal(now, path.Way{Channel: channel}, inner)
	}
}

func (n *Node) unseal(now time.Time, w path.Way, b []byte) {
	h, ok := wire.ParseHeader(b)
	ch := n.core.Channel(h.To)
	if !ok || ch == nil {
		return
	}
	payload, err := ch.Open(nil, b)
	if err != nil {
		return
	}
	if wire.PayloadOf(payload) == wire.PayloadMedia {
		n.in.report.SoundIn++
		return
	}
	n.core.Opened(now, h.To, w, payload)
}

// handshakeTime is what a step of TLS takes on a small board.
const handshakeTime = 5 * time.Millisecond

var errNoStreams = errors.New("sim: no streams")

// loginTime is what the login server takes to answer: a handshake and a question.
const loginTime = 300 * time.Millisecond

// login lets the login server answer, unless it is away.
func (n *Node) login() {
	if n.w.grant == nil {
		return
	}
	core := n.core
	n.after(loginTime, func(now time.Time) {
		if n.core == core {
			core.LoginReply(now, n.w.grant(n))
			n.flush(now)
		}
	})
}

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
		if n.malice != honest {
			e.Frame = n.bend(e.Frame)
		}
		if e.Frame != nil {
			n.send(e.Addr, e.Frame)
		}
	case node.Restart:
		n.restart(now)
	case node.AskLogin:
		n.in.report.LoginAsks++
		n.login()
	case node.DialStream: // nobody here takes streams: it is refused at once
		n.after(0, func(now time.Time) {
			n.core.StreamFailed(now, e.Stream, errNoStreams, false)
			n.flush(now)
		})
	case node.Handshake:
		core := n.core
		n.after(handshakeTime, func(now time.Time) {
			if n.core != core {
				return // switched off meanwhile
			}
			n.core.Progress(now, e.Request.Session(), n.hands.Do(e.Request))
			n.flush(now)
		})
	case node.Certified:
		n.badge.node, n.granted = n.nodeBadge(e.Granted.Node), e.Granted
	case node.StartMedia:
		n.sound.start(n, e.Call, e.Index)
		n.in.report.Begun++
		if e.Line > 0 {
			n.in.report.Measured++
		}
	case node.MoveMedia:
		n.sound.index = e.Index
	case node.RouteMedia:
		n.sound.steer(e)
	case node.StopMedia:
		n.sound.stop()
	case node.ShowFace:
		if n.user != nil {
			n.user.see(now, e.Face)
		}
	case node.Looked:
		n.in.answers = append(n.in.answers, answer{now, n, e.Result})
	case node.SaveCache:
		n.cache = n.w.pack(e.Members)
	case node.SaveContacts:
		n.book = e.Contacts
	case node.SaveAcquaintances:
		n.known = e.List
	}
}

func (n *Node) setAlarm() {
	n.alarm.at = n.core.Next()
	n.armHeap()
}

// armHeap sees to it that an event comes no later than the alarm.
func (n *Node) armHeap() {
	a := &n.alarm
	if a.at.IsZero() || !a.set.IsZero() && !a.at.Before(a.set) {
		return
	}
	a.set = a.at
	if now := n.now(); a.set.Before(now) {
		a.set = now
	}
	n.schedule(a.set, n, happening{kind: ring, node: n})
}

// ring calls the core if it is time, else it waits on.
func (n *Node) ring(now time.Time) {
	a := &n.alarm
	if !now.Equal(a.set) {
		return // an earlier one has taken its place
	}
	a.set = time.Time{}
	if !n.on {
		return
	}
	if a.at.IsZero() || a.at.After(now) {
		n.armHeap()
		return
	}
	n.core.Advance(now)
	n.flush(now)
}

// sound is a call's stream of packets; zero: silence.
type sound struct {
	call    call.ID
	running uint64 // the stream; each start makes another one
	on      bool
	index   wire.Index
	way     node.MediaWay
	others  []node.MediaWay // that stand by
	channel *session.Channel
}

func (s *sound) start(n *Node, id call.ID, ix wire.Index) {
	s.call, s.index, s.on = id, ix, true
	s.running++
	s.tick(n, s.running)
}

func (s *sound) steer(e node.RouteMedia) {
	if e.Index == s.index && s.on {
		s.way, s.others, s.channel = e.Active, e.Standby, e.Channel
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
		var frame []byte
		if s.way.Way.IsRelay() {
			frame = wire.AppendRelay(nil, s.way.Way.Channel, nil)
		}
		n.send(s.way.Via.Addr, s.channel.Seal(frame, payload))
		n.in.report.SoundOut++
	}
	n.after(n.w.cfg.MediaEvery, func(time.Time) { s.tick(n, stream) })
}
