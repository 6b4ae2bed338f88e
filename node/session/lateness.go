package session

import "time"

const (
	// lateAtAll is by how much an answer is late that says something: others wait
	// for an acknowledgement to be carried by a message.
	lateAtAll = 50 * time.Millisecond
	// lateFades is how many times longer than an answer was late it is believed that
	// others are: as much as there was a queue.
	lateFades = 3
	// viaHomes is how many round trips with a home a phone's answer may take that comes
	// through two of them, before it is asked for again; raceHomes, before another home
	// is tried.
	viaHomes  = 5
	raceHomes = 3
)

// lateness is by how much answers come later than they could. On a line that is too
// narrow they wait behind what the phone has sent itself, whoever gives them; to ask
// again at once makes them later. So it is known for all sessions together, as QUIC
// and TCP know it for each (RFC 6298 section 2). The zero value knows of none.
type lateness struct {
	by   time.Duration // the last answer
	at   time.Time     // of by
	near time.Duration // smoothed least round trip with nodes; 0: not known
}

// sample takes a round trip with a node or a phone, whose least is known.
func (l *lateness) sample(now time.Time, took, least time.Duration, r Role) {
	l.by, l.at = 0, now
	if took-least >= lateAtAll {
		l.by = took - least
	}
	switch {
	case r != AsNode:
	case l.near == 0:
		l.near = least
	default:
		l.near += (least - l.near) / 8
	}
}

// now is by how much an answer may be late that is asked for now.
func (l *lateness) now(now time.Time) time.Duration {
	return max(0, min(l.by-now.Sub(l.at)/lateFades, longestResend))
}

// sampled takes a round trip of s.
func (t *Table) sampled(now time.Time, s *session, took time.Duration) {
	s.control.rtt.sample(took)
	if !t.public { // the guests of a supernode have lines of their own
		t.late.sample(now, took, s.control.rtt.least, s.want.Role)
	}
}

// timeout is how long to wait for an acknowledgement in s.
func (t *Table) timeout(now time.Time, s *session) time.Duration {
	return min(s.control.rtt.timeout()+t.late.now(now), longestResend)
}

// answerTime is how long to wait for the answer to a flight of s before it is sent
// again.
func (t *Table) answerTime(now time.Time, s *session) time.Duration {
	wait := 2 * t.late.near
	switch {
	case s.control.rtt.smooth > 0:
		wait = s.control.rtt.smooth * 3 / 2
	case s.want.Role == AsPhone:
		wait = viaHomes * t.late.near
	}
	return min(max(firstResend, wait)+t.late.now(now), longestResend)
}

// Late is by how much answers come later of late than they could, for what the phone
// has sent itself or for others.
func (t *Table) Late(now time.Time) time.Duration { return t.late.now(now) }

// Patience is how long a phone that is reached through its home may keep silent
// before it is tried through another one.
func (t *Table) Patience(now time.Time) time.Duration {
	return min(raceHomes*t.late.near+t.late.now(now), longestResend)
}

// replyGap is how long after a reply of s another one is made to the same bytes. A
// phone's come once through each of its homes.
func (t *Table) replyGap(s *session) time.Duration {
	if s.want.Role == AsPhone {
		return max(replyGap, raceHomes*t.late.near)
	}
	return replyGap
}
