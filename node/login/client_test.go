package login_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"peerphone/node/login"
	"peerphone/node/wire"
)

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
	if first, second := run(), run(); first != second {
		t.Error("two runs from one seed differ")
	}
}
