package node_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node"
	"peerphone/node/contacts"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/login/storetest"
)

// lan is a whole network in this process, on loopback sockets: what the
// programs run, without their processes.
type lan struct {
	t      *testing.T
	inv    identity.Invitation
	root   identity.Key
	params identity.Params
	server *running
	supers []*machine
}

// running is something that can be switched off; off returns when it is.
type running struct{ off func() }

// machine is a node with the hands of the test on its keys.
type machine struct {
	*running
	*node.Node
	t    *testing.T
	keys chan hal.KeyEvent
	hook chan hal.HookEvent
}

// pad is the keypad and hook of a machine.
type pad struct{ m *machine }

func (p pad) Keys() <-chan hal.KeyEvent  { return p.m.keys }
func (p pad) Hook() <-chan hal.HookEvent { return p.m.hook }

func newKey(t *testing.T) identity.Key {
	t.Helper()
	k, err := identity.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newLAN starts a login server and supernodes.
func newLAN(t *testing.T, supernodes int) *lan { return newLANWith(t, supernodes) }

// newLANWith calls each of prepare with every supernode before it runs.
func newLANWith(t *testing.T, supernodes int, prepare ...func(*node.Node)) *lan {
	t.Helper()
	l := &lan{t: t, root: newKey(t)}
	issuing, key := newKey(t), newKey(t)
	l.params = identity.Params{Sequence: 1, Issuing: issuing.ID(), NotAfter: time.Now().Add(time.Hour).Unix()}
	var ports []heldPort // until the nodes take them
	for range supernodes {
		p := holdPort(t)
		ports = append(ports, p)
		l.params.Bootstrap = append(l.params.Bootstrap, netip.MustParseAddrPort(p.udp.LocalAddr().String()))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.inv = identity.Invitation{
		Network: identity.NetworkOf(l.root.ID()), Server: key.ID(),
		Addrs: []netip.AddrPort{netip.MustParseAddrPort(listener.Addr().String())},
	}
	server, err := login.NewServer(login.ServerConfig{
		Store: new(storetest.Memory), Network: l.inv.Network, Issuing: issuing, TLS: key, Params: l.signed, Open: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.server = start(t, func(ctx context.Context) error { return server.Serve(ctx, listener) })
	for i, p := range ports {
		p.release()
		l.supers = append(l.supers, l.open(fmt.Sprintf("super%d", i), fmt.Sprint(9001+i), node.Config{
			Listen: l.params.Bootstrap[i].String(), Promotion: node.Always,
		}, prepare...))
	}
	for _, s := range l.supers {
		s.wait("certified", 5*time.Second, func(s node.Snapshot) bool { return s.Login.State == "in" })
	}
	return l
}

// heldPort is a port of 127.0.0.1 that a supernode will take, by TCP as well
// where it offers streams: until then nobody else may.
type heldPort struct {
	udp net.PacketConn
	tcp net.Listener
}

// holdPort takes a port that is free by UDP and by TCP.
func holdPort(t *testing.T) heldPort {
	t.Helper()
	var last error
	for range 20 {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return heldPort{udp, tcp}
		}
		udp.Close()
		last = err
	}
	t.Fatal("no port is free by UDP and by TCP: ", last)
	return heldPort{}
}

func (p heldPort) release() {
	p.udp.Close()
	p.tcp.Close()
}

func (l *lan) signed() []byte {
	b, err := identity.SignParams(l.root, l.params)
	if err != nil {
		l.t.Error(err)
	}
	return b
}

// start runs something until the test ends or it is switched off.
func start(t *testing.T, run func(context.Context) error) *running {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // owner: the test, through off
		defer close(done)
		if err := run(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	r := &running{off: func() { stop(); <-done }}
	t.Cleanup(r.off)
	return r
}

// open starts a node that registers as name and number.
func (l *lan) open(name, number string, cfg node.Config, prepare ...func(*node.Node)) *machine {
	l.t.Helper()
	m := &machine{t: l.t, keys: make(chan hal.KeyEvent, 64), hook: make(chan hal.HookEvent, 8)}
	if cfg.Promotion == node.Never {
		cfg.Devices.Keypad, cfg.Devices.Hook = pad{m}, pad{m}
	}
	if cfg.State == (node.State{}) {
		cfg.State = newState(l.t)
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Password == "" {
		cfg.Password = "correct horse " + name
	}
	cfg.Invitation, cfg.Register = l.inv, true
	cfg.Name, cfg.Number = identity.Name(name), identity.Number(number)
	n, err := node.Open(cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	m.Node = n
	for _, f := range prepare {
		f(n)
	}
	m.running = start(l.t, n.Run)
	return m
}

func newState(t *testing.T) node.State {
	t.Helper()
	s, err := node.OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// phone starts a phone that has the given numbers as contacts, and waits until
// it can call and be called.
func (l *lan) phone(name, number string, friends ...string) *machine {
	l.t.Helper()
	m := l.open(name, number, node.Config{Contacts: knows(friends)})
	m.wait("published, with three homes", 5*time.Second, func(s node.Snapshot) bool {
		return s.Timing.Login > 0 && len(s.Network.Homes) == min(3, len(l.supers))
	})
	return m
}

// knows returns contacts with the given numbers.
func knows(numbers []string) []node.Contact {
	var list []node.Contact
	for _, n := range numbers {
		list = append(list, node.Contact{Name: "friend" + n, Number: n})
	}
	return list
}

// patience is by how much longer than on a quiet machine things may take on one
// that tests other packages too.
const patience = 6

// wait waits until the snapshot is as the test wants it, which a quiet machine
// reaches within limit.
func (m *machine) wait(what string, limit time.Duration, ok func(node.Snapshot) bool) node.Snapshot {
	m.t.Helper()
	changed, stop := m.Watch()
	defer stop()
	late := time.After(max(30*time.Second, patience*limit))
	for {
		s := m.Snapshot()
		if ok(s) {
			return s
		}
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond):
		case <-late:
			m.t.Fatalf("%s is not %s after %v: login %+v, network %+v, call %s %s", s.Self.Name, what, limit, s.Login, s.Network, s.Call.State, s.Call.Reason)
		}
	}
}

func (m *machine) wantCall(state string) node.Snapshot {
	m.t.Helper()
	return m.wait(state, 5*time.Second, func(s node.Snapshot) bool { return s.Call.State == state })
}

func (m *machine) lift()    { m.hook <- hal.HookEvent{Lifted: true} }
func (m *machine) putBack() { m.hook <- hal.HookEvent{} }
func (m *machine) dial(number string) {
	for _, k := range number + "#" {
		m.keys <- hal.KeyEvent{Key: hal.Key(k), Down: true}
		m.keys <- hal.KeyEvent{Key: hal.Key(k)}
	}
}

// call lets a call b until both talk by a direct path, and returns how long it
// took from '#' until b rang.
func (a *machine) call(b *machine) time.Duration {
	a.t.Helper()
	a.lift()
	a.wait("lifted", time.Second, func(s node.Snapshot) bool { return s.Face.Lifted })
	begun := time.Now()
	a.dial(b.Snapshot().Self.Number)
	b.wantCall("ringing here")
	took := time.Since(begun)
	b.lift()
	for _, m := range []*machine{a, b} {
		m.wantCall("talking")
		m.wait("direct", 2*time.Second, func(s node.Snapshot) bool { return s.Call.Path == "direct" })
	}
	return took
}

// end hangs up at a.
func (a *machine) end(b *machine) {
	a.t.Helper()
	a.putBack()
	b.wantCall("ended")
	b.putBack()
	b.wait("on the hook", time.Second, func(s node.Snapshot) bool { return !s.Face.Lifted })
	a.wait("on the hook", time.Second, func(s node.Snapshot) bool { return !s.Face.Lifted })
}

// Two phones log in, find each other, ring, talk and hang up, either way.
func TestCall(t *testing.T) {
	node.MustSettle(t)
	l := newLAN(t, 3)
	kitchen, workshop := l.phone("kitchen", "1001", "1002"), l.phone("workshop", "1002", "1001")
	took := kitchen.call(workshop)
	a, b := kitchen.Snapshot(), workshop.Snapshot()
	t.Logf("login %.0f ms, search %.1f ms, rings after %v", a.Timing.Login, a.Timing.Search, took)
	if a.Call.Safety == "" || a.Call.Safety != b.Call.Safety {
		t.Errorf("safety numbers %q and %q, want the same", a.Call.Safety, b.Call.Safety)
	}
	if a.Call.Peer != "workshop" || b.Call.Peer != "kitchen" || !b.Call.Incoming {
		t.Errorf("the phones believe they talk with %q and %q", a.Call.Peer, b.Call.Peer)
	}
	kitchen.end(workshop)
	workshop.call(kitchen)
	workshop.end(kitchen)
}

// Both ends log a call, how it was heard too, and keep the log.
func TestCallLog(t *testing.T) {
	l := newLAN(t, 1)
	state := newState(t)
	kitchen := l.talker("kitchen", "1001", node.Config{Contacts: []node.Contact{{Name: "w", Number: "1002"}}})
	workshop := l.talker("workshop", "1002", node.Config{State: state, Contacts: []node.Contact{{Name: "k", Number: "1001"}}})
	kitchen.call(workshop)
	workshop.wait("two seconds of sound", 30*time.Second, func(s node.Snapshot) bool {
		return len(s.Call.History) > 1 && s.Call.History[1].MouthMS > 0
	})
	kitchen.end(workshop)
	workshop.wait("the sound in the log", 30*time.Second, func(s node.Snapshot) bool {
		return len(s.Calls) == 1 && s.Calls[0].Sound.MOS >= 1 && s.Calls[0].Sound.Mouth > 0 && s.Calls[0].Sound.Mouth < time.Minute
	})
	workshop.off()
	again, err := node.LoadLog(state)
	if err != nil || len(again) != 1 || again[0].Direction != contacts.Received || again[0].Number != "1001" || again[0].Talked <= 0 || again[0].Sound.MOS < 1 {
		t.Errorf("the workshop's log holds %+v, %v, want the call received from 1001, and how it was heard", again, err)
	}
}

// Two phones that dial each other at once talk, by a direct path. One that has
// lifted but not yet dialled is busy for the other: that round does not count.
func TestBothDial(t *testing.T) {
	l := newLAN(t, 3)
	kitchen, workshop := l.phone("kitchen", "1001", "1002"), l.phone("workshop", "1002", "1001")
	both := []*machine{kitchen, workshop}
	crossed := 0
	for range 8 {
		kitchen.lift()
		workshop.lift()
		kitchen.dial("1002")
		workshop.dial("1001")
		busy := false
		for _, m := range both {
			s := m.wait("talking or busy", 5*time.Second, func(s node.Snapshot) bool {
				return s.Call.State == "talking" || s.Call.State == "ended" && s.Call.Reason == "busy"
			})
			busy = busy || s.Call.State == "ended"
		}
		for _, m := range both {
			if !busy {
				m.wait("direct", 5*time.Second, func(s node.Snapshot) bool { return s.Call.Path == "direct" })
			}
		}
		if !busy {
			crossed++
		}
		for _, m := range both {
			m.putBack()
			m.wait("on the hook, without a call", 5*time.Second, func(s node.Snapshot) bool {
				return !s.Face.Lifted && s.Call.State == "ended"
			})
		}
	}
	if crossed == 0 {
		t.Error("in no round did the two dials cross")
	}
}

// A phone hears at once that its home stops.
func TestHomeStops(t *testing.T) {
	l := newLAN(t, 3)
	kitchen := l.phone("kitchen", "1001")
	l.supers[0].off()
	kitchen.wait("without the home that stopped", time.Second, func(s node.Snapshot) bool { return len(s.Network.Homes) == 2 })
}

// A number that nobody has ends in congestion, soon and certainly.
func TestNobody(t *testing.T) {
	l := newLAN(t, 3)
	kitchen := l.phone("kitchen", "1001")
	kitchen.lift()
	kitchen.dial("4711")
	s := kitchen.wantCall("ended")
	if s.Call.Reason != "not found" || s.Face.Tone != "congestion" {
		t.Errorf("a call to nobody ends with %q and tone %q, want not found and congestion", s.Call.Reason, s.Face.Tone)
	}
}

// Calls do not need the login server.
func TestLoginServerGone(t *testing.T) {
	l := newLAN(t, 3)
	kitchen, workshop := l.phone("kitchen", "1001", "1002"), l.phone("workshop", "1002", "1001")
	kitchen.call(workshop)
	l.server.off()
	if s := kitchen.Snapshot(); s.Call.State != "talking" {
		t.Errorf("the call is %s after the login server went", s.Call.State)
	}
	kitchen.end(workshop)
	workshop.call(kitchen)
	workshop.end(kitchen)
}

// A phone that loses one of its homes without a word can be called again
// within five seconds: its others serve. The dead one is the best home, which
// callers try first.
func TestHomeGone(t *testing.T) {
	node.MustSettle(t)
	l := newLAN(t, 4)
	kitchen, workshop := l.phone("kitchen", "1001", "1002"), l.phone("workshop", "1002", "1001")
	kitchen.call(workshop)
	kitchen.end(workshop)
	home := workshop.Snapshot().Network.Homes[0]
	l.kill(home)
	took := kitchen.call(workshop)
	t.Logf("called %v after '#' with home %s dead", took, home)
	if took > 5*time.Second {
		t.Errorf("rang after %v, want <= 5 s", took)
	}
	kitchen.end(workshop)
}

// kill ends a supernode as a power cut does: nobody hears of it.
func (l *lan) kill(id string) {
	l.t.Helper()
	for _, s := range l.supers {
		if s.Snapshot().Self.Node == id {
			s.Cut()
			return
		}
	}
	l.t.Fatalf("no supernode is called %s", id)
}

// What the login server refuses is said in words for the owner.
func TestRefusedLogin(t *testing.T) {
	l := newLAN(t, 1)
	l.phone("kitchen", "1001")
	for _, c := range []struct{ name, number, want string }{
		{"kitchen", "1009", `The name "kitchen" belongs to another account. Choose another name.`},
		{"scullery", "1001", `The number 1001 belongs to another account. Choose another number.`},
	} {
		m := l.open(c.name, c.number, node.Config{})
		s := m.wait("refused", 5*time.Second, func(s node.Snapshot) bool { return s.Login.State == "refused" })
		if s.Login.Problem != c.want {
			t.Errorf("%s %s: the problem is %q, want %q", c.name, c.number, s.Login.Problem, c.want)
		}
		m.off()
	}
}

// A phone that has logged in before needs no login server to start.
func TestRestart(t *testing.T) {
	l := newLAN(t, 3)
	workshop := l.phone("workshop", "1002", "1001")
	state := newState(t)
	first := l.open("kitchen", "1001", node.Config{State: state, Contacts: []node.Contact{{Name: "workshop", Number: "1002"}}})
	first.wait("in", 5*time.Second, func(s node.Snapshot) bool { return s.Timing.Login > 0 })
	before := first.Snapshot()
	first.off()
	l.server.off()
	kitchen := l.open("kitchen", "1001", node.Config{State: state, Contacts: []node.Contact{{Name: "workshop", Number: "1002"}}})
	after := kitchen.wait("published", 5*time.Second, func(s node.Snapshot) bool { return s.Timing.Login > 0 })
	if before.Network.Listen != after.Network.Listen || before.Self != after.Self {
		t.Errorf("after the restart %+v at %s, before %+v at %s", after.Self, after.Network.Listen, before.Self, before.Network.Listen)
	}
	workshop.call(kitchen)
	workshop.end(kitchen)
}
