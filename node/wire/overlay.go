package wire

import (
	"errors"
	"net/netip"
)

// Messages between a phone and a supernode, and between supernodes.
const (
	kindAttach   Kind = 0x10
	kindAttached Kind = 0x11
	kindRefused  Kind = 0x12
	kindMembers  Kind = 0x14
	kindDetach   Kind = 0x15
	kindJoin     Kind = 0x16
	kindGossip   Kind = 0x17
	kindDigest   Kind = 0x18
	kindRoll     Kind = 0x19
)

// MaxMembers is how many members one message may name: each takes at most 66
// bytes of MaxMessage.
const MaxMembers = 14

// Attach asks a supernode to be this node's home.
type Attach struct{}

// Attached grants it.
type Attached struct {
	Observed netip.AddrPort `cbor:"1,keyasint"`           // the address that the home sees
	Refresh  uint16         `cbor:"2,keyasint"`           // seconds until the next Refresh is expected
	Members  []Member       `cbor:"3,keyasint"`           // some of the supernodes that the home knows
	Ports    Ports          `cbor:"4,keyasint,omitempty"` // of the home itself
	Other    netip.AddrPort `cbor:"5,keyasint,omitzero"`  // of the home itself, by the IP version that the asker does not use; not valid: none
}

// Refused answers Attach or Join; the asker comes back no sooner than After.
type Refused struct {
	After  uint16   `cbor:"1,keyasint"`           // seconds, jittered by the sender
	Others []Member `cbor:"2,keyasint,omitempty"` // that may have room
}

// Members answers a Refresh, now and then.
type Members struct {
	Live []Member `cbor:"1,keyasint"`
}

// Detach ends an attachment cleanly.
type Detach struct{}

// Join opens the talk of two supernodes: each announces itself.
type Join struct {
	Self []byte `cbor:"1,keyasint"` // an Announcement
}

// Gossip carries news between supernodes. An ID is the first eight bytes of the
// SHA-256 of the news.
type Gossip struct {
	Have []byte `cbor:"1,keyasint,omitempty"` // IDs of news that the sender has; as a rule an Offer says it
	Want []byte `cbor:"2,keyasint,omitempty"` // IDs of news that it asks for
	News []byte `cbor:"3,keyasint,omitempty"` // one behind the other, as AppendNews writes them
}

// Digest compares what two supernodes know. The first has no sums; the answer
// has them unless both know the same.
type Digest struct {
	Root uint64 `cbor:"1,keyasint"`           // all sums in one
	Live uint32 `cbor:"2,keyasint"`           // how many live supernodes the sender knows
	Sums []byte `cbor:"3,keyasint,omitempty"` // four bytes for each of the Buckets
	Done bool   `cbor:"4,keyasint,omitempty"` // an answer
	// Partial says that the sender knows a part of the membership only (Kademlia);
	// Live is its estimate then, and there is nothing to compare.
	Partial bool `cbor:"5,keyasint,omitempty"`
}

// Buckets is into how many parts Digest divides the places, by their first byte.
const Buckets = 256

// Roll names all whom the sender knows in a bucket, by the first four bytes of
// the ID of their announcement.
type Roll struct {
	Bucket uint8  `cbor:"1,keyasint"`
	IDs    []byte `cbor:"2,keyasint"`
	Done   bool   `cbor:"3,keyasint,omitempty"` // an answer to a Roll
}

func (Attach) Kind() Kind   { return kindAttach }
func (Attached) Kind() Kind { return kindAttached }
func (Refused) Kind() Kind  { return kindRefused }
func (Members) Kind() Kind  { return kindMembers }
func (Detach) Kind() Kind   { return kindDetach }
func (Join) Kind() Kind     { return kindJoin }
func (Gossip) Kind() Kind   { return kindGossip }
func (Digest) Kind() Kind   { return kindDigest }
func (Roll) Kind() Kind     { return kindRoll }

var (
	errMany      = errors.New("too many entries")
	errAddr      = errors.New("bad address")
	errZero      = errors.New("a zero key")
	errSignature = errors.New("a signature of the wrong length")
	errPorts     = errors.New("unknown ports")
	errNews      = errors.New("bad news")
)

func (a Attached) check() error {
	switch {
	case a.Observed.Addr().Zone() != "":
		return errAddr
	case a.Ports&^allPorts != 0:
		return errPorts
	case a.Other.IsValid():
		if err := checkAddr(a.Other); err != nil {
			return err
		}
	}
	return checkMembers(a.Members)
}
func (m Members) check() error { return checkMembers(m.Live) }
func (r Refused) check() error { return checkMembers(r.Others) }

func (j Join) check() error {
	n, rest, ok := CutNews(j.Self)
	if _, announces := n.(Announcement); !ok || !announces || len(rest) > 0 {
		return errNews
	}
	return nil
}

func (g Gossip) check() error {
	if len(g.Have)%8 != 0 || len(g.Want)%8 != 0 {
		return errNews
	}
	for rest := g.News; len(rest) > 0; {
		var ok bool
		if _, rest, ok = CutNews(rest); !ok {
			return errNews
		}
	}
	return nil
}

func (d Digest) check() error {
	if len(d.Sums) != 0 && len(d.Sums) != 4*Buckets || d.Partial && (len(d.Sums) > 0 || d.Root != 0 || !d.Done) {
		return errNews
	}
	return nil
}

func (r Roll) check() error {
	if len(r.IDs)%4 != 0 {
		return errNews
	}
	return nil
}
