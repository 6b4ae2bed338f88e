package handset

import (
	"time"

	"peerphone/hal"
)

// CallView is what a handset is shown of the current call. Its zero value is no
// call.
type CallView struct {
	Phase  Phase
	Peer   string // name; may be empty while it is not known
	Number string
	Reason Reason    // in Over
	Since  time.Time // of the phase
	Hold   string    // in Talking: what the display says of who holds the call; "": nobody does
}

// LineView is what a handset is shown of the network.
type LineView struct {
	State  LineState
	Text   string // what the owner should do, in Trouble; else may be empty
	Name   string // our own, once known
	Number string
}

// Face is what the telephone shows and sounds.
type Face struct {
	Tone    Tone
	Ringing bool // the ringer rings
	Talking bool // a conversation: the microphone may be open
	Lifted  bool
	Lamps   map[hal.LampName]hal.Light
	Lines   []string // at most Config.Lines, each at most Config.Columns characters of ASCII
}

// Event is one thing that the handset wants of node, in order.
type Event interface{ event() }

// Dial asks to call Number.
type Dial struct{ Number string }

// Answer asks to answer the call that rings.
type Answer struct{}

// HangUp asks to end the call.
type HangUp struct{}

// Digit is a key that was pressed during a conversation.
type Digit struct{ Key hal.Key }

// Hold asks to put the call on hold, or to take it back.
type Hold struct{}

// FaceChanged says that Face returns something new.
type FaceChanged struct{}

func (Dial) event()        {}
func (Answer) event()      {}
func (HangUp) event()      {}
func (Digit) event()       {}
func (Hold) event()        {}
func (FaceChanged) event() {}
