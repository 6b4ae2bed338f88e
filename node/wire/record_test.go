package wire

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"

	"peerphone/node/identity"
)

// testListing returns a listing of n devices with three homes each.
func testListing(n int, addr func(uint16) netip.AddrPort, name identity.Name, number identity.Number) Listing {
	l := Listing{Name: testName(name, number)}
	for i := range byte(n) {
		d := Device{Device: testID(40 + i), Node: testID(60 + i)}
		for j := range byte(maxHomes) {
			d.Homes = append(d.Homes, Member{Node: testID(80 + 3*i + j), Addr: addr(40000 + uint16(j))})
		}
		l.Devices = append(l.Devices, d)
	}
	return l
}

// dual gives every home a second address.
func dual(l Listing) Listing {
	for _, d := range l.Devices {
		for i := range d.Homes {
			d.Homes[i].Addr6 = addr6(d.Homes[i].Addr.Port())
		}
	}
	return l
}

// sealOverhead is what an AEAD with a nonce adds to a listing, in bytes.
const sealOverhead = 12 + 16

// testRecord returns a record with l in it, its inner part not really sealed.
func testRecord(l Listing) []byte {
	inner := append(make([]byte, sealOverhead), AppendListing(nil, l)...)
	r := Record{Placement: testPlacement(6), Sequence: uint64(start.UnixMilli()), Expires: start.Unix(), Inner: inner}
	r.Signature = testKey(6).Sign(RecordMessage(r))
	return AppendRecord(nil, r)
}

func TestRecordsFit(t *testing.T) {
	const longName, longNumber = "a-name-of-thirty-two-characters.", "1234567890"
	for _, test := range []struct {
		what    string
		listing Listing
		homes   int // each device keeps at least
	}{
		{"one device, IPv4", testListing(1, addr4, "kitchen", "1001"), 3},
		{"one device, IPv6, long name", testListing(1, addr6, longName, longNumber), 3},
		{"two devices, IPv4", testListing(2, addr4, "kitchen", "1001"), 3},
		{"two devices, IPv4, long name", testListing(2, addr4, longName, longNumber), 3},
		{"two devices, IPv6", testListing(2, addr6, "kitchen", "1001"), 2},
		{"two devices, IPv6, long name", testListing(2, addr6, longName, longNumber), 2},
		{"one device, both", dual(testListing(1, addr4, longName, longNumber)), 3},
		{"two devices, both", dual(testListing(2, addr4, "kitchen", "1001")), 3},
		{"two devices, both, long name", dual(testListing(2, addr4, longName, longNumber)), 2},
		{"three devices, IPv4", testListing(3, addr4, "kitchen", "1001"), 1},
	} {
		whole := len(testRecord(test.listing))
		room := MaxRecord - (whole - len(AppendListing(nil, test.listing)))
		fitted := test.listing.Fit(room)
		size := len(testRecord(fitted))
		t.Logf("%-30s %4d bytes whole, %3d as sent", test.what, whole, size)
		if size > MaxRecord {
			t.Errorf("%s: %d bytes, at most %d", test.what, size, MaxRecord)
		}
		if len(fitted.Devices) != len(test.listing.Devices) || string(fitted.Name) != string(test.listing.Name) {
			t.Errorf("%s: the listing lost devices or its name", test.what)
		}
		for _, d := range fitted.Devices {
			if test.listing.Devices[0].dual() == 0 && d.dual() != 0 {
				t.Errorf("%s: a device cannot be reached over IPv6 any more", test.what)
			}
			if len(d.Homes) < test.homes {
				t.Errorf("%s: a device has %d homes left, want at least %d", test.what, len(d.Homes), test.homes)
			}
		}
		if len(test.listing.Devices[0].Homes) != maxHomes {
			t.Errorf("%s: Fit changed its receiver", test.what)
		}
		if n := len(Append(nil, Publish{Query: 1 << 31, Record: testRecord(fitted)})); n > MaxMessage {
			t.Errorf("%s: publishing it takes %d bytes, at most %d", test.what, n, MaxMessage)
		}
	}
}

func TestListingComesBack(t *testing.T) {
	l := testListing(2, addr4, "kitchen", "1001")
	l.Devices[1].Homes = nil // none yet
	l.Devices[0].Homes[1].Addr6 = addr6(7)
	for what, name := range map[string][]byte{"a certificate": l.Name, "no certificate": []byte("stand-in"), "nothing": {}} {
		l.Name = name
		got, err := ParseListing(AppendListing(nil, l))
		if err != nil || !reflect.DeepEqual(got, l) {
			t.Errorf("%s: got %+v, %v\nwant %+v", what, got, err, l)
		}
	}
}

func TestListingsThatAreRefused(t *testing.T) {
	zero, many := testListing(1, addr4, "kitchen", "1001"), testListing(1, addr4, "kitchen", "1001")
	zero.Devices[0].Node = identity.ID{}
	many.Devices[0].Homes = append(many.Devices[0].Homes, many.Devices[0].Homes[0])
	port := testListing(1, addr4, "kitchen", "1001")
	port.Devices[0].Homes[0].Addr = addr4(0)
	mapped := testListing(1, addr4, "kitchen", "1001")
	mapped.Devices[0].Homes[0].Addr = netip.MustParseAddrPort("[::ffff:192.0.2.1]:1")
	good := AppendListing(nil, testListing(1, addr4, "kitchen", "1001"))
	der := testName("kitchen", "1001")
	whole := append([]byte{byte(len(der) >> 8), byte(len(der))}, der...)
	whole = append(whole, good[2+int(good[1]):]...)
	for what, b := range map[string][]byte{
		"nothing":                             nil,
		"no devices":                          AppendListing(nil, Listing{Name: []byte("x")}),
		"nine devices":                        AppendListing(nil, Listing{Devices: make([]Device, 9)}),
		"a zero node":                         AppendListing(nil, zero),
		"four homes":                          AppendListing(nil, many),
		"port 0":                              AppendListing(nil, port),
		"a certificate that could be compact": whole,
		"a trailing byte":                     append(good, 0),
		"a mapped address":                    AppendListing(nil, mapped),
		"a name that is too long":             {0xff, 0xff, 1, 2, 3},
	} {
		if l, err := ParseListing(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %+v, %v, want %v", what, l, err, ErrMalformed)
		}
	}
	for n := range good {
		if _, err := ParseListing(good[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut to %d of %d bytes: got %v, want %v", n, len(good), err, ErrMalformed)
		}
	}
	if _, err := ParseListing(make([]byte, MaxRecord+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: got %v, want %v", err, ErrTooLong)
	}
}

func TestRecordsThatAreRefused(t *testing.T) {
	b := testRecord(testListing(1, addr4, "kitchen", "1001"))
	short := must(ParseRecord(b))
	short.Signature = short.Signature[1:]
	for what, bad := range map[string][]byte{
		"nothing": nil, "a trailing byte": append(append([]byte(nil), b...), 0), "cut": b[:len(b)-1],
		"a short signature": AppendRecord(nil, short),
	} {
		if _, err := ParseRecord(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", what, err, ErrMalformed)
		}
	}
	if _, err := ParseRecord(make([]byte, MaxRecord+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: got %v, want %v", err, ErrTooLong)
	}
}
