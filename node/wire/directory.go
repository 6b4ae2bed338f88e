package wire

import (
	"errors"

	"peerphone/node/identity"
)

// Messages of the global index.
const (
	kindPublish    Kind = 0x20
	kindStored     Kind = 0x21
	kindFind       Kind = 0x22
	kindAnswerFind Kind = 0x23
)

// Scope says how far a supernode takes a request.
type Scope uint8

// The scopes.
const (
	ScopeNetwork Scope = 1 // a phone to its home: act for me
	ScopeLocal   Scope = 2 // a supernode to a supernode: only what you hold
)

// Publish stores a record. The answer is a Stored with the same Query.
type Publish struct {
	Query  uint32 `cbor:"1,keyasint"` // chosen by the asker, unique in its session
	Scope  Scope  `cbor:"2,keyasint"`
	Record []byte `cbor:"3,keyasint"` // as AppendRecord writes it
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

// Find asks for the record at Key. The answer is a Found with the same Query.
type Find struct {
	Query uint32            `cbor:"1,keyasint"`
	Scope Scope             `cbor:"2,keyasint"`
	Key   identity.IndexKey `cbor:"3,keyasint"`
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
}

func (Publish) Kind() Kind { return kindPublish }
func (Stored) Kind() Kind  { return kindStored }
func (Find) Kind() Kind    { return kindFind }
func (Found) Kind() Kind   { return kindAnswerFind }

var (
	errScope  = errors.New("bad scope")
	errCode   = errors.New("bad code")
	errRecord = errors.New("bad length of record")
)

func (p Publish) check() error {
	if p.Scope != ScopeNetwork && p.Scope != ScopeLocal {
		return errScope
	}
	if len(p.Record) == 0 || len(p.Record) > MaxRecord {
		return errRecord
	}
	return nil
}

func (s Stored) check() error {
	if s.Code < StoreOK || s.Code > StoreFull {
		return errCode
	}
	return nil
}

func (f Find) check() error {
	if f.Scope != ScopeNetwork && f.Scope != ScopeLocal {
		return errScope
	}
	return nil
}

func (f Found) check() error {
	if f.Code < FindRecord || f.Code > FindUnsure {
		return errCode
	}
	if (f.Code == FindRecord) != (len(f.Record) > 0) || len(f.Record) > MaxRecord {
		return errRecord
	}
	return nil
}
