package login_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
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

func TestFirstStartRegisters(t *testing.T) {
	c := newCoreTest(t)
	c.start()
	c.wantState(login.Asking)
	c.reply(c.grant(wantAsked[wire.Register](c).Wish))
	c.wantState(login.In)
	g := c.client.Granted()
	if phone, err := g.Trust.CheckPhone(g.PhoneChain(), c.now); err != nil || phone.Device != c.cfg.Device.ID() || phone.Number != "1001" {
		t.Errorf("phone chain: %+v, %v", phone, err)
	}
	if node, err := g.Trust.CheckNode(g.NodeChain(), c.now); err != nil || node.Subject != g.NodeKey.ID() {
		t.Errorf("node chain: %+v, %v", node, err)
	}
	if keys := login.RecordKeys(c.cfg.Account); g.Placements[0].RecordKey != keys[0].ID() || g.Placements[1].RecordKey != keys[1].ID() {
		t.Error("the placements are for other record keys")
	}
	if c.saved == nil {
		t.Error("nothing was saved")
	}
}

func TestAskFitsTheSituation(t *testing.T) {
	c := newCoreTest(t)
	c.cfg.Register = false
	c.start()
	wantAsked[wire.Login](c)
	c.cfg.Password = ""
	c.start()
	wantAsked[wire.Renew](c)
}

func TestSavedCertificatesNeedNoServer(t *testing.T) {
	c := registered(t)
	c.now = c.now.Add(6 * day)
	c.start()
	c.wantState(login.In)
	c.wantSilence()
	if next := c.client.Next(); next.Before(c.now.Add(20 * time.Hour)) {
		t.Errorf("the next thing is due at %v, want the renewal from day 7", next)
	}
}

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

func TestRenewsFromDaySeven(t *testing.T) {
	c := registered(t)
	start := c.now
	c.advance(100 * day)
	w := wantAsked[wire.Renew](c)
	if age := c.now.Sub(start); age < 6*day || age > 8*day {
		t.Errorf("it renews after %v, want about seven days", age)
	}
	c.wantState(login.In)
	before := c.client.Granted().Name.NotAfter
	c.reply(c.grant(w.Wish))
	if after := c.client.Granted().Name.NotAfter; !after.After(before) {
		t.Errorf("the new certificate ends at %v, the old one at %v", after, before)
	}
}

// The epoch turns while the server is away: the phone has the next node
// certificate already.
func TestEpochTurnsWithoutServer(t *testing.T) {
	c := newCoreTest(t)
	epoch := identity.EpochAt(c.now)
	begin := identity.EpochStart(epoch + 1)
	c.now = begin.Add(-time.Hour)
	c.start()
	c.reply(c.grant(wantAsked[wire.Register](c).Wish))
	before := c.client.Granted()
	c.advance(6 * day)
	c.wantSilence()
	g := c.client.Granted()
	if g.Node.Epoch != epoch+1 || g.NodeKey.ID() != login.NodeKey(c.cfg.Device, epoch+1).ID() || g.NodeKey.ID() == before.NodeKey.ID() {
		t.Errorf("node certificate of epoch %d, want %d with its own key", g.Node.Epoch, epoch+1)
	}
	if node, err := g.Trust.CheckNode(g.NodeChain(), c.now); err != nil || node.Subject != g.NodeKey.ID() {
		t.Errorf("node chain: %+v, %v", node, err)
	}
	c.now = begin.Add(10 * day) // off until the first one has expired
	c.start()
	c.wantState(login.In)
	if got := c.client.Granted().Node.Epoch; got != epoch+1 {
		t.Errorf("after a restart: epoch %d, want %d", got, epoch+1)
	}
}

// Phones change to a new epoch at different times, all before the old
// certificate ends.
func TestEpochTurnsAreSpread(t *testing.T) {
	var first, last time.Time
	for seed := range byte(20) {
		c := newCoreTest(t)
		c.cfg.Rand = rand.NewChaCha8([32]byte{seed})
		begin := identity.EpochStart(identity.EpochAt(c.now) + 1)
		c.now = begin.Add(-time.Hour)
		c.start()
		c.reply(c.grant(wantAsked[wire.Register](c).Wish))
		at := c.client.Next()
		if at.Before(begin) || at.After(begin.Add(identity.NodeOverlap)) {
			t.Fatalf("it turns at %v, want within the overlap after %v", at, begin)
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	if spread := last.Sub(first); spread < 2*day {
		t.Errorf("20 phones turn within %v, want them spread", spread)
	}
}

// Phone and server may disagree on the epoch for a moment.
func TestGrantAtTheEdgeOfAnEpoch(t *testing.T) {
	c := newCoreTest(t)
	begin := time.Unix(int64(identity.EpochAt(c.now)+1)*int64(identity.Epoch/time.Second), 0)
	c.now = begin.Add(-time.Second)
	c.start()
	c.reply(c.grantAt(wantAsked[wire.Register](c).Wish, begin.Add(time.Second)))
	c.wantState(login.In)
	c.start()
	c.wantState(login.In)
}

// The server is away for three weeks, as it may be, and then for longer.
func TestServerAway(t *testing.T) {
	c := registered(t)
	start, asks := c.now, 0
	var last time.Time
	for c.client.State() == login.In {
		c.advance(100 * day)
		if len(c.asked) == 0 {
			continue
		}
		if asks++; !last.IsZero() && c.now.Sub(last) > 6*time.Hour+time.Second {
			t.Fatalf("it rested for %v while it was In", c.now.Sub(last))
		}
		last = c.now
		c.asked = nil
		c.fail(login.ErrUnreachable)
		if c.client.State() == login.In && c.client.Problem() == "" {
			t.Fatal("a renewal failed, and there is no problem")
		}
	}
	if served := c.now.Sub(start); served < 20*day || served > 28*day {
		t.Errorf("its certificates served for %v, want at least 20 days", served)
	}
	if asks < 20 || asks > 2000 {
		t.Errorf("it asked %d times, want it now and then", asks)
	}
	c.start()
	w := wantAsked[wire.Renew](c) // the expired grant still says that it has an account
	c.reply(c.grant(w.Wish))
	c.wantState(login.In)
}

// Phones that a dead server leaves behind do not come back together, and wait
// longer and longer.
func TestBackOff(t *testing.T) {
	rests := make(map[time.Duration]int)
	var longest time.Duration
	for seed := range byte(20) {
		c := newCoreTest(t)
		c.cfg.Rand = rand.NewChaCha8([32]byte{seed})
		c.start()
		for range 12 {
			c.asked = nil
			c.fail(login.ErrUnreachable)
			c.wantState(login.Waiting)
			rest := c.client.Next().Sub(c.now)
			if rest < 250*time.Millisecond || rest > time.Minute+250*time.Millisecond {
				t.Fatalf("rest of %v", rest)
			}
			rests[rest.Round(time.Millisecond)]++
			longest = max(longest, rest)
			c.advance(rest)
			c.wantState(login.Asking)
		}
	}
	if len(rests) < 200 {
		t.Errorf("only %d different rests among 240, want jitter", len(rests))
	}
	if longest < 30*time.Second {
		t.Errorf("the longest rest was %v, want the back-off to grow", longest)
	}
}

func TestDenials(t *testing.T) {
	sentences := make(map[string]wire.DenyCode)
	for code := wire.DenyPassword; code <= wire.DenyInternal; code++ {
		c := newCoreTest(t)
		c.start()
		c.reply(wire.Denied{Code: code, Text: "the rule", After: 30})
		want := login.Refused
		if code == wire.DenyBusy || code == wire.DenyInternal {
			want = login.Waiting
		}
		c.wantState(want)
		sentence := c.client.Problem()
		if other, ok := sentences[sentence]; ok || len(sentence) < 30 || !strings.HasSuffix(sentence, ".") {
			t.Errorf("code %d: problem %q (also of code %d)", code, sentence, other)
		}
		sentences[sentence] = code
		c.advance(0)
		c.asked = nil
		c.advance(2 * time.Hour)
		if want == login.Refused && len(c.asked) > 0 {
			t.Errorf("code %d: it asks again, though the owner must act", code)
		}
		if want == login.Waiting && len(c.asked) == 0 {
			t.Errorf("code %d: it does not ask again", code)
		}
	}
}

func TestRefusedStartsAgain(t *testing.T) {
	c := newCoreTest(t)
	c.start()
	c.reply(wire.Denied{Code: wire.DenyClosed})
	c.wantState(login.Refused)
	c.asked = nil
	c.client.Start(c.now)
	c.take()
	c.reply(c.grant(wantAsked[wire.Register](c).Wish))
	c.wantState(login.In)
	if c.client.Problem() != "" {
		t.Errorf("problem %q, want none", c.client.Problem())
	}
}

func TestBusyServerSaysWhen(t *testing.T) {
	c := newCoreTest(t)
	c.start()
	c.asked = nil
	c.reply(wire.Denied{Code: wire.DenyBusy, After: 600})
	c.advance(600*time.Second - time.Millisecond)
	c.wantSilence()
	c.advance(2 * time.Second)
	wantAsked[wire.Register](c)
}

// A phone that is In stays In, whatever the server says to its renewal.
func TestDeniedRenewalLeavesIn(t *testing.T) {
	c := registered(t)
	c.advance(100 * day)
	wantAsked[wire.Renew](c)
	c.reply(wire.Denied{Code: wire.DenyKey})
	c.wantState(login.In)
	if !errors.Is(c.client.Err(), login.ErrKey) || c.client.Problem() == "" {
		t.Errorf("got %v, want %v", c.client.Err(), login.ErrKey)
	}
	c.advance(day)
	wantAsked[wire.Renew](c)
}

// A server that lost its accounts gets the password once more.
func TestForgottenAccountRegistersAgain(t *testing.T) {
	c := registered(t)
	c.advance(100 * day)
	wantAsked[wire.Renew](c)
	c.reply(wire.Denied{Code: wire.DenyUnknown})
	c.reply(c.grant(wantAsked[wire.Register](c).Wish))
	c.wantState(login.In)
}

func TestLostAskIsAskedAgain(t *testing.T) {
	c := newCoreTest(t)
	c.start()
	wantAsked[wire.Register](c)
	c.advance(10 * time.Minute)
	wantAsked[wire.Register](c)
}

func TestUnaskedRepliesAreIgnored(t *testing.T) {
	c := registered(t)
	g := c.client.Granted()
	c.reply(wire.Denied{Code: wire.DenyPassword})
	c.fail(login.ErrUnreachable)
	c.wantState(login.In)
	if c.client.Err() != nil || c.client.Granted().Time != g.Time {
		t.Error("an answer that nobody asked for had an effect")
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

// The same seed gives the same requests at the same times.
func TestClientIsDeterministic(t *testing.T) {
	run := func() string {
		c := newCoreTest(t)
		c.start()
		var trace strings.Builder
		for range 200 {
			fmt.Fprintf(&trace, "%v %v %T\n", c.now.UnixNano(), c.client.State(), c.asked)
			if len(c.asked) > 0 && len(trace.String())%3 == 0 {
				w := wishOf(c.asked[0])
				c.asked = nil
				c.reply(c.grant(w))
				continue
			}
			c.asked = nil
			c.fail(login.ErrUnreachable)
			c.advance(100 * day)
		}
		return trace.String()
	}
	if run() != run() {
		t.Error("two runs from one seed differ")
	}
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
