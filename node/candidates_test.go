package node

import (
	"crypto/rand"
	"net/netip"
	"testing"
	"time"

	"peerphone/node/contacts"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

// newCoreTest returns a core that knows nobody.
func newCoreTest(t *testing.T) *Core {
	book, err := contacts.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := contacts.NewLog(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return NewCore(CoreConfig{
		Rand: rand.Reader, Account: key, Device: key, Phone: true, Contacts: book, Log: log, Verify: identity.ID.Verify,
		Candidates: func() []netip.AddrPort { return nil }, Login: login.ClientConfig{Name: "kitchen", Number: "1001"},
	})
}

// A search begins with what its own far end has told: nothing goes to the
// addresses of the call before.
func TestACallForgetsTheAddressesOfTheLast(t *testing.T) {
	c := newCoreTest(t)
	c.attempts.heard = wire.Candidates{Addrs: []netip.AddrPort{netip.MustParseAddrPort("203.0.113.9:4000")}}
	c.attempts.phones[7] = farPhone{asked: true}
	c.tellCandidates(time.Unix(1_700_000_000, 0), 7)
	if got := c.attempts.heard; len(got.Addrs) != 0 || got.Scatter.IsValid() {
		t.Errorf("still looks for %v", got)
	}
}
