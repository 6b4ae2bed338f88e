package directory

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// entryOf returns account n's entry under anna.
func entryOf(t *testing.T, n int, sequence uint64, expires time.Time) (wire.Entry, []byte) {
	t.Helper()
	own := certifyWords(keyOf(n), wire.Card{Display: "Anna", Name: identity.Name(fmt.Sprint("a", n)), Number: "1001"}, start.Add(identity.NameValidity))
	p := own.Placements[0]
	b, err := BuildEntry(seeded(byte(n)), network.LookupWord("anna"), p, own.Key(p.Index), sequence, expires, own.Card)
	if err != nil {
		t.Fatal(err)
	}
	e, err := wire.ParseEntry(p.Index, b)
	if err != nil {
		t.Fatal(err)
	}
	return e, b
}

// resigned returns an entry changed, and signed by its own key all the same.
func resigned(n int, e wire.Entry, change func(*wire.Entry)) wire.Entry {
	change(&e)
	own := certifyWords(keyOf(n), wire.Card{Display: "Anna", Name: "a"}, start)
	e.Signature = own.Key(e.Placement.Index).Sign(wire.EntryMessage(e))
	return e
}

func TestEntriesThatDoNotHold(t *testing.T) {
	good, _ := entryOf(t, 1, 1, start.Add(time.Hour))
	if err := CheckEntry(good, start, issuing.ID(), identity.ID.Verify); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		e    wire.Entry
		want error
	}{
		"expired":                 {resigned(1, good, func(e *wire.Entry) { e.Expires = start.Unix() }), ErrExpired},
		"too far ahead":           {resigned(1, good, func(e *wire.Entry) { e.Expires = start.Add(Lifetime + time.Hour).Unix() }), ErrFar},
		"numbered ahead":          {resigned(1, good, func(e *wire.Entry) { e.Sequence = uint64(start.Add(Lifetime + time.Second).UnixMilli()) }), ErrFar},
		"with an old placement":   {resigned(1, good, func(e *wire.Entry) { e.Placement.NotAfter = start.Unix() }), ErrExpired},
		"at another word":         {resigned(1, good, func(e *wire.Entry) { e.Placement.Index = network.LookupWord("berta").Index }), ErrForeign},
		"of another holder":       {resigned(1, good, func(e *wire.Entry) { e.Placement.Holder[0]++ }), ErrForeign},
		"with another card":       {resigned(1, good, func(e *wire.Entry) { e.Placement.Card[0]++ }), ErrForeign},
		"with a longer placement": {resigned(1, good, func(e *wire.Entry) { e.Placement.NotAfter++ }), ErrForeign},
		"signed by another": {func() wire.Entry {
			e := good
			e.Signature = keyOf(2).Sign(wire.EntryMessage(e))
			return e
		}(), ErrForged},
		"with a sequence of its own": {func() wire.Entry { e := good; e.Sequence++; return e }(), ErrForged},
	} {
		if err := CheckEntry(test.e, start, issuing.ID(), identity.ID.Verify); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", what, err, test.want)
		}
	}
	if err := CheckEntry(good, start, identity.ID{}, identity.ID.Verify); !errors.Is(err, ErrTrust) {
		t.Errorf("before the issuing key is known: %v", err)
	}
}

func TestOnlyWhoKnowsTheWordOpensAnEntry(t *testing.T) {
	e, _ := entryOf(t, 1, 1, start.Add(time.Hour))
	anna, berta := network.LookupWord("anna"), network.LookupWord("berta")
	card, err := OpenEntry(anna, "anna", e)
	if err != nil || card != (wire.Card{Display: "Anna", Name: "a1", Number: "1001"}) {
		t.Fatalf("opened: %+v, %v", card, err)
	}
	wrong := berta
	wrong.Index = anna.Index
	if _, err := OpenEntry(wrong, "anna", e); !errors.Is(err, ErrSealed) {
		t.Errorf("with the key of another word: %v", err)
	}
	if _, err := OpenEntry(berta, "berta", e); !errors.Is(err, ErrSealed) {
		t.Errorf("at another word: %v", err)
	}
	if _, err := OpenEntry(anna, "berta", e); !errors.Is(err, ErrListing) {
		t.Errorf("a card without the word: %v", err)
	}
	// Somebody who has a place at the word may not say there that he is another.
	own := certifyWords(keyOf(1), wire.Card{Display: "Anna", Name: "a1"}, start.Add(time.Hour))
	p := own.Placements[0]
	b, _ := BuildEntry(seeded(1), anna, p, own.Key(p.Index), 1, start.Add(time.Hour), wire.Card{Display: "Anna", Name: "police", Number: "1100"})
	lie, _ := wire.ParseEntry(p.Index, b)
	if err := CheckEntry(lie, start, issuing.ID(), identity.ID.Verify); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEntry(anna, "anna", lie); !errors.Is(err, ErrListing) {
		t.Errorf("a card that the login server has not signed: %v", err)
	}
}

func TestAHolderHasOneEntry(t *testing.T) {
	s := newShelves(100, func() uint64 { return 7 }, slices.Clone[[]byte])
	put := func(n int, sequence uint64, d time.Duration) error {
		e, b := entryOf(t, n, sequence, start.Add(d))
		return s.put(e, b)
	}
	for _, n := range []int{1, 1, 2} { // the same one twice
		if err := put(n, 5, time.Duration(n)*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(1, 4, 3*time.Hour); !errors.Is(err, ErrOlder) {
		t.Errorf("an older one: %v", err)
	}
	if err := put(1, 6, time.Minute); err != nil {
		t.Errorf("a later one: %v", err)
	}
	f := s.at(start, network.LookupWord("anna").Index)
	if len(f.entries) != 2 || len(s.soon) != 2 {
		t.Errorf("%d entries, %d in all", len(f.entries), len(s.soon))
	}
	if s.at(start.Add(time.Minute), f.key); len(f.entries) != 1 || !s.due().Equal(start.Add(2*time.Hour)) {
		t.Errorf("%d entries when one has expired", len(f.entries))
	}
	if s.at(start.Add(2*time.Hour), f.key) != nil || len(s.byKey) != 0 {
		t.Error("an empty shelf stays")
	}
}

func TestShelvesAreBounded(t *testing.T) {
	s := newShelves(3, func() uint64 { return 7 }, slices.Clone[[]byte])
	for n := range 4 {
		e, b := entryOf(t, n, 1, start.Add(time.Duration(n+1)*time.Hour))
		if err := s.put(e, b); err != nil {
			t.Fatal(err)
		}
	}
	e, b := entryOf(t, 9, 1, start.Add(time.Hour))
	if err := s.put(e, b); !errors.Is(err, errFull) || len(s.soon) != 3 {
		t.Errorf("%d entries, %v", len(s.soon), err)
	}
}

// After half of the supernodes have died those who are the nearest now are given
// all entries, while their owners are silent.
func TestEntriesAreGivenToNewKeepers(t *testing.T) {
	const entries = 30
	w := newTown(t, 9, 40, 1)
	key := network.LookupWord("anna").Index
	live := func(index identity.IndexKey, n int) []wire.Member {
		near := slices.DeleteFunc(w.nearest(index, 40), func(m wire.Member) bool { return w.keepers[numberOf(m.Node)].temper == dead })
		return near[:min(n, len(near))]
	}
	for _, k := range w.keepers {
		k.cfg.Nearest = live
	}
	w.run(3 * time.Second)
	for n := range entries {
		_, b := entryOf(t, n, 1, w.now.Add(time.Hour))
		for _, m := range live(key, Replicas) {
			w.keepers[numberOf(m.Node)].Answer(w.now, 1, wire.Shelve{Key: key, Entry: b}, nil)
		}
	}
	for n := 0; n < 40; n += 2 {
		w.keepers[n].temper = dead
	}
	for _, k := range w.keepers {
		if k.temper != dead {
			k.NeighboursChanged(w.now)
			w.settleKeeper(k)
		}
	}
	w.run(time.Minute)
	asks := uint64(0)
	for _, m := range live(key, Replicas) {
		k := w.keepers[numberOf(m.Node)]
		asks += k.Counters().Asks
		if n := k.Entries(); n != entries {
			t.Errorf("keeper %d has %d entries, want %d", k.n, n, entries)
		}
		if len(k.jobs) != 0 || k.repairs != 0 || len(k.Index.asks) != 0 || len(k.shelfTasks) != 0 {
			t.Errorf("keeper %d: %d jobs, %d repairs, %d questions, %d tasks are left", k.n, len(k.jobs), k.repairs, len(k.Index.asks), len(k.shelfTasks))
		}
	}
	t.Logf("%d questions", asks)
	if asks > 3*entries*Replicas {
		t.Errorf("%d questions to give %d entries to 16", asks, entries)
	}
}
