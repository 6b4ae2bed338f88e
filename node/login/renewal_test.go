package login_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

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
