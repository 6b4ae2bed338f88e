package login_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

// shelf is a RevocationStore in memory.
type shelf struct{ b []byte }

func (s *shelf) Read() ([]byte, error) { return s.b, nil }
func (s *shelf) Write(b []byte) error  { s.b = b; return nil }

// revocations reads a list that the network has signed.
func (n *network) revocations(b []byte) *identity.Revocations {
	n.Helper()
	r, err := identity.ParseRevocations(b, n.issuing.ID())
	if err != nil {
		n.Fatal(err)
	}
	return &r
}

func TestAPhoneRevokesAnotherOfItsAccount(t *testing.T) {
	n := newNetwork(t)
	kept := &shelf{}
	n.halt()
	n.start(func(cfg *login.ServerConfig) { cfg.Revocations = kept })
	account, device, _ := n.account()
	lost := newKey(t)
	g := n.wantGranted(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, lost)})
	if len(g.Revoked) != 0 {
		t.Error("a list before anything is revoked")
	}
	revoke := wire.Revoke{Name: "kitchen", Wish: n.wish(account, device), Device: lost.ID()}
	g = n.wantGranted(account, revoke)
	r, epoch := n.revocations(g.Revoked), identity.EpochAt(n.clock())
	for what, id := range map[string]identity.ID{
		"device": lost.ID(), "node": login.NodeKey(lost, epoch).ID(), "next node": login.NodeKey(lost, epoch+1).ID(),
	} {
		if !r.Has(id) {
			t.Errorf("the %s is not on the list", what)
		}
	}
	if r.Has(account.ID()) || r.Has(device.ID()) || r.Has(login.NodeKey(device, epoch).ID()) || r.Sequence != 1 {
		t.Errorf("list %d revokes others as well", r.Sequence)
	}
	n.wantDenied(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, lost)}, wire.DenyRevoked)
	n.wantDenied(account, wire.Login{Name: "kitchen", Password: "correct horse", Wish: n.wish(account, lost)}, wire.DenyRevoked)
	n.wantDenied(account, wire.Revoke{Name: "kitchen", Wish: n.wish(account, lost), Device: device.ID()}, wire.DenyRevoked)
	n.wantDenied(account, wire.Revoke{Name: "kitchen", Wish: n.wish(account, device), Device: device.ID()}, wire.DenyMalformed)
	other := newKey(t)
	n.wantDenied(other, wire.Revoke{Name: "kitchen", Wish: n.wish(other, device), Device: lost.ID()}, wire.DenyKey)

	n.halt()
	n.start(func(cfg *login.ServerConfig) { cfg.Revocations = kept }) // from another store of accounts
	n.account2("attic", "1002")
	if r := n.revocations(kept.b); r.Sequence != 1 || !r.Has(lost.ID()) {
		t.Error("the list has not outlived the server")
	}
}

// account2 registers another account, which is handed the list.
func (n *network) account2(name identity.Name, number identity.Number) {
	n.Helper()
	account := newKey(n)
	g := n.wantGranted(account, wire.Register{Name: name, Number: number, Password: "correct horse", Wish: n.wish(account, newKey(n))})
	if len(g.Revoked) == 0 {
		n.Error("the list is not handed out")
	}
}

func TestAnAccountIsClosed(t *testing.T) {
	n := newNetwork(t)
	var server *login.Server
	n.halt()
	n.start(func(cfg *login.ServerConfig) {
		var err error
		if server, err = login.NewServer(*cfg); err != nil { // beside the one that serves, on the same store
			t.Fatal(err)
		}
	})
	account, device, request := n.account()
	if err := server.RevokeAccount(context.Background(), "kitchen"); err != nil {
		t.Fatal(err)
	}
	n.wantDenied(account, request, wire.DenyRevoked)
	n.wantDenied(account, wire.Renew{Name: "kitchen", Wish: n.wish(account, device)}, wire.DenyRevoked)
	if err := server.RevokeAccount(context.Background(), "attic"); err == nil {
		t.Error("nobody's account is closed")
	}
}

// A phone asks by its core, and hands on the list that comes with the answer.
func TestThePhoneAsksForARevocation(t *testing.T) {
	n := newNetwork(t)
	p := n.phone("kitchen", "1001")
	p.restart()
	lost := newKey(t)
	if !p.client.Revoke(p.now, lost.ID()) {
		t.Fatal("it does not ask")
	}
	p.work()
	p.wantState(login.In)
	if g := p.client.Granted(); len(g.Revoked) == 0 || !n.revocations(g.Revoked).Has(lost.ID()) {
		t.Error("no list with the phone on it")
	}
	if m, err := wire.ParseLogin(wire.Append(nil, p.saved.Granted)); err != nil || len(m.(wire.Granted).Revoked) > 0 {
		t.Errorf("the list is kept with the certificates: %v", err)
	}
}

// What the key before it has revoked the new issuing key signs anew, with a higher
// sequence; a list of anybody else does not hold.
func TestASuccessorTakesTheListOver(t *testing.T) {
	n := newNetwork(t)
	kept := &shelf{}
	n.halt()
	lost, before := newKey(t).ID(), n.issuing
	kept.b = identity.Revocations{Sequence: 4}.With(n.clock(), identity.Revoke(lost, n.clock().Add(48*time.Hour))).Sign(before)
	p := identity.Params{Sequence: 1, Issuing: before.ID()}
	n.issuing = newKey(t)
	n.sign(p.Succeed(n.issuing.ID()))
	n.start(func(cfg *login.ServerConfig) { cfg.Revocations = kept })
	if r := n.revocations(kept.b); r.Sequence != 6 || !r.Has(lost) {
		t.Errorf("list %d of %d keys", r.Sequence, r.Len())
	}
	n.account2("attic", "1002")
	n.halt()

	kept.b = identity.Revocations{}.With(n.clock()).Sign(newKey(t))
	cfg := login.ServerConfig{Network: identity.NetworkOf(n.root.ID()), Issuing: n.issuing, TLS: newKey(t), Revocations: kept, Params: func() []byte { return n.params }}
	if _, err := login.NewServer(cfg); !errors.Is(err, identity.ErrRevocations) {
		t.Errorf("a list of a stranger: %v", err)
	}
}
