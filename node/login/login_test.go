package login_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/login/bbolt"
	"peerphone/node/wire"
)

// network is a network with a real login server on loopback.
type network struct {
	testing.TB
	root, issuing, tls identity.Key
	invitation         identity.Invitation
	stop               func() error // ends the server; nil when it has ended
	addr               string

	mu     sync.Mutex
	params []byte    // guarded by mu
	now    time.Time // guarded by mu; zero: the real time
}

func newKey(t testing.TB) identity.Key {
	t.Helper()
	k, err := identity.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newNetwork(t testing.TB, adjust ...func(*login.ServerConfig)) *network {
	n := &network{TB: t, root: newKey(t), issuing: newKey(t), tls: newKey(t), addr: "127.0.0.1:0"}
	n.sign(identity.Params{Sequence: 1, Issuing: n.issuing.ID()})
	n.start(adjust...)
	t.Cleanup(func() { n.halt() })
	return n
}

func (n *network) id() identity.Network { return identity.NetworkOf(n.root.ID()) }

// sign makes p the network's parameters for the next 90 days.
func (n *network) sign(p identity.Params) {
	n.Helper()
	p.NotAfter = n.clock().Add(identity.ParamsValidity).Unix()
	b, err := identity.SignParams(n.root, p)
	if err != nil {
		n.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.params = b
}

func (n *network) clock() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.now.IsZero() {
		return time.Now()
	}
	return n.now
}

// setClock sets the server's clock.
func (n *network) setClock(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = now
}

func (n *network) signedParams() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.params
}

// start runs the server on its old address, if it had one.
func (n *network) start(adjust ...func(*login.ServerConfig)) {
	n.Helper()
	store, err := bbolt.Open(filepath.Join(n.TempDir(), "accounts.db"))
	if err != nil {
		n.Fatal(err)
	}
	cfg := login.ServerConfig{
		Store: store, Network: n.id(), Issuing: n.issuing, TLS: n.tls,
		Params: n.signedParams, Open: true, Clock: n.clock,
	}
	for _, f := range adjust {
		f(&cfg)
	}
	server, err := login.NewServer(cfg)
	if err != nil {
		n.Fatal(err)
	}
	ln, err := net.Listen("tcp", n.addr)
	if err != nil {
		n.Fatal(err)
	}
	n.addr = ln.Addr().String()
	n.invitation = identity.Invitation{Network: n.id(), Server: n.tls.ID(), Addrs: []netip.AddrPort{netip.MustParseAddrPort(n.addr)}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln) }() // halt waits for it
	n.stop = func() error {
		cancel()
		return errors.Join(<-ended, store.Close())
	}
}

// halt ends the server and waits until it has.
func (n *network) halt() {
	n.Helper()
	if n.stop == nil {
		return
	}
	if err := n.stop(); err != nil {
		n.Errorf("server ended: %v", err)
	}
	n.stop = nil
}

// phone is a phone of a network: the client core, driven over real TLS.
type phone struct {
	testing.TB
	cfg    login.ClientConfig
	client *login.Client
	now    time.Time
	saved  *login.Saved
	asked  []wire.Message
}

// phone returns a phone that has not started and wants to register.
func (n *network) phone(name identity.Name, number identity.Number) *phone {
	p := &phone{TB: n.TB, now: n.clock(), cfg: login.ClientConfig{
		Rand: rand.Reader, Invitation: n.invitation, Name: name, Number: number, Display: string(name),
		Password: "correct horse", Register: true, Account: newKey(n), Device: newKey(n),
	}}
	return p
}

// restart begins anew with what was saved.
func (p *phone) restart() {
	p.cfg.Saved = p.saved
	p.asked = nil
	p.client = login.NewClient(p.cfg)
	p.client.Start(p.now)
	p.work()
}

// advance lets time pass on the phone.
func (p *phone) advance(d time.Duration) {
	p.now = p.now.Add(d)
	p.client.Advance(p.now)
	p.work()
}

// work does what the core asks, as node does.
func (p *phone) work() {
	p.Helper()
	for events := p.client.Take(); len(events) > 0; events = p.client.Take() {
		for _, e := range events {
			switch e := e.(type) {
			case login.Ask:
				p.asked = append(p.asked, e.Request)
				reply, err := login.Exchange(context.Background(), p.cfg.Invitation, p.cfg.Account, e.Request)
				if err != nil {
					p.client.Failed(p.now, err)
					continue
				}
				p.client.Reply(p.now, reply)
			case login.Save:
				p.saved = &e.Saved
			}
		}
	}
}

func (p *phone) wantState(want login.State) {
	p.Helper()
	if got := p.client.State(); got != want {
		p.Fatalf("phone %s is %v (%v), want %v", p.cfg.Name, got, p.client.Err(), want)
	}
}

func (p *phone) wantRefused(want error) {
	p.Helper()
	p.wantState(login.Refused)
	if !errors.Is(p.client.Err(), want) {
		p.Errorf("phone %s was refused with %v, want %v", p.cfg.Name, p.client.Err(), want)
	}
	if text := p.client.Problem(); len(text) < 20 {
		p.Errorf("problem of phone %s is %q, want a sentence", p.cfg.Name, text)
	}
}

func TestRegisterThenRestartWithoutServer(t *testing.T) {
	n := newNetwork(t)
	p := n.phone("kitchen", "1001")
	p.restart()
	p.wantState(login.In)
	g := p.client.Granted()
	if g.Name.Name != "kitchen" || g.Name.Number != "1001" || g.Trust.Issuing != n.issuing.ID() {
		t.Errorf("granted %+v", g)
	}
	n.halt()
	p.restart()
	p.wantState(login.In)
	if len(p.asked) > 0 {
		t.Errorf("with valid certificates the phone asked %v", p.asked)
	}
}

func TestReach(t *testing.T) {
	n := newNetwork(t)
	if err := login.Reach(context.Background(), n.invitation); err != nil {
		t.Errorf("the server is there: %v", err)
	}
	imposter := n.invitation
	imposter.Server = newKey(t).ID()
	if err := login.Reach(context.Background(), imposter); !errors.Is(err, login.ErrNotServer) {
		t.Errorf("another server is there: got %v, want %v", err, login.ErrNotServer)
	}
	n.halt()
	if err := login.Reach(context.Background(), n.invitation); !errors.Is(err, login.ErrUnreachable) {
		t.Errorf("the server is away: got %v, want %v", err, login.ErrUnreachable)
	}
}
