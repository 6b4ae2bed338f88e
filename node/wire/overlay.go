package wire

import (
	"errors"
	"net/netip"

	"peerphone/node/identity"
)

// Messages between a phone and a supernode, and between supernodes.
const (
	kindAttach   Kind = 0x10
	kindAttached Kind = 0x11
	kindRefused  Kind = 0x12
	kindRefresh  Kind = 0x13
	kindMembers  Kind = 0x14
	kindDetach   Kind = 0x15
	kindJoin     Kind = 0x16
)

// Member is a supernode as others know it.
type Member struct {
	Node  identity.ID    `cbor:"1,keyasint"`
	Addr  netip.AddrPort `cbor:"2,keyasint"` // UDP
	Ports Ports          `cbor:"3,keyasint,omitempty" json:",omitzero"`
}

// Ports are the TCP ports at which a supernode takes streams, for phones whose
// UDP is blocked.
type Ports uint8

// The ports, as bits.
const (
	SamePort Ports = 1 << iota // the number of the UDP port
	Port443
	Port80

	allPorts = SamePort | Port443 | Port80
)

// Has reports whether all of q are among p.
func (p Ports) Has(q Ports) bool { return p&q == q }

// maxMembers is how many members one message may name: each takes at most 62
// bytes of MaxMessage.
const maxMembers = 16

// Attach asks a supernode to be this node's home.
type Attach struct{}

// Attached grants it.
type Attached struct {
	Observed netip.AddrPort `cbor:"1,keyasint"`           // the address that the home sees
	Refresh  uint16         `cbor:"2,keyasint"`           // seconds until the next Refresh is expected
	Members  []Member       `cbor:"3,keyasint"`           // some of the supernodes that the home knows
	Ports    Ports          `cbor:"4,keyasint,omitempty"` // of the home itself
}

// Refused answers Attach or Join; the asker comes back no sooner than After.
type Refused struct {
	After uint16 `cbor:"1,keyasint"` // seconds, jittered by the sender
}

// Refresh keeps an attachment and asks for members.
type Refresh struct{}

// Members answers Refresh and Join, and is gossiped between supernodes. Dead
// names supernodes that the sender has seen die.
type Members struct {
	Live []Member      `cbor:"1,keyasint"`
	Dead []identity.ID `cbor:"2,keyasint"`
}

// Detach ends an attachment cleanly.
type Detach struct{}

// Join announces the sender as a supernode to another.
type Join struct {
	Self Member `cbor:"1,keyasint"`
}

func (Attach) Kind() Kind   { return kindAttach }
func (Attached) Kind() Kind { return kindAttached }
func (Refused) Kind() Kind  { return kindRefused }
func (Refresh) Kind() Kind  { return kindRefresh }
func (Members) Kind() Kind  { return kindMembers }
func (Detach) Kind() Kind   { return kindDetach }
func (Join) Kind() Kind     { return kindJoin }

var (
	errMany      = errors.New("too many entries")
	errAddr      = errors.New("bad address")
	errZero      = errors.New("a zero key")
	errSignature = errors.New("a signature of the wrong length")
	errPorts     = errors.New("unknown ports")
)

func checkMember(m Member) error {
	switch {
	case m.Node.IsZero():
		return errZero
	case !m.Addr.IsValid() || m.Addr.Port() == 0 || m.Addr.Addr().Zone() != "" || m.Addr.Addr().Is4In6():
		return errAddr
	case m.Ports&^allPorts != 0:
		return errPorts
	}
	return nil
}

func checkMembers(ms []Member) error {
	if len(ms) > maxMembers {
		return errMany
	}
	for _, m := range ms {
		if err := checkMember(m); err != nil {
			return err
		}
	}
	return nil
}

func (a Attached) check() error {
	switch {
	case a.Observed.Addr().Zone() != "":
		return errAddr
	case a.Ports&^allPorts != 0:
		return errPorts
	}
	return checkMembers(a.Members)
}
func (j Join) check() error { return checkMember(j.Self) }
func (m Members) check() error {
	if len(m.Dead) > maxMembers {
		return errMany
	}
	return checkMembers(m.Live)
}
