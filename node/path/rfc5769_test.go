package path

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/stun/v3"
)

// The vectors of RFC 5769, which RFC 8489 keeps.
const (
	// Section 2.1.
	sampleRequest = `00010058 2112a442 b7e7a701bc34d686fa87dfae
		80220010 5354554e207465737420636c69656e74
		00240004 6e0001ff
		80290008 932ff9b151263b36
		00060009 6576746a3a68367659 202020
		00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
		80280004 e57a3bcf`
	// Section 2.2: seen from 192.0.2.1 port 32853.
	sampleIPv4 = `0101003c 2112a442 b7e7a701bc34d686fa87dfae
		8022000b 7465737420766563746f72 20
		00200008 0001a147e112a643
		00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
		80280004 c07d4c96`
	// Section 2.3: seen from 2001:db8:1234:5678:11:2233:4455:6677 port 32853.
	sampleIPv6 = `01010048 2112a442 b7e7a701bc34d686fa87dfae
		8022000b 7465737420766563746f72 20
		00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
		00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
		80280004 c8fb0b4c`
	// Section 2.4: a request with long-term credentials.
	sampleLongTerm = `00010060 2112a442 78ad3433c6ad72c029da412e
		00060012 e3839ee38388e383aae38383e382afe382b9 0000
		0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
		0014000b 6578616d706c652e6f7267 00
		00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666`
)

func vector(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// attribute returns the value of the first attribute a of a message.
func attribute(t *testing.T, b []byte, a stun.AttrType) []byte {
	t.Helper()
	m := &stun.Message{Raw: b}
	if err := m.Decode(); err != nil {
		t.Fatalf("% x: %v", b, err)
	}
	v, err := m.Get(a)
	if err != nil {
		t.Fatalf("% x has no %v: %v", b, a, err)
	}
	return v
}

// binding returns a request with the transaction of the vectors and attributes.
func binding(t *testing.T, attributes ...stun.Setter) []byte {
	t.Helper()
	transaction := stun.NewTransactionIDSetter([12]byte(vector(t, sampleRequest)[8:20]))
	m, err := stun.Build(append([]stun.Setter{transaction, stun.BindingRequest}, attributes...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestRFC5769Responses(t *testing.T) {
	for _, test := range []struct {
		from   string
		sample string
		size   int
	}{
		{"192.0.2.1:32853", sampleIPv4, 32},
		{"[::ffff:192.0.2.1]:32853", sampleIPv4, 32},
		{"[2001:db8:1234:5678:11:2233:4455:6677]:32853", sampleIPv6, 44},
	} {
		from := netip.MustParseAddrPort(test.from)
		got := AnswerSTUN(nil, binding(t), from)
		sample := vector(t, test.sample)
		if len(got) != test.size {
			t.Errorf("%v: %d bytes, want %d", from, len(got), test.size)
		}
		if !bytes.Equal(got[:2], sample[:2]) || !bytes.Equal(got[4:20], sample[4:20]) {
			t.Errorf("%v: header % x, want that of % x", from, got[:20], sample[:20])
		}
		a, b := attribute(t, got, stun.AttrXORMappedAddress), attribute(t, sample, stun.AttrXORMappedAddress)
		if !bytes.Equal(a, b) {
			t.Errorf("%v: XOR-MAPPED-ADDRESS % x, want % x", from, a, b)
		}
		got = AnswerSTUN([]byte("before"), binding(t, stun.Fingerprint), from)
		m := &stun.Message{Raw: got[len("before"):]}
		if err := m.Decode(); err != nil {
			t.Fatal(err)
		}
		if err := stun.Fingerprint.Check(m); err != nil {
			t.Errorf("%v: fingerprint: %v", from, err)
		}
	}
}

func TestRFC5769Requests(t *testing.T) {
	from := netip.MustParseAddrPort("192.0.2.1:32853")
	// PRIORITY, of ICE, must be understood, and is not: section 6.3.1 of RFC 8489.
	got := AnswerSTUN(nil, vector(t, sampleRequest), from)
	if code := attribute(t, got, stun.AttrErrorCode); code[2] != 4 || code[3] != 20 {
		t.Errorf("sample request: error % x, want 420", code)
	}
	if unknown := attribute(t, got, stun.AttrUnknownAttributes); !bytes.Equal(unknown, []byte{0x00, 0x24}) {
		t.Errorf("unknown attributes % x, want 00 24", unknown)
	}
	if got := AnswerSTUN(nil, vector(t, sampleLongTerm), from); got == nil || got[0] != 0x01 || got[1] != 0x01 {
		t.Errorf("long-term request: % x, want a success", got)
	}
	forged := vector(t, sampleRequest)
	forged[len(forged)-1] ^= 1
	if got := AnswerSTUN(nil, forged, from); got != nil {
		t.Errorf("a wrong fingerprint is answered: % x", got)
	}
	for _, response := range []string{sampleIPv4, sampleIPv6} {
		if got := AnswerSTUN(nil, vector(t, response), from); got != nil {
			t.Errorf("a response is answered: % x", got)
		}
	}
}

func TestWhatDeservesNoSTUNAnswer(t *testing.T) {
	from := netip.MustParseAddrPort("192.0.2.1:32853")
	request := binding(t)
	indication := bytes.Clone(request)
	indication[1] = 0x11
	allocate := bytes.Clone(request)
	allocate[1] = 0x03
	cookie := bytes.Clone(request)
	cookie[4] = 0
	length := bytes.Clone(request)
	length[3] = 4
	long := binding(t, stun.NewSoftware(strings.Repeat("x", 600)))
	for name, b := range map[string][]byte{
		"empty": nil, "short": request[:19], "indication": indication, "allocate": allocate,
		"no cookie": cookie, "wrong length": length, "too long": long,
	} {
		if got := AnswerSTUN(nil, b, from); got != nil {
			t.Errorf("%s: answered with % x", name, got)
		}
	}
	if got := AnswerSTUN(nil, request, netip.AddrPort{}); got != nil {
		t.Error("nobody is answered")
	}
}
