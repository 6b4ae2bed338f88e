package wire

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"peerphone/node/identity"
)

// cborOf joins bytes and byte slices into one message.
func cborOf(kind Kind, parts ...any) []byte {
	b := []byte{byte(kind)}
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

// Everything here is CBOR that some decoder takes; Parse takes none of it.
func TestHostileMessages(t *testing.T) {
	call := make([]byte, 16)
	nested := append(bytes.Repeat([]byte{0x81}, 500), 0x00)
	for what, b := range map[string][]byte{
		"a kind alone":                 cborOf(kindBye),
		"unknown kind":                 cborOf(0x7f, 0xa0),
		"kind zero":                    cborOf(0, 0xa0),
		"an array for a map":           cborOf(kindDetach, 0x80),
		"null for a map":               cborOf(kindDetach, 0xf6),
		"undefined for a map":          cborOf(kindDetach, 0xf7),
		"a trailing byte":              cborOf(kindDetach, 0xa0, 0x00),
		"a second map":                 cborOf(kindDetach, 0xa0, 0xa0),
		"an unknown key":               cborOf(kindDetach, 0xa1, 0x01, 0x00),
		"an unknown text key":          cborOf(kindDetach, 0xa1, 0x61, 'a', 0x00),
		"a field by its Go name":       cborOf(kindRefused, 0xa1, 0x65, []byte("After"), 0x05),
		"a missing field":              cborOf(kindRefused, 0xa0),
		"a duplicate key":              cborOf(kindRefused, 0xa2, 0x01, 0x05, 0x01, 0x05),
		"a duplicate key, two lengths": cborOf(kindRefused, 0xa2, 0x01, 0x05, 0x18, 0x01, 0x05),
		"keys out of order":            cborOf(kindReject, 0xa2, 0x02, 0x01, 0x01, 0x50, call),
		"an indefinite map":            cborOf(kindRefused, 0xbf, 0x01, 0x05, 0xff),
		"an indefinite string":         cborOf(kindBye, 0xa1, 0x01, 0x5f, 0x50, call, 0xff),
		"an indefinite array":          cborOf(kindCandidates, 0xa1, 0x01, 0x9f, 0xff),
		"a number longer than need be": cborOf(kindRefused, 0xa1, 0x01, 0x18, 0x05),
		"a number out of range":        cborOf(kindRefused, 0xa1, 0x01, 0x1a, 0xff, 0xff, 0xff, 0xff),
		"a negative number":            cborOf(kindRefused, 0xa1, 0x01, 0x20),
		"a float":                      cborOf(kindRefused, 0xa1, 0x01, 0xf9, 0x45, 0x00),
		"null for a number":            cborOf(kindRefused, 0xa1, 0x01, 0xf6),
		"true for a number":            cborOf(kindRefused, 0xa1, 0x01, 0xf5),
		"a tagged number":              cborOf(kindRefused, 0xa1, 0x01, 0xc1, 0x05),
		"a self-described map":         cborOf(kindRefused, 0xd9, 0xd9, 0xf7, 0xa1, 0x01, 0x05),
		"a key that no telephone has":  cborOf(kindDigit, 0xa2, 0x01, 0x50, call, 0x02, 0x41),
		"a call ID too short":          cborOf(kindBye, 0xa1, 0x01, 0x4f, call[:15]),
		"a call ID too long":           cborOf(kindBye, 0xa1, 0x01, 0x51, call, 0x00),
		"a call ID as an array":        cborOf(kindBye, 0xa1, 0x01, 0x90, call),
		"a call ID as text":            cborOf(kindBye, 0xa1, 0x01, 0x70, call),
		"a string cut short":           cborOf(kindBye, 0xa1, 0x01, 0x50, call[:10]),
		"a string of 2^63 bytes":       cborOf(kindBye, 0xa1, 0x01, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"an array of 2^32":             cborOf(kindCandidates, 0xa1, 0x01, 0x9a, 0xff, 0xff, 0xff, 0xff),
		"a map of 2^32":                cborOf(kindRefused, 0xba, 0xff, 0xff, 0xff, 0xff),
		"500 nested arrays":            cborOf(kindCandidates, 0xa1, 0x01, nested),
		"nested maps":                  cborOf(kindRefused, bytes.Repeat([]byte{0xa1, 0x01}, 400), 0x05),
		"an address with a zone":       cborOf(kindCandidates, 0xa1, 0x01, 0x81, 0x56, make([]byte, 16), []byte("eth0"), 1, 0),
		"an address of five bytes":     cborOf(kindCandidates, 0xa1, 0x01, 0x81, 0x45, 1, 2, 3, 4, 5),
	} {
		if m, err := Parse(b); err == nil {
			t.Errorf("%s: %x passes as %+v", what, b, m)
		} else if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: got %v, want %v or %v", what, err, ErrMalformed, ErrUnknown)
		}
	}
}

// Every message refuses each of these changes.
func TestEveryMessageChanged(t *testing.T) {
	for name, m := range messageVectors() {
		b := Append(nil, m)
		for n := range b {
			if _, err := parseAny(b[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes passes", name, n, len(b))
			}
		}
		if _, err := parseAny(append(append([]byte(nil), b...), 0)); err == nil {
			t.Errorf("%s with a trailing byte passes", name)
		}
		long := append(append([]byte(nil), b...), make([]byte, MaxGranted)...)
		if _, err := parseAny(long); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s of %d bytes: got %v, want %v", name, len(long), err, ErrTooLong)
		}
		indefinite := append([]byte{b[0], 0xbf}, b[2:]...)
		if _, err := parseAny(append(indefinite, 0xff)); err == nil {
			t.Errorf("%s of indefinite length passes", name)
		}
	}
}

// Messages that are well-formed CBOR, with values that no sender of ours sends.
func TestValuesThatAreRefused(t *testing.T) {
	wish := testWish()
	wish.Proof = wish.Proof[1:]
	bigWish := testWish()
	bigWish.Device = make([]byte, 1025)
	members := make([]Member, MaxMembers+1)
	for i := range members {
		members[i] = Member{Node: testID(1), Addr: addr4(1)}
	}
	good := testWish()
	for what, m := range map[string]Message{
		"no codecs":             Invite{},
		"list 0":                Revoked{},
		"part 1 of 1":           RevokedPart{Sequence: 1, Part: 1, Of: 1, Bytes: []byte{1}},
		"an empty part":         RevokedPart{Sequence: 1, Of: 1},
		"a short part":          RevokedPart{Sequence: 1, Of: 2, Bytes: []byte{1}},
		"a part too far":        RevokedAsk{Part: 255},
		"nobody revoked":        Revoke{Name: "kitchen", Wish: good},
		"nothing lent":          Lend{},
		"hot and not there":     Found{Code: FindNone, Hot: true},
		"a short entry":         Shelve{Entry: make([]byte, entrySize-1)},
		"a long entry":          Shelve{Entry: make([]byte, MaxEntry+1)},
		"half a holder":         Browse{After: make([]byte, 8)},
		"an empty shelf found":  Shelf{Code: FindRecord, Signature: make([]byte, 64)},
		"a shelf of nothing":    Shelf{Code: FindNone, Slips: make([]byte, slipSize), Signature: make([]byte, 64)},
		"an unsigned shelf":     Shelf{Code: FindNone},
		"half a slip":           Shelf{Code: FindRecord, Slips: make([]byte, slipSize+1), Signature: make([]byte, 64)},
		"too many slips":        Shelf{Code: FindRecord, Slips: make([]byte, slipSize*(MaxSlips+1)), Signature: make([]byte, 64)},
		"nobody fetched":        Fetch{},
		"three fetched":         Fetch{Holders: make([]byte, 24)},
		"no entries found":      Entries{Code: FindRecord},
		"entries of none":       Entries{Code: FindNone, Entries: [][]byte{make([]byte, entrySize)}},
		"an empty entry":        Entries{Code: FindRecord, Entries: [][]byte{{}}},
		"nine codecs":           Invite{Codecs: make([]Codec, 9)},
		"five homes":            Invite{Codecs: []Codec{1}, Homes: make([]identity.ID, 5)},
		"three tickets":         Relays{Tickets: []Ticket{testTicket(1, members[0]), testTicket(2, members[0]), testTicket(3, members[0])}},
		"no tickets":            Relays{},
		"an empty ticket":       Relays{Tickets: make([]Ticket, 1)},
		"a ticket of nobody":    RelayOpen{Ticket: Ticket{Relay: Member{Node: testID(8), Addr: addr4(1)}, Caller: testID(11), Signature: make([]byte, 64)}},
		"a short signature":     Relays{Tickets: []Ticket{{Relay: Member{Node: testID(8), Addr: addr4(1)}, Caller: testID(11), Callee: testID(12), Signature: make([]byte, 63)}}},
		"a relay without port":  RelayOpen{Ticket: Ticket{Relay: Member{Node: testID(8), Addr: addr4(0)}, Caller: testID(11), Callee: testID(12), Signature: make([]byte, 64)}},
		"channel 0":             RelayOpened{Serial: 1},
		"a channel of 25 bits":  RelayClosed{Channel: 1 << 24, Code: RelayGone},
		"relay code 0":          RelayRefused{},
		"relay code 8":          RelayClosed{Channel: 1, Code: 8},
		"reject code 0":         Reject{},
		"reject code 5":         Reject{Code: 5},
		"17 candidates":         Candidates{Addrs: make([]netip.AddrPort, 17)},
		"no address":            Candidates{Addrs: make([]netip.AddrPort, 1)},
		"afresh nowhere":        Afresh{},
		"port 0":                Candidates{Addrs: []netip.AddrPort{addr4(0)}},
		"a mapped address":      Candidates{Addrs: []netip.AddrPort{netip.MustParseAddrPort("[::ffff:192.0.2.1]:1")}},
		"a member without key":  Attached{Members: []Member{{Addr: addr4(1)}}},
		"a member without port": Attached{Members: []Member{{Node: testID(1), Addr: addr4(0)}}},
		"IPv4 twice":            Attached{Members: []Member{{Node: testID(1), Addr: addr4(1), Addr6: addr4(2)}}},
		"IPv6 twice":            Attached{Members: []Member{{Node: testID(1), Addr: addr6(1), Addr6: addr6(2)}}},
		"a second without port": Attached{Members: []Member{{Node: testID(1), Addr: addr4(1), Addr6: addr6(0)}}},
		"another without port":  Attached{Other: addr6(0)},
		"an unknown port":       Attached{Members: []Member{{Node: testID(1), Addr: addr4(1), Ports: 8}}},
		"17 members":            Members{Live: members},
		"no announcement":       Join{Self: AppendNews(nil, testFarewell)},
		"two announcements":     Join{Self: append(announcement(addr4(1)), announcement(addr4(2))...)},
		"cut news":              Gossip{News: announcement(addr4(1))[:180]},
		"half an ID":            Gossip{Have: make([]byte, 12)},
		"too few sums":          Digest{Sums: make([]byte, 4)},
		"half of a roll":        Roll{IDs: make([]byte, 6)},
		"17 places":             Found{Code: FindNone, Near: make([]byte, 17*8)},
		"a record denied":       Found{Code: FindRecord, Record: []byte{1}, Near: make([]byte, 8)},
		"17 members attached":   Attached{Members: members},
		"publish nothing":       Publish{},
		"publish too much":      Publish{Record: make([]byte, MaxRecord+1)},
		"store code 0":          Stored{},
		"store code 7":          Stored{Code: 7},
		"find code 0":           Found{},
		"found without record":  Found{Code: FindRecord},
		"a record with a no":    Found{Code: FindNone, Record: []byte{1}},
		"a short password":      Register{Name: "kitchen", Number: "1001", Password: "1234567", Wish: good},
		"a long password":       Login{Name: "kitchen", Password: strings.Repeat("x", 129), Wish: good},
		"a long display name":   Register{Name: "kitchen", Number: "1001", Display: strings.Repeat("x", 65), Password: "12345678", Wish: good},
		"a name in capitals":    Renew{Name: "Kitchen", Wish: good},
		"a bad name":            Login{Name: "no such name!", Wish: good},
		"a bad number":          Register{Name: "kitchen", Number: "12", Password: "12345678", Wish: good},
		"a short proof":         Renew{Name: "kitchen", Wish: wish},
		"a big certificate":     Renew{Name: "kitchen", Wish: bigWish},
		"deny code 0":           Denied{},
		"deny code 14":          Denied{Code: 14},
		"a long denial":         Denied{Code: DenyBusy, Text: strings.Repeat("x", 201)},
		"a denial not UTF-8":    Denied{Code: DenyBusy, Text: "\xff"},
	} {
		b := append([]byte{byte(m.Kind())}, must(encoding.Marshal(m))...)
		if got, err := parseAny(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %+v, %v, want %v", what, got, err, ErrMalformed)
		}
	}
}

// The largest messages that check lets through still fit.
func TestLargestMessages(t *testing.T) {
	members := make([]Member, MaxMembers)
	dead := make([]identity.ID, MaxMembers)
	addrs := make([]netip.AddrPort, 16)
	for i := range members {
		members[i], dead[i] = Member{Node: testID(1), Addr: addr4(65535), Addr6: addr6(65535), Ports: allPorts}, testID(2)
	}
	for i := range addrs {
		addrs[i] = addr6(65535)
	}
	for _, m := range []Message{
		Attached{Observed: addr6(65535), Refresh: 65535, Members: members, Ports: allPorts, Other: addr6(65535)},
		Members{Live: members},
		Candidates{Addrs: addrs},
		Invite{Codecs: make([]Codec, 8), Node: testID(1), Homes: dead[:4]},
		Relays{Tickets: []Ticket{testTicket(1<<63, members[0]), testTicket(1<<63, members[1])}},
		Publish{Query: 1<<32 - 1, Record: make([]byte, MaxRecord)},
		Found{Query: 1<<32 - 1, Code: FindRecord, Record: make([]byte, MaxRecord)},
	} {
		b := append([]byte{byte(m.Kind())}, must(encoding.Marshal(m))...)
		t.Logf("%T: %d bytes", m, len(b))
		if len(b) > MaxMessage {
			t.Errorf("%T: %d bytes, at most %d", m, len(b), MaxMessage)
			continue
		}
		if _, err := Parse(b); err != nil {
			t.Errorf("%T: %v", m, err)
		}
	}
}

func TestLoginStream(t *testing.T) {
	var b bytes.Buffer
	want := messageVectors()["granted"].(Granted)
	for range 2 {
		if err := WriteLogin(&b, want); err != nil {
			t.Fatal(err)
		}
	}
	stream := bytes.Clone(b.Bytes())
	r := iotest.OneByteReader(&b)
	for range 2 {
		if m, err := ReadLogin(r, MaxLogin); err != nil || m.(Granted).Time != want.Time {
			t.Fatalf("got %+v, %v", m, err)
		}
	}
	if _, err := ReadLogin(r, MaxLogin); !errors.Is(err, io.EOF) {
		t.Errorf("at its end: got %v, want %v", err, io.EOF)
	}
	if _, err := ReadLogin(bytes.NewReader(stream[:len(stream)/2-1]), MaxLogin); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if _, err := ReadLogin(bytes.NewReader([]byte{0xff, 0xff}), MaxLogin); !errors.Is(err, ErrTooLong) {
		t.Errorf("length 65535: got %v, want %v", err, ErrTooLong)
	}
	if _, err := ReadLogin(bytes.NewReader([]byte{0, 0}), MaxLogin); !errors.Is(err, ErrUnknown) {
		t.Errorf("length 0: got %v, want %v", err, ErrUnknown)
	}
	if _, err := ReadLogin(bytes.NewReader([]byte{0, 2, byte(kindBye), 0xa0}), MaxLogin); !errors.Is(err, ErrUnknown) {
		t.Errorf("a message of the other protocol: got %v, want %v", err, ErrUnknown)
	}
}
