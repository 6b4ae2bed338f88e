package session

import (
	"encoding/binary"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/netip"
	"sort"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A world is a few nodes, a carrier between them and virtual time. It is driven
// by one seed and repeats itself.
type world struct {
	t       testing.TB
	now     time.Time
	rand    *mathrand.Rand
	nodes   []*testNode
	mail    []letter
	sent    uint64
	root    identity.Key
	issuing identity.Key
	trust   identity.Trust
	delay   time.Duration // of TLS, from request to progress

	// carry decides what becomes of a frame: how many copies arrive, and
	// when. nil: one, after 10 ms.
	carry func(from, to *testNode, frame []byte) []time.Duration
	trace []string
}

// letter is a frame, or a progress, on its way.
type letter struct {
	at    time.Time
	order uint64
	open  func()
}

// handshaker is TLS or StandIn.
type handshaker interface{ Do(Request) Progress }

// testNode is a node of a world: a supernode, a phone, or both.
type testNode struct {
	w        *world
	name     string
	table    *Table
	port     handshaker
	node     identity.Key
	device   identity.Key
	account  identity.Key
	creds    map[Role]Credentials
	routes   map[wire.Index]*testNode
	lane     bool   // frames to this node come introduced
	greeting string // what it says when a session is up; "": nothing
	ups      []Up
	downs    []Down
	messages map[wire.Index][]string
	bytes    int // sent in frames
	frames   int
	cpu      time.Duration // spent in port
}

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, now: newYear, rand: mathrand.New(mathrand.NewPCG(seed, 1))}
	w.root, w.issuing = w.key(), w.key()
	w.trust = identity.Trust{Network: identity.NetworkOf(w.root.ID()), Issuing: w.issuing.ID()}
	return w
}

func (w *world) key() identity.Key {
	var seed [32]byte
	for i := range 4 {
		binary.BigEndian.PutUint64(seed[8*i:], w.rand.Uint64())
	}
	return identity.KeyFromSeed(seed)
}

// reader makes the world's randomness an io.Reader.
type reader struct{ *mathrand.Rand }

func (r reader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return len(b), nil
}

func (w *world) random() io.Reader {
	return reader{mathrand.New(mathrand.NewPCG(w.rand.Uint64(), 2))}
}

// join adds a node with certificates of every kind and real TLS.
func (w *world) join(name string, change ...func(*Config)) *testNode {
	n := &testNode{
		w: w, name: name, node: w.key(), device: w.key(), account: w.key(),
		creds: make(map[Role]Credentials), routes: make(map[wire.Index]*testNode),
		messages: make(map[wire.Index][]string),
	}
	n.certify(w.issuing, w.now)
	n.port = NewTLS(func(r Role) Credentials { return n.creds[r] },
		func() identity.Trust { return w.trust }, func() time.Time { return w.now })
	cfg := Config{Rand: w.random(), Node: n.node.ID(), Device: n.device.ID(), Network: w.trust.Network, Public: true}
	for _, f := range change {
		f(&cfg)
	}
	n.table = New(cfg)
	w.nodes = append(w.nodes, n)
	return n
}

// certify issues the certificates of n at the time at.
func (n *testNode) certify(issuing identity.Key, at time.Time) {
	t := n.w.t
	t.Helper()
	node, err := identity.IssueNode(issuing, n.node.ID(), at)
	must(t, err)
	device, err := identity.IssueDevice(n.account, n.device.ID(), at)
	must(t, err)
	number := identity.Number(fmt.Sprint(1001 + len(n.w.nodes)))
	name, err := identity.IssueName(issuing, n.account.ID(), identity.Name(n.name), number, at)
	must(t, err)
	n.creds[AsNode] = Credentials{Chain: [][]byte{node.DER}, Key: n.node}
	n.creds[AsPhone] = Credentials{Chain: [][]byte{device.DER, name.DER}, Key: n.device}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (n *testNode) id(r Role) identity.ID {
	if r == AsPhone {
		return n.device.ID()
	}
	return n.node.ID()
}

// dial makes n dial to, and route what it sends there.
func (n *testNode) dial(to *testNode, r Role) wire.Index {
	return n.dialWant(to, Want{Role: r, Peer: to.id(r), Padded: true})
}

func (n *testNode) dialWant(to *testNode, want Want) wire.Index {
	ix := n.table.Dial(n.w.now, want)
	n.routes[ix] = to
	n.drain()
	return ix
}

// drain carries out the events of n.
func (n *testNode) drain() {
	for _, e := range n.table.Take() {
		n.handle(e)
	}
}

func (n *testNode) handle(e Event) {
	w := n.w
	switch e := e.(type) {
	case Datagram:
		if n.routes[e.Index] == nil {
			w.t.Fatalf("%s sends in session %d that goes nowhere", n.name, e.Index)
		}
		w.carryFrame(n, n.routes[e.Index], e.Frame)
	case Bounce:
		w.carryFrame(n, w.at(e.To), e.Frame)
	case Request:
		began := time.Now()
		p := n.port.Do(e)
		n.cpu += time.Since(began)
		if _, dropped := e.(Drop); !dropped {
			w.later(w.delay, func() { n.table.Progress(w.now, e.Session(), p); n.drain() })
		}
	case Up:
		n.ups = append(n.ups, e)
		if n.greeting != "" {
			must(w.t, n.table.Send(w.now, e.Index, []byte(n.greeting)))
			defer n.drain()
		}
		w.trace = append(w.trace, fmt.Sprintf("%v %s up %v", w.now.Sub(newYear), n.name, e.Initiator))
	case Message:
		n.messages[e.Index] = append(n.messages[e.Index], string(e.Body))
	case Down:
		n.downs = append(n.downs, e)
		w.trace = append(w.trace, fmt.Sprintf("%v %s down %v", w.now.Sub(newYear), n.name, e.Reason))
		delete(n.routes, e.Index)
	}
}

// addr gives each node an address.
func (w *world) addr(n *testNode) netip.AddrPort {
	for i, other := range w.nodes {
		if other == n {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 4000)
		}
	}
	return netip.AddrPort{}
}

func (w *world) at(a netip.AddrPort) *testNode { return w.nodes[a.Addr().As4()[3]] }

func (w *world) later(d time.Duration, open func()) {
	w.sent++
	w.mail = append(w.mail, letter{w.now.Add(d), w.sent, open})
}

func (w *world) carryFrame(from, to *testNode, frame []byte) {
	from.bytes += len(frame)
	from.frames++
	if len(frame) > wire.MaxInner {
		w.t.Errorf("a frame of %d bytes", len(frame))
	}
	w.trace = append(w.trace, fmt.Sprintf("%v %s>%s %x %d", w.now.Sub(newYear), from.name, to.name, frame[0], len(frame)))
	delays := []time.Duration{10 * time.Millisecond}
	if w.carry != nil {
		delays = w.carry(from, to, frame)
	}
	for _, d := range delays {
		w.later(d, func() { to.receive(from, frame) })
	}
}

// receive is what node does with a datagram. A frame is copied first: tests
// keep what they have seen.
func (n *testNode) receive(from *testNode, frame []byte) {
	frame = append([]byte(nil), frame...)
	switch wire.KindOf(frame) {
	case wire.HandshakeFrame:
		if ix, ok := n.table.HandleFrom(n.w.now, frame, n.w.addr(from), n.introduced(frame)); ok && n.routes[ix] == nil && n.table.State(ix) != gone {
			n.routes[ix] = from
		}
	case wire.SessionFrame:
		h, _ := wire.ParseHeader(frame)
		c := n.table.Channel(h.To)
		if c == nil {
			n.table.Ahead(h.To, frame)
			return
		}
		if payload, err := c.Open(nil, frame); err == nil {
			n.table.Payload(n.w.now, h.To, payload)
		}
	}
	n.drain()
}

// introduced reports whether a frame to n comes by a lane: all do by which its
// device is dialled.
func (n *testNode) introduced(frame []byte) bool {
	return n.lane || macKeyOf(n.device.ID()).verify(frame)
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	for steps := 0; ; steps++ {
		if steps > 200000 {
			w.t.Fatal("the world does not come to rest")
		}
		sort.SliceStable(w.mail, func(i, j int) bool {
			if !w.mail[i].at.Equal(w.mail[j].at) {
				return w.mail[i].at.Before(w.mail[j].at)
			}
			return w.mail[i].order < w.mail[j].order
		})
		var next time.Time
		if len(w.mail) > 0 {
			next = w.mail[0].at
		}
		var who *testNode
		for _, n := range w.nodes {
			if at := n.table.Next(); !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next, who = at, n
			}
		}
		if next.IsZero() || next.After(end) {
			w.now = end
			return
		}
		if next.After(w.now) {
			w.now = next
		}
		if who != nil {
			who.table.Advance(w.now)
			who.drain()
			continue
		}
		l := w.mail[0]
		w.mail = w.mail[1:]
		l.open()
	}
}

// wantUp checks that n has one session more up than down with peer, and
// returns it.
func (n *testNode) wantUp(peer *testNode, r Role) wire.Index {
	n.w.t.Helper()
	var live []wire.Index
	for _, ix := range n.table.With(r, peer.id(r)) {
		if n.table.State(ix) == Live {
			live = append(live, ix)
		}
	}
	if len(live) != 1 {
		n.w.t.Fatalf("%s has %d sessions with %s, want 1; trace:\n%s", n.name, len(live), peer.name, n.w.tail())
	}
	p, ok := n.table.Peer(live[0])
	if !ok || p.ID != peer.id(r) || p.Role != r {
		n.w.t.Fatalf("%s takes %s for %v", n.name, peer.name, p)
	}
	return live[0]
}

// wantDown checks that the last session of n that ended did so for reason.
func (n *testNode) wantDown(check func(error) bool, what string) {
	n.w.t.Helper()
	if len(n.downs) == 0 {
		n.w.t.Fatalf("%s has no session down, want %s; trace:\n%s", n.name, what, n.w.tail())
	}
	if last := n.downs[len(n.downs)-1]; !check(last.Reason) {
		n.w.t.Fatalf("%s is down for %q, want %s", n.name, last.Reason, what)
	}
}

func (w *world) tail() string {
	s := ""
	for _, line := range w.trace[max(0, len(w.trace)-60):] {
		s += line + "\n"
	}
	return s
}

// connect brings up a session and returns its indices.
func (w *world) connect(a, b *testNode, r Role) (ia, ib wire.Index) {
	w.t.Helper()
	a.dial(b, r)
	w.run(2 * time.Second)
	return a.wantUp(b, r), b.wantUp(a, r)
}
