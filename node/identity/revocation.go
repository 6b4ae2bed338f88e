package identity

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors of revocations.
var (
	ErrRevoked     = errors.New("identity: the certificate has been revoked")
	ErrRevocations = errors.New("identity: malformed revocation list, or one that the network has not signed")
)

// MaxRevocations bounds a revocation list; of more, those that would be forgotten
// first are left out.
const MaxRevocations = 2000

// A Revocation says of a key that its certificates do not hold any more.
type Revocation struct {
	Key   [16]byte  // the first half
	Until time.Time // when the last of them has expired, and this is forgotten; to the hour
}

// Revoke returns the revocation of a key whose certificates expire by until.
func Revoke(id ID, until time.Time) Revocation {
	return Revocation{Key: [16]byte(id[:16]), Until: until.Truncate(time.Hour).Add(time.Hour).UTC()}
}

// Revocations is the network's list of keys that have been revoked, signed by the
// issuing key. The zero value, and nil, revoke nothing.
type Revocations struct {
	Sequence uint64 // the higher one counts
	Issued   time.Time
	list     []Revocation // by key
}

const (
	revocationsHead = 8 + 8 + 2
	revocationSize  = 16 + 4
	// MaxRevocationBytes is the size of the longest list, in bytes.
	MaxRevocationBytes = revocationsHead + MaxRevocations*revocationSize + 64
)

// Len returns how many keys are revoked.
func (r *Revocations) Len() int {
	if r == nil {
		return 0
	}
	return len(r.list)
}

// Has reports whether the certificates of id are revoked.
func (r *Revocations) Has(id ID) bool {
	if r == nil || len(r.list) == 0 {
		return false
	}
	_, ok := r.find(id[:16])
	return ok
}

func (r *Revocations) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(r.list, key, func(a Revocation, key []byte) int { return bytes.Compare(a.Key[:], key) })
}

// With returns the next list: with more revocations, without those of certificates
// that have expired at now.
func (r Revocations) With(now time.Time, more ...Revocation) Revocations {
	next := Revocations{Sequence: r.Sequence + 1, Issued: now.UTC().Truncate(time.Second)}
	for _, a := range slices.Concat(r.list, more) {
		i, ok := next.find(a.Key[:])
		switch {
		case !a.Until.After(now):
		case ok:
			next.list[i].Until = later(next.list[i].Until, a.Until)
		default:
			next.list = slices.Insert(next.list, i, a)
		}
	}
	for len(next.list) > MaxRevocations {
		first := 0
		for i, a := range next.list {
			if a.Until.Before(next.list[first].Until) {
				first = i
			}
		}
		next.list = slices.Delete(next.list, first, first+1)
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Sign returns r as it travels, signed with the issuing key:
//
//	 8  sequence
//	 8  issued, Unix seconds
//	 2  how many
//	    of each, by key:
//	16  first half of the key
//	 4  until, Unix hours
//	64  signature
func (r Revocations) Sign(issuing Key) []byte {
	b := binary.BigEndian.AppendUint64(nil, r.Sequence)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Issued.Unix()))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.list)))
	for _, a := range r.list {
		b = binary.BigEndian.AppendUint32(append(b, a.Key[:]...), uint32(a.Until.Unix()/3600))
	}
	return append(b, issuing.Sign(revocationsMessage(b))...)
}

func revocationsMessage(b []byte) []byte { return append([]byte("peerphone revocations\x00"), b...) }

// ParseRevocations reads exactly what Sign returned, and checks that one of signers
// has signed it: the issuing key, or one before it (Params.Signers). ErrRevocations.
func ParseRevocations(b []byte, signers ...ID) (Revocations, error) {
	if len(b) < revocationsHead+64 || len(b) > MaxRevocationBytes {
		return Revocations{}, fmt.Errorf("%w: %d bytes", ErrRevocations, len(b))
	}
	body, signature := b[:len(b)-64], b[len(b)-64:]
	r := Revocations{
		Sequence: binary.BigEndian.Uint64(body), Issued: time.Unix(int64(binary.BigEndian.Uint64(body[8:])), 0).UTC(),
	}
	items := body[revocationsHead:]
	if len(items) != revocationSize*int(binary.BigEndian.Uint16(body[16:])) {
		return Revocations{}, fmt.Errorf("%w: of another length", ErrRevocations)
	}
	for ; len(items) > 0; items = items[revocationSize:] {
		a := Revocation{Key: [16]byte(items[:16]), Until: time.Unix(int64(binary.BigEndian.Uint32(items[16:]))*3600, 0).UTC()}
		if n := len(r.list); n > 0 && bytes.Compare(r.list[n-1].Key[:], a.Key[:]) >= 0 {
			return Revocations{}, fmt.Errorf("%w: not in order", ErrRevocations)
		}
		r.list = append(r.list, a)
	}
	if !slices.ContainsFunc(signers, func(id ID) bool { return !id.IsZero() && id.Verify(revocationsMessage(body), signature) }) {
		return Revocations{}, fmt.Errorf("%w: another signature", ErrRevocations)
	}
	return r, nil
}
