package wire

import (
	"net/netip"

	"peerphone/node/identity"
)

// Messages between two phones, end to end.
const (
	kindInvite     Kind = 0x30
	kindRinging    Kind = 0x31
	kindAccept     Kind = 0x32
	kindReject     Kind = 0x33
	kindBye        Kind = 0x34
	kindCandidates Kind = 0x35
	kindRelays     Kind = 0x36
)

// CallID names a call; the caller draws it at random.
type CallID [16]byte

// Invite asks for a call.
type Invite struct {
	Call   CallID        `cbor:"1,keyasint"`
	Codecs []Codec       `cbor:"2,keyasint"` // that the caller can hear, the best first; 1 to 8
	Node   identity.ID   `cbor:"3,keyasint"` // the caller's, for whom tickets are to be made
	Homes  []identity.ID `cbor:"4,keyasint"` // supernodes that the caller has sessions with, at most 4
}

// Ringing says that the far phone rings.
type Ringing struct {
	Call CallID `cbor:"1,keyasint"`
}

// Accept answers a call.
type Accept struct {
	Call  CallID `cbor:"1,keyasint"`
	Codec Codec  `cbor:"2,keyasint"` // that both send from now on
}

// A RejectCode says why a call was not answered.
type RejectCode uint8

// The reasons.
const (
	RejectBusy     RejectCode = 1
	RejectDeclined RejectCode = 2
	RejectNoAnswer RejectCode = 3 // it rang until the callee's phone gave up
	RejectCodec    RejectCode = 4 // no codec in common
)

// Reject declines a call.
type Reject struct {
	Call CallID     `cbor:"1,keyasint"`
	Code RejectCode `cbor:"2,keyasint"`
}

// Bye ends a call, also one that was never answered.
type Bye struct {
	Call CallID `cbor:"1,keyasint"`
}

// Candidates tells addresses at which the sender may be reached directly. It
// goes only to contacts, after ringing has started.
//
// A sender behind a symmetric NAT has another port for each destination. It
// names the address at which all its ports are, and those of them that it
// thinks come next are among Addrs.
type Candidates struct {
	Addrs   []netip.AddrPort `cbor:"1,keyasint"` // at most 16, the most hopeful first
	Scatter netip.Addr       `cbor:"2,keyasint"` // of a symmetric NAT; not valid: none
}

// Relays brings the callee's tickets: before it says Ringing, and whenever a
// relay of the call has to be replaced.
type Relays struct {
	Tickets []Ticket `cbor:"1,keyasint"` // the relay to be used first, then its standby; 1 or 2
}

func (Invite) Kind() Kind     { return kindInvite }
func (Ringing) Kind() Kind    { return kindRinging }
func (Accept) Kind() Kind     { return kindAccept }
func (Reject) Kind() Kind     { return kindReject }
func (Bye) Kind() Kind        { return kindBye }
func (Candidates) Kind() Kind { return kindCandidates }
func (Relays) Kind() Kind     { return kindRelays }

func (i Invite) check() error {
	if len(i.Codecs) < 1 || len(i.Codecs) > 8 || len(i.Homes) > 4 {
		return errMany
	}
	return nil
}

func (r Relays) check() error { return checkTickets(r.Tickets) }

func (r Reject) check() error {
	if r.Code < RejectBusy || r.Code > RejectCodec {
		return errCode
	}
	return nil
}

func (c Candidates) check() error {
	if len(c.Addrs) > 16 {
		return errMany
	}
	if c.Scatter.Zone() != "" || c.Scatter.Is4In6() {
		return errAddr
	}
	for _, a := range c.Addrs {
		if !a.IsValid() || a.Port() == 0 || a.Addr().Zone() != "" || a.Addr().Is4In6() {
			return errAddr
		}
	}
	return nil
}
