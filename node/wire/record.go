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
