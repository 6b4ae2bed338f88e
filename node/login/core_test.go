package login_test

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

const day = 24 * time.Hour

// A core test drives one client by hand; nothing in it is real but the
// signatures.
type coreTest struct {
	testing.TB
	root, issuing identity.Key
	cfg           login.ClientConfig
	client        *login.Client
	now           time.Time
	sequence      uint64

	asked   []wire.Message // requests that nobody has answered yet
	saved   *login.Saved
	changes int
}

func seedKey(n byte) identity.Key { return identity.KeyFromSeed([32]byte{n, 0x5a}) }

func newCoreTest(t testing.TB) *coreTest {
	c := &coreTest{TB: t, root: seedKey(1), issuing: seedKey(2), sequence: 5}
	c.now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c.cfg = login.ClientConfig{
		Rand:       rand.NewChaCha8([32]byte{1}),
		Invitation: identity.Invitation{Network: identity.NetworkOf(c.root.ID()), Server: seedKey(3).ID()},
		Name:       "kitchen", Number: "1001", Password: "correct horse", Register: true,
		Account: seedKey(4), Device: seedKey(5),
	}
	return c
}

// start begins anew, with what was saved.
func (c *coreTest) start() {
	c.cfg.Saved, c.asked = c.saved, nil
	c.client = login.NewClient(c.cfg)
	c.client.Start(c.now)
	c.take()
}

func (c *coreTest) take() {
	for _, e := range c.client.Take() {
		switch e := e.(type) {
		case login.Ask:
			c.asked = append(c.asked, e.Request)
		case login.Save:
			again, err := login.ParseSaved(e.Saved.Append(nil))
			if err != nil {
				c.Fatalf("what was saved does not parse: %v", err)
			}
			c.saved = &again
		case login.Changed:
			c.changes++
		}
	}
}

// advance lets d pass, calling Advance whenever the client wants it.
func (c *coreTest) advance(d time.Duration) {
	c.Helper()
	end := c.now.Add(d)
	for range 10_000 {
		next := c.client.Next()
		if next.IsZero() || next.After(end) {
			c.now = end
			return
		}
		if next.After(c.now) {
			c.now = next
		}
		c.client.Advance(c.now)
		c.take()
		if len(c.asked) > 0 {
			return
		}
	}
	c.Fatal("the client wants to advance for ever")
}

// wantAsked takes the one request that is out and returns it.
func wantAsked[M wire.Message](c *coreTest) M {
	c.Helper()
	var m M
	if len(c.asked) != 1 {
		c.Fatalf("%d requests are out (%T), want one %T", len(c.asked), c.asked, m)
	}
	m, ok := c.asked[0].(M)
	if !ok {
		c.Fatalf("the client asked %T, want %T", c.asked[0], m)
	}
	c.asked = nil
	return m
}

func (c *coreTest) wantSilence() {
	c.Helper()
	if len(c.asked) > 0 {
		c.Fatalf("the client asked %T, want nothing", c.asked[0])
	}
}

func (c *coreTest) wantState(want login.State) {
	c.Helper()
	if got := c.client.State(); got != want {
		c.Fatalf("state %v (%v), want %v", got, c.client.Err(), want)
	}
}

func (c *coreTest) reply(m wire.Message) {
	c.client.Reply(c.now, m)
	c.take()
}

func (c *coreTest) fail(err error) {
	c.client.Failed(c.now, err)
	c.take()
}

// grant answers w as the login server does.
func (c *coreTest) grant(w wire.Wish) wire.Granted { return c.grantAt(w, c.now) }

func (c *coreTest) grantAt(w wire.Wish, now time.Time) wire.Granted {
	c.Helper()
	name, err1 := identity.IssueName(c.issuing, w.Account, c.cfg.Name, "1001", now)
	node, err2 := identity.IssueNode(c.issuing, w.Node, now)
	next, err4 := identity.IssueNodeFor(c.issuing, w.Next, identity.EpochAt(now)+1, now)
	params, err3 := identity.SignParams(c.root, identity.Params{
		Sequence: c.sequence, Issuing: c.issuing.ID(), NotAfter: now.Add(identity.ParamsValidity).Unix(),
		Bootstrap: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(c.sequence))},
	})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		c.Fatal(err)
	}
	g := wire.Granted{Name: name.DER, Node: node.DER, Next: next.DER, Params: params, Time: now.Unix()}
	network := c.cfg.Invitation.Network
	for i, index := range []identity.IndexKey{network.LookupNumber("1001").Index, network.LookupName("kitchen").Index} {
		g.Placements[i] = c.place(wire.Placement{Index: index, RecordKey: w.Records[i], NotAfter: name.NotAfter.Unix()})
	}
	return g
}

func (c *coreTest) place(p wire.Placement) wire.Placement {
	p.Signature = c.issuing.Sign(wire.PlacementMessage(p))
	return p
}

// registered returns a test whose phone is In and has asked nothing since.
func registered(t testing.TB) *coreTest {
	c := newCoreTest(t)
	c.start()
	c.reply(c.grant(wantAsked[wire.Register](c).Wish))
	c.wantState(login.In)
	return c
}

func wishOf(m wire.Message) wire.Wish {
	switch m := m.(type) {
	case wire.Register:
		return m.Wish
	case wire.Login:
		return m.Wish
	case wire.Renew:
		return m.Wish
	}
	return wire.Wish{}
}
