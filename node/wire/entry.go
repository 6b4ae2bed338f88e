package wire

import (
	"encoding/binary"
	"fmt"

	"peerphone/node/identity"
)

// A Holder tells the accounts apart that have an entry at one key. The login
// server makes it from the account and the key: so an account has one entry at a
// key, whatever record keys it thinks up, and nobody can tell that entries at two
// keys are of one account.
type Holder [16]byte

// WordPlacement is the login server's word that the holder of RecordKey may have
// an entry at Index, the key of a word of its display name, and what it says.
type WordPlacement struct {
	Index     identity.IndexKey `cbor:"1,keyasint"`
	RecordKey identity.ID       `cbor:"2,keyasint"`
	Holder    Holder            `cbor:"3,keyasint"`
	Card      [32]byte          `cbor:"4,keyasint"` // Card.Hash of what the entry says
	NotAfter  int64             `cbor:"5,keyasint"` // Unix seconds
	Signature []byte            `cbor:"6,keyasint"` // the issuing key's, over WordPlacementMessage
}

// WordPlacementMessage returns the bytes that the issuing key signs. They pass for
// those of no Placement: an entry cannot take the place of a number's record.
func WordPlacementMessage(p WordPlacement) []byte {
	p.Signature = nil
	return append([]byte("peerphone word placement\x00"), must(encoding.Marshal(p))...)
}

// Entry is an account among those that lie at the key of a word: the outer part,
// as keepers see it. At one key there are many.
type Entry struct {
	Placement WordPlacement
	Sequence  uint64 // the higher one of a holder counts
	Expires   int64  // Unix seconds
	Inner     []byte // a Card, sealed to who knows the word; nothing: the entry is withdrawn
	Signature []byte // the record key's, over EntryMessage
}

const (
	// entrySize is the size of an entry without its inner part, in bytes.
	entrySize = 32 + 16 + 32 + 8 + 64 + 8 + 8 + 1 + 64
	// MaxEntryInner bounds the inner part: a card with a nonce of 24 bytes and a tag
	// of 16.
	MaxEntryInner = 24 + MaxCard + 16
	// MaxEntry is the size of the longest entry, in bytes.
	MaxEntry = entrySize + MaxEntryInner
)

// AppendEntry appends e. Its index is left out: who asks knows it.
//
//	32  record key
//	16  holder
//	32  hash of the card
//	 8  end of the placement, Unix seconds
//	64  signature of the placement
//	 8  sequence
//	 8  expiry, Unix seconds
//	 1  length of the inner part
//	 n  inner part
//	64  signature
func AppendEntry(dst []byte, e Entry) []byte {
	dst = append(appendUnsigned(dst, e), e.Signature...)
	return dst
}

func appendUnsigned(dst []byte, e Entry) []byte {
	p := e.Placement
	dst = append(append(append(dst, p.RecordKey[:]...), p.Holder[:]...), p.Card[:]...)
	dst = append(binary.BigEndian.AppendUint64(dst, uint64(p.NotAfter)), p.Signature...)
	dst = binary.BigEndian.AppendUint64(dst, e.Sequence)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Expires))
	return append(append(dst, byte(len(e.Inner))), e.Inner...)
}

// EntryMessage returns the bytes that the record key signs.
func EntryMessage(e Entry) []byte {
	return appendUnsigned(append([]byte("peerphone entry\x00"), e.Placement.Index[:]...), e)
}

// ParseEntry reads exactly what AppendEntry wrote of an entry at key; it checks no
// signature. What it returns points into b.
func ParseEntry(key identity.IndexKey, b []byte) (Entry, error) {
	if len(b) > MaxEntry {
		return Entry{}, ErrTooLong
	}
	const inner = entrySize - 64
	if len(b) < entrySize || len(b) != entrySize+int(b[inner-1]) {
		return Entry{}, fmt.Errorf("%w: entry of %d bytes", ErrMalformed, len(b))
	}
	next := func(n int) []byte {
		part := b[:n:n]
		b = b[n:]
		return part
	}
	e := Entry{Placement: WordPlacement{
		Index: key, RecordKey: identity.ID(next(32)), Holder: Holder(next(16)), Card: [32]byte(next(32)),
		NotAfter: int64(binary.BigEndian.Uint64(next(8))), Signature: next(64),
	}}
	e.Sequence, e.Expires = binary.BigEndian.Uint64(next(8)), int64(binary.BigEndian.Uint64(next(8)))
	if n := int(next(1)[0]); n > 0 {
		e.Inner = next(n)
	}
	e.Signature = next(64)
	return e, nil
}
