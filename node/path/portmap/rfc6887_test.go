package portmap

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
	"time"
)

func testPCP() *pcp {
	return &pcp{gateway: netip.MustParseAddr("192.168.1.1"), port: 4000, nonce: [12]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}
}

// Sections 7.1 and 11.1.
const pcpRequest = "02010000" + "00000e10" + "00000000000000000000ffffc0a80107" +
	"0102030405060708090a0b0c" + "11000000" + "0fa0" + "0fa0" + "00000000000000000000ffff00000000"

// Sections 7.2 and 11.1: 203.0.113.9:4001 for half an hour.
const pcpGranted = "02810000" + "00000708" + "00000100" + "000000000000000000000000" +
	"0102030405060708090a0b0c" + "11000000" + "0fa0" + "0fa1" + "00000000000000000000ffffcb007109"

func TestPCPRequest(t *testing.T) {
	p := testPCP()
	if got := hex.EncodeToString(p.request(netip.MustParseAddr("192.168.1.7"), time.Hour)); got != pcpRequest {
		t.Errorf("got  %s\nwant %s", got, pcpRequest)
	}
	p.granted = netip.MustParseAddrPort("203.0.113.9:4001")
	want := "02010000" + "00000000" + pcpRequest[16:84] + "0fa1" + "00000000000000000000ffffcb007109"
	if got := hex.EncodeToString(p.request(netip.MustParseAddr("192.168.1.7"), 0)); got != want {
		t.Errorf("to end it\ngot  %s\nwant %s", got, want)
	}
}

func TestPCPAnswers(t *testing.T) {
	p := testPCP()
	granted, _ := hex.DecodeString(pcpGranted)
	change := func(at int, v byte) []byte {
		b := append([]byte(nil), granted...)
		b[at] = v
		return b
	}
	g, ours, err := p.parse(granted)
	if want := (pcpGrant{netip.MustParseAddrPort("203.0.113.9:4001"), 30 * time.Minute}); g != want || !ours || err != nil {
		t.Errorf("got %v, %v, %v, want %v", g, ours, err, want)
	}
	for what, test := range map[string]struct {
		b     []byte
		ours  bool
		older bool
	}{
		"nothing":                     {nil, false, false},
		"our own request":             {change(1, 1), false, false},
		"cut":                         {granted[:59], false, false},
		"another's nonce":             {change(24, 9), false, false},
		"another's port":              {change(41, 9), false, false},
		"TCP":                         {change(36, 6), false, false},
		"no resources":                {change(3, 8), true, false},
		"an older version, its words": {[]byte{0, 0x81, 0, 1, 0, 0, 0, 9}, true, true},
		"a version that is not known": {change(3, 1), true, true},
	} {
		if g, ours, err := p.parse(test.b); ours != test.ours || errors.Is(err, errOlder) != test.older || (err != nil) != test.ours || g != (pcpGrant{}) {
			t.Errorf("%s: got %v, %v, %v", what, g, ours, err)
		}
	}
}

func FuzzPCP(f *testing.F) {
	granted, _ := hex.DecodeString(pcpGranted)
	f.Add(granted)
	f.Add([]byte{0, 0x81, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if g, ours, err := testPCP().parse(b); g.outside.IsValid() != (ours && err == nil) {
			t.Errorf("% x: %v, %v, %v", b, g, ours, err)
		}
	})
}
