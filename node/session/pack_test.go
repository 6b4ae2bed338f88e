package session

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"
)

// month is long enough for other dates.
const month = 30*24*time.Hour + 5*time.Hour + 7*time.Minute

// said returns what TLS says in handshakes between nodes and between phones,
// one list for each of the two levels and ends.
func said(t *testing.T, seed uint64, names ...string) (all [][]byte) {
	for _, r := range []Role{AsNode, AsPhone} {
		w := newWorld(t, seed)
		w.now = w.now.Add(time.Duration(seed) * month) // other dates
		a, b := w.join(names[0]), w.join(names[1])
		for _, n := range []*testNode{a, b} {
			n.port = &overheard{TLS: n.port.(*TLS), said: &all}
		}
		w.connect(a, b, r)
	}
	return all
}

// overheard is a handshaker that writes down what it says.
type overheard struct {
	*TLS
	said *[][]byte
}

func (o *overheard) Do(r Request) Progress {
	p := o.TLS.Do(r)
	for _, packed := range p.Send {
		if len(packed) > 0 {
			plain, err := new(unpacker).take(packed)
			if err != nil {
				panic(err)
			}
			*o.said = append(*o.said, plain)
		}
	}
	return p
}

// TestPhraseBook makes the book of what is the same in two handshakes that
// differ in all that may. What the book holds need not be what is said today,
// but it should help.
func TestPhraseBook(t *testing.T) {
	if *update {
		must(t, os.WriteFile("phrasebook.bin", newBook(said(t, 1, "kitchen", "workshop"), said(t, 2, "scullery", "hall")), 0o644))
		t.Skip("the book is written; run the test again")
	}
	whole, packed := 0, 0
	for _, b := range said(t, 3, "attic", "cellar")[:4] { // between nodes
		p := appendPacked(nil, b)
		t.Logf("%4d bytes packed into %4d", len(b), len(p))
		whole, packed = whole+len(b), packed+len(p)
	}
	if packed > whole*7/8 {
		t.Errorf("%d bytes are packed into %d; write the book anew?", whole, packed)
	}
}

// newBook gathers the parts that two sayings have in common, each once.
func newBook(a, b [][]byte) (book []byte) {
	for i := range a {
		for from := 0; from < len(a[i]); {
			to := from
			for to < len(a[i]) && to < len(b[i]) && a[i][to] == b[i][to] {
				to++
			}
			for part := range slices.Chunk(a[i][from:to], maxPhrase) {
				if len(part) >= minPhrase && !bytes.Contains(book, part) {
					book = append(append(book, byte(len(part))), part...)
				}
			}
			from = max(to, from+1)
		}
	}
	return book
}

func TestPackingIsLossless(t *testing.T) {
	for _, b := range append(said(t, 4, "barn", "shed"), nil, []byte{0}, phraseBook, make([]byte, 1000), bytes.Repeat(phraseBook[:5], 200)) {
		packed := appendPacked([]byte("before"), b)
		var u unpacker
		var got []byte
		for c := range slices.Chunk(packed[len("before"):], 7) { // as it trickles in
			part, err := u.take(c)
			must(t, err)
			got = append(got, part...)
		}
		if !bytes.Equal(got, b) || len(u.rest) > 0 {
			t.Errorf("%d bytes became %d", len(b), len(got))
		}
	}
}

func TestUnpackingIsBounded(t *testing.T) {
	much := bytes.Repeat([]byte{0xff, 0, 0}, maxFlight/3)
	for what, b := range map[string][]byte{
		"more than a flight": much[:maxFlight/maxPhrase*3+6],
		"cut off":            {0x05, 1, 2},
		"half a phrase":      {0x80, 0},
		"beyond the book":    {0x80, byte(len(phraseBook) >> 8), byte(len(phraseBook))},
	} {
		if got, err := unpack(nil, b); err == nil {
			t.Errorf("%s: unpacked %d bytes", what, len(got))
		}
	}
	if _, err := new(unpacker).take([]byte{0xff, 0xff}); err == nil {
		t.Error("a chunk of 64 kB is waited for")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(appendPacked(nil, phraseBook))
	f.Add([]byte{0, 3, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		said, err := new(unpacker).take(b)
		if err != nil || len(said) == 0 {
			return
		}
		again, err := new(unpacker).take(appendPacked(nil, said))
		if err != nil || !bytes.Equal(again, said) {
			t.Fatalf("%x became %x, %v", said, again, err)
		}
	})
}
