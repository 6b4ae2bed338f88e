package identity

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	for _, test := range []struct {
		text string
		want []Word
	}{
		{"Anna Schmidt", []Word{"anna", "schmidt"}},
		{"  ANNA,  anna-lena ", []Word{"anna", "lena"}},
		{"J. R. O'Brien", []Word{"brien"}},
		{"Straße STRASSE strasse", []Word{"strasse"}},
		{"Μάρκος ΜΆΡΚΟΣ", []Word{"μάρκοσ"}},
		{"ﬁne ＫＩＴＣＨＥＮ ２", []Word{"fine", "kitchen"}},
		{"Mu\u0308ller Müller", []Word{"müller"}},
		{"王小明 王", []Word{"王小明", "王"}},
		{"नी\u200dला", []Word{"नीला"}},
		{"one two three four five", []Word{"one", "two", "three", "four"}},
		{"Flat 12b, 2nd floor", []Word{"flat", "12b", "2nd", "floor"}},
		{"", nil}, {"☎ ✆", nil}, {"\xff\xfe", nil},
	} {
		if got := Words(test.text); !slices.Equal(got, test.want) {
			t.Errorf("Words(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestALongWordIsCut(t *testing.T) {
	long, longer := strings.Repeat("ü", 25), strings.Repeat("ü", 32)
	if a, b := Words(long), Words(longer); len(a) != 1 || !slices.Equal(a, b) || len(a[0]) != maxWord {
		t.Errorf("got %q and %q, want one word of %d bytes", a, b, maxWord)
	}
}

func TestDisplayNames(t *testing.T) {
	for _, good := range []string{"", "Küche", "王小明", strings.Repeat("x", MaxDisplay)} {
		if err := CheckDisplay(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{strings.Repeat("x", MaxDisplay+1), "a\nb", "\u202eannA", "\xff", "a\u200bb"} {
		if err := CheckDisplay(bad); !errors.Is(err, ErrBadDisplay) {
			t.Errorf("%q: %v, want %v", bad, err, ErrBadDisplay)
		}
	}
}

func TestAWordHasAPlaceOfItsOwn(t *testing.T) {
	n := NetworkOf(KeyFromSeed([32]byte{1}).ID())
	if word, name := n.LookupWord("kitchen"), n.LookupName("kitchen"); word.Index == name.Index || word.Seal == name.Seal {
		t.Error("a word lies where the name of the same letters lies")
	}
}

// FuzzWords: the words of a word are itself, however a text is written.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"Anna Schmidt", "Straße", "Mu\u0308ller", "ŉ ǰ ΐ", "İstanbul ı", "王", "\xff", "Ⅷ ﷺ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := Words(text)
		if len(words) > MaxWords {
			t.Fatalf("%q has %d words", text, len(words))
		}
		for _, w := range words {
			if len(w) == 0 || len(w) > maxWord || !utf8.ValidString(string(w)) {
				t.Fatalf("%q has the word %q", text, w)
			}
			if again := Words(string(w)); len(w) < maxWord-8 && !slices.Equal(again, []Word{w}) {
				t.Errorf("the words of %q are %q", w, again)
			}
		}
	})
}
