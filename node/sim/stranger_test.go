package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// nowhere is an address that messages name and where nobody of the network is.
var nowhere = netip.MustParseAddrPort("198.51.100.201:4000")

// stranger holds good certificates and whatever it wishes to say. It takes the
// place of a node of the world, without its core, and can write the victim's
// address on what it sends.
type stranger struct {
	*testing.T
	w     *World
	self  *Node
	table *session.Table
	up    map[wire.Index]bool
	as    netip.AddrPort // written on its datagrams
	in    int            // bytes sent since the last case, with headers
	back  map[netip.AddrPort]int
	hello [][]byte // its first flights
	lanes map[wire.Index]lane
	beats int // that came to it
}

// lane leads to a phone through one of its homes.
type lane struct {
	home    *Node
	session wire.Index // with the home
	attempt uint32
	target  identity.ID
}

// newStranger makes one of the last phone of w, which was never switched on.
func newStranger(t *testing.T, w *World) *stranger {
	self := w.nodes[len(w.nodes)-1]
	s := &stranger{T: t, w: w, self: self, up: map[wire.Index]bool{}, as: self.addr, back: map[netip.AddrPort]int{}, lanes: map[wire.Index]lane{}}
	self.hands = self.newHands()
	s.table = session.New(session.Config{Rand: w.rng, Node: self.badge.node.Peer.ID, Device: self.device.ID(), Network: w.network})
	w.forge = s.overhear
	return s
}

// overhear takes what comes to the stranger, and counts what goes where nobody
// is.
func (s *stranger) overhear(from *Node, to netip.AddrPort, frame []byte) *Node {
	if to == s.self.addr {
		s.w.after(20*time.Millisecond, func(now time.Time) { s.hear(now, from.addr, frame) })
	} else if s.w.nodeAt(to) == nil {
		s.back[to] += len(frame) + ipUDP
	}
	return from
}

func (s *stranger) hear(now time.Time, from netip.AddrPort, b []byte) {
	switch wire.KindOf(b) {
	case wire.HandshakeFrame:
		s.table.HandleFrom(now, b, from, false)
	case wire.BeatFrame:
		s.beats++
	case wire.SessionFrame:
		s.open(now, from, b)
	}
	s.settle(now, from)
}

// open takes a session frame, also one within a lane.
func (s *stranger) open(now time.Time, from netip.AddrPort, b []byte) {
	h, _ := wire.ParseHeader(b)
	ch := s.table.Channel(h.To)
	if ch == nil {
		return
	}
	payload, err := ch.Open(nil, b)
	if err != nil {
		return
	}
	if l, ok := wire.ParseLane(payload); ok {
		s.hear(now, from, l.Frame)
		return
	}
	s.table.Payload(now, h.To, payload)
}

// settle sends what the stranger's sessions want sent.
func (s *stranger) settle(now time.Time, to netip.AddrPort) {
	for _, e := range s.table.Take() {
		switch e := e.(type) {
		case session.Datagram:
			s.carry(now, e.Index, to, e.Frame)
		case session.Up:
			s.up[e.Index] = true
		case session.Down:
			delete(s.up, e.Index)
		case session.Request:
			s.w.after(handshakeTime, func(now time.Time) {
				s.table.Progress(now, e.Session(), s.self.hands.Do(e))
				s.settle(now, to)
			})
		}
	}
}

// carry sends a frame of a session: an honest one by the session's lane.
func (s *stranger) carry(now time.Time, ix wire.Index, to netip.AddrPort, b []byte) {
	l, laned := s.lanes[ix]
	if !laned || s.as != s.self.addr {
		s.send(now, to, b)
		return
	}
	if ch := s.table.Channel(l.session); ch != nil {
		open := wire.Lane{Op: wire.LaneOpen, Attempt: l.attempt, Target: l.target, Frame: b}
		s.send(now, l.home.addr, ch.Seal(nil, wire.AppendLane(nil, open)))
	}
}

// send writes s.as on a datagram.
func (s *stranger) send(now time.Time, to netip.AddrPort, b []byte) {
	if wire.KindOf(b) == wire.HandshakeFrame && s.as == s.self.addr {
		s.hello = append(s.hello, b)
	}
	s.in += len(b) + ipUDP
	as := s.as
	s.w.after(20*time.Millisecond, func(now time.Time) {
		if n := s.w.nodeAt(to); n != nil {
			n.receive(now, as, b)
		}
	})
}

// dial opens a session with a node, honestly.
func (s *stranger) dial(n *Node) wire.Index {
	s.Helper()
	s.as = s.self.addr
	if n.phone {
		return s.dialPhone(n)
	}
	ix := s.table.Dial(s.w.now, session.Want{Role: session.AsNode, Peer: n.badge.node.Peer.ID, Padded: true})
	s.settle(s.w.now, n.addr)
	s.w.Run(2 * time.Second)
	if !s.up[ix] {
		s.Fatalf("no session with node %d", n.number)
	}
	return ix
}

// dialPhone opens a session with a phone, through whichever supernode is its
// home.
func (s *stranger) dialPhone(n *Node) wire.Index {
	s.Helper()
	for _, home := range s.w.nodes[:s.w.cfg.Supernodes] {
		through := s.dial(home)
		ix := s.table.Dial(s.w.now, session.Want{Role: session.AsPhone, Peer: n.device.ID()})
		s.lanes[ix] = lane{home, through, 1 + uint32(len(s.lanes)), n.badge.node.Peer.ID}
		s.settle(s.w.now, n.addr)
		s.w.Run(2 * time.Second)
		if s.up[ix] {
			return ix
		}
	}
	s.Fatalf("no session with phone %d", n.number)
	return 0
}

// forged lets do send with the victim's address, and holds what comes back there
// against it. Addresses that a message names get nothing.
func (s *stranger) forged(what string, do func()) {
	s.Helper()
	s.as = netip.AddrPortFrom(victim, s.as.Port()+1)
	s.in = 0
	clear(s.back)
	do()
	s.w.Run(10 * time.Second)
	if s.in == 0 {
		s.Errorf("%s: nothing was sent", what)
	}
	if back := s.back[s.as]; back > s.in {
		s.Errorf("%s: %d bytes are answered by %d", what, s.in, back)
	}
	if n := s.back[nowhere]; n > 0 {
		s.Errorf("%s: %d bytes went to an address that it names", what, n)
	}
}

// samples returns messages that name nowhere wherever they can name an address.
func samples(s *stranger, target *Node) []wire.Message {
	self, far := s.self.badge.node.Peer.ID, target.badge.node.Peer.ID
	member := wire.Member{Node: identity.ID{7}, Addr: nowhere, Ports: wire.SamePort | wire.Port443}
	key := login.NodeKey(s.self.device, identity.EpochAt(s.w.now))
	ticket := path.NewTicket(s.w.now, s.w.rng, member, identity.ID{8}, key)
	attested := wire.Attested{Node: far, Addr: nowhere, Ports: 1, Time: s.w.now.Unix(), By: self}
	attested.Signature = key.Sign(wire.AttestedMessage(attested))
	announcement := wire.Announcement{Incarnation: 5, Member: member, Certificate: make([]byte, identity.CompactNodeSize), Signature: make([]byte, 64)}
	copy(announcement.Certificate, member.Node[:])
	news := wire.AppendNews(nil, announcement)
	return []wire.Message{
		wire.Attach{}, wire.Refused{After: 1}, wire.Detach{},
		wire.Attached{Observed: nowhere, Refresh: 60, Members: []wire.Member{member}},
		wire.Members{Live: []wire.Member{member}},
		wire.Join{Self: news}, wire.Gossip{News: news, Want: make([]byte, 800)}, wire.Digest{Root: 1, Live: 9}, wire.Roll{Bucket: 3},
		wire.Publish{Query: 1, Record: make([]byte, 300)}, wire.Stored{Query: 1, Code: wire.StoreOK}, wire.Find{Query: 2}, wire.Have{}, wire.Found{Query: 2, Code: wire.FindNone}, wire.Who{}, wire.Introduced{News: news},
		wire.Revoked{Sequence: 1 << 60}, wire.RevokedAsk{}, wire.RevokedPart{Sequence: 1, Of: 1, Bytes: []byte{1}},
		wire.Lend{Record: make([]byte, 300)},
		wire.Shelve{Query: 1, Entry: make([]byte, wire.MaxEntry)}, wire.Browse{Query: 1}, wire.Shelf{Code: wire.FindNone, Signature: make([]byte, 64)},
		wire.Fetch{Holders: make([]byte, 8)}, wire.Entries{Query: 1, Code: wire.FindNone, Last: true},
		wire.Seek{}, wire.Guide{Code: wire.FindNone, Self: news, Signature: make([]byte, 64)},
		wire.Invite{Codecs: []wire.Codec{wire.CodecPCM16}, Node: self, Homes: []identity.ID{{7}}},
		wire.Ringing{}, wire.Accept{Codec: wire.CodecPCM16}, wire.Reject{Code: wire.RejectBusy}, wire.Bye{}, wire.Digit{Key: '5'}, wire.Hold{On: true}, wire.Line{Rate: 1},
		wire.Candidates{Addrs: []netip.AddrPort{nowhere}, Scatter: nowhere.Addr()}, wire.Afresh{Addr: nowhere},
		wire.Relays{Tickets: []wire.Ticket{ticket}}, wire.RelayOpen{Ticket: ticket},
		wire.RelayOpened{Serial: 1, Channel: 2}, wire.RelayReady{Serial: 1, Channel: 2}, wire.RelayRefused{Serial: 1, Code: wire.RelayBusy}, wire.RelayClosed{Channel: 2, Code: wire.RelayDone},
		wire.CallBack{Others: wire.MaxCallers, Ports: wire.Port443}, wire.Calling{Others: 1},
		wire.CallOut{Node: identity.ID{7}, To: nowhere, Ports: wire.SamePort}, wire.Reached{Nonce: 1}, attested,
		wire.Acquaint{Key: [32]byte{1}}, wire.Appear{Sightings: []wire.Sighting{{Token: wire.Token{1}, Blob: make([]byte, 40)}}},
		wire.Watch{Home: member, Tokens: []wire.Token{{1}}}, wire.Look{Token: wire.Token{1}, Stay: 60}, wire.Seen{Token: wire.Token{1}, Code: wire.SeenSilent}, wire.Looked{Token: wire.Token{1}},
	}
}

// everyKind fails for a kind of message that has no sample.
func everyKind(t *testing.T, list []wire.Message) {
	t.Helper()
	have := map[wire.Kind]bool{}
	for _, m := range list {
		if have[m.Kind()] = true; len(wire.Append(nil, m)) > 1 {
			if _, err := wire.Parse(wire.Append(nil, m)); err != nil {
				t.Errorf("%T: %v", m, err)
			}
		}
	}
	for k := range 256 {
		if _, err := wire.Parse([]byte{byte(k), 0xa0}); !errors.Is(err, wire.ErrUnknown) && !have[wire.Kind(k)] {
			t.Errorf("messages of kind %#x have no sample here: what do they make others send?", k)
		}
	}
}

// TestNothingIsAmplified sends every kind of datagram, payload and message, from
// an address where nobody is, to a supernode and to a phone: what comes back
// there is never more than was sent, and what a message names gets nothing. A
// kind that is not listed here fails.
func TestNothingIsAmplified(t *testing.T) {
	w, err := New(Config{Seed: *seed, Supernodes: 5, Phones: 4, Silent: true, MediaEvery: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range w.nodes[:len(w.nodes)-1] {
		w.after(time.Second, n.switchOn)
	}
	w.Run(5 * time.Minute)
	s := newStranger(t, w)
	for _, target := range []*Node{w.nodes[0], w.nodes[5]} {
		s.hello = nil
		ix := s.dial(target)
		list := samples(s, target)
		everyKind(t, list)
		for first := range 256 {
			s.datagrams(target, byte(first), list)
		}
		for kind := range 256 {
			ix = s.still(ix, target)
			s.payloads(target, ix, byte(kind))
		}
		for _, m := range list {
			ix = s.still(ix, target)
			s.forged(fmt.Sprintf("%T", m), func() {
				if err := s.table.Send(w.now, ix, wire.Append(nil, m)); err != nil {
					t.Error(err)
				}
				s.settle(w.now, target.addr)
			})
		}
	}
}

// datagrams sends what begins with a byte.
func (s *stranger) datagrams(to *Node, first byte, list []wire.Message) {
	var frames [][]byte
	switch wire.KindOf([]byte{first}) {
	case wire.STUNFrame:
		return // its answers are larger by nature, and limited per prefix: the reader's, not the core's
	case wire.HandshakeFrame:
		for _, b := range s.hello { // as it was, and as if it were another frame
			frames = append(frames, append([]byte{first}, b[1:]...))
		}
	case wire.QuestionFrame:
		for topic := range 8 {
			for _, m := range list {
				b := wire.AppendQuestion(nil, wire.Question{Topic: wire.Topic(topic), Nonce: 9, Body: wire.Append(nil, m)}, 0)
				b[0] = first
				frames = append(frames, b)
			}
		}
	default:
		frames = [][]byte{append([]byte{first}, make([]byte, 60)...)}
	}
	for _, b := range frames {
		s.forged("a datagram", func() { s.send(s.w.now, to.addr, b) })
	}
}

// payloads sends payloads of a kind in a session.
func (s *stranger) payloads(to *Node, ix wire.Index, kind byte) {
	ch := s.table.Channel(ix)
	s.forged(fmt.Sprintf("payload %#x", kind), func() {
		for op := range 6 {
			s.send(s.w.now, to.addr, ch.Seal(nil, append([]byte{kind, byte(op)}, make([]byte, 16)...)))
			s.send(s.w.now, to.addr, ch.Seal(nil, []byte{kind, byte(op)}))
		}
		for size := range 16 { // there are payloads of one length only
			s.send(s.w.now, to.addr, ch.Seal(nil, append([]byte{kind}, make([]byte, size)...)))
		}
	})
}

// A guest that asks for beats from an address that is not its own gets none there: a
// home beats where the session's other end has shown itself to be, and not for ever.
func TestBeatsGoWhereTheGuestIs(t *testing.T) {
	w, err := New(Config{Seed: *seed, Supernodes: 3, Phones: 1, Silent: true, MediaEvery: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range w.nodes[:3] {
		w.after(time.Second, n.switchOn)
	}
	w.Run(time.Minute)
	s := newStranger(t, w)
	home := w.nodes[0]
	ix := s.dial(home)
	if err := s.table.Send(w.now, ix, wire.Append(nil, wire.Attach{})); err != nil {
		t.Fatal(err)
	}
	s.settle(w.now, home.addr)
	w.Run(time.Second)
	if guests, _ := home.core.Guests(); guests != 1 {
		t.Fatalf("%d guests", guests)
	}
	refresh := wire.AppendRefresh(nil, wire.Refresh{Nonce: 1, Every: 5 * time.Second})
	s.forged("a Refresh", func() { s.send(w.now, home.addr, s.table.Channel(ix).Seal(nil, refresh)) })
	if s.beats < 2 {
		t.Errorf("the guest itself hears %d beats", s.beats)
	}
	w.Run(5 * time.Minute)
	if s.beats > 20 {
		t.Errorf("%d beats to a guest that is silent", s.beats)
	}
}

// still returns the session ix if it stands, else a new one.
func (s *stranger) still(ix wire.Index, to *Node) wire.Index {
	if ch := s.table.Channel(ix); s.up[ix] && ch != nil {
		if h, ok := wire.ParseHeader(ch.Seal(nil, []byte{0})); ok && to.core.Channel(h.To) != nil {
			return ix
		}
	}
	return s.dial(to)
}
