package wire

import (
	"crypto/ed25519"
	"errors"

	"peerphone/node/identity"
)

// Messages between a phone and a supernode that relays for it.
const (
	kindRelayOpen    Kind = 0x50
	kindRelayOpened  Kind = 0x51
	kindRelayRefused Kind = 0x52
	kindRelayClosed  Kind = 0x53
	kindRelayReady   Kind = 0x54
)

// RelayHeader is what a relay frame adds to the frame within, in bytes.
const RelayHeader = 1 + 3

// RelayByte is the first byte of a relay frame.
const RelayByte byte = 0x40

// MaxChannel is the largest channel; 0 is none.
const MaxChannel uint32 = 1<<24 - 1

// AppendRelay appends a relay frame: the channel, then the frame within, a
// session frame of at most MaxInner bytes.
func AppendRelay(dst []byte, channel uint32, inner []byte) []byte {
	return append(append(dst, RelayByte, byte(channel>>16), byte(channel>>8), byte(channel)), inner...)
}

// ParseRelay reads a relay frame; inner points into b and looks like a session
// frame. Nothing else is relayed.
func ParseRelay(b []byte) (channel uint32, inner []byte, ok bool) {
	if len(b) <= RelayHeader || len(b) > RelayHeader+MaxInner || b[0] != RelayByte || KindOf(b[RelayHeader:]) != SessionFrame {
		return 0, nil, false
	}
	return uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), b[RelayHeader:], true
}

// SetChannel gives the relay frame b, which ParseRelay has read, the channel of
// its other leg.
func SetChannel(b []byte, channel uint32) {
	b[1], b[2], b[3] = byte(channel>>16), byte(channel>>8), byte(channel)
}

// Ticket lets two phones meet at a relay. The callee makes it, and signs it
// with its node key: nobody is made to receive what it has not agreed to.
type Ticket struct {
	Relay     Member      `cbor:"1,keyasint"` // and where the caller finds it
	Caller    identity.ID `cbor:"2,keyasint"` // node
	Callee    identity.ID `cbor:"3,keyasint"` // node, which has signed
	Serial    uint64      `cbor:"4,keyasint"` // drawn at random; a ticket is good for one pair of legs
	Expiry    int64       `cbor:"5,keyasint"` // Unix seconds: until then legs may be opened
	Budget    uint64      `cbor:"6,keyasint"` // bytes of relay frames, both directions together
	Signature []byte      `cbor:"7,keyasint"`
}

// TicketMessage returns the bytes that the callee's node key signs.
func TicketMessage(t Ticket) []byte {
	t.Signature = nil
	return append([]byte("peerphone ticket\x00"), must(encoding.Marshal(t))...)
}

// maxTickets is how many tickets a message carries: the relay in use and its
// standby.
const maxTickets = 2

// RelayOpen asks for the sender's leg of a pair.
type RelayOpen struct {
	Ticket Ticket `cbor:"1,keyasint"`
}

// RelayOpened grants it: frames with Channel go to the other leg, and come from
// it.
type RelayOpened struct {
	Serial  uint64 `cbor:"1,keyasint"` // of the ticket
	Channel uint32 `cbor:"2,keyasint"` // 24 bits
}

// RelayReady tells the caller, who has a session with the relay, that the callee
// has opened its leg: what comes with Channel goes on to the callee at once. What
// the callee sends waits until the caller sends something itself, or asks for its leg.
type RelayReady struct {
	Serial  uint64 `cbor:"1,keyasint"` // of the ticket
	Channel uint32 `cbor:"2,keyasint"` // 24 bits
}

// A RelayCode says why a relay does not carry, or carries no more.
type RelayCode uint8

// The reasons.
const (
	RelayBusy    RelayCode = 1 // too much for it, or for this identity: come back after After seconds
	RelayForeign RelayCode = 2 // the ticket is not for this relay, or not of its asker, or not signed
	RelayExpired RelayCode = 3 // the ticket has expired
	RelaySpent   RelayCode = 4 // the ticket has been used, or its bytes are
	RelayCapped  RelayCode = 5 // this month's bytes are used up, or the owner relays nothing
	RelayGone    RelayCode = 6 // the other side has left
	RelayDone    RelayCode = 7 // not needed any more
)

// RelayRefused answers RelayOpen.
type RelayRefused struct {
	Serial uint64    `cbor:"1,keyasint"`
	Code   RelayCode `cbor:"2,keyasint"`
	After  uint16    `cbor:"3,keyasint"` // seconds, jittered by the sender; 0 with what time does not heal
}

// RelayClosed ends a leg, and with it the pair: either side may say so.
type RelayClosed struct {
	Channel uint32    `cbor:"1,keyasint"` // the receiver's when it is a phone, the sender's when that is one
	Code    RelayCode `cbor:"2,keyasint"`
}

func (RelayOpen) Kind() Kind    { return kindRelayOpen }
func (RelayOpened) Kind() Kind  { return kindRelayOpened }
func (RelayRefused) Kind() Kind { return kindRelayRefused }
func (RelayClosed) Kind() Kind  { return kindRelayClosed }
func (RelayReady) Kind() Kind   { return kindRelayReady }

var errChannel = errors.New("a channel of 0 or more than 24 bits")

func checkChannel(channel uint32) error {
	if channel == 0 || channel > MaxChannel {
		return errChannel
	}
	return nil
}

func checkTicket(t Ticket) error {
	switch {
	case t.Caller.IsZero() || t.Callee.IsZero():
		return errZero
	case len(t.Signature) != ed25519.SignatureSize:
		return errField
	}
	return checkMember(t.Relay)
}

func checkTickets(ts []Ticket) error {
	if len(ts) == 0 || len(ts) > maxTickets {
		return errMany
	}
	for _, t := range ts {
		if err := checkTicket(t); err != nil {
			return err
		}
	}
	return nil
}

func checkRelayCode(c RelayCode) error {
	if c < RelayBusy || c > RelayDone {
		return errCode
	}
	return nil
}

func (o RelayOpen) check() error    { return checkTicket(o.Ticket) }
func (o RelayOpened) check() error  { return checkChannel(o.Channel) }
func (r RelayReady) check() error   { return checkChannel(r.Channel) }
func (r RelayRefused) check() error { return checkRelayCode(r.Code) }
func (c RelayClosed) check() error {
	if err := checkChannel(c.Channel); err != nil {
		return err
	}
	return checkRelayCode(c.Code)
}
