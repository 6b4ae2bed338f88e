package directory

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// certifyWords is the login server's placements for a card.
func certifyWords(account identity.Key, card wire.Card, until time.Time) OwnEntries {
	own := OwnEntries{Card: card, Key: func(index identity.IndexKey) identity.Key { return account.Derive(fmt.Sprintf("word %x", index[:])) }}
	for _, word := range identity.Words(card.Display) {
		index := network.LookupWord(word).Index
		id := account.ID()
		holder := sha256.Sum256(append(id[:], index[:]...))
		p := wire.WordPlacement{
			Index: index, RecordKey: own.Key(index).ID(), Holder: wire.Holder(holder[:16]), Card: card.Hash(), NotAfter: until.Unix(),
		}
		p.Signature = issuing.Sign(wire.WordPlacementMessage(p))
		own.Placements = append(own.Placements, p)
	}
	return own
}

// call lets a phone be found by the words of a display name; "": by none.
func (w *town) call(a int, display string, stale ...wire.WordPlacement) OwnEntries {
	s := w.phones[a]
	own := OwnEntries{Key: certifyWords(key("account "+string(s.name)), wire.Card{}, w.now).Key}
	if display != "" {
		own = certifyWords(key("account "+string(s.name)), wire.Card{Display: display, Name: s.name, Number: s.number}, w.now.Add(identity.NameValidity))
	}
	own.Stale = stale
	s.SetEntries(w.now, own)
	w.settlePhone(s)
	return own
}

// inquire lets phone a look for words, and says whom it finds and how sure it is.
func (w *town) inquire(a int, words string) string {
	s := w.phones[a]
	s.matches = Matches{}
	id := s.Inquire(w.now, words)
	w.settlePhone(s)
	for range 200 {
		if s.matches.Query == id && s.matches.Settled {
			return sayMatches(s.matches)
		}
		w.run(50 * time.Millisecond)
	}
	w.Fatalf("seed %d: the inquiry for %q does not end", w.seed, words)
	return ""
}

func sayMatches(m Matches) string {
	var names []string
	for _, c := range m.Found {
		names = append(names, string(c.Name))
	}
	text := fmt.Sprintf("%v %s", m.Outcome, strings.Join(names, " "))
	if m.Whole {
		text += " whole"
	}
	if m.More {
		text += " more"
	}
	return text
}

func (w *town) wantInquiry(a int, words, want string) {
	w.Helper()
	if got := w.inquire(a, words); got != want {
		w.Errorf("seed %d, after %v: %q brings %q, want %q", w.seed, w.now.Sub(start), words, got, want)
	}
	w.run(cacheFound)
}

// distortEntries is what k makes of its own answer about entries.
func (w *town) distortEntries(k *clerk, asked Ask, m wire.Message) wire.Message {
	if k.temper == honest {
		return m
	}
	switch m := m.(type) {
	case wire.Shelf:
		key := asked.Message.(wire.Browse).Key
		switch k.temper {
		case denier:
			m = wire.Shelf{Code: wire.FindNone}
		case forger: // it has later ones of everybody, and others that nobody has
			var slips []byte
			for _, s := range m.List() {
				slips = wire.AppendSlip(slips, wire.Slip{Holder: s.Holder, Sequence: s.Sequence + 1000})
			}
			for i := range 10 {
				slips = wire.AppendSlip(slips, wire.Slip{Holder: [8]byte{byte(k.n), byte(i)}})
			}
			m.Code, m.Slips = wire.FindRecord, slips[:min(len(slips), 13*wire.MaxSlips)]
		}
		m.Signature = signAs(k.n)(wire.ShelfMessage(asked.Nonce, key, m))
		return m
	case wire.Entries:
		if k.temper == denier {
			return wire.Entries{Query: m.Query, Code: wire.FindNone, Last: true, Whole: true}
		}
		for i, e := range m.Entries {
			m.Entries[i] = slices.Clone(e)
			m.Entries[i][w.rand.IntN(len(e))] ^= 1
		}
		return m
	}
	return m
}

func TestPhonesAreFoundByWords(t *testing.T) {
	w := newTown(t, 1, 40, 8)
	w.run(3 * time.Second)
	w.call(1, "Anna Schmidt")
	w.call(2, "ANNA Lena Meyer")
	w.call(3, "Bäckerei Schmidt")
	w.run(3 * time.Second)
	for a, want := range map[int]int{1: 2, 2: 3, 3: 2, 4: 0} {
		if got := w.phones[a].words; got != want {
			t.Errorf("phone %d lies under %d words, want %d", a, got, want)
		}
	}
	w.wantInquiry(5, "anna", "Located phone2 phone1 whole")
	w.wantInquiry(5, "schmidt, Anna", "Located phone1 whole")
	w.wantInquiry(6, "BA\u0308CKEREI", "Located phone3 whole")
	w.wantInquiry(6, "phone4", "Absent  whole")
	w.wantInquiry(6, "anna bäckerei", "Absent  whole")
	w.wantInquiry(6, "☎", "Unsure ")
	if c := w.phones[1].matches.Found; len(c) > 0 {
		t.Errorf("a phone that asked nothing was told %v", c)
	}

	// Whoever wishes so is not found any more at once.
	w.call(1, "")
	w.run(2 * time.Second)
	w.wantInquiry(5, "schmidt", "Located phone3 whole")
	w.run(withdrawLife)
	w.wantInquiry(5, "schmidt", "Located phone3 whole")
	// Another name takes the place of the old one, also after a restart that has
	// forgotten what was published.
	old := w.call(2, "Lena Meyer")
	w.run(2 * time.Second)
	w.wantInquiry(5, "anna", "Absent  whole")
	w.phones[2].entries = nil
	w.call(2, "Meyer", old.Placements[0])
	w.run(2 * time.Second)
	w.wantInquiry(5, "lena", "Absent  whole")
	w.wantInquiry(5, "meyer", "Located phone2 whole")

	w.run(5 * 24 * time.Hour)
	w.wantInquiry(5, "meyer", "Located phone2 whole")
	w.phones[2].entries = nil // it is gone
	w.run(Lifetime + time.Hour)
	w.wantInquiry(5, "meyer", "Absent  whole")
	for _, k := range w.keepers {
		if n := len(k.shelves.byKey); n > 2 {
			t.Errorf("keeper %d has %d shelves yet", k.n, n)
		}
	}
}

func TestLiarsHideNobodyWhoIsSoughtByWords(t *testing.T) {
	for _, lie := range []temper{denier, forger, dead} {
		w := newTown(t, 3, 40, 6)
		w.run(3 * time.Second)
		for a := range w.phones {
			w.call(a, fmt.Sprint("Anna Nummer", a))
		}
		w.run(90 * time.Second)
		for n := 0; n < 40; n += 5 { // two in five
			w.keepers[n].temper, w.keepers[n+1].temper = lie, lie
		}
		for a, s := range w.phones {
			if trusted := slices.DeleteFunc(slices.Clone(s.homes), func(n int) bool { return n%5 < 2 }); len(trusted) == 0 {
				continue
			}
			got := w.inquire(a, "anna")
			for b := range w.phones {
				if !strings.Contains(got, fmt.Sprint("phone", b)) {
					t.Errorf("temper %d: phone %d asks homes %v and finds %q", lie, a, s.homes, got)
				}
			}
			if strings.HasPrefix(w.inquire(a, "Nummer"+fmt.Sprint(a)), "Absent") {
				t.Errorf("temper %d: a false absent", lie)
			}
			w.run(cacheFound)
		}
	}
}

// Of a word that very many have each keeper has others; the phone is told that
// there are more, and brings them with another word.
func TestAWordOfVeryMany(t *testing.T) {
	const many = 150
	w := newTown(t, 5, 20, 4)
	w.run(3 * time.Second)
	key := network.LookupWord("anna").Index
	for n := range many {
		account := keyOf(n)
		own := certifyWords(account, wire.Card{Display: fmt.Sprintf("Anna Zu%d", n), Name: identity.Name(fmt.Sprint("a", n))}, w.now.Add(time.Hour))
		b, err := BuildEntry(seeded(byte(n)), network.LookupWord("anna"), own.Placements[0], own.Key(key), 1, w.now.Add(time.Hour), own.Card)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range w.nearest(key, Replicas) {
			w.keepers[numberOf(m.Node)].Answer(w.now, 1, wire.Shelve{Key: key, Entry: b}, nil)
		}
	}
	held := map[[8]byte]bool{}
	for _, k := range w.keepers {
		if f := k.shelves.byKey[key]; f != nil {
			if len(f.entries) != wire.MaxSlips || k.Counters().Full == 0 {
				t.Errorf("keeper %d has %d, and refused %d", k.n, len(f.entries), k.Counters().Full)
			}
			for _, e := range f.entries {
				held[e.slip.Holder] = true
			}
		}
	}
	if len(held) < many-3 {
		t.Errorf("all keepers together have %d of %d", len(held), many)
	}
	if got := w.inquire(0, "anna"); strings.Contains(got, "whole") || !strings.Contains(got, "more") {
		t.Errorf("of many: %s", got)
	}
	s := w.phones[0]
	found := len(s.matches.Found)
	for s.matches.More {
		s.More(w.now, s.matches.Query)
		w.settlePhone(s)
		for range 100 {
			w.run(50 * time.Millisecond)
			if s.matches.Settled {
				break
			}
		}
	}
	if found < inquiryPage || found >= 60 || len(s.matches.Found) != len(held) || s.matches.Whole {
		t.Errorf("found %d, then %d of %d that are there; whole: %v", found, len(s.matches.Found), len(held), s.matches.Whole)
	}
}

func keyOf(n int) identity.Key { return key(fmt.Sprint("many ", n)) }
