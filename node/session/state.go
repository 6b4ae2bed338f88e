package session

import (
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// State is where a session stands.
//
//	Dial ──> Dialling ──TLS done──> Confirming ──peer's word──┐
//	                                                          v   Close, messages
//	first flight ──> Answering ──TLS done───────────────────> Live ──unacknowledged──> Draining
//	                                                          ^
//	Reserve ──> Reserved ──Adopt──────────────────────────────┘
//
// From every state a session goes, with one Down: by Close, by a refusal or
// close of the peer, by time, or by glare.
type State uint8

// The states.
const (
	gone       State = iota // forgotten
	Dialling                // we have begun
	Answering               // the peer has begun
	Confirming              // we have verified the peer and wait to hear that it has verified us; to a phone we speak already
	Reserved                // a stream shakes hands
	Live                    // up
	Draining                // closed here; the last messages are being delivered
)

// session is one session of a Table.
//
// What each packet needs lies together, at the front: where there are thousands of
// sessions most of the time goes into fetching them from memory.
type session struct {
	state     State
	listed    bool       // in Table.peers
	initiator bool       // constant after construction
	ix        wire.Index // likewise
	remote    wire.Index // 0 until known
	channel   *Channel   // nil before TLS is done
	hs        *handshake // nil when nobody can ask for it any more
	alive     alive
	timer     timer
	drained   time.Time // Draining: when it ends at the latest
	reserved  time.Time // Reserved: when it ends
	control   control
	up        time.Time // when it became Live
	peer      Peer      // before the proof: whom we dial

	// Constant after construction.
	born  uint64    // orders sessions
	began time.Time // of the dial, or when its first flight arrived
	want  Want      // the responder's has the role only
}

// peerKey is a peer in a role.
type peerKey struct {
	role Role
	id   identity.ID
}

// add makes a session with a fresh index, nil when there is no room.
func (t *Table) add(now time.Time, st State) *session {
	if len(t.sessions) >= t.maxSessions {
		return nil
	}
	s := &session{ix: t.index(), state: st, began: now, born: t.born}
	s.timer.at = -1
	t.born++
	t.sessions[s.ix] = s
	return s
}

// index draws an index that no session has.
func (t *Table) index() wire.Index {
	for {
		var b [3]byte
		t.draw(b[:])
		if ix := index24(b[:]); ix != 0 && t.sessions[ix] == nil {
			return ix
		}
	}
}

// draw fills b with random bytes.
func (t *Table) draw(b []byte) {
	for n := 0; n < len(b); {
		m, err := t.rand.Read(b[n:])
		if n += m; err != nil && n < len(b) {
			panic("session: no randomness: " + err.Error())
		}
	}
}

// remember lists s under its peer, once that is known.
func (t *Table) remember(s *session) {
	if !s.listed && !s.peer.ID.IsZero() {
		k := peerKey{s.peer.Role, s.peer.ID}
		t.peers[k] = append(t.peers[k], s)
		s.listed = true
	}
}

// end ends s for reason. tell says that the peer should hear of it.
func (t *Table) end(now time.Time, s *session, reason error, tell bool) {
	if s.state == gone {
		return
	}
	if tell {
		t.tell(now, s, refusalFor(reason))
	}
	if s.hs != nil && s.hs.port == working {
		t.emit(Drop{s.ix})
	}
	t.forget(s)
	t.emit(Down{s.ix, reason})
}

// tell lets the peer know that s ends.
func (t *Table) tell(now time.Time, s *session, r Refusal) {
	switch {
	case s.state == Live || s.state == Draining:
		for range closeCopies {
			t.seal(s, []byte{byte(wire.PayloadClose), byte(r)})
		}
	case s.channel != nil && s.hs == nil: // adopted, and lost by glare at once
		t.seal(s, []byte{byte(wire.PayloadClose), byte(r)})
	case s.hs != nil && s.remote != 0:
		for range closeCopies {
			t.refuse(s, r)
		}
	}
}

// closeCopies is how often a close is sent: nobody acknowledges it, and a lost
// one costs the peer the wait for its time-out.
const closeCopies = 2

// forget removes s from all that knows it, and wipes its keys.
func (t *Table) forget(s *session) {
	t.dropHandshake(s)
	if s.channel != nil {
		s.channel.Close()
	}
	if s.listed {
		k := peerKey{s.peer.Role, s.peer.ID}
		if t.peers[k] = remove(t.peers[k], s); len(t.peers[k]) == 0 {
			delete(t.peers, k)
		}
	}
	delete(t.sessions, s.ix)
	t.latest = nil
	t.timers.remove(s)
	s.state = gone
}

// dropHandshake forgets the handshake of s.
func (t *Table) dropHandshake(s *session) {
	if s.hs == nil {
		return
	}
	if t.attempts[s.hs.attempt] == s {
		delete(t.attempts, s.hs.attempt)
	}
	t.halfOpen = remove(t.halfOpen, s)
	s.hs = nil
}

// remove returns list without s, in order.
func remove(list []*session, s *session) []*session {
	for i, other := range list {
		if other == s {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// seal sends payload to the peer of s.
func (t *Table) seal(s *session, payload []byte) {
	room := make([]byte, 0, wire.SessionHeader+len(payload)+wire.Tag)
	t.emit(Datagram{s.ix, s.channel.Seal(room, payload)})
}
