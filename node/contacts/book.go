package contacts

import (
	"fmt"
	"slices"
	"time"

	"peerphone/node/identity"
)

// Book is a phone's list of contacts, in the order in which they were added.
type Book struct {
	list []Contact
	out  []Event
}

// Event is one thing that a Book or a Log tells node, in order.
type Event interface{ event() }

// Changed says that the list or the log is to be saved.
type Changed struct{}

// Pinned says that the contact with this number is now known by its key.
type Pinned struct {
	Number  identity.Number
	Account identity.ID
}

func (Changed) event() {}
func (Pinned) event()  {}

// New returns a book of list, which it checks and copies: ErrFull, ErrTwice, or
// what is wrong with a contact.
func New(list []Contact) (*Book, error) {
	if err := checkList(list); err != nil {
		return nil, err
	}
	return &Book{list: slices.Clone(list)}, nil
}

func checkList(list []Contact) error {
	if len(list) > MaxContacts {
		return fmt.Errorf("%w: %d contacts, at most %d", ErrFull, len(list), MaxContacts)
	}
	numbers := make(map[identity.Number]bool, len(list))
	accounts := make(map[identity.ID]bool, len(list))
	for _, c := range list {
		if err := c.check(); err != nil {
			return err
		}
		if numbers[c.Number] || !c.Account.IsZero() && accounts[c.Account] {
			return fmt.Errorf("%w: %s", ErrTwice, c.Number)
		}
		numbers[c.Number], accounts[c.Account] = true, true
	}
	return nil
}

// List returns a copy of the contacts.
func (b *Book) List() []Contact { return slices.Clone(b.list) }

// Take returns what has happened, oldest first, and empties the outbox.
func (b *Book) Take() []Event {
	out := b.out
	b.out = nil
	return out
}

// Next returns zero: a book waits for nothing.
func (b *Book) Next() time.Time { return time.Time{} }

// Advance does nothing.
func (b *Book) Advance(time.Time) {}

// ByAccount returns the contact that is pinned to account.
func (b *Book) ByAccount(account identity.ID) (Contact, bool) {
	if account.IsZero() {
		return Contact{}, false
	}
	return b.at(slices.IndexFunc(b.list, func(c Contact) bool { return c.Account == account }))
}

// ByNumber returns the contact with this number.
func (b *Book) ByNumber(number identity.Number) (Contact, bool) { return b.at(b.index(number)) }

func (b *Book) at(i int) (Contact, bool) {
	if i < 0 {
		return Contact{}, false
	}
	return b.list[i], true
}

func (b *Book) index(number identity.Number) int {
	return slices.IndexFunc(b.list, func(c Contact) bool { return c.Number == number })
}

// Add adds a contact or, when its number is there, changes its name and display
// name. The key of a contact that is there stays: ErrKeyChanged when c has
// another one.
func (b *Book) Add(_ time.Time, c Contact) error {
	i := b.index(c.Number)
	list := slices.Clone(b.list)
	switch {
	case i < 0:
		list = append(list, c)
	case !c.Account.IsZero() && !b.list[i].Account.IsZero() && c.Account != b.list[i].Account:
		return fmt.Errorf("%w: %s", ErrKeyChanged, c.Number)
	default:
		if c.Account.IsZero() {
			c.Account = b.list[i].Account
		}
		list[i] = c
	}
	return b.become(list)
}

// Remove takes the contact with this number from the list: ErrNoContact.
func (b *Book) Remove(_ time.Time, number identity.Number) error {
	i := b.index(number)
	if i < 0 {
		return ErrNoContact
	}
	return b.become(slices.Delete(slices.Clone(b.list), i, i+1))
}

// become replaces the list, if the new one is in order.
func (b *Book) become(list []Contact) error {
	if err := checkList(list); err != nil {
		return err
	}
	if !slices.Equal(list, b.list) {
		b.list = list
		b.out = append(b.out, Changed{})
	}
	return nil
}

// Pin tells that account has proved to hold number. A contact that has no key
// yet is pinned to it (changed); one that has this key is as it was. Errors:
// ErrKeyChanged when the contact has another key, ErrNoContact when number is
// no contact's, ErrTwice when another contact has this key, ErrNoKey.
func (b *Book) Pin(_ time.Time, number identity.Number, account identity.ID) (changed bool, err error) {
	i := b.index(number)
	switch {
	case account.IsZero():
		return false, ErrNoKey
	case i < 0:
		return false, ErrNoContact
	case b.list[i].Account == account:
		return false, nil
	case !b.list[i].Account.IsZero():
		return false, fmt.Errorf("%w: %s", ErrKeyChanged, number)
	}
	if err := b.pin(i, account); err != nil {
		return false, err
	}
	return true, nil
}

// Repin is the owner's decision to believe in the new key of a contact, after
// he has compared safety numbers: ErrNoContact, ErrTwice, ErrNoKey.
func (b *Book) Repin(_ time.Time, number identity.Number, account identity.ID) error {
	i := b.index(number)
	switch {
	case account.IsZero():
		return ErrNoKey
	case i < 0:
		return ErrNoContact
	}
	return b.pin(i, account)
}

func (b *Book) pin(i int, account identity.ID) error {
	list := slices.Clone(b.list)
	list[i].Account = account
	if err := b.become(list); err != nil {
		return err
	}
	b.out = append(b.out, Pinned{list[i].Number, account})
	return nil
}
