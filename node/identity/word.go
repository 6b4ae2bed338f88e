package identity

import (
	"errors"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxDisplay bounds a display name, in bytes of UTF-8.
const MaxDisplay = 64

// ErrBadDisplay is worded for the phone's owner.
var ErrBadDisplay = errors.New("identity: a display name has at most 64 bytes of printable text")

// CheckDisplay refuses what is no display name: ErrBadDisplay. Control and
// direction characters would let one name look like another.
func CheckDisplay(display string) error {
	if len(display) > MaxDisplay || !utf8.ValidString(display) {
		return ErrBadDisplay
	}
	for _, r := range display {
		if !unicode.IsPrint(r) {
			return ErrBadDisplay
		}
	}
	return nil
}

// Word is a word of a display name as the global index knows it: normalised
// (NFKC, Unicode Standard Annex 15) and case folded.
type Word string

const (
	// MaxWords is how many words of a display name lead to it, and of a search to
	// what is sought.
	MaxWords = 4
	// maxWord bounds a word, in bytes; the rest of a longer one does not count.
	maxWord = 48
)

// Words returns the words of a text, each once, in their order: runs of letters,
// marks and digits that have at least two characters, or are an ideograph. What
// comes after MaxWords does not count.
func Words(text string) []Word {
	var words []Word
	var word []rune
	end := func() {
		if w := shorten(word); w != "" && len(words) < MaxWords && !slices.Contains(words, w) {
			words = append(words, w)
		}
		word = word[:0]
	}
	for _, r := range fold(text) {
		switch {
		case unicode.In(r, unicode.Letter, unicode.Mark, unicode.Digit):
			word = append(word, r)
		case unicode.Is(unicode.Cf, r): // joiners: within a word, and of no meaning for who seeks it
		default:
			end()
		}
	}
	end()
	return words
}

// shorten returns a word of at most maxWord bytes, "" for what is too short to be
// one.
func shorten(word []rune) Word {
	if len(word) == 1 && !unicode.Is(unicode.Ideographic, word[0]) {
		return ""
	}
	for len(string(word)) > maxWord {
		word = word[:len(word)-1]
	}
	return Word(word)
}

// fold returns text in NFKC with all cases made one. Folding can undo the
// normal form, and that bring capitals to light, so both are done twice.
func fold(text string) string { return foldOnce(foldOnce(text)) }

func foldOnce(text string) string {
	var folded []rune
	for _, r := range norm.NFKC.String(text) {
		if r == 'ß' || r == 'ẞ' { // the one letter of many hands that folds to two
			folded = append(folded, 's', 's')
			continue
		}
		folded = append(folded, unicode.ToLower(unicode.ToUpper(r))) // by way of the upper case: final sigma
	}
	return norm.NFKC.String(string(folded))
}

// LookupWord returns the place of the entries of all whose display name has this
// word, in network n.
func (n Network) LookupWord(w Word) Lookup { return n.lookup("word", string(w)) }
