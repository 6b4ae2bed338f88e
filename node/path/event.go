package path

import (
	"net/netip"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Event is one thing that a core of this package asks of node or tells it.
type Event interface{ event() }

// UDP asks to send a datagram.
type UDP struct {
	Socket Socket
	Addr   netip.AddrPort
	Frame  []byte
}

// StreamFrame asks to send a frame through a TLS connection.
type StreamFrame struct {
	Stream StreamID
	Frame  []byte
}

// StreamEnd asks to close a TLS connection: its session goes another way now.
type StreamEnd struct{ Stream StreamID }

// LanePayload asks to send Payload, sealed and unreliably, in the session Home.
type LanePayload struct {
	Home    wire.Index
	Payload []byte
}

// Probe asks to seal Payload with the channel of session Index and to send it
// to Addr, whatever the session's way is.
type Probe struct {
	Index   wire.Index
	Socket  Socket
	Addr    netip.AddrPort
	Payload []byte
}

// Inner is a frame that came by a lane. Node treats it as a datagram that came
// by Way.
type Inner struct {
	Frame []byte
	Way   Way
}

// Moved tells that a session has a best way that works, and that it is another
// than before: the first lane that has answered, another lane, an address.
type Moved struct {
	Index wire.Index
	Way   Way
}

// MaxStandby bounds the ways that a session keeps beside the one in use.
const MaxStandby = 3

// Ways tells all the ways of a session that work, for sound, which cannot wait
// for a decision: Active is the one that Moved told, Standby are others to go
// on by when it falls silent, the best first, at most MaxStandby. While Trial is
// set the peer seems to have moved there: frames go by Active and by Trial until
// a challenge has shown which is right.
type Ways struct {
	Index   wire.Index
	Active  Way
	Standby []Way
	Trial   Way
}

// Proven tells that the peer of a session has answered a challenge at Way,
// whether or not the session moves there.
type Proven struct {
	Index wire.Index
	Way   Way
}

// Unreachable tells that every lane of a session was refused or used up and
// that it has no direct way; a callee waits a while for the caller's next lane
// before it says so. AddHome, or a frame of the peer, revives it.
type Unreachable struct {
	Index wire.Index
	Why   wire.LaneRefusal // of the lane that ended last; 0: it never answered
}

// TryTCP asks to connect to Addr by TCP and to hang up; Survey.Tried takes the
// result, Web included.
type TryTCP struct {
	Addr netip.AddrPort
	Web  bool // 443 or 80, which the strictest firewall lets pass
}

// Say asks to send a message in a session.
type Say struct {
	Index   wire.Index
	Message wire.Message
}

// SayTo asks to send a message to a supernode, which is dialled when need be.
type SayTo struct {
	Member  wire.Member
	Message wire.Message
}

// Knock asks to open a stream to Node at Addr, by TCP, and to hang up;
// Reacher.Knocked takes the result with Nonce and Port.
type Knock struct {
	Nonce uint64
	Port  wire.Ports
	Addr  netip.AddrPort
	Node  identity.ID
}

// Attest asks to sign Word by our node key and to send it in session Index.
type Attest struct {
	Index wire.Index
	Word  wire.Attested
}

// Again asks for the next survey.
type Again struct{}

// Learnt tells that a Survey has found out something new.
type Learnt struct{ NAT NAT }

func (TryTCP) event() {}
func (Say) event()    {}
func (SayTo) event()  {}
func (Knock) event()  {}
func (Attest) event() {}
func (Again) event()  {}
func (Learnt) event() {}

func (UDP) event()         {}
func (StreamFrame) event() {}
func (StreamEnd) event()   {}
func (LanePayload) event() {}
func (Probe) event()       {}
func (Inner) event()       {}
func (Moved) event()       {}
func (Ways) event()        {}
func (Proven) event()      {}
func (Unreachable) event() {}
