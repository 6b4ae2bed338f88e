package login

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Public is what the owner wants to be found by beside name and number. The zero
// value is nothing.
type Public struct {
	Display string // at most identity.MaxDisplay bytes, with a word in it
	Listed  bool   // the number may be told
}

// Card returns what the entries of an account say.
func (p Public) Card(name identity.NameCertificate) wire.Card {
	c := wire.Card{Display: p.Display, Name: name.Name}
	if p.Listed {
		c.Number = name.Number
	}
	return c
}

// maxStale bounds the placements of entries that are to be withdrawn.
const maxStale = 4 * identity.MaxWords

// SetPublic tells what the owner wants to be found by from now on. What the login
// server has not certified yet it is asked for at once; what it has certified and
// is not wanted any more stands in Granted.Stale. A display name without words is
// as good as none.
func (c *Client) SetPublic(now time.Time, p Public) {
	if len(identity.Words(p.Display)) == 0 || identity.CheckDisplay(p.Display) != nil {
		p = Public{}
	}
	if p == c.public {
		return
	}
	c.public = p
	if c.granted.IsZero() {
		return
	}
	g := c.sorted(now, *c.granted, *c.granted)
	c.granted = &g
	c.seekWords(now)
	c.emit(Changed{})
}

// sorted returns g with its word placements sorted: those that fit what the owner
// wants, and those of it and of before that do not.
func (c *Client) sorted(now time.Time, g, before Granted) Granted {
	card := c.public.Card(g.Name).Hash()
	var words []wire.WordPlacement
	for i, word := range identity.Words(c.public.Display) {
		index := c.holder.network.LookupWord(word).Index
		if i < len(g.raw.Words) && g.raw.Words[i].Index == index && g.raw.Words[i].Card == card {
			words = append(words, g.raw.Words[i])
		}
	}
	var stale []wire.WordPlacement
	for _, p := range slices.Concat(g.raw.Words, before.raw.Words, before.Stale) {
		same := func(q wire.WordPlacement) bool { return q.Index == p.Index }
		if p.NotAfter > now.Unix() && len(stale) < maxStale && !slices.ContainsFunc(words, same) && !slices.ContainsFunc(stale, same) {
			stale = append(stale, p)
		}
	}
	g.Words, g.Stale, g.Public = words, stale, c.public
	return g
}

// seekWords asks the login server for what the owner wants to be found by, unless
// it has been asked for just that: then it does not certify it.
func (c *Client) seekWords(now time.Time) {
	if c.wished != nil && *c.wished == c.public || c.errand != errandResting {
		return
	}
	at := now
	if again := c.refreshed.Add(refreshPause); again.After(at) {
		at = again
	}
	if c.askAt.IsZero() || at.Before(c.askAt) {
		c.askAt, c.refreshed = at, at
	}
}

// addWords puts into a wish what the owner wants to be found by.
func (c *Client) addWords(w wire.Wish) wire.Wish {
	c.asked = c.public
	w.Display, w.Listed = c.public.Display, c.public.Listed
	for _, word := range identity.Words(c.public.Display) {
		w.Words = append(w.Words, WordKey(c.cfg.Account, c.holder.network.LookupWord(word).Index).ID())
	}
	return w
}

// checkWords refuses a grant whose words' placements are not the network's, or for
// other keys.
func (h holder) checkWords(g Granted) error {
	for _, p := range g.raw.Words {
		switch {
		case p.RecordKey != h.wordKey(p.Index):
			return grantErrorOf("a word's placement is for another key")
		case !g.Trust.Verify(g.Trust.Issuing, wire.WordPlacementMessage(p), p.Signature):
			return grantErrorOf("a word's placement is not signed by the network")
		}
	}
	return nil
}
