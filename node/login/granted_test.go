package login_test

import (
	"errors"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

func TestSavedCertificatesThatDoNotServe(t *testing.T) {
	whole := registered(t).saved
	for what, change := range map[string]func(*coreTest, *login.Saved){
		"nothing in them":       func(c *coreTest, s *login.Saved) { *s = login.Saved{} },
		"of another device":     func(c *coreTest, s *login.Saved) { c.cfg.Device = seedKey(99) },
		"of another account":    func(c *coreTest, s *login.Saved) { c.cfg.Account = seedKey(99) },
		"of another network":    func(c *coreTest, s *login.Saved) { c.cfg.Invitation.Network[0]++ },
		"of another name":       func(c *coreTest, s *login.Saved) { c.cfg.Name = "workshop" },
		"a name that is a node": func(c *coreTest, s *login.Saved) { s.Granted.Name = s.Granted.Node },
		"expired":               func(c *coreTest, s *login.Saved) { c.now = c.now.Add(29 * day) },
	} {
		c, saved := newCoreTest(t), *whole
		change(c, &saved)
		c.saved = &saved
		c.start()
		if c.client.State() != login.Asking || len(c.asked) != 1 || !c.client.Granted().IsZero() {
			t.Errorf("%s: state %v, asked %T", what, c.client.State(), c.asked)
		}
	}
}

func TestGrantsThatAreRefused(t *testing.T) {
	other := seedKey(77)
	for what, change := range map[string]func(c *coreTest, g *wire.Granted){
		"another root's parameters": func(c *coreTest, g *wire.Granted) {
			g.Params, _ = identity.SignParams(other, identity.Params{Issuing: c.issuing.ID(), NotAfter: 1 << 40})
		},
		"another issuer's name": func(c *coreTest, g *wire.Granted) {
			n, _ := identity.IssueName(other, c.cfg.Account.ID(), "kitchen", "1001", c.now)
			g.Name = n.DER
		},
		"a name for another account": func(c *coreTest, g *wire.Granted) {
			n, _ := identity.IssueName(c.issuing, other.ID(), "kitchen", "1001", c.now)
			g.Name = n.DER
		},
		"another name": func(c *coreTest, g *wire.Granted) {
			n, _ := identity.IssueName(c.issuing, c.cfg.Account.ID(), "workshop", "1001", c.now)
			g.Name = n.DER
		},
		"an expired name": func(c *coreTest, g *wire.Granted) {
			n, _ := identity.IssueName(c.issuing, c.cfg.Account.ID(), "kitchen", "1001", c.now.Add(-30*day))
			g.Name = n.DER
		},
		"a node certificate for the name": func(c *coreTest, g *wire.Granted) { g.Name = g.Node },
		"a name certificate for the node": func(c *coreTest, g *wire.Granted) { g.Node = g.Name },
		"a node certificate of another node": func(c *coreTest, g *wire.Granted) {
			n, _ := identity.IssueNode(c.issuing, other.ID(), c.now)
			g.Node = n.DER
		},
		"the next node certificate of another node": func(c *coreTest, g *wire.Granted) {
			n, _ := identity.IssueNodeFor(c.issuing, other.ID(), identity.EpochAt(c.now)+1, c.now)
			g.Next = n.DER
		},
		"only the next node certificate": func(c *coreTest, g *wire.Granted) { g.Node = g.Next },
		"swapped placements": func(c *coreTest, g *wire.Granted) {
			g.Placements[0], g.Placements[1] = g.Placements[1], g.Placements[0]
		},
		"a placement for another key": func(c *coreTest, g *wire.Granted) {
			g.Placements[1].RecordKey = other.ID()
			g.Placements[1] = c.place(g.Placements[1])
		},
		"a placement that nobody signed": func(c *coreTest, g *wire.Granted) { g.Placements[0].Signature = make([]byte, 64) },
		"an expired placement": func(c *coreTest, g *wire.Granted) {
			g.Placements[0].NotAfter = c.now.Unix() - 1
			g.Placements[0] = c.place(g.Placements[0])
		},
		"expired parameters": func(c *coreTest, g *wire.Granted) {
			g.Params, _ = identity.SignParams(c.root, identity.Params{Issuing: c.issuing.ID(), NotAfter: c.now.Unix() - 1})
		},
	} {
		c := newCoreTest(t)
		c.start()
		g := c.grant(wantAsked[wire.Register](c).Wish)
		change(c, &g)
		c.reply(g)
		if c.client.State() != login.Waiting || !errors.Is(c.client.Err(), login.ErrGrant) || c.saved != nil || c.client.Problem() == "" {
			t.Errorf("%s: state %v, error %v", what, c.client.State(), c.client.Err())
		}
	}
}

// A board without a clock believes the server's until it has its own.
func TestBoardWithoutClock(t *testing.T) {
	c := newCoreTest(t)
	real := c.now
	c.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // the build date
	c.start()
	c.reply(c.grantAt(wantAsked[wire.Register](c).Wish, real))
	c.wantState(login.In)
	if got := c.client.Granted().Time; !got.Equal(real) {
		t.Errorf("the server's time is %v, want %v", got, real)
	}
	c.now = real.Add(time.Minute) // it has set its clock
	c.start()
	c.wantState(login.In)
}

// A server that was restored from a backup has older parameters; the root's
// later word counts.
func TestOlderParamsAreNotTaken(t *testing.T) {
	c := registered(t)
	c.advance(100 * day)
	w := wantAsked[wire.Renew](c)
	c.sequence = 4
	c.reply(c.grant(w.Wish))
	c.wantState(login.In)
	if got := c.client.Granted().Params.Sequence; got != 5 {
		t.Errorf("parameters %d, want 5", got)
	}
	c.sequence = 9
	c.advance(100 * day)
	c.reply(c.grant(wantAsked[wire.Renew](c).Wish))
	if got := c.client.Granted().Params.Sequence; got != 9 {
		t.Errorf("parameters %d, want 9", got)
	}
	c.start()
	if got := c.client.Granted().Params.Bootstrap[0].Port(); got != 9 {
		t.Errorf("after a restart: bootstrap port %d, want 9", got)
	}
}

func FuzzSaved(f *testing.F) {
	f.Add(registered(f).saved.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := login.ParseSaved(b)
		if err != nil {
			return
		}
		if written := s.Append(nil); string(written) != string(b) {
			t.Errorf("%x\nparsed  %+v\nwritten %x", b, s, written)
		}
	})
}
