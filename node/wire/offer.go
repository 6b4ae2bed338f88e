package wire

import "encoding/binary"

// An Offer is the payload by which a supernode tells a fellow which news it has. It
// is said once: what is lost another fellow says.
//
//	1  PayloadOffer
//	n  IDs of news, as in Gossip: eight bytes each, one at least

// MaxOffer bounds the IDs of an Offer.
const MaxOffer = 120

// AppendOffer appends an Offer of ids, MaxOffer of them at most.
func AppendOffer(dst []byte, ids []uint64) []byte {
	dst = append(dst, byte(PayloadOffer))
	for _, id := range ids[:min(len(ids), MaxOffer)] {
		dst = binary.BigEndian.AppendUint64(dst, id)
	}
	return dst
}

// ParseOffer returns the IDs of an Offer, as they are in it.
func ParseOffer(b []byte) (ids []byte, ok bool) {
	if PayloadOf(b) != PayloadOffer || len(b) < 1+8 || len(b) > 1+8*MaxOffer || len(b)%8 != 1 {
		return nil, false
	}
	return b[1:], true
}
