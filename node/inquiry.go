package node

import (
	"context"
	"errors"
	"time"

	"peerphone/node/contacts"
	"peerphone/node/directory"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

// InquiryView is the last search by words.
type InquiryView struct {
	Words   string `json:"words,omitempty"` // as they were typed; empty: none yet
	Settled bool   `json:"settled"`         // nothing more comes by itself
	// Outcome of one that is settled: "found", "nobody", "cannot tell".
	Outcome string      `json:"outcome,omitempty"`
	Whole   bool        `json:"whole"` // there is nobody else, for certain
	More    bool        `json:"more"`  // more can be asked for
	Found   []FoundView `json:"found"`
	Problem string      `json:"problem,omitempty"` // of what was to be done with somebody who was found
	Public  int         `json:"public"`            // words of our own under which we are found
}

// FoundView is somebody whom a search by words has found.
type FoundView struct {
	Display string `json:"display"`
	Name    string `json:"name"`
	Number  string `json:"number,omitempty"` // empty when it is not listed
	Contact bool   `json:"contact"`
}

// inquiry is the last search by words.
type inquiry struct {
	words string
	query directory.QueryID
	last  directory.Matches
	adds  map[directory.QueryID]wire.Card // searches for those who are to become contacts
	// problem is why the last one has not become one.
	problem string
	public  int
	view    *InquiryView // as last built, never changed; nil: to be built anew
}

// maxAdds bounds those who are on their way to become contacts.
const maxAdds = 8

// outcomes are the words for how a search ended.
var outcomes = map[directory.Outcome]string{
	directory.Located: "found", directory.Absent: "nobody", directory.Unsure: "cannot tell",
}

// Inquire looks for those whose display names have all words of a text.
func (c *Core) Inquire(now time.Time, words string) {
	c.inquiry.words, c.inquiry.problem, c.inquiry.view = words, "", nil
	c.inquiry.query = c.client.Inquire(now, words)
	c.settle(now)
}

// InquireMore brings more of those whom the last Inquire looked for.
func (c *Core) InquireMore(now time.Time) {
	c.client.More(now, c.inquiry.query)
	c.settle(now)
}

// matched takes how a search by words goes.
func (c *Core) matched(m directory.Matches) {
	if m.Query == c.inquiry.query {
		c.inquiry.last, c.inquiry.view = m, nil
	}
}

// foundNamed returns whom the last search has found by this name.
func (c *Core) foundNamed(name identity.Name) (wire.Card, bool) {
	for _, card := range c.inquiry.last.Found {
		if card.Name == name {
			return card, true
		}
	}
	return wire.Card{}, false
}

// CallFound lets the handset call somebody whom the last search has found: at once
// when the receiver is off, else when it is lifted. Who gave no number is called by
// name. False: nobody of this name was found.
func (c *Core) CallFound(now time.Time, name identity.Name) bool {
	card, ok := c.foundNamed(name)
	if !ok {
		return false
	}
	c.handset.Choose(now, string(card.Name), card.Display)
	c.settle(now)
	return true
}

// AddFound makes somebody whom the last search has found a contact, with the number
// and the account key that the index has for the name. False: nobody of this name
// was found, or too many are being added.
func (c *Core) AddFound(now time.Time, name identity.Name) bool {
	card, ok := c.foundNamed(name)
	if !ok || len(c.inquiry.adds) >= maxAdds {
		return false
	}
	if c.inquiry.adds == nil {
		c.inquiry.adds = map[directory.QueryID]wire.Card{}
	}
	c.inquiry.problem, c.inquiry.view = "", nil
	c.inquiry.adds[c.client.Find(now, c.network.LookupName(card.Name))] = card
	c.settle(now)
	return true
}

// added takes the answer to who is to become a contact; false: r answers something
// else.
func (c *Core) added(now time.Time, r directory.Result) bool {
	card, ok := c.inquiry.adds[r.Query]
	if !ok {
		return false
	}
	delete(c.inquiry.adds, r.Query)
	c.inquiry.view = nil
	err := errors.New("nobody can tell now where it is; try again later")
	if r.Outcome == directory.Located {
		err = c.contacts.Add(now, contacts.Contact{Name: r.Name.Name, Number: r.Name.Number, Display: card.Display, Account: r.Name.Subject})
	}
	if err != nil {
		c.inquiry.problem = card.Display + " is not added: " + err.Error()
	}
	return true
}

// public tells the login server and the directory by which words we want to be
// found.
func (c *Core) public(now time.Time) {
	var p login.Public
	if c.phone && c.settings.Searchable {
		p = login.Public{Display: c.display, Listed: !c.settings.Unlisted}
	}
	c.login.SetPublic(now, p)
}

// enter tells the directory what to publish under words.
func (c *Core) enter(now time.Time) {
	g := c.granted
	own := directory.OwnEntries{
		Placements: g.Words, Stale: g.Stale,
		Key: func(index identity.IndexKey) identity.Key { return login.WordKey(c.account, index) },
	}
	if len(g.Words) > 0 {
		own.Card = g.Public.Card(g.Name)
	}
	c.client.SetEntries(now, own)
}

// inquiryView is asked for after each input: it builds what has changed only.
func (c *Core) inquiryView() InquiryView {
	q := &c.inquiry
	if q.view != nil {
		return *q.view
	}
	known := map[identity.Name]bool{}
	for _, contact := range c.contacts.List() {
		known[contact.Name] = true
	}
	v := InquiryView{
		Words: q.words, Settled: q.last.Settled, Outcome: outcomes[q.last.Outcome], Whole: q.last.Whole, More: q.last.More,
		Found: []FoundView{}, Problem: q.problem, Public: q.public,
	}
	for _, card := range q.last.Found {
		v.Found = append(v.Found, FoundView{
			Display: card.Display, Name: string(card.Name), Number: string(card.Number), Contact: known[card.Name],
		})
	}
	q.view = &v
	return v
}

// ErrNotFound says that nobody of a name is among those who were found.
var ErrNotFound = errors.New("node: nobody of this name was found by the last search")

// Inquire looks for those whose display names have all words of a text; the
// snapshot tells whom it has found.
func (n *Node) Inquire(ctx context.Context, words string) error {
	return n.Do(ctx, func(c *Core, now time.Time) { c.Inquire(now, words) })
}

// InquireMore brings more of them.
func (n *Node) InquireMore(ctx context.Context) error {
	return n.Do(ctx, func(c *Core, now time.Time) { c.InquireMore(now) })
}

// CallFound calls somebody whom the last Inquire has found: ErrNotFound.
func (n *Node) CallFound(ctx context.Context, name string) error {
	return n.withFound(ctx, name, (*Core).CallFound)
}

// AddFound makes somebody whom the last Inquire has found a contact: ErrNotFound.
func (n *Node) AddFound(ctx context.Context, name string) error {
	return n.withFound(ctx, name, (*Core).AddFound)
}

func (n *Node) withFound(ctx context.Context, name string, do func(*Core, time.Time, identity.Name) bool) error {
	found := false
	if err := n.Do(ctx, func(c *Core, now time.Time) { found = do(c, now, identity.Name(name)) }); err != nil {
		return err
	}
	if !found {
		return ErrNotFound
	}
	return nil
}
