package wire

import (
	"encoding/binary"
	"reflect"
	"testing"

	"peerphone/node/identity"
)

// FuzzMessage: what parses is written back byte for byte, and parses again to
// the same value.
func FuzzMessage(f *testing.F) {
	for _, m := range messageVectors() {
		f.Add(Append(nil, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseAny(b)
		if err != nil {
			return
		}
		written := Append(nil, m)
		if string(written) != string(b) {
			t.Fatalf("%x\nparsed  %+v\nwritten %x", b, m, written)
		}
		if again, err := parseAny(written); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%x\nparsed %+v\nagain  %+v, %v", b, m, again, err)
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(testRecord(testListing(1, addr4, "kitchen", "1001")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseRecord(b); err == nil {
			if written := AppendRecord(nil, r); string(written) != string(b) {
				t.Errorf("%x\nparsed  %+v\nwritten %x", b, r, written)
			}
		}
	})
}

func FuzzListing(f *testing.F) {
	f.Add(AppendListing(nil, testListing(2, addr4, "kitchen", "1001")))
	f.Add(AppendListing(nil, testListing(1, addr6, "ab", "1234567890")))
	f.Add(AppendListing(nil, Listing{Name: []byte("stand-in"), Devices: []Device{{Device: testID(1), Node: testID(2)}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseListing(b)
		if err != nil {
			return
		}
		if written := AppendListing(nil, l); string(written) != string(b) {
			t.Errorf("%x\nparsed  %+v\nwritten %x", b, l, written)
		}
	})
}

func FuzzLane(f *testing.F) {
	for _, l := range laneVectors() {
		f.Add(AppendLane(nil, l))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, ok := ParseLane(b); ok {
			if written := AppendLane(nil, l); string(written) != string(b) {
				t.Errorf("%x\nparsed  %+v\nwritten %x", b, l, written)
			}
		}
	})
}

func FuzzRelay(f *testing.F) {
	f.Add(otherVectors()["relay"])
	f.Fuzz(func(t *testing.T, b []byte) {
		channel, inner, ok := ParseRelay(b)
		if !ok {
			return
		}
		if written := AppendRelay(nil, channel, inner); string(written) != string(b) {
			t.Errorf("%x\nparsed  %06x %x\nwritten %x", b, channel, inner, written)
		}
		SetChannel(b, channel^MaxChannel)
		if again, _, ok := ParseRelay(b); !ok || again != channel^MaxChannel {
			t.Errorf("%x: channel %06x, %v after SetChannel to %06x", b, again, ok, channel^MaxChannel)
		}
	})
}

func FuzzMedia(f *testing.F) {
	for _, m := range mediaVectors() {
		f.Add(AppendMedia(nil, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, ok := ParseMedia(b); ok {
			if written := AppendMedia(nil, m); string(written) != string(b) {
				t.Errorf("%x\nparsed  %+v\nwritten %x", b, m, written)
			}
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(append(AppendHeader(nil, Header{Phase: 1, To: 5, Counter: 6}), make([]byte, 20)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, ok := ParseHeader(b); ok {
			if written := AppendHeader(nil, h); string(written) != string(b[:SessionHeader]) {
				t.Errorf("%x\nparsed  %+v\nwritten %x", b, h, written)
			}
		}
	})
}

func FuzzPulse(f *testing.F) {
	for _, name := range []string{"refresh", "doubt", "offer", "beat"} {
		f.Add(otherVectors()[name])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, ok := ParseRefresh(b); ok {
			if written := AppendRefresh(nil, r); string(written) != string(b) {
				t.Errorf("%x\nparsed  %+v\nwritten %x", b, r, written)
			}
		}
		if ids, ok := ParseOffer(b); ok {
			var list []uint64
			for ; len(ids) > 0; ids = ids[8:] {
				list = append(list, binary.BigEndian.Uint64(ids))
			}
			if written := AppendOffer(nil, list); string(written) != string(b) {
				t.Errorf("%x\nparsed  %x\nwritten %x", b, list, written)
			}
		}
		if d, ok := ParseDoubt(b); ok {
			if written := AppendDoubt(nil, d); string(written) != string(b) {
				t.Errorf("%x\nparsed  %+v\nwritten %x", b, d, written)
			}
		}
		if nonce, ok := ParseBeat(b); ok {
			if written := AppendBeat(nil, nonce); string(written) != string(b) {
				t.Errorf("%x\nparsed  %x\nwritten %x", b, nonce, written)
			}
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add(AppendEntry(nil, testEntry(testCard)))
	f.Add(AppendEntry(nil, Entry{Placement: WordPlacement{Signature: make([]byte, 64)}, Signature: make([]byte, 64)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEntry(identity.IndexKey{1}, b)
		if err != nil {
			return
		}
		if written := AppendEntry(nil, e); string(written) != string(b) {
			t.Errorf("%x\nparsed  %+v\nwritten %x", b, e, written)
		}
	})
}

func FuzzCard(f *testing.F) {
	f.Add(AppendCard(nil, testCard))
	f.Add(AppendCard(nil, Card{Display: "x", Name: "ab"}))
	f.Add(append([]byte{255}, make([]byte, 300)...)) // a length that no byte can add 1 to
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCard(b)
		if err != nil {
			return
		}
		if written := AppendCard(nil, c); string(written) != string(b) {
			t.Errorf("%x\nparsed  %+v\nwritten %x", b, c, written)
		}
	})
}
