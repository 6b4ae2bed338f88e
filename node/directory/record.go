package directory

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Lifetime of records (DESIGN section 7).
const (
	Lifetime = 72 * time.Hour
	// Resign is the age at which the owner signs a record anew, less a jitter
	// of up to a tenth.
	Resign = 24 * time.Hour
	// clockAllowance is how far the clocks of owner and keeper may differ.
	clockAllowance = 10 * time.Minute
)

// Errors of records, each a different fault of who sent it.
var (
	ErrForged    = errors.New("directory: forged record: its own key did not sign it")
	ErrForeign   = errors.New("directory: foreign record: our login server did not sign its placement")
	ErrExpired   = errors.New("directory: the record or its placement has expired")
	ErrOlder     = errors.New("directory: a record with a higher sequence is known")
	ErrFar       = errors.New("directory: the record expires, or is numbered, too far ahead")
	ErrMisplaced = errors.New("directory: the record belongs under another key")
	ErrOversized = errors.New("directory: the record is too long")
	ErrMalformed = errors.New("directory: malformed record")
	ErrSealed    = errors.New("directory: the record cannot be opened with this number or name")
	ErrTrust     = errors.New("directory: nobody has told the issuing key yet")
	ErrListing   = errors.New("directory: the listing in the record is not its holder's")
)

// BuildRecord seals listing and signs the record that holds it: for the place
// l, which placement grants to key.
func BuildRecord(rand io.Reader, l identity.Lookup, placement wire.Placement, key identity.Key,
	sequence uint64, expires time.Time, listing wire.Listing) ([]byte, error) {
	if placement.Index != l.Index || placement.RecordKey != key.ID() {
		return nil, ErrMisplaced
	}
	inner, err := seal(rand, l, wire.AppendListing(nil, listing))
	if err != nil {
		return nil, err
	}
	r := wire.Record{Placement: placement, Sequence: sequence, Expires: expires.Unix(), Inner: inner}
	r.Signature = key.Sign(wire.RecordMessage(r))
	b := wire.AppendRecord(nil, r)
	if len(b) > wire.MaxRecord {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrOversized, len(b), wire.MaxRecord)
	}
	return b, nil
}

func seal(rand io.Reader, l identity.Lookup, listing []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(l.Seal[:])
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(listing)+aead.Overhead())
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, fmt.Errorf("directory: no randomness for a nonce: %w", err)
	}
	return aead.Seal(nonce, nonce, listing, l.Index[:]), nil
}

// OpenRecord returns the listing in a record that lies at l: ErrMisplaced or
// ErrSealed when it is none. Check the record with CheckRecord first.
func OpenRecord(l identity.Lookup, r wire.Record) (wire.Listing, error) {
	if r.Placement.Index != l.Index {
		return wire.Listing{}, ErrMisplaced
	}
	aead, err := chacha20poly1305.NewX(l.Seal[:])
	if err != nil {
		return wire.Listing{}, fmt.Errorf("directory: %w", err)
	}
	if len(r.Inner) < aead.NonceSize()+aead.Overhead() {
		return wire.Listing{}, ErrSealed
	}
	plain, err := aead.Open(nil, r.Inner[:aead.NonceSize()], r.Inner[aead.NonceSize():], l.Index[:])
	if err != nil {
		return wire.Listing{}, ErrSealed
	}
	listing, err := wire.ParseListing(plain)
	if err != nil {
		return wire.Listing{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return listing, nil
}

// ParseRecord reads a record: ErrOversized or ErrMalformed.
func ParseRecord(b []byte) (wire.Record, error) {
	r, err := wire.ParseRecord(b)
	switch {
	case errors.Is(err, wire.ErrTooLong):
		return r, ErrOversized
	case err != nil:
		return r, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return r, nil
}

// CheckRecord checks all that can be checked without the number or name: that
// issuing granted the placement, that its record key signed the record, and
// that both are valid at now and not for too long. The cheap tests come first.
func CheckRecord(r wire.Record, now time.Time, issuing identity.ID,
	verify func(identity.ID, []byte, []byte) bool) error {
	switch {
	case issuing.IsZero():
		return ErrTrust
	case r.Expires <= now.Unix(), r.Placement.NotAfter <= now.Unix():
		return ErrExpired
	case r.Expires > now.Add(Lifetime+clockAllowance).Unix(), ahead(r.Sequence, now):
		return ErrFar
	case !verify(issuing, wire.PlacementMessage(r.Placement), r.Placement.Signature):
		return ErrForeign
	case !verify(r.Placement.RecordKey, wire.RecordMessage(r), r.Signature):
		return ErrForged
	}
	return nil
}

// ahead reports whether a sequence, which is wall time in milliseconds, lies so far
// ahead that its owner could not replace the record within its life: the clock of
// one of his phones is wrong, or a stolen one wants to have the last word.
func ahead(sequence uint64, now time.Time) bool {
	return sequence > uint64(max(now.Add(Lifetime).UnixMilli(), 0))
}

// codeOf returns the answer to who published a record with fault err.
func codeOf(err error) wire.StoreCode {
	switch {
	case err == nil:
		return wire.StoreOK
	case errors.Is(err, ErrExpired):
		return wire.StoreExpired
	case errors.Is(err, ErrOlder):
		return wire.StoreOlder
	case errors.Is(err, ErrFar):
		return wire.StoreFar
	case errors.Is(err, errFull), errors.Is(err, ErrTrust): // come back later
		return wire.StoreFull
	}
	return wire.StoreForged
}

// Faults count records that were refused, by what was wrong with them.
type Faults struct {
	Forged, Foreign, Expired, Older, Far, Misplaced, Oversized, Malformed, Sealed, Listing, Trust, Full uint64
}

// count adds err, and returns it.
func (f *Faults) count(err error) error {
	for _, c := range []struct {
		err error
		n   *uint64
	}{
		{ErrForged, &f.Forged}, {ErrForeign, &f.Foreign}, {ErrExpired, &f.Expired}, {ErrOlder, &f.Older},
		{ErrFar, &f.Far}, {ErrMisplaced, &f.Misplaced}, {ErrOversized, &f.Oversized},
		{ErrMalformed, &f.Malformed}, {ErrSealed, &f.Sealed}, {ErrListing, &f.Listing}, {ErrTrust, &f.Trust}, {errFull, &f.Full},
	} {
		if errors.Is(err, c.err) {
			*c.n++
		}
	}
	return err
}
