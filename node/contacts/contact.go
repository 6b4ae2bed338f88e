package contacts

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"peerphone/node/identity"
)

// Contact is somebody whom this phone knows.
type Contact struct {
	Name    identity.Name   `json:"name,omitempty"` // may be empty
	Number  identity.Number `json:"number"`         // unique in the list
	Display string          `json:"display,omitempty"`
	Account identity.ID     `json:"account,omitzero"` // zero until pinned; then unique in the list
}

const (
	// MaxContacts bounds the list.
	MaxContacts = 500
	// MaxDisplay bounds a display name, in bytes of UTF-8, as the login server
	// does.
	MaxDisplay = 64
)

// Errors of a list of contacts.
var (
	ErrFull       = errors.New("contacts: the list is full")
	ErrTwice      = errors.New("contacts: this number or key is in the list already")
	ErrNoContact  = errors.New("contacts: no contact has this number")
	ErrKeyChanged = errors.New("contacts: this number has answered with another account key than before")
	ErrBadDisplay = errors.New("contacts: a display name has at most 64 bytes of printable text")
	ErrNoKey      = errors.New("contacts: the zero key names nobody")
)

// check tells what is wrong with c by itself.
func (c Contact) check() error {
	if c.Name != "" {
		if name, err := identity.ParseName(string(c.Name)); err != nil || name != c.Name {
			return fmt.Errorf("contacts: name %.40q: %w", string(c.Name), identity.ErrBadName)
		}
	}
	if _, err := identity.ParseNumber(string(c.Number)); err != nil {
		return fmt.Errorf("contacts: number %.20q: %w", string(c.Number), err)
	}
	if !printable(c.Display, MaxDisplay) {
		return fmt.Errorf("contacts: %s: %w", c.Number, ErrBadDisplay)
	}
	return nil
}

// printable reports whether s is valid UTF-8 of at most limit bytes without
// control or direction characters.
func printable(s string, limit int) bool {
	if len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
