package directory

import (
	"errors"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func TestARecordOpensForWhoKnowsTheNumber(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	b := o.record(t, 5, start.Add(Lifetime))
	t.Logf("a record with one device and three homes has %d bytes", len(b))
	r, err := ParseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckRecord(r, start, issuing.ID(), identity.ID.Verify); err != nil {
		t.Fatal(err)
	}
	listing, err := OpenRecord(o.lookup(), r)
	if err != nil {
		t.Fatal(err)
	}
	if string(listing.Name) != string(o.own.Certificate) || len(listing.Devices) != 1 || len(listing.Devices[0].Homes) != 3 {
		t.Errorf("opened %+v", listing)
	}
	wrong := o.lookup()
	wrong.Seal[0] ^= 1
	if _, err := OpenRecord(wrong, r); !errors.Is(err, ErrSealed) {
		t.Errorf("another key: %v, want ErrSealed", err)
	}
	if _, err := OpenRecord(network.LookupNumber("1002"), r); !errors.Is(err, ErrMisplaced) {
		t.Errorf("another place: %v, want ErrMisplaced", err)
	}
	// Moved to another place, with the outer part signed again, it does not
	// open: the index key is the additional data.
	other := network.LookupNumber("1002")
	r.Placement = grant(other, o.keys[0], start.Add(time.Hour))
	other.Seal = o.lookup().Seal
	if _, err := OpenRecord(other, r); !errors.Is(err, ErrSealed) {
		t.Errorf("transplanted: %v, want ErrSealed", err)
	}
}

// faulty returns records with one fault each.
func faulty(t *testing.T, o *owner) map[string]struct {
	record []byte
	err    error
	code   wire.StoreCode
} {
	build := func(placement wire.Placement, sequence uint64, expires time.Time) []byte {
		b, err := BuildRecord(seeded(9), o.lookup(), placement, o.keys[0], sequence, expires,
			wire.Listing{Name: o.own.Certificate, Devices: []wire.Device{o.own.Device}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	change := func(by func(*wire.Record)) []byte {
		r, err := ParseRecord(build(o.own.Placements[0], 5, start.Add(time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		by(&r)
		return wire.AppendRecord(nil, r)
	}
	foreign := o.own.Placements[0]
	foreign.Signature = key("another login server").Sign(wire.PlacementMessage(foreign))
	return map[string]struct {
		record []byte
		err    error
		code   wire.StoreCode
	}{
		"forged":             {change(func(r *wire.Record) { r.Sequence++ }), ErrForged, wire.StoreForged},
		"signature of other": {change(func(r *wire.Record) { r.Signature = key("squatter").Sign(wire.RecordMessage(*r)) }), ErrForged, wire.StoreForged},
		"inner changed":      {change(func(r *wire.Record) { r.Inner[30] ^= 1 }), ErrForged, wire.StoreForged},
		"foreign":            {build(foreign, 5, start.Add(time.Hour)), ErrForeign, wire.StoreForged},
		"squatted": {change(func(r *wire.Record) {
			r.Placement.RecordKey = key("squatter").ID()
			r.Signature = key("squatter").Sign(wire.RecordMessage(*r))
		}), ErrForeign, wire.StoreForged},
		"wrongly placed": {change(func(r *wire.Record) {
			r.Placement.Index = network.LookupNumber("4711").Index
			r.Signature = o.keys[0].Sign(wire.RecordMessage(*r))
		}), ErrForeign, wire.StoreForged},
		"expired":           {build(o.own.Placements[0], 5, start), ErrExpired, wire.StoreExpired},
		"numbered ahead":    {build(o.own.Placements[0], uint64(start.Add(Lifetime+time.Second).UnixMilli()), start.Add(time.Hour)), ErrFar, wire.StoreFar},
		"placement expired": {build(grant(o.lookup(), o.keys[0], start), 5, start.Add(time.Hour)), ErrExpired, wire.StoreExpired},
		"too far ahead":     {build(o.own.Placements[0], 5, start.Add(Lifetime+clockAllowance+time.Second)), ErrFar, wire.StoreFar},
		"oversized":         {make([]byte, wire.MaxRecord+1), ErrOversized, wire.StoreForged},
		"malformed":         {[]byte("no record"), ErrMalformed, wire.StoreForged},
		"trailing bytes":    {append(o.record(t, 5, start.Add(time.Hour)), 0), ErrMalformed, wire.StoreForged},
	}
}

func TestFaultyRecordsAreRefused(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	for name, f := range faulty(t, o) {
		r, err := ParseRecord(f.record)
		if err == nil {
			err = CheckRecord(r, start, issuing.ID(), identity.ID.Verify)
		}
		if !errors.Is(err, f.err) {
			t.Errorf("%s: %v, want %v", name, err, f.err)
		}
	}
	if _, err := BuildRecord(seeded(1), o.lookup(), o.own.Placements[1], o.keys[0], 1, start, wire.Listing{}); !errors.Is(err, ErrMisplaced) {
		t.Errorf("built at the wrong place: %v", err)
	}
	big := wire.Listing{Name: make([]byte, 700), Devices: []wire.Device{o.own.Device}}
	if _, err := BuildRecord(seeded(1), o.lookup(), o.own.Placements[0], o.keys[0], 1, start, big); !errors.Is(err, ErrOversized) {
		t.Errorf("built too large: %v", err)
	}
}

func TestEachBitOfARecordIsProtected(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	good := o.record(t, 5, start.Add(time.Hour))
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1 << (i % 8)
		r, err := ParseRecord(bad)
		if err == nil {
			err = CheckRecord(r, start, issuing.ID(), identity.ID.Verify)
		}
		if err == nil {
			t.Fatalf("byte %d may be changed", i)
		}
	}
}

func FuzzRecord(f *testing.F) {
	o := newOwner(&testing.T{}, "1001", "kitchen")
	r, _ := BuildRecord(seeded(9), o.lookup(), o.own.Placements[0], o.keys[0], 5, start.Add(time.Hour),
		wire.Listing{Name: o.own.Certificate, Devices: []wire.Device{o.own.Device}})
	f.Add(r)
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := ParseRecord(in)
		if err != nil {
			return
		}
		if string(wire.AppendRecord(nil, r)) != string(in) {
			t.Fatal("not as it is written")
		}
		if _, err := OpenRecord(identity.Lookup{Index: r.Placement.Index}, r); err == nil {
			t.Fatal("opened with a zero key")
		}
		CheckRecord(r, start, issuing.ID(), func(identity.ID, []byte, []byte) bool { return true })
	})
}
