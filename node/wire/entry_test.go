package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"peerphone/node/identity"
)

func TestEntriesFit(t *testing.T) {
	e := AppendEntry(nil, testEntry(testCard))
	if len(e) != MaxEntry {
		t.Errorf("the longest entry has %d bytes, not MaxEntry, %d", len(e), MaxEntry)
	}
	usual := AppendEntry(nil, testEntry(Card{Display: "Anna Schmidt", Name: "anna", Number: "1001"}))
	t.Logf("entries of %d to %d bytes", len(usual), len(e))
	var slips []byte
	for range MaxSlips {
		slips = AppendSlip(slips, Slip{Sequence: sequenceMask})
	}
	for what, m := range map[string]Message{
		"two entries":  Entries{Code: FindRecord, Entries: [][]byte{e, e}, Last: true, More: true, Whole: true},
		"a full shelf": Shelf{Code: FindRecord, Slips: slips, Full: true, Signature: make([]byte, 64)},
		"an entry":     Shelve{Entry: e},
	} {
		if n := QuestionHeader + len(Append(nil, m)); n > MaxQuestion {
			t.Errorf("%s: %d bytes do not fit into a question of %d", what, n, MaxQuestion)
		}
	}
}

func TestSlipsComeBack(t *testing.T) {
	want := []Slip{{Holder: [8]byte{1, 2}, Sequence: 7}, {Holder: [8]byte{3}, Sequence: sequenceMask}}
	var s Shelf
	for _, slip := range want {
		s.Slips = AppendSlip(s.Slips, slip)
	}
	if got := s.List(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	e := testEntry(testCard)
	e.Sequence |= 1 << 63
	if slip := e.Slip(); slip.Sequence != uint64(start.UnixMilli())&sequenceMask || slip.Holder != [8]byte{7} {
		t.Errorf("the slip of an entry is %+v", slip)
	}
}

func TestEntriesThatAreRefused(t *testing.T) {
	b := AppendEntry(nil, testEntry(testCard))
	for n := range b {
		if _, err := ParseEntry(identity.IndexKey{}, b[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
	short := testEntry(testCard)
	short.Inner = short.Inner[1:]
	if _, err := ParseEntry(identity.IndexKey{}, append(AppendEntry(nil, short), 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a trailing byte: %v", err)
	}
	if _, err := ParseEntry(identity.IndexKey{}, append(b, 0)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
}

func TestCardsThatAreRefused(t *testing.T) {
	good := AppendCard(nil, testCard)
	for what, b := range map[string][]byte{
		"nothing": nil, "a trailing byte": append(good, 0), "cut": good[:len(good)-1],
		"no display name":   AppendCard(nil, Card{Name: "kitchen"}),
		"a long one":        AppendCard(nil, Card{Display: strings.Repeat("x", 65), Name: "kitchen"}),
		"a turned one":      AppendCard(nil, Card{Display: "\u202ex", Name: "kitchen"}),
		"no name":           AppendCard(nil, Card{Display: "x"}),
		"a name in capital": AppendCard(nil, Card{Display: "x", Name: "Kitchen"}),
		"a short number":    AppendCard(nil, Card{Display: "x", Name: "kitchen", Number: "1"}),
	} {
		if c, err := ParseCard(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", what, c, err)
		}
	}
}

func TestAWordsPlacementIsNoNumbers(t *testing.T) {
	w := testEntry(testCard).Placement
	if m := string(PlacementMessage(Placement{Index: w.Index, RecordKey: w.RecordKey, NotAfter: w.NotAfter})); strings.HasPrefix(m, string(WordPlacementMessage(w))[:20]) {
		t.Error("what is signed for a word begins like what is signed for a number")
	}
}
