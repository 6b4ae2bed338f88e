package session

import "time"

// If both ends dial at once, two handshakes cross. Of two sessions between the
// same two peers in the same role the one whose initiator's ID is smaller
// stays, which both ends find alone. Only sessions that overlap in their
// making are compared: a session that was up before the other was begun may be
// a corpse that only its owner believes in.
//
// Two phones are left alone: each of their sessions may already carry an
// Invite, and the call chooses by its own rule, which of the two it goes on in.

// live makes s Live, unless it loses by glare, and ends who loses against it.
func (t *Table) live(now time.Time, s *session) {
	var losers []*session
	for _, other := range t.peers[peerKey{s.peer.Role, s.peer.ID}] {
		switch {
		case s.peer.Role == AsPhone || other == s || other.initiator == s.initiator || !overlap(s, other):
		case t.stays(s):
			losers = append(losers, other)
		case other.state == Live:
			t.end(now, s, ErrGlare, true)
			return
		}
	}
	told := s.ahead()
	s.state, s.up = Live, now
	s.alive.start(now)
	switch {
	case s.hs == nil: // adopted
	case s.initiator:
		t.dropHandshake(s)
	default:
		t.confirm(s)
	}
	if !told {
		t.emit(Up{s.ix, s.peer, s.initiator})
	}
	for _, other := range losers {
		t.end(now, other, ErrGlare, true)
	}
	t.boundPeer(now, s)
}

// maxPerPeer bounds the sessions with one peer: two that cross, one that is a
// corpse, and one to spare.
const maxPerPeer = 4

// boundPeer ends the oldest sessions with the peer of s when there are too
// many: one certificate shall not fill the table.
func (t *Table) boundPeer(now time.Time, s *session) {
	var alive []*session
	for _, other := range t.peers[peerKey{s.peer.Role, s.peer.ID}] {
		if other.state == Live {
			alive = append(alive, other)
		}
	}
	for _, other := range alive[:max(0, len(alive)-maxPerPeer)] {
		t.end(now, other, ErrEnded, true)
	}
}

// overlap reports whether s, which is becoming Live, was begun before other
// was up.
func overlap(s, other *session) bool {
	return other.up.IsZero() || !s.began.After(other.up)
}

// stays reports whether s is the session of the two between us and its peer
// that stays: whose initiator is the smaller.
func (t *Table) stays(s *session) bool {
	return t.own(s.peer.Role).Less(s.peer.ID) == s.initiator
}
