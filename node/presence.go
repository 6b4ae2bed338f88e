package node

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/call"
	"peerphone/node/contacts"
	"peerphone/node/directory"
	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Acquaintance is a key that a contact has given us: with it we may watch
// whether he can be reached.
type Acquaintance struct {
	Account identity.ID
	Key     directory.PresenceKey
}

// acquaintances are how we stand with our contacts.
type acquaintances struct {
	given  map[identity.ID]directory.PresenceKey // by contacts, to us
	offer  Acquaintance                          // by whom we talk with, who may become a contact yet
	saved  []Acquaintance                        // as on disk
	told   wire.Index                            // the session in which we have given our key
	locate map[directory.QueryID]identity.ID     // searches for where a contact is
	views  []ContactView                         // as last built, never changed; nil: to be built anew
}

func newAcquaintances(kept []Acquaintance) acquaintances {
	a := acquaintances{given: map[identity.ID]directory.PresenceKey{}, locate: map[directory.QueryID]identity.ID{}, saved: kept}
	for _, k := range kept {
		a.given[k.Account] = k.Key
	}
	return a
}

// acquaint gives whom we talk with, if he is a contact, the key to watch us.
func (c *Core) acquaint(now time.Time) {
	v := c.calls.Current()
	if v.State != call.Talking || c.known.told == v.Index || !c.isContact(v.Peer.Account) {
		return
	}
	c.known.told = v.Index
	c.send(now, v.Index, wire.Acquaint{Key: directory.PresenceKeyFor(c.account, v.Peer.Account)})
}

// acquainted takes the key of whom we talk with.
func (c *Core) acquainted(now time.Time, account identity.ID, m wire.Acquaint) {
	c.known.offer = Acquaintance{account, m.Key}
	c.befriend(now)
}

// befriend follows the contacts: each may watch us, and we watch those who have
// given us a key.
func (c *Core) befriend(now time.Time) {
	if c.presence == nil {
		return
	}
	if c.isContact(c.known.offer.Account) {
		c.known.given[c.known.offer.Account] = c.known.offer.Key
	}
	var readers []directory.PresenceKey
	var buddies []directory.Buddy
	var kept []Acquaintance
	for _, contact := range c.contacts.List() {
		if contact.Account.IsZero() {
			continue
		}
		ours := directory.PresenceKeyFor(c.account, contact.Account)
		readers = append(readers, ours)
		if key, ok := c.known.given[contact.Account]; ok {
			kept = append(kept, Acquaintance{contact.Account, key})
			buddies = append(buddies, directory.Buddy{Account: contact.Account, Lookup: c.lookup(contact), Key: key, Ours: ours})
		}
	}
	c.presence.SetReaders(now, readers)
	c.presence.SetBuddies(now, buddies)
	c.keepAcquaintances(kept)
}

// lookup returns where the record of a contact is: under the name if we know it,
// for the number may be unlisted.
func (c *Core) lookup(contact contacts.Contact) identity.Lookup {
	if contact.Name != "" {
		return c.network.LookupName(contact.Name)
	}
	return c.network.LookupNumber(contact.Number)
}

// keepAcquaintances forgets the keys of who is a contact no more, and saves the
// others when they have changed.
func (c *Core) keepAcquaintances(kept []Acquaintance) {
	c.known.given, c.known.views = map[identity.ID]directory.PresenceKey{}, nil
	for _, k := range kept {
		c.known.given[k.Account] = k.Key
	}
	if !slices.Equal(kept, c.known.saved) {
		c.known.saved = kept
		c.do(SaveAcquaintances{kept})
	}
}

// presenceHomes tells presence where we are attached.
func (c *Core) presenceHomes(now time.Time) {
	if c.presence == nil {
		return
	}
	var list []directory.PresenceHome
	for _, h := range c.overlay.Homes() {
		list = append(list, directory.PresenceHome{Index: h.Index, Node: h.Member.Node})
	}
	c.presence.SetHomes(now, list)
}

func (c *Core) fromPresence(now time.Time, e directory.Event) {
	switch e := e.(type) {
	case directory.Send:
		c.send(now, e.Index, e.Message)
	case directory.PresenceChanged:
		c.known.views = nil
	case directory.Locate:
		c.known.locate[c.client.Find(now, e.Lookup)] = e.Account
	}
}

// locatedBuddy takes the answer to a search for where a contact is; false: r
// answers another one.
func (c *Core) locatedBuddy(now time.Time, r directory.Result) bool {
	account, ok := c.known.locate[r.Query]
	if ok {
		delete(c.known.locate, r.Query)
		c.presence.Located(now, account, r)
	}
	return ok
}

// presenceMessage takes what a phone asks of its home, or a home tells.
func (c *Core) presenceMessage(now time.Time, ix wire.Index, m wire.Message) {
	switch m := m.(type) {
	case wire.Seen:
		if c.presence != nil {
			c.presence.Handle(now, ix, m)
		}
		return
	case wire.Looked:
		if c.presence != nil {
			c.presence.Looked(now, ix, m)
		}
		return
	}
	if c.keeper != nil {
		self := func(m wire.Member) bool { return m.Node == c.nodeID() }
		c.keeper.Handle(now, ix, m, self, c.overlay.IsMember)
	}
}

func (c *Core) fromKeeper(now time.Time, e directory.Event) {
	switch e := e.(type) {
	case directory.Send:
		c.send(now, e.Index, e.Message)
	case directory.Ask:
		q := wire.Question{Topic: wire.TopicPresence, Nonce: e.Nonce, Body: wire.Append(nil, e.Message)}
		c.do(SendUDP{Addr: c.addrOf(e.To), Frame: wire.AppendQuestion(nil, q, presenceQuestion)})
	}
}

// presenceQuestion is the size of a question about presence, in bytes: there is
// room for the longest answer.
const presenceQuestion = 128

// answerPresence returns the answer to a home's question; nil: there is none.
func (c *Core) answerPresence(now time.Time, from netip.AddrPort, body []byte) *wire.Question {
	m, err := wire.Parse(body)
	if err != nil {
		return nil
	}
	switch m := m.(type) {
	case wire.Look:
		return &wire.Question{Body: wire.Append(nil, c.keeper.Look(now, from, m))}
	case wire.Seen:
		if c.keeper.Told(now, from, m) {
			return &wire.Question{}
		}
	}
	return nil
}

// presenceAnswered takes the answer to a question of our keeper's, if we have
// one: anybody may send a phone such an answer.
func (c *Core) presenceAnswered(now time.Time, from netip.AddrPort, q wire.Question) {
	if c.keeper == nil {
		return
	}
	if len(q.Body) == 0 {
		c.keeper.Reply(now, from, q.Nonce, nil)
		return
	}
	if m, err := wire.Parse(q.Body); err == nil {
		c.keeper.Reply(now, from, q.Nonce, m)
	}
}

const acquaintanceFile = "acquaintances.json"

// keptKey is an Acquaintance in its file.
type keptKey struct {
	Account identity.ID `json:"account"`
	Key     string      `json:"key"`
}

// acquaintances returns the keys that contacts have given us. A damaged file
// counts as none: contacts give theirs again in the next call.
func (s State) acquaintances() ([]Acquaintance, error) {
	b, err := s.read(acquaintanceFile)
	if err != nil || b == nil {
		return nil, err
	}
	var kept []keptKey
	if json.Unmarshal(b, &kept) != nil {
		return nil, nil
	}
	var list []Acquaintance
	for _, k := range kept {
		if key, err := hex.DecodeString(k.Key); err == nil && len(key) == len(directory.PresenceKey{}) {
			list = append(list, Acquaintance{k.Account, directory.PresenceKey(key)})
		}
	}
	return list, nil
}

func (s State) keepAcquaintances(list []Acquaintance) error {
	kept := []keptKey{}
	for _, a := range list {
		kept = append(kept, keptKey{a.Account, hex.EncodeToString(a.Key[:])})
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("node: state: %w", err)
	}
	return s.write(acquaintanceFile, b)
}

// ContactView is a contact, and whether it can be reached.
type ContactView struct {
	Name    string    `json:"name,omitempty"`
	Number  string    `json:"number"`
	Display string    `json:"display,omitempty"`
	State   string    `json:"state"`       // "reachable", "not reachable", "unknown"
	At      time.Time `json:"at,omitzero"` // since when nothing newer is known
	Watched bool      `json:"watched"`     // it has let us watch it
}

// presenceWords are the states as ContactView.State has them.
var presenceWords = map[directory.PresenceState]string{
	directory.PresenceUnknown: "unknown", directory.Reachable: "reachable", directory.NotReachable: "not reachable",
}

// contactViews is asked for after each input: it builds what has changed only.
func (c *Core) contactViews(now time.Time) []ContactView {
	if c.known.views != nil {
		return c.known.views
	}
	list := []ContactView{}
	for _, contact := range c.contacts.List() {
		v := ContactView{Name: string(contact.Name), Number: string(contact.Number), Display: contact.Display, State: "unknown"}
		if key, ok := c.known.given[contact.Account]; ok && !key.IsZero() && c.presence != nil {
			s := c.presence.Sight(now, contact.Account)
			v.State, v.At, v.Watched = presenceWords[s.State], s.At, true
		}
		list = append(list, v)
	}
	c.known.views = list
	return list
}
