package login_test

import (
	"fmt"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

// public changes what the phone's owner wants to be found by.
func (p *phone) public(display string, listed bool) {
	p.Helper()
	p.client.SetPublic(p.now, login.Public{Display: display, Listed: listed})
	p.work()
	p.advance(2 * time.Minute) // it does not ask twice in a minute
}

func (p *phone) wantWords(words, stale int) login.Granted {
	p.Helper()
	g := p.client.Granted()
	if len(g.Words) != words || len(g.Stale) != stale {
		p.Fatalf("%d words and %d stale, want %d and %d", len(g.Words), len(g.Stale), words, stale)
	}
	return *g
}

func TestWordsAreCertified(t *testing.T) {
	n := newNetwork(t)
	p := n.phone("anna", "1001")
	p.cfg.Display = "Anna Schmidt"
	p.restart()
	p.wantWords(0, 0) // nobody is found by words unasked
	p.public("Anna Schmidt", true)
	g := p.wantWords(2, 0)
	for i, word := range []identity.Word{"anna", "schmidt"} {
		w := g.Words[i]
		if w.Index != n.id().LookupWord(word).Index || w.RecordKey != login.WordKey(p.cfg.Account, w.Index).ID() ||
			w.Card != (wire.Card{Display: "Anna Schmidt", Name: "anna", Number: "1001"}).Hash() ||
			!n.issuing.ID().Verify(wire.WordPlacementMessage(w), w.Signature) || w.NotAfter != g.Name.NotAfter.Unix() {
			t.Errorf("%s: placement %+v", word, w)
		}
	}
	if g.Words[0].Holder == g.Words[1].Holder || g.Words[0].RecordKey == g.Words[1].RecordKey {
		t.Error("two words show that they are of one account")
	}

	p.restart()
	p.client.SetPublic(p.now, login.Public{Display: "Anna Schmidt", Listed: true})
	p.wantWords(2, 0)
	asked := len(p.asked)
	p.advance(time.Hour)
	if len(p.asked) > asked+1 {
		t.Errorf("what is certified is asked for again: %v", p.asked)
	}

	p.public("Anna Schmidt", false) // the number is not to be told any more
	g = p.wantWords(2, 0)
	if g.Words[0].Card != (wire.Card{Display: "Anna Schmidt", Name: "anna"}).Hash() {
		t.Error("the card has not changed")
	}
	p.public("Anna Meyer", false)
	if g = p.wantWords(2, 1); g.Stale[0].Index != n.id().LookupWord("schmidt").Index {
		t.Error("another word is to be withdrawn than schmidt")
	}
	p.public("", false)
	p.wantWords(0, 3)
	p.restart()
	p.wantWords(0, 0)
}

// An account has the same holder at a key whatever record keys it thinks up, and
// no other account has it.
func TestAnAccountHasOneHolderAtAWord(t *testing.T) {
	n := newNetwork(t)
	grant := func(account identity.Key, name identity.Name, number identity.Number) wire.WordPlacement {
		w := n.wish(account, newKey(t))
		w.Display, w.Words = "Anna", []identity.ID{newKey(t).ID()}
		g := n.wantGranted(account, wire.Register{Name: name, Number: number, Password: "correct horse", Wish: w})
		if len(g.Words) != 1 {
			t.Fatalf("%d words", len(g.Words))
		}
		return g.Words[0]
	}
	one, other := newKey(t), newKey(t)
	a, again, b := grant(one, "anna", "1001"), grant(one, "anna", "1001"), grant(other, "anna2", "1002")
	if a.Holder != again.Holder || a.RecordKey == again.RecordKey {
		t.Errorf("an account is %x, then %x", a.Holder, again.Holder)
	}
	if a.Holder == b.Holder || a.Index != b.Index {
		t.Errorf("two accounts are %x and %x", a.Holder, b.Holder)
	}
}

// Whoever changes his display name all the time gets his certificates, and no more
// words.
func TestDisplayNamesAreRationed(t *testing.T) {
	n := newNetwork(t)
	n.setClock(time.Now())
	p := n.phone("anna", "1001")
	p.cfg.Display = ""
	p.restart()
	names := 0
	for i := range 10 {
		p.public(fmt.Sprintf("Anna%d", i), true)
		p.wantState(login.In)
		names += len(p.client.Granted().Words)
	}
	if names != 3 {
		t.Errorf("%d names in one month", names)
	}
	asked := len(p.asked)
	p.advance(time.Hour)
	if len(p.asked) != asked {
		t.Error("it asks on for what it is denied")
	}
	n.setClock(n.clock().Add(identity.NameValidity))
	p.now = n.clock()
	p.advance(0)
	p.wantWords(1, 0)
}

func TestWordsOfAnotherAreNotTaken(t *testing.T) {
	other := seedKey(77)
	for what, change := range map[string]func(c *coreTest, p *wire.WordPlacement){
		"another key": func(c *coreTest, p *wire.WordPlacement) {
			p.RecordKey = other.ID()
			p.Signature = c.issuing.Sign(wire.WordPlacementMessage(*p))
		},
		"not signed": func(_ *coreTest, p *wire.WordPlacement) { p.Signature = make([]byte, 64) },
	} {
		c := registered(t)
		c.advance(8 * day)
		w := wantAsked[wire.Renew](c).Wish
		g := c.grant(w)
		index := c.cfg.Invitation.Network.LookupWord("anna").Index
		p := wire.WordPlacement{Index: index, RecordKey: login.WordKey(c.cfg.Account, index).ID()}
		p.Signature = c.issuing.Sign(wire.WordPlacementMessage(p))
		change(c, &p)
		g.Words = []wire.WordPlacement{p}
		c.reply(g)
		if c.client.Err() == nil {
			t.Errorf("%s: it is taken", what)
		}
	}
}
