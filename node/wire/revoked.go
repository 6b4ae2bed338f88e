package wire

import (
	"errors"

	"peerphone/node/identity"
)

// Messages of the revocation list, between any two nodes that have a session.
const (
	kindRevoked     Kind = 0x48
	kindRevokedAsk  Kind = 0x49
	kindRevokedPart Kind = 0x4a
)

// Revoked tells which revocation list the sender has: at the beginning of a session
// if it has one, and whenever it has got another.
type Revoked struct {
	Sequence uint64 `cbor:"1,keyasint"`
}

// RevokedAsk asks for a part of the list that the other has.
type RevokedAsk struct {
	Part uint8 `cbor:"1,keyasint"`
}

// RevokedPartSize is the size of each part of a list but the last, in bytes.
const RevokedPartSize = 1000

// RevokedPart answers RevokedAsk.
type RevokedPart struct {
	Sequence uint64 `cbor:"1,keyasint"` // of the whole list
	Part     uint8  `cbor:"2,keyasint"`
	Of       uint8  `cbor:"3,keyasint"` // how many parts there are
	Bytes    []byte `cbor:"4,keyasint"` // as identity.Revocations.Sign wrote them
}

func (Revoked) Kind() Kind     { return kindRevoked }
func (RevokedAsk) Kind() Kind  { return kindRevokedAsk }
func (RevokedPart) Kind() Kind { return kindRevokedPart }

// MaxRevokedParts is how many parts a list has at most.
const MaxRevokedParts = (identity.MaxRevocationBytes + RevokedPartSize - 1) / RevokedPartSize

var errPart = errors.New("bad part")

func (r Revoked) check() error {
	if r.Sequence == 0 {
		return errPart
	}
	return nil
}

func (a RevokedAsk) check() error {
	if int(a.Part) >= MaxRevokedParts {
		return errPart
	}
	return nil
}

func (p RevokedPart) check() error {
	if p.Sequence == 0 || p.Part >= p.Of || int(p.Of) > MaxRevokedParts || len(p.Bytes) == 0 ||
		len(p.Bytes) > RevokedPartSize || p.Part+1 < p.Of && len(p.Bytes) != RevokedPartSize {
		return errPart
	}
	return nil
}
