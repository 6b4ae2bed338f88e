package wire

import (
	"net/netip"

	"peerphone/node/identity"
)

// Messages by which a node finds out how it is reached from outside. The calls
// themselves are STUN Binding indications (RFC 8489 section 3) whose
// transaction ID is the Token and the Nonce.
const (
	kindCallBack Kind = 0x60
	kindCalling  Kind = 0x61
	kindCallOut  Kind = 0x62
	kindReached  Kind = 0x63
	kindAttested Kind = 0x64
)

// CallBack asks a home to call the asker, at the address at which the home sees
// it and nowhere else: the home itself from another port of its own, and
// further supernodes whose addresses the asker has not sent to.
type CallBack struct {
	Token  uint32       `cbor:"1,keyasint"` // of a survey; 0: who calls is to attest it
	Others uint8        `cbor:"2,keyasint"` // supernodes besides the home, in different prefixes; at most MaxCallers
	Ports  Ports        `cbor:"3,keyasint"` // TCP ports to try
	Not    []netip.Addr `cbor:"4,keyasint"` // whom the asker has sent to; at most 16
}

// Calling answers CallBack.
type Calling struct {
	Token  uint32 `cbor:"1,keyasint"`
	Others uint8  `cbor:"2,keyasint"` // supernodes that were asked
}

// CallOut is what the home asks them.
type CallOut struct {
	Token uint32         `cbor:"1,keyasint"`
	Node  identity.ID    `cbor:"2,keyasint"` // who wants to be called
	To    netip.AddrPort `cbor:"3,keyasint"` // at which the home sees it
	Ports Ports          `cbor:"4,keyasint"`
}

// Reached tells a supernode that its call has arrived.
type Reached struct {
	Nonce uint64 `cbor:"1,keyasint"`
}

// Attested is a supernode's word that it has reached a node that it had not
// heard from at this address. Signature is over AttestedMessage by its node key.
type Attested struct {
	Node      identity.ID    `cbor:"1,keyasint"`
	Addr      netip.AddrPort `cbor:"2,keyasint"` // UDP
	Ports     Ports          `cbor:"3,keyasint"` // TCP ports that took the call
	Time      int64          `cbor:"4,keyasint"` // Unix seconds
	By        identity.ID    `cbor:"5,keyasint"`
	Signature []byte         `cbor:"6,keyasint"`
}

// MaxCallers is how many supernodes one CallBack may ask for.
const MaxCallers = 3

// AttestedMessage returns the bytes that Signature is over.
func AttestedMessage(a Attested) []byte {
	a.Signature = []byte{}
	return Append([]byte("peerphone attested\x00"), a)
}

func (CallBack) Kind() Kind { return kindCallBack }
func (Calling) Kind() Kind  { return kindCalling }
func (CallOut) Kind() Kind  { return kindCallOut }
func (Reached) Kind() Kind  { return kindReached }
func (Attested) Kind() Kind { return kindAttested }

func (c CallBack) check() error {
	if c.Others > MaxCallers || len(c.Not) > 16 || c.Ports > allPorts {
		return errMany
	}
	for _, a := range c.Not {
		if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
			return errAddr
		}
	}
	return nil
}

func (c Calling) check() error {
	if c.Others > MaxCallers {
		return errMany
	}
	return nil
}

func (c CallOut) check() error {
	return checkMember(Member{Node: c.Node, Addr: c.To, Ports: c.Ports})
}

func (a Attested) check() error {
	if a.By.IsZero() {
		return errZero
	}
	if len(a.Signature) != 64 {
		return errSignature
	}
	return checkMember(Member{Node: a.Node, Addr: a.Addr, Ports: a.Ports})
}
