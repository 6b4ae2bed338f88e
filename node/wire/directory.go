package wire

import (
	"encoding/binary"
	"errors"

	"peerphone/node/identity"
)

// Messages of the global index.
const (
	kindPublish    Kind = 0x20
	kindStored     Kind = 0x21
	kindFind       Kind = 0x22
	kindAnswerFind Kind = 0x23
	kindHave       Kind = 0x24
	kindWho        Kind = 0x25
	kindIntroduced Kind = 0x26
	kindLend       Kind = 0x2f
)

// Publish stores a record: a phone asks its home to let those store it whom it
// concerns, in their session; a supernode asks another to store it itself, by a
// Question. The answer is a Stored with the same Query.
type Publish struct {
	Query  uint32 `cbor:"1,keyasint"` // chosen by the asker, unique in its session; 0 in a Question
	Record []byte `cbor:"3,keyasint"` // as AppendRecord writes it
}

// Have asks a supernode, by a Question, whether it holds the record at Key, of
// this sequence or a higher one. The answer is a Stored with one copy or none.
type Have struct {
	Key      identity.IndexKey `cbor:"1,keyasint"`
	Sequence uint64            `cbor:"2,keyasint"`
}

// A StoreCode answers Publish.
type StoreCode uint8

// The answers to Publish. All but StoreOK are refusals.
const (
	StoreOK      StoreCode = 1
	StoreForged  StoreCode = 2 // a signature does not hold
	StoreExpired StoreCode = 3
	StoreOlder   StoreCode = 4 // a record with this or a higher sequence is there
	StoreFar     StoreCode = 5 // it expires too far ahead
	StoreFull    StoreCode = 6
)

// Stored answers Publish.
type Stored struct {
	Query  uint32    `cbor:"1,keyasint"`
	Code   StoreCode `cbor:"2,keyasint"`
	Copies uint8     `cbor:"3,keyasint"` // supernodes that hold it now
}

// Find asks for the record at Key: a phone its home, for whatever the network has;
// a supernode another, by a Question, for what that one holds. The answer is a
// Found with the same Query.
type Find struct {
	Query uint32            `cbor:"1,keyasint"`
	Key   identity.IndexKey `cbor:"3,keyasint"`
}

// Who asks a supernode, by a Question, who stands at a place that it has named.
// The answer is an Introduced.
type Who struct {
	Place Place `cbor:"1,keyasint"`
}

// Introduced answers Who: with the Announcement of whoever stands there, or with
// nothing when the answerer does not know.
type Introduced struct {
	News []byte `cbor:"1,keyasint,omitempty"`
}

// A FindCode answers Find.
type FindCode uint8

// The answers to Find.
const (
	FindRecord    FindCode = 1 // here it is
	FindNone      FindCode = 2 // certainly nowhere
	FindNotSynced FindCode = 3 // the answerer is too new to know
	FindUnsure    FindCode = 4 // cannot tell: too few supernodes answered
)

// Found answers Find.
type Found struct {
	Query  uint32   `cbor:"1,keyasint"`
	Code   FindCode `cbor:"2,keyasint"`
	Record []byte   `cbor:"3,keyasint,omitempty"` // with FindRecord

	// In a Question, without a record: the places of whom the answerer takes for
	// the nearest to the key, eight bytes each, and its signature over
	// DenialMessage.
	Near      []byte `cbor:"4,keyasint,omitempty"`
	Signature []byte `cbor:"5,keyasint,omitempty"`
	// Hot, in a Question: the key is asked for often, and its record is at twice as
	// many more supernodes.
	Hot bool `cbor:"6,keyasint,omitempty"`
}

// Lend gives a record to a supernode by a Question, to be kept for a minute: the key
// is hot. It is not answered.
type Lend struct {
	Record []byte `cbor:"1,keyasint"`
}

// MaxNear is how many places a Found names at most.
const MaxNear = 16

// DenialMessage returns the bytes that the answerer of a Question signs when it
// has no record at key.
func DenialMessage(nonce uint64, key identity.IndexKey, f Found) []byte {
	b := binary.BigEndian.AppendUint64([]byte("peerphone denial\x00"), nonce)
	return append(append(append(b, key[:]...), byte(f.Code)), f.Near...)
}

func (Publish) Kind() Kind    { return kindPublish }
func (Have) Kind() Kind       { return kindHave }
func (Stored) Kind() Kind     { return kindStored }
func (Find) Kind() Kind       { return kindFind }
func (Lend) Kind() Kind       { return kindLend }
func (Found) Kind() Kind      { return kindAnswerFind }
func (Who) Kind() Kind        { return kindWho }
func (Introduced) Kind() Kind { return kindIntroduced }

var (
	errCode   = errors.New("bad code")
	errRecord = errors.New("bad length of record")
	errNear   = errors.New("bad denial")
)

func (p Publish) check() error {
	if len(p.Record) == 0 || len(p.Record) > MaxRecord {
		return errRecord
	}
	return nil
}

func (l Lend) check() error { return Publish{Record: l.Record}.check() }

func (s Stored) check() error {
	if s.Code < StoreOK || s.Code > StoreFull {
		return errCode
	}
	return nil
}

func (i Introduced) check() error {
	if len(i.News) == 0 {
		return nil
	}
	return Join{Self: i.News}.check()
}

func (f Found) check() error {
	if f.Code < FindRecord || f.Code > FindUnsure {
		return errCode
	}
	if (f.Code == FindRecord) != (len(f.Record) > 0) || len(f.Record) > MaxRecord {
		return errRecord
	}
	if len(f.Near)%8 != 0 || len(f.Near) > 8*MaxNear || len(f.Signature) != 0 && len(f.Signature) != signatureSize ||
		f.Code == FindRecord && len(f.Near)+len(f.Signature) > 0 || f.Hot && f.Code != FindRecord {
		return errNear
	}
	return nil
}
