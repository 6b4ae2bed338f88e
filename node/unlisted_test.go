package node

import (
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/node/contacts"
	"peerphone/node/directory"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

// A contact whose number is not in the index is looked for by its name, once; a
// stranger's is not.
func TestAContactIsFoundByNameWhenItsNumberIsUnlisted(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	book, err := contacts.New([]contacts.Contact{{Name: "kitchen", Number: "1001"}})
	if err != nil {
		t.Fatal(err)
	}
	c := NewCore(CoreConfig{
		Rand: rand.NewChaCha8([32]byte{1}), Phone: true, Contacts: book, Log: new(contacts.Log), Codecs: []wire.Codec{wire.CodecOpus},
		Account: identity.KeyFromSeed([32]byte{1}), Device: identity.KeyFromSeed([32]byte{2}),
		Login: login.ClientConfig{Name: "workshop", Number: "1002"},
	})
	look := func(number string) (searches int) {
		c.search(now, 7, number)
		for len(c.attempts.queries) > 0 && searches < 5 {
			searches++
			for id := range c.attempts.queries { // there is one
				c.located(now, directory.Result{Query: id, Outcome: directory.Absent})
			}
		}
		return searches
	}
	if n := look("1001"); n != 2 {
		t.Errorf("a contact is looked for %d times, want by number and by name", n)
	}
	if n := look("1003"); n != 1 {
		t.Errorf("a stranger is looked for %d times", n)
	}
	contact, _ := book.ByNumber("1001")
	if c.lookup(contact) != c.network.LookupName(identity.Name("kitchen")) {
		t.Error("whether a contact can be reached is not looked for under its name")
	}
}
