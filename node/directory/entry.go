package directory

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// BuildEntry seals card to who knows the word that leads to l, and signs the entry
// that holds it. An empty card withdraws what lay there.
func BuildEntry(rand io.Reader, l identity.Lookup, placement wire.WordPlacement, key identity.Key,
	sequence uint64, expires time.Time, card wire.Card) ([]byte, error) {
	if placement.Index != l.Index || placement.RecordKey != key.ID() {
		return nil, ErrMisplaced
	}
	e := wire.Entry{Placement: placement, Sequence: sequence, Expires: expires.Unix()}
	if card != (wire.Card{}) {
		var err error
		if e.Inner, err = seal(rand, l, wire.AppendCard(nil, card)); err != nil {
			return nil, err
		}
	}
	e.Signature = key.Sign(wire.EntryMessage(e))
	b := wire.AppendEntry(nil, e)
	if len(b) > wire.MaxEntry {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrOversized, len(b), wire.MaxEntry)
	}
	return b, nil
}

// OpenEntry returns the card in an entry of the word that leads to l: ErrSealed, or
// ErrListing when the card is not the one that the login server has signed, or does
// not have the word. Check the entry with CheckEntry first.
func OpenEntry(l identity.Lookup, word identity.Word, e wire.Entry) (wire.Card, error) {
	aead, err := chacha20poly1305.NewX(l.Seal[:])
	if err != nil {
		return wire.Card{}, fmt.Errorf("directory: %w", err)
	}
	if e.Placement.Index != l.Index || len(e.Inner) < aead.NonceSize()+aead.Overhead() {
		return wire.Card{}, ErrSealed
	}
	plain, err := aead.Open(nil, e.Inner[:aead.NonceSize()], e.Inner[aead.NonceSize():], l.Index[:])
	if err != nil {
		return wire.Card{}, ErrSealed
	}
	card, err := wire.ParseCard(plain)
	if err != nil || card.Hash() != e.Placement.Card || !slices.Contains(identity.Words(card.Display), word) {
		return wire.Card{}, ErrListing
	}
	return card, nil
}

// parseEntry reads an entry: ErrOversized or ErrMalformed.
func parseEntry(key identity.IndexKey, b []byte) (wire.Entry, error) {
	e, err := wire.ParseEntry(key, b)
	switch {
	case errors.Is(err, wire.ErrTooLong):
		return e, ErrOversized
	case err != nil:
		return e, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return e, nil
}

// CheckEntry checks of an entry what CheckRecord checks of a record.
func CheckEntry(e wire.Entry, now time.Time, issuing identity.ID, verify func(identity.ID, []byte, []byte) bool) error {
	switch {
	case issuing.IsZero():
		return ErrTrust
	case e.Expires <= now.Unix(), e.Placement.NotAfter <= now.Unix():
		return ErrExpired
	case e.Expires > now.Add(Lifetime+clockAllowance).Unix(), ahead(e.Sequence, now):
		return ErrFar
	case !verify(issuing, wire.WordPlacementMessage(e.Placement), e.Placement.Signature):
		return ErrForeign
	case !verify(e.Placement.RecordKey, wire.EntryMessage(e), e.Signature):
		return ErrForged
	}
	return nil
}

// checkEntry reads and checks an entry.
func (cfg Config) checkEntry(now time.Time, key identity.IndexKey, b []byte) (wire.Entry, error) {
	e, err := parseEntry(key, b)
	if err == nil {
		err = CheckEntry(e, now, cfg.Issuing(), cfg.Verify)
	}
	return e, err
}
