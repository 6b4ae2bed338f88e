package wire

import (
	"encoding/binary"
	"time"

	"peerphone/node/identity"
)

// Refresh is the payload by which a phone keeps its attachment to a home, and
// asks for its pulse: a Beat First after it has come, and then each Every, as long
// as Refreshes come.
//
//	1  PayloadRefresh
//	4  Nonce
//	2  First, in milliseconds; 0: at once
//	2  Every, in milliseconds; 0: no Beat but one at once, if that is wanted. The
//	   first bit is News
//	2  a Mark of each other home of the phone; 0: none
type Refresh struct {
	Nonce        uint32        // that the Beats repeat, drawn at random
	First, Every time.Duration // at most MaxBeat
	News         bool          // the phone wants to be told of some Members
	Others       [2]Mark
}

// Mark is one byte of a supernode's key: a home that knows the Marks of its
// guest's other homes knows to whom the silence of a supernode may matter, and not
// what homes they are: one supernode in 255 has that Mark.
type Mark uint8

// MarkOf returns the Mark of a node; it is never 0.
func MarkOf(id identity.ID) Mark {
	var x byte
	for _, b := range id {
		x ^= b
	}
	return Mark(max(x, 1))
}

// MaxBeat bounds the durations of a Refresh.
const MaxBeat = 1<<15*time.Millisecond - time.Millisecond

const (
	refreshSize = 1 + 4 + 2 + 2 + 2
	newsBit     = 1 << 15 // of Every
)

// AppendRefresh appends r; durations beyond MaxBeat are cut short.
func AppendRefresh(dst []byte, r Refresh) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, byte(PayloadRefresh)), r.Nonce)
	dst = binary.BigEndian.AppendUint16(dst, millis(r.First))
	every := millis(r.Every)
	if r.News {
		every |= newsBit
	}
	dst = binary.BigEndian.AppendUint16(dst, every)
	return append(dst, byte(r.Others[0]), byte(r.Others[1]))
}

func millis(d time.Duration) uint16 { return uint16(min(max(d, 0), MaxBeat) / time.Millisecond) }

// ParseRefresh reads a Refresh; it has no other length.
func ParseRefresh(b []byte) (r Refresh, ok bool) {
	if len(b) != refreshSize || PayloadOf(b) != PayloadRefresh {
		return Refresh{}, false
	}
	first, every := binary.BigEndian.Uint16(b[5:]), binary.BigEndian.Uint16(b[7:])
	return Refresh{
		Nonce:  binary.BigEndian.Uint32(b[1:]),
		First:  time.Duration(first) * time.Millisecond,
		Every:  time.Duration(every&^newsBit) * time.Millisecond,
		News:   every&newsBit != 0,
		Others: [2]Mark{Mark(b[9]), Mark(b[10])},
	}, first < newsBit
}

// A Doubt is the payload that tells of a supernode's silence: a phone its other
// homes, when a home keeps silent; a home its guests, when the supernode is silent
// to it as well. Whoever hears it asks for itself.
//
//	1  PayloadDoubt
//	8  the first eight bytes of the supernode's key
type Doubt struct{ Of [8]byte }

const doubtSize = 1 + 8

// DoubtOf returns a Doubt of a node.
func DoubtOf(id identity.ID) Doubt { return Doubt{[8]byte(id[:8])} }

// Means reports whether the Doubt is of a node.
func (d Doubt) Means(id identity.ID) bool { return d == DoubtOf(id) }

// AppendDoubt appends d.
func AppendDoubt(dst []byte, d Doubt) []byte {
	return append(append(dst, byte(PayloadDoubt)), d.Of[:]...)
}

// ParseDoubt reads a Doubt; it has no other length.
func ParseDoubt(b []byte) (d Doubt, ok bool) {
	if len(b) != doubtSize || PayloadOf(b) != PayloadDoubt {
		return Doubt{}, false
	}
	return Doubt{[8]byte(b[1:])}, true
}

// A Beat is a frame outside of sessions by which a home tells a guest that it is
// there and knows the guest: the nonce of a Refresh, which nobody else has seen.
// With the headers of IP and UDP it has 33 bytes.
//
//	1  0x32
//	4  Nonce
const (
	beatByte byte = 0x32
	beatSize      = 1 + 4
)

// AppendBeat appends a Beat.
func AppendBeat(dst []byte, nonce uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, beatByte), nonce)
}

// ParseBeat reads the nonce of a Beat; it has no other length.
func ParseBeat(b []byte) (nonce uint32, ok bool) {
	if len(b) != beatSize || b[0] != beatByte {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[1:]), true
}
