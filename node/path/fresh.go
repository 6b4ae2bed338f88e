package path

import (
	"io"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

// A router that answers what it does not expect remembers the stranger by that
// answer: when the peer's challenge comes before our first, ours go out from
// another port from then on, which nobody was told (conntrack clash). Linux
// then prefers that port for other destinations of the same socket too, so that
// only another socket helps; and which of the two routers has done it nobody
// knows. So each end opens one, asks from outside what it looks like, and tells
// the peer: first the caller, then the callee. This time both ends send before
// either is heard.
const (
	// FirstFresh is the number of the first such socket, freshTries how many
	// there are.
	FirstFresh Socket = 250
	freshTries Socket = 3
	// freshAfter is how long the candidates are tried before, and then between
	// the first two tries; it doubles.
	freshAfter = 700 * time.Millisecond
	// freshAnswer is how long a supernode may take to say what it sees.
	freshAnswer = 300 * time.Millisecond
	// freshAsked is how many are asked for one socket.
	freshAsked = 3
)

// freshState says what a Fresh does.
//
//	  Begin                pause is over               Follow
//	---------> freshPausing -------------> freshAsking <------- freshIdle
//	                 ^  answered, nobody answers  |  likewise     ^
//	                 +----------------------------+---------------+
//
// Scout begins without the pause. Settle, Shut and the end of the last try lead back to freshIdle.
type freshState uint8

const (
	freshIdle freshState = iota
	freshPausing
	freshAsking
)

// Fresh opens further sockets for a call that has found no direct way. The
// caller's begins, the callee's follows; where one end has a symmetric NAT the
// other one's scouts. It is a core.
type Fresh struct {
	rand    io.Reader
	state   freshState
	ix      wire.Index // of the call's session
	helpers []netip.AddrPort
	tries   Socket // opened
	asked   int    // helpers, for the latest
	id      [stunID]byte
	at      time.Time     // freshPausing: of the next try; freshAsking: of the next question; else zero
	pause   time.Duration // before the next try; 0: we follow
	out     []Event
}

// NewFresh returns one that is idle.
func NewFresh(cfg Config) *Fresh { return &Fresh{rand: cfg.Rand} }

// Refreshed tells at which address the outside sees Socket, from which nothing
// has been sent to the peer of session Index yet.
type Refreshed struct {
	Index  wire.Index
	Socket Socket
	Addr   netip.AddrPort
}

func (Refreshed) event() {}

// Begin gives session ix a while to find a direct way, and then tries further
// sockets. Helpers are supernodes that answer STUN, over IPv4.
func (f *Fresh) Begin(now time.Time, ix wire.Index, helpers []netip.AddrPort) {
	if f.ix == ix || len(helpers) == 0 {
		return
	}
	f.Shut(f.ix)
	f.state, f.ix, f.helpers = freshPausing, ix, slices.Clone(helpers)
	f.pause, f.at = freshAfter, now.Add(freshAfter)
}

// Scout tries further sockets for session ix at once: one from which to search
// behind a symmetric NAT, and others for when that has come to nothing.
func (f *Fresh) Scout(now time.Time, ix wire.Index, helpers []netip.AddrPort) {
	if f.ix == ix || len(helpers) == 0 {
		return
	}
	f.Begin(now, ix, helpers)
	f.try(now)
}

// Follow opens a further socket of session ix at once, because the peer has.
func (f *Fresh) Follow(now time.Time, ix wire.Index, helpers []netip.AddrPort) {
	if f.ix != ix {
		f.Shut(f.ix)
		f.ix = ix
	}
	if f.state != freshIdle || f.tries == freshTries || len(helpers) == 0 {
		return
	}
	f.helpers = slices.Clone(helpers)
	f.try(now)
}

// Socket returns the latest socket of session ix, if it is open and its address
// known.
func (f *Fresh) Socket(ix wire.Index) (Socket, bool) {
	return f.socket(), f.ix == ix && f.tries > 0 && f.state != freshAsking
}

// Settle ends the tries of session ix: it has a direct way by socket s, or its
// call is over and last words go by that. Shut must follow.
func (f *Fresh) Settle(ix wire.Index, s Socket) {
	if f.ix == ix {
		f.close(s)
		f.state, f.at = freshIdle, time.Time{}
	}
}

// Shut closes the sockets of session ix, which has ended.
func (f *Fresh) Shut(ix wire.Index) {
	if f.ix == ix {
		f.close(0)
		*f = Fresh{rand: f.rand, out: f.out}
	}
}

func (f *Fresh) close(but Socket) {
	if f.tries > 0 {
		f.out = append(f.out, CloseGates{First: FirstFresh, Count: int(f.tries), But: but})
	}
}

// socket is the latest.
func (f *Fresh) socket() Socket { return FirstFresh + f.tries - 1 }

// Heard takes a STUN message that came by w; false: it is none of ours.
func (f *Fresh) Heard(now time.Time, w Way, b []byte) bool {
	if w.Socket < FirstFresh || w.Socket >= FirstFresh+freshTries {
		return false
	}
	m, ok := parseSTUN(b)
	if ok && !m.call && f.state == freshAsking && w.Socket == f.socket() && m.id == f.id {
		f.out = append(f.out, Refreshed{Index: f.ix, Socket: w.Socket, Addr: m.mapped})
		f.rest(now)
	}
	return true
}

// rest waits for the next try, when it is for us to begin that.
func (f *Fresh) rest(now time.Time) {
	f.pause *= 2
	f.state, f.at = freshPausing, now.Add(f.pause)
	if f.pause == 0 || f.tries == freshTries {
		f.state, f.at = freshIdle, time.Time{}
	}
}

// Take returns what has been asked since the last Take, oldest first: OpenGates,
// UDP, Refreshed, CloseGates.
func (f *Fresh) Take() []Event {
	out := f.out
	f.out = nil
	return out
}

// Next returns when Advance wants to be called; zero: never.
func (f *Fresh) Next() time.Time { return f.at }

// Advance opens the next socket, or asks the next supernode.
func (f *Fresh) Advance(now time.Time) {
	switch {
	case f.at.IsZero() || f.at.After(now):
	case f.state == freshPausing:
		f.try(now)
	case f.asked < min(freshAsked, len(f.helpers)):
		f.ask(now)
	default:
		f.rest(now)
	}
}

// try opens the next socket.
func (f *Fresh) try(now time.Time) {
	f.tries++
	f.state, f.asked = freshAsking, 0
	io.ReadFull(f.rand, f.id[:])
	f.out = append(f.out, OpenGates{First: f.socket(), Count: 1})
	f.ask(now)
}

func (f *Fresh) ask(now time.Time) {
	f.out = append(f.out, UDP{Socket: f.socket(), Addr: f.helpers[f.asked], Frame: appendSTUNRequest(nil, f.id)})
	f.asked++
	f.at = now.Add(freshAnswer)
}
