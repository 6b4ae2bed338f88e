package session

import (
	"errors"
	"fmt"

	"peerphone/node/identity"
)

// Refusal is the reason that one end tells the other for ending a session.
type Refusal uint8

// The refusals. Their numbers are sent.
const (
	RefusalOther       Refusal = 0 // a protocol error
	RefusalClosed      Refusal = 1 // not needed any more
	RefusalGlare       Refusal = 2 // another session to the same peer stays
	RefusalWrongPeer   Refusal = 3 // your certificate is not of whom I dialled
	RefusalForeign     Refusal = 4 // your certificate is of another network
	RefusalExpired     Refusal = 5 // your certificate has expired
	RefusalNotYet      Refusal = 6 // your certificate is not valid yet by my clock
	RefusalMalformed   Refusal = 7 // your certificate is malformed
	RefusalCredentials Refusal = 8 // I have no certificate to show yet
	refusalEnd         Refusal = 9
)

// Reasons of Down. An error of the handshake (wrong peer, foreign or expired
// certificate) comes as ours, by itself, or as the peer's, inside a
// RefusedError; both satisfy errors.Is for ErrWrongPeer, identity.ErrForeign,
// identity.ErrExpired and so on.
var (
	ErrTimeout       = errors.New("session: the peer does not answer")
	ErrRefused       = errors.New("session: the peer refused")
	ErrClosed        = errors.New("session: closed by the peer")
	ErrEnded         = errors.New("session: closed here")
	ErrGlare         = errors.New("session: another session to the same peer stays")
	ErrWrongPeer     = errors.New("session: another peer answered than was dialled")
	ErrSelf          = errors.New("session: the peer is this node itself")
	ErrNoCredentials = errors.New("session: there is no certificate to show yet")
	ErrProtocol      = errors.New("session: protocol error")
)

// RefusedError is the peer's refusal of a handshake.
type RefusedError struct{ Refusal Refusal }

// causes pairs what a refusal says with the error that it stands for.
var causes = [refusalEnd]error{
	RefusalOther:       ErrProtocol,
	RefusalClosed:      ErrClosed,
	RefusalGlare:       ErrGlare,
	RefusalWrongPeer:   ErrWrongPeer,
	RefusalForeign:     identity.ErrForeign,
	RefusalExpired:     identity.ErrExpired,
	RefusalNotYet:      identity.ErrNotYet,
	RefusalMalformed:   identity.ErrMalformed,
	RefusalCredentials: ErrNoCredentials,
}

// cause returns the error that r stands for, ErrProtocol for unknown ones.
func (r Refusal) cause() error {
	if r >= refusalEnd {
		return ErrProtocol
	}
	return causes[r]
}

// refusalFor returns what to tell the peer about err.
func refusalFor(err error) Refusal {
	for r := RefusalClosed; r < refusalEnd; r++ {
		if errors.Is(err, causes[r]) {
			return r
		}
	}
	if errors.Is(err, ErrEnded) {
		return RefusalClosed
	}
	return RefusalOther
}

// Error says what the peer has against us, in words for the owner.
func (e RefusedError) Error() string {
	switch e.Refusal {
	case RefusalWrongPeer:
		return "session: the peer refused us: it dialled somebody else"
	case RefusalForeign, RefusalExpired, RefusalNotYet, RefusalMalformed:
		return fmt.Sprintf("session: the peer refused our certificate: %v", e.Refusal.cause())
	}
	return fmt.Sprintf("session: the peer refused us: %v", e.Refusal.cause())
}

// Unwrap makes errors.Is find ErrRefused and the cause.
func (e RefusedError) Unwrap() []error { return []error{ErrRefused, e.Refusal.cause()} }

// remoteReason returns the reason of Down for a refusal that came from the
// peer.
func remoteReason(r Refusal) error {
	switch r {
	case RefusalClosed:
		return ErrClosed
	case RefusalGlare:
		return ErrGlare
	}
	return RefusedError{r}
}
