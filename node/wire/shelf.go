package wire

import (
	"encoding/binary"
	"errors"

	"peerphone/node/identity"
)

// Messages of the entries of the global index, of which many lie at one key.
const (
	kindShelve  Kind = 0x2a
	kindBrowse  Kind = 0x2b
	kindShelf   Kind = 0x2c
	kindFetch   Kind = 0x2d
	kindEntries Kind = 0x2e
)

// Shelve stores an entry at Key, as Publish stores a record. The answer is a
// Stored with the same Query.
type Shelve struct {
	Query uint32            `cbor:"1,keyasint"` // 0 in a Question
	Key   identity.IndexKey `cbor:"2,keyasint"`
	Entry []byte            `cbor:"3,keyasint"` // as AppendEntry writes it
}

// Browse asks for what lies at Key: a phone its home, for the entries that the
// network has; the answers are Entries. A supernode another, by a Question, for
// what that one has; the answer is a Shelf.
type Browse struct {
	Query uint32            `cbor:"1,keyasint"` // 0 in a Question
	Key   identity.IndexKey `cbor:"2,keyasint"`
	After []byte            `cbor:"3,keyasint,omitempty"` // in a session: a Holder, of the last entry that the phone has; nothing: begin
}

// Shelf tells, in a Question, whose entries a supernode has at a key.
type Shelf struct {
	Code      FindCode `cbor:"1,keyasint"`           // FindRecord, FindNone or FindNotSynced
	Slips     []byte   `cbor:"2,keyasint,omitempty"` // as AppendSlip writes them, at most MaxSlips
	Full      bool     `cbor:"3,keyasint,omitempty"` // there may be more elsewhere, for which there was no room here
	Signature []byte   `cbor:"4,keyasint"`           // the answerer's, over ShelfMessage
}

// A Slip stands for an entry in a Shelf.
type Slip struct {
	Holder   [8]byte // the first half
	Sequence uint64  // its low 40 bits: 34 years of milliseconds
}

const (
	slipSize = 8 + 5
	// MaxSlips is how many entries a supernode has at one key at most: a Shelf of
	// them fits into a Question.
	MaxSlips = 56
	// sequenceMask are the bits of a sequence that a slip tells.
	sequenceMask = 1<<40 - 1
)

// Slip returns what stands for e.
func (e Entry) Slip() Slip {
	return Slip{Holder: [8]byte(e.Placement.Holder[:8]), Sequence: e.Sequence & sequenceMask}
}

// AppendSlip appends s.
func AppendSlip(dst []byte, s Slip) []byte {
	var sequence [8]byte
	binary.BigEndian.PutUint64(sequence[:], s.Sequence)
	return append(append(dst, s.Holder[:]...), sequence[3:]...)
}

// List returns the slips of s.
func (s Shelf) List() []Slip {
	var list []Slip
	for b := s.Slips; len(b) >= slipSize; b = b[slipSize:] {
		var sequence [8]byte
		copy(sequence[3:], b[8:slipSize])
		list = append(list, Slip{Holder: [8]byte(b[:8]), Sequence: binary.BigEndian.Uint64(sequence[:])})
	}
	return list
}

// ShelfMessage returns the bytes that the answerer of a Browse signs.
func ShelfMessage(nonce uint64, key identity.IndexKey, s Shelf) []byte {
	b := binary.BigEndian.AppendUint64([]byte("peerphone shelf\x00"), nonce)
	b = append(append(b, key[:]...), byte(s.Code))
	if s.Full {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, s.Slips...)
}

// MaxFetch is how many entries a Fetch may ask for: those fit into a Question.
const MaxFetch = 2

// Fetch asks a supernode, by a Question, for entries that its Shelf has told. The
// answer is an Entries.
type Fetch struct {
	Key     identity.IndexKey `cbor:"1,keyasint"`
	Holders []byte            `cbor:"2,keyasint"` // eight bytes of each
}

// Entries are some of the entries at a key, or all. They answer a Browse of a
// phone, several in a row, and a Fetch.
type Entries struct {
	Query   uint32   `cbor:"1,keyasint"`
	Code    FindCode `cbor:"2,keyasint"` // FindRecord when there are some
	Entries [][]byte `cbor:"3,keyasint,omitempty"`
	Last    bool     `cbor:"4,keyasint,omitempty"` // no further Entries answer this Browse
	More    bool     `cbor:"5,keyasint,omitempty"` // with Last: another Browse brings more
	Whole   bool     `cbor:"6,keyasint,omitempty"` // the answerer is sure that it knows all entries of the key
}

func (Shelve) Kind() Kind  { return kindShelve }
func (Browse) Kind() Kind  { return kindBrowse }
func (Shelf) Kind() Kind   { return kindShelf }
func (Fetch) Kind() Kind   { return kindFetch }
func (Entries) Kind() Kind { return kindEntries }

var errEntry = errors.New("bad length of entry, slips or holders")

func checkEntry(b []byte) error {
	if len(b) < entrySize || len(b) > MaxEntry {
		return errEntry
	}
	return nil
}

func (s Shelve) check() error { return checkEntry(s.Entry) }

func (b Browse) check() error {
	if len(b.After) != 0 && len(b.After) != len(Holder{}) {
		return errEntry
	}
	return nil
}

func (s Shelf) check() error {
	if s.Code < FindRecord || s.Code > FindNotSynced || (s.Code == FindRecord) != (len(s.Slips) > 0) {
		return errCode
	}
	if len(s.Slips)%slipSize != 0 || len(s.Slips) > slipSize*MaxSlips || len(s.Signature) != signatureSize {
		return errEntry
	}
	return nil
}

func (f Fetch) check() error {
	if len(f.Holders)%8 != 0 || len(f.Holders) == 0 || len(f.Holders) > 8*MaxFetch {
		return errEntry
	}
	return nil
}

func (e Entries) check() error {
	if e.Code < FindRecord || e.Code > FindUnsure || (e.Code == FindRecord) != (len(e.Entries) > 0) {
		return errCode
	}
	for _, b := range e.Entries {
		if err := checkEntry(b); err != nil {
			return err
		}
	}
	return nil
}
