package overlay

import "peerphone/node/wire"

// Event is one thing that the Overlay asks of node or tells it.
type Event interface{ event() }

// Dial asks for a session with a supernode; Up or Failed with the same Member
// answers. Node is zero when only the address is known.
type Dial struct{ Member wire.Member }

// Send asks to send a message in a session.
type Send struct {
	Index   wire.Index
	Message wire.Message
}

// Whisper asks to send a payload in a session, once: what is lost is said again.
type Whisper struct {
	Index   wire.Index
	Payload []byte // a Refresh, Doubt or Offer
}

// Beat asks to send a beat by the way of a session, to a guest or home.
type Beat struct {
	Index wire.Index
	Nonce uint32
}

// Drop tells that the Overlay has no more use for a session. Node closes it
// unless something else goes through it.
type Drop struct{ Index wire.Index }

// Abandon tells that a home does not answer in a session: it is of no use to anybody.
// Node ends it at once, so that the next Dial opens another.
type Abandon struct{ Index wire.Index }

// HomesChanged tells that Homes returns something else now.
type HomesChanged struct{}

// CacheChanged tells that Cache should be written to disk; at most one in
// cachePause.
type CacheChanged struct{}

// Ping asks to ask a supernode whether it is there, by a question
// outside of sessions (wire.TopicPing); Pong answers.
type Ping struct {
	Member wire.Member
	Nonce  uint64
}

// Stranded tells a phone without a home that nobody in its host cache answers.
// Node asks the login server for the bootstrap supernodes of today. It is told
// again, with growing pauses, until there is a home.
type Stranded struct{}

// RosterChanged tells a supernode that Roster should be written to disk.
type RosterChanged struct{}

// NeighboursChanged tells a supernode that one has come or gone where records
// may lie that it keeps. Settled ends the matter: the next change is told anew.
type NeighboursChanged struct{}

// Upheaval tells a supernode that many others have died: what it remembers of
// where phones are attached may hold no more.
type Upheaval struct{}

// Synced tells a supernode that it knows the membership: another supernode has
// told it, or there is none.
type Synced struct{}

func (Dial) event()              {}
func (Send) event()              {}
func (Whisper) event()           {}
func (Beat) event()              {}
func (Drop) event()              {}
func (Abandon) event()           {}
func (HomesChanged) event()      {}
func (CacheChanged) event()      {}
func (Synced) event()            {}
func (Upheaval) event()          {}
func (Ping) event()              {}
func (Stranded) event()          {}
func (RosterChanged) event()     {}
func (NeighboursChanged) event() {}
