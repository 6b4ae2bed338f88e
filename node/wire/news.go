package wire

import (
	"encoding/binary"

	"peerphone/node/identity"
)

// News is what supernodes tell each other of supernodes, in a form that proves
// itself whoever passes it on. All four kinds begin with one byte that tells
// them apart, and end with a signature over what is before it (NewsMessage).
//
// An Announcement, 190 bytes with IPv4, 208 with IPv6 as well:
//
//	 1  1
//	 4  Incarnation
//	 n  ports and addresses, packed (appendPlaces): 7 bytes, 19 or 25
//	 n  node certificate in its compact form (identity.CompactNode), which names
//	    the node
//	64  the node's signature
//
// A Testimony or a Farewell, 85 and 77 bytes:
//
//	 1  2 or 3
//	 8  Place of whom it is about
//	 4  its Incarnation
//	 8  Place of the witness; only in a Testimony
//	64  the witness's signature, or in a Farewell its own
//
// Several Testimonies of one witness are an Obituary.
type News interface{ news() }

// A Place is where a supernode stands in the key space of the global index: the
// first eight bytes, which no two supernodes have in common.
type Place uint64

// Announcement is a supernode's word on itself. Of two the one with the higher
// Incarnation counts.
type Announcement struct {
	Incarnation uint32 // Unix seconds of its start, or more
	Member      Member
	Certificate []byte // compact
	Signature   []byte
}

// Testimony is a witness's word that it finds a supernode dead.
type Testimony struct {
	Of          Place
	Incarnation uint32
	Witness     Place
	Signature   []byte
}

// Farewell is a supernode's word that it serves no more.
type Farewell struct {
	Of          Place
	Incarnation uint32
	Signature   []byte
}

func (Announcement) news() {}
func (Testimony) news()    {}
func (Farewell) news()     {}

// First bytes of News.
const (
	announcementByte byte = 1
	testimonyByte    byte = 2
	farewellByte     byte = 3
	obituaryByte     byte = 4
)

// Sizes of News in bytes; MaxNews is that of an Announcement.
const (
	MaxNews        = 1 + 4 + 1 + packed4 + packed6 + identity.CompactNodeSize + signatureSize
	signatureSize  = 64
	testimonySize  = 1 + 8 + 4 + 8 + signatureSize
	farewellSize   = 1 + 8 + 4 + signatureSize
	announcedUntil = 1 + 4 // before the ports and addresses
)

// AppendNews appends n. The signature may be missing: what is appended then is
// what it is made over, but for NewsMessage's beginning.
func AppendNews(dst []byte, n News) []byte {
	switch n := n.(type) {
	case Announcement:
		dst = binary.BigEndian.AppendUint32(append(dst, announcementByte), n.Incarnation)
		dst = appendPlaces(dst, n.Member)
		return append(append(dst, n.Certificate...), n.Signature...)
	case Testimony:
		dst = binary.BigEndian.AppendUint64(append(dst, testimonyByte), uint64(n.Of))
		dst = binary.BigEndian.AppendUint32(dst, n.Incarnation)
		return append(binary.BigEndian.AppendUint64(dst, uint64(n.Witness)), n.Signature...)
	case Farewell:
		dst = binary.BigEndian.AppendUint64(append(dst, farewellByte), uint64(n.Of))
		return append(binary.BigEndian.AppendUint32(dst, n.Incarnation), n.Signature...)
	case Obituary:
		return appendObituary(dst, n)
	}
	return dst
}

// NewsMessage returns the bytes that n's signature is made over.
func NewsMessage(n News) []byte {
	switch m := n.(type) {
	case Announcement:
		m.Signature = nil
		n = m
	case Testimony:
		m.Signature = nil
		n = m
	case Farewell:
		m.Signature = nil
		n = m
	case Obituary:
		m.Signature = nil
		n = m
	}
	return AppendNews([]byte("peerphone news\x00"), n)
}

// CutNews reads the first of several News, one behind the other, and returns the
// rest. It checks no signature. Slices point into b.
func CutNews(b []byte) (n News, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	switch b[0] {
	case announcementByte:
		return cutAnnouncement(b)
	case testimonyByte:
		if len(b) < testimonySize {
			return nil, nil, false
		}
		return Testimony{
			Of: Place(binary.BigEndian.Uint64(b[1:])), Incarnation: binary.BigEndian.Uint32(b[9:]),
			Witness: Place(binary.BigEndian.Uint64(b[13:])), Signature: b[21:testimonySize:testimonySize],
		}, b[testimonySize:], true
	case farewellByte:
		if len(b) < farewellSize {
			return nil, nil, false
		}
		return Farewell{
			Of: Place(binary.BigEndian.Uint64(b[1:])), Incarnation: binary.BigEndian.Uint32(b[9:]),
			Signature: b[13:farewellSize:farewellSize],
		}, b[farewellSize:], true
	case obituaryByte:
		return cutObituary(b)
	}
	return nil, nil, false
}

func cutAnnouncement(b []byte) (News, []byte, bool) {
	if len(b) < announcedUntil {
		return nil, nil, false
	}
	a := Announcement{Incarnation: binary.BigEndian.Uint32(b[1:])}
	var rest []byte
	var ok bool
	a.Member, rest, ok = cutPlaces(b[announcedUntil:])
	if !ok || len(rest) < identity.CompactNodeSize+signatureSize {
		return nil, nil, false
	}
	a.Certificate = rest[:identity.CompactNodeSize:identity.CompactNodeSize]
	a.Member.Node = identity.NodeOfCompact(a.Certificate)
	rest = rest[identity.CompactNodeSize:]
	a.Signature = rest[:signatureSize:signatureSize]
	return a, rest[signatureSize:], checkMember(a.Member) == nil
}

// MemberOf returns whom the announcement s, which has been parsed before,
// announces.
func MemberOf(s string) Member {
	end := announcedUntil + placesLen(s[announcedUntil])
	var room [1 + packed4 + packed6]byte
	m, _, _ := cutPlaces(room[:copy(room[:], s[announcedUntil:end])])
	copy(m.Node[:], s[end:])
	return m
}

// NodeOf returns which node the announcement s, which has been parsed before,
// announces.
func NodeOf(s string) identity.ID {
	at := announcedUntil + placesLen(s[announcedUntil])
	var id identity.ID
	copy(id[:], s[at:])
	return id
}

// NamesNode reports whether an announcement is of the node that a Doubt is of. It
// allocates nothing.
func NamesNode(announcement string, d Doubt) bool {
	at := announcedUntil + placesLen(announcement[announcedUntil])
	return announcement[at:at+len(d.Of)] == string(d.Of[:])
}
