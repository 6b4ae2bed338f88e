package session

import (
	"time"

	"peerphone/node/wire"
)

// reserveTimeout bounds the handshake of a stream.
const reserveTimeout = handshakeTimeout

// Reserve returns an index for a session whose handshake runs outside of Table,
// in a stream; 0 means that there is no room. Adopt or Close must follow within
// ten seconds, else Down with ErrTimeout does.
func (t *Table) Reserve(now time.Time) wire.Index {
	s := t.add(now, Reserved)
	if s == nil {
		return 0
	}
	s.reserved = now.Add(reserveTimeout)
	t.settle(s)
	return s.ix
}

// Adopt makes a reserved index the session that a stream's handshake has found.
// From then on it is like any other: Up, or Down by glare, follows. It fails
// with ErrNoSession when the reservation has run out.
func (t *Table) Adopt(now time.Time, ix wire.Index, a Adoption) error {
	s := t.sessions[ix]
	if s == nil || s.state != Reserved {
		return ErrNoSession
	}
	s.initiator, s.remote, s.peer = a.Initiator, a.Remote, a.Peer
	s.want, s.reserved = Want{Role: a.Peer.Role}, time.Time{}
	t.remember(s)
	s.channel = NewChannel(ix, a.Remote, a.Keys)
	t.live(now, s)
	t.settle(s)
	return nil
}
