package wire

import (
	"fmt"

	"peerphone/node/identity"
)

// Placement is the login server's word that the holder of RecordKey may place
// records at Index, so that nobody squats.
type Placement struct {
	Index     identity.IndexKey `cbor:"1,keyasint"`
	RecordKey identity.ID       `cbor:"2,keyasint"`
	NotAfter  int64             `cbor:"3,keyasint"` // Unix seconds
	Signature []byte            `cbor:"4,keyasint"` // the issuing key's, over PlacementMessage
}

// PlacementMessage returns the bytes that the issuing key signs.
func PlacementMessage(p Placement) []byte {
	p.Signature = nil
	return append([]byte("peerphone placement\x00"), must(encoding.Marshal(p))...)
}

// Record is the outer part of a record of the global index.
type Record struct {
	Placement Placement `cbor:"1,keyasint"`
	Sequence  uint64    `cbor:"2,keyasint"` // the higher one counts
	Expires   int64     `cbor:"3,keyasint"` // Unix seconds
	Inner     []byte    `cbor:"4,keyasint"` // a Listing, sealed
	Signature []byte    `cbor:"5,keyasint"` // the record key's, over RecordMessage
}

// RecordMessage returns the bytes that the record key signs.
func RecordMessage(r Record) []byte {
	r.Signature = nil
	return append([]byte("peerphone record\x00"), must(encoding.Marshal(r))...)
}

// AppendRecord appends r.
func AppendRecord(dst []byte, r Record) []byte {
	return append(dst, must(encoding.Marshal(r))...)
}

// ParseRecord reads exactly what AppendRecord wrote; it checks no signature.
func ParseRecord(b []byte) (Record, error) {
	var r Record
	if len(b) > MaxRecord {
		return r, ErrTooLong
	}
	if err := strict(b, &r); err != nil {
		return Record{}, fmt.Errorf("%w: record: %v", ErrMalformed, err)
	}
	if len(r.Signature) != 64 || len(r.Placement.Signature) != 64 {
		return Record{}, fmt.Errorf("%w: record: a signature has 64 bytes", ErrMalformed)
	}
	return r, nil
}

// Listing is the inner part of a record: who it is and where its devices are.
type Listing struct {
	Name    []byte   `cbor:"1,keyasint"` // the name certificate, DER
	Devices []Device `cbor:"2,keyasint"` // 1 to 8
}

// Device is one phone of an account.
type Device struct {
	Device identity.ID `cbor:"1,keyasint"`
	Node   identity.ID `cbor:"2,keyasint"` // by which its homes know it
	Homes  []Member    `cbor:"3,keyasint"` // 1 to 3, the best first
}

const (
	maxDevices = 8
	maxHomes   = 3
)

// AppendListing appends l, in the clear; package directory seals it.
func AppendListing(dst []byte, l Listing) []byte {
	return append(dst, must(encoding.Marshal(l))...)
}

// ParseListing reads exactly what AppendListing wrote.
func ParseListing(b []byte) (Listing, error) {
	var l Listing
	if len(b) > MaxRecord {
		return l, ErrTooLong
	}
	if err := strict(b, &l); err != nil {
		return Listing{}, fmt.Errorf("%w: listing: %v", ErrMalformed, err)
	}
	if len(l.Devices) < 1 || len(l.Devices) > maxDevices {
		return Listing{}, fmt.Errorf("%w: listing: %d devices", ErrMalformed, len(l.Devices))
	}
	for _, d := range l.Devices {
		if err := d.check(); err != nil {
			return Listing{}, fmt.Errorf("%w: listing: %v", ErrMalformed, err)
		}
	}
	return l, nil
}

func (d Device) check() error {
	if d.Device.IsZero() || d.Node.IsZero() {
		return errZero
	}
	if len(d.Homes) > maxHomes {
		return errMany
	}
	return checkMembers(d.Homes)
}

// strict decodes b into v and refuses what is not deterministic.
func strict[T any](b []byte, v *T) error {
	if err := decoding.Unmarshal(b, v); err != nil {
		return err
	}
	if again, err := encoding.Marshal(*v); err != nil || string(again) != string(b) {
		return fmt.Errorf("not deterministic CBOR")
	}
	return nil
}
