package wire

import "encoding/binary"

// An Obituary is what a Testimony is, of several that are dead: when many die at once
// it costs one signature, and a seventh of the bytes.
//
//	 1  4
//	 8  Place of the witness
//	 1  how many are dead: from 1 to MaxDead
//	12  of each: its Place and its Incarnation
//	64  the witness's signature
type Obituary struct {
	Witness   Place
	Dead      Deaths
	Signature []byte
}

func (Obituary) news() {}

// Deaths are those of an Obituary, as they are in it: a network in trouble reads
// thousands of them.
type Deaths []byte

// Death is whom a witness finds dead.
type Death struct {
	Of          Place
	Incarnation uint32
}

// MaxDead bounds the Deaths of an Obituary.
const MaxDead = 24

// Sizes of an Obituary in bytes.
const (
	MaxObituary    = obituaryHeader + DeathSize*MaxDead + signatureSize
	obituaryHeader = 1 + 8 + 1
	DeathSize      = 8 + 4 // of each of the dead
)

// AppendDeath appends one to Deaths.
func AppendDeath(dst Deaths, d Death) Deaths {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst, uint64(d.Of)), d.Incarnation)
}

// Len returns how many are dead.
func (d Deaths) Len() int { return len(d) / DeathSize }

// At returns the i-th, from 0.
func (d Deaths) At(i int) Death {
	b := d[i*DeathSize:]
	return Death{Place(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint32(b[8:])}
}

func appendObituary(dst []byte, o Obituary) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, obituaryByte), uint64(o.Witness))
	dst = append(append(dst, byte(o.Dead.Len())), o.Dead...)
	return append(dst, o.Signature...)
}

func cutObituary(b []byte) (News, []byte, bool) {
	if len(b) < obituaryHeader {
		return nil, nil, false
	}
	n := int(b[obituaryHeader-1])
	signed := obituaryHeader + n*DeathSize
	end := signed + signatureSize
	if n < 1 || n > MaxDead || len(b) < end {
		return nil, nil, false
	}
	return Obituary{
		Witness: Place(binary.BigEndian.Uint64(b[1:])),
		Dead:    Deaths(b[obituaryHeader:signed:signed]), Signature: b[signed:end:end],
	}, b[end:], true
}

// WitnessOf returns whose word a piece of news is, which has been parsed before; false:
// nobody's but that of whom it is about.
func WitnessOf(news string) (Place, bool) {
	var room [8]byte
	switch news[0] {
	case testimonyByte:
		copy(room[:], news[13:])
	case obituaryByte:
		copy(room[:], news[1:])
	default:
		return 0, false
	}
	return Place(binary.BigEndian.Uint64(room[:])), true
}
