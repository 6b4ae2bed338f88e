package call

import (
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// ID names a call on this phone. IDs count up from 1; the CallID on the wire
// may change under it when two phones dial each other.
type ID uint32

// Peer is the far phone. Of a call that is being searched only Number is known.
type Peer struct {
	Account, Device identity.ID
	Name, Number    string
}

// View is the current call, or the last one until the next begins.
type View struct {
	State  State
	ID     ID
	Peer   Peer
	Reason Reason     // in Ended
	Codec  wire.Codec // in Talking
	Hold   Hold       // in Talking
	Index  wire.Index // session with the far phone; 0 while there is none

	// When it happened; zero if it did not.
	Dialled  time.Time // our user sent the number
	Rang     time.Time // here, or we were told that it rings there
	Answered time.Time
	Over     time.Time
}

// Incoming reports whether the far phone called: our user did not dial.
func (v View) Incoming() bool { return v.State != Idle && v.Dialled.IsZero() }

// Event is one thing that Calls asks of node or tells it, in order.
type Event interface{ event() }

// Search asks who has Number, which may also be a name. Located or Absent
// answers.
type Search struct {
	ID     ID
	Number string
}

// Connect asks for a session with Peer. Connected or Unreachable answers.
type Connect struct {
	ID   ID
	Peer Peer
}

// Cancel says that Search or Connect of this call is no longer wanted. An
// answer that comes nevertheless does no harm.
type Cancel struct{ ID ID }

// Send asks to send a message reliably in session Index. When that is
// impossible the session is to be closed and reported to Lost.
type Send struct {
	Index   wire.Index
	Message wire.Message
}

// StartMedia says that both sides have agreed: open the microphone, send and
// play in session Index.
type StartMedia struct {
	ID    ID
	Index wire.Index
	Codec wire.Codec
}

// MoveMedia says that the sound of this call goes by session Index from now on.
type MoveMedia struct {
	ID    ID
	Index wire.Index
}

// StopMedia ends what StartMedia began.
type StopMedia struct{ ID ID }

// Release says that Calls needs the session no longer; node closes it. It is
// not said of a session that Lost or Moved has reported.
type Release struct{ Index wire.Index }

// Changed tells the new state of a call; the one in Ended is the last event of
// its ID.
type Changed struct{ View View }

// parted hands the session of a call back to the book, which releases it after
// Linger.
type parted struct {
	index  wire.Index
	device identity.ID
	linger time.Duration
}

func (Search) event()     {}
func (Connect) event()    {}
func (Cancel) event()     {}
func (Send) event()       {}
func (StartMedia) event() {}
func (MoveMedia) event()  {}
func (StopMedia) event()  {}
func (Release) event()    {}
func (Changed) event()    {}
func (parted) event()     {}
