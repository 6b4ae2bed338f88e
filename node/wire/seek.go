package wire

import (
	"encoding/binary"

	"peerphone/node/identity"
)

// Messages of a search where nobody knows all supernodes (Kademlia).
const (
	kindSeek  Kind = 0x28
	kindGuide Kind = 0x29
)

// Seek asks a supernode, by a Question, for the record at Key, or for who stands
// nearer to it. The answer is a Found with the record, or a Guide.
type Seek struct {
	Key identity.IndexKey `cbor:"1,keyasint"`
	// Self is the Announcement of the asker, which others shall know; nothing: it
	// does not serve.
	Self []byte `cbor:"2,keyasint,omitempty"`
	Only bool   `cbor:"3,keyasint,omitempty"` // only who stands nearer is asked for, not the record
}

// Guide answers a Seek without a record.
type Guide struct {
	Code      FindCode `cbor:"1,keyasint"`           // what the answerer holds: FindRecord only when not asked for it, FindNone or FindNotSynced
	Self      []byte   `cbor:"2,keyasint"`           // the answerer's Announcement
	Near      []byte   `cbor:"3,keyasint,omitempty"` // Contacts that it knows nearest to the key, the nearest first, at most MaxNear
	Signature []byte   `cbor:"4,keyasint"`           // the answerer's, over GuideMessage
}

// A Contact is where a supernode is said to stand, and to be reached. It proves
// nothing: whoever is asked there proves itself by its Guide. In a message it has
// eight bytes of Place before its ports and addresses, packed (appendPlaces).
type Contact struct {
	Place  Place
	Member Member // Node is zero as long as nobody has proved that it is there
}

// OnlySeek is the size of a question with a Seek for contacts only, in bytes: its
// answer has OnlyNear bytes of contacts, sixteen with one address of IPv4 each.
const (
	OnlyNear = MaxNear * (8 + 1 + packed4)
	OnlySeek = QuestionHeader + 1 + guideFrame + MaxNews + OnlyNear + signatureSize
)

// guideFrame is what CBOR adds to the fields of a Guide.
const guideFrame = 1 + 2 + 3 + 4 + 3

// GuideMessage returns the bytes that the answerer of a Seek signs.
func GuideMessage(nonce uint64, key identity.IndexKey, g Guide) []byte {
	b := binary.BigEndian.AppendUint64([]byte("peerphone guide\x00"), nonce)
	b = append(append(b, key[:]...), byte(g.Code), byte(len(g.Self)))
	return append(append(b, g.Self...), g.Near...)
}

// AppendContacts appends cs as they are in a Guide.
func AppendContacts(dst []byte, cs []Contact) []byte {
	for _, c := range cs {
		dst = appendPlaces(binary.BigEndian.AppendUint64(dst, uint64(c.Place)), c.Member)
	}
	return dst
}

// CutContact reads the first of several contacts, and returns the rest.
func CutContact(b []byte) (c Contact, rest []byte, ok bool) {
	if len(b) < 8 {
		return Contact{}, nil, false
	}
	c.Place = Place(binary.BigEndian.Uint64(b))
	c.Member, rest, ok = cutPlaces(b[8:])
	if !ok || checkPlaces(c.Member) != nil {
		return Contact{}, nil, false
	}
	return c, rest, true
}

func (Seek) Kind() Kind  { return kindSeek }
func (Guide) Kind() Kind { return kindGuide }

func (s Seek) check() error {
	if len(s.Self) == 0 {
		return nil
	}
	return Join{Self: s.Self}.check()
}

func (g Guide) check() error {
	switch {
	case g.Code < FindRecord || g.Code > FindNotSynced:
		return errCode
	case len(g.Signature) != signatureSize:
		return errSignature
	}
	n := 0
	for rest := g.Near; len(rest) > 0; n++ {
		var ok bool
		if _, rest, ok = CutContact(rest); !ok {
			return errNear
		}
	}
	if n > MaxNear {
		return errNear
	}
	return Join{Self: g.Self}.check()
}
