package session

import (
	"container/heap"
	"time"
)

// timer is a session's place among the timers.
type timer struct {
	due time.Time // zero: none
	at  int       // in the heap, -1 when not there
}

// timers is a heap of sessions by when they are due; sessions due at once come
// in order of birth, so that a simulation repeats itself.
type timers []*session

func (q timers) Len() int { return len(q) }
func (q timers) Less(i, j int) bool {
	if c := q[i].timer.due.Compare(q[j].timer.due); c != 0 {
		return c < 0
	}
	return q[i].born < q[j].born
}
func (q timers) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].timer.at, q[j].timer.at = i, j
}

// Push implements heap.Interface.
func (q *timers) Push(x any) {
	s := x.(*session)
	s.timer.at = len(*q)
	*q = append(*q, s)
}

// Pop implements heap.Interface.
func (q *timers) Pop() any {
	old := *q
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	s.timer.at = -1
	return s
}

// set moves s to due; zero removes it.
func (q *timers) set(s *session, due time.Time) {
	same := due.Equal(s.timer.due) // as after most inputs
	s.timer.due = due
	switch {
	case same && s.timer.at >= 0:
	case due.IsZero():
		q.remove(s)
	case s.timer.at < 0:
		heap.Push(q, s)
	default:
		heap.Fix(q, s.timer.at)
	}
}

func (q *timers) remove(s *session) {
	if s.timer.at >= 0 {
		heap.Remove(q, s.timer.at)
	}
}

func (q timers) next() time.Time {
	if len(q) == 0 {
		return time.Time{}
	}
	return q[0].timer.due
}

// due returns the first session that is due at now, nil for none.
func (q timers) due(now time.Time) *session {
	if len(q) == 0 || q[0].timer.due.After(now) {
		return nil
	}
	return q[0]
}

// earliest returns the earliest of the times that are set.
func earliest(ts ...time.Time) (first time.Time) {
	for _, t := range ts {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// due reports whether the timer at is set and has come.
func due(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// settle sets the timer of s by its parts. Every input to s ends here.
func (t *Table) settle(s *session) {
	if s.state == gone {
		return
	}
	first := earliest(s.control.resend, s.control.ackAt, s.alive.check, s.drained, s.reserved)
	if s.hs != nil {
		first = earliest(first, s.hs.resend, s.hs.ends)
	}
	t.timers.set(s, first)
}

// fire does what is due in s. Each part moves or clears its own timer.
func (t *Table) fire(now time.Time, s *session) {
	if s.hs != nil && due(s.hs.ends, now) {
		t.handshakeEnds(now, s)
	}
	if s.hs != nil && due(s.hs.resend, now) {
		t.resendFlight(now, s)
	}
	if s.state != gone && due(s.reserved, now) {
		t.end(now, s, ErrTimeout, false)
	}
	if s.state != gone && due(s.drained, now) {
		t.end(now, s, ErrEnded, true)
	}
	if s.state != gone && due(s.control.ackAt, now) {
		t.sendAck(s, 0, 0)
	}
	if s.state != gone && due(s.control.resend, now) {
		t.resendMessages(now, s)
	}
	if s.state != gone && due(s.alive.check, now) {
		t.checkAlive(now, s)
	}
}
