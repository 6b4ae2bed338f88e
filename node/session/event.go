package session

import "peerphone/node/wire"

// Event is one thing that Table asks of node or tells it.
type Event interface{ event() }

// Datagram is a frame, of the handshake or of the session, to be carried to
// the peer of session Index.
type Datagram struct {
	Index wire.Index
	Frame []byte
}

// Up tells that both ends have verified each other.
type Up struct {
	Index     wire.Index
	Peer      Peer
	Initiator bool // we dialled
}

// Message is one whole control message. Those of a session come in the order
// in which they were sent.
type Message struct {
	Index wire.Index
	Body  []byte
}

// Down tells that a session has ended, up or not. It is the last event of
// Index; every Index that Table ever gave out gets exactly one.
type Down struct {
	Index  wire.Index
	Reason error
}

// Request is an event for the handshaker (TLS or StandIn), which answers each
// but Drop with a Progress. Requests of one session are handled in order.
type Request interface {
	Event
	// Session returns the session that the request is about.
	Session() wire.Index
}

// Begin starts a handshake. The responder's Want has only the Role.
type Begin struct {
	Index     wire.Index
	Initiator bool
	Want      Want
}

// Level is one of the two byte streams of a handshake (RFC 9001 section 4).
type Level uint8

// The levels.
const (
	Initial   Level = iota // ClientHello and ServerHello, in the clear
	Handshake              // the rest, sealed
)

// Feed gives the handshaker bytes from the peer, in order and without gaps.
type Feed struct {
	Index wire.Index
	Level Level
	Data  []byte
}

// Drop ends a handshake that nobody waits for any more.
type Drop struct{ Index wire.Index }

func (Datagram) event() {}
func (Up) event()       {}
func (Message) event()  {}
func (Down) event()     {}
func (Begin) event()    {}
func (Feed) event()     {}
func (Drop) event()     {}

// Session implements Request.
func (b Begin) Session() wire.Index { return b.Index }

// Session implements Request.
func (f Feed) Session() wire.Index { return f.Index }

// Session implements Request.
func (d Drop) Session() wire.Index { return d.Index }

// Progress is the handshaker's answer to a Begin or Feed. Any of its parts may
// be missing. Table wipes the secrets in it.
type Progress struct {
	Send    [2][]byte // by Level: bytes for the peer
	Secrets *Secrets  // when the Handshake level's secrets become known
	Done    *Done     // we have verified the peer
	Err     error     // the handshake has failed; nothing follows
}

// Secrets protect the Handshake level.
type Secrets struct{ Read, Write []byte }

// Done is the outcome of a handshake.
type Done struct {
	Peer Peer
	Keys Keys
}
