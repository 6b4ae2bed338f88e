package session

import (
	_ "embed"
	"encoding/binary"
	"errors"
)

// Half of what TLS says beside its keys and signatures is the same in every
// handshake: lists of algorithms, the frame of a certificate. Over datagrams,
// where the first flight is padded to the size of its answer and each byte so
// counts twice, it travels packed: parts that both ends know by heart are named
// by their place in a phrase book.
//
// What TLS writes at once is a chunk:
//
//	 2  length of what follows
//	    any number of:
//	 1  0x00-0x7f: that many bytes and one more follow as they are
//	 1  0x80-0xff: that many bytes and minPhrase less 0x80 from the book
//	 2             with: where they begin in it
//
// A later version of crypto/tls that says other things is packed less well, and
// understood.

// phraseBook holds what two nodes and what two phones say in any handshake:
// phrases, each after its length in one byte. TestPhraseBook writes it anew with
// -update. Both ends must have the same: another book is another protocol.
//
//go:embed phrasebook.bin
var phraseBook []byte

const (
	minPhrase = 6 // so that keys hardly ever hold one by chance, and sizes do not vary
	maxPhrase = minPhrase + 0x7f
	maxPlain  = 0x80 // bytes as they are, for one byte of length
	copied    = 0x80 // first byte of a phrase
)

// span is a part of the book: from a place to the end of its phrase.
type span struct{ place, end int }

// phrases finds the places of some bytes in the book.
var phrases = func() map[[minPhrase]byte][]span {
	places := map[[minPhrase]byte][]span{}
	for begin := 0; begin < len(phraseBook); {
		end := begin + 1 + int(phraseBook[begin])
		for i := begin + 1; i+minPhrase <= end; i++ {
			key := [minPhrase]byte(phraseBook[i:])
			places[key] = append(places[key], span{i, end})
		}
		begin = end
	}
	return places
}()

// longestPhrase returns the longest part of the book with which b begins.
func longestPhrase(b []byte) (place, size int) {
	if len(b) < minPhrase {
		return 0, 0
	}
	for _, s := range phrases[[minPhrase]byte(b)] {
		n := minPhrase
		for n < min(len(b), maxPhrase, s.end-s.place) && b[n] == phraseBook[s.place+n] {
			n++
		}
		if n > size {
			place, size = s.place, n
		}
	}
	return place, size
}

// appendPacked appends b as a chunk.
func appendPacked(dst, b []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0)
	plain := 0 // bytes before b[i] that are not written yet
	for i := 0; i < len(b); {
		place, size := longestPhrase(b[i:])
		if size == 0 {
			i, plain = i+1, plain+1
			continue
		}
		dst = appendPlain(dst, b[i-plain:i])
		dst = append(dst, byte(copied+size-minPhrase), byte(place>>8), byte(place))
		i, plain = i+size, 0
	}
	dst = appendPlain(dst, b[len(b)-plain:])
	binary.BigEndian.PutUint16(dst[start:], uint16(len(dst)-start-2))
	return dst
}

func appendPlain(dst, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), maxPlain)
		dst = append(append(dst, byte(n-1)), b[:n]...)
		b = b[n:]
	}
	return dst
}

var errPacked = errors.New("malformed packing")

// unpacker unpacks the chunks of one level as their bytes come in.
type unpacker struct{ rest []byte }

// take returns what is whole, with b behind what came before.
func (u *unpacker) take(b []byte) (said []byte, err error) {
	u.rest = append(u.rest, b...)
	for len(u.rest) >= 2 {
		n := 2 + int(binary.BigEndian.Uint16(u.rest))
		if n > maxFlight {
			return nil, errPacked
		}
		if len(u.rest) < n {
			break
		}
		if said, err = unpack(said, u.rest[2:n]); err != nil {
			return nil, err
		}
		u.rest = u.rest[n:]
	}
	return said, nil
}

// unpack appends to dst what the chunk b, without its length, says. It is
// bounded: who sends little cannot say much.
func unpack(dst, b []byte) ([]byte, error) {
	for len(b) > 0 {
		head := b[0]
		b = b[1:]
		part := b
		switch n := int(head) + 1; {
		case head < copied && n <= len(b):
			part, b = b[:n], b[n:]
		case head >= copied && len(b) >= 2:
			place, size := int(binary.BigEndian.Uint16(b)), int(head)-copied+minPhrase
			if place+size > len(phraseBook) {
				return nil, errPacked
			}
			part, b = phraseBook[place:place+size], b[2:]
		default:
			return nil, errPacked
		}
		if len(dst)+len(part) > maxFlight {
			return nil, errPacked
		}
		dst = append(dst, part...)
	}
	return dst, nil
}
