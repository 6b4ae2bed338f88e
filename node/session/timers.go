package session

import "time"

// timer is a session's place among the timers.
type timer struct {
	due time.Time // zero: none
	at  int       // in the heap, -1 when not there
}

// timers is a heap of sessions by when they are due; sessions due at once come
// in order of birth, so that a simulation repeats itself. What is compared lies in
// the heap itself: every packet moves something here.
type timers struct {
	heap  []due
	epoch time.Time // from which the heap counts; set with the first timer
}

// due is a session in the heap.
type due struct {
	at      time.Duration // since timers.epoch
	session *session
	born    uint64
}

func (d *due) before(other *due) bool {
	return d.at < other.at || d.at == other.at && d.born < other.born
}

// set moves s to at; zero removes it.
func (q *timers) set(s *session, at time.Time) {
	same := at.Equal(s.timer.due) // as after most inputs
	s.timer.due = at
	switch {
	case same && s.timer.at >= 0:
	case at.IsZero():
		q.remove(s)
	default:
		if q.epoch.IsZero() {
			q.epoch = at
		}
		if s.timer.at < 0 {
			s.timer.at = len(q.heap)
			q.heap = append(q.heap, due{})
		}
		q.place(s.timer.at, due{at.Sub(q.epoch), s, s.born})
	}
}

// place puts d where i is free, and from there to its place.
func (q *timers) place(i int, d due) {
	for i > 0 {
		parent := (i - 1) / 2
		if !d.before(&q.heap[parent]) {
			break
		}
		i = q.move(parent, i)
	}
	for {
		child := 2*i + 1
		if child+1 < len(q.heap) && q.heap[child+1].before(&q.heap[child]) {
			child++
		}
		if child >= len(q.heap) || !q.heap[child].before(&d) {
			break
		}
		i = q.move(child, i)
	}
	q.heap[i] = d
	d.session.timer.at = i
}

// move moves a session in the heap, and returns the place that is free now.
func (q *timers) move(from, to int) int {
	q.heap[to] = q.heap[from]
	q.heap[to].session.timer.at = to
	return from
}

func (q *timers) remove(s *session) {
	i := s.timer.at
	if i < 0 {
		return
	}
	s.timer.at = -1
	last := q.heap[len(q.heap)-1]
	q.heap[len(q.heap)-1] = due{}
	q.heap = q.heap[:len(q.heap)-1]
	if last.session != s {
		q.place(i, last)
	}
}

func (q *timers) next() time.Time {
	if len(q.heap) == 0 {
		return time.Time{}
	}
	return q.epoch.Add(q.heap[0].at)
}

// first returns the first session that is due at now, nil for none.
func (q *timers) first(now time.Time) *session {
	if at := q.next(); !passed(at, now) {
		return nil
	}
	return q.heap[0].session
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// passed reports whether the timer at is set and has come.
func passed(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// settle sets the timer of s by its parts. Every input to s ends here.
func (t *Table) settle(s *session) {
	if s.state == gone {
		return
	}
	first := earlier(earlier(s.control.resend, s.control.ackAt), earlier(s.alive.check, earlier(s.drained, s.reserved)))
	if s.hs != nil {
		first = earlier(first, earlier(s.hs.resend, s.hs.ends))
	}
	t.timers.set(s, first)
}

// fire does what is due in s. Each part moves or clears its own timer.
func (t *Table) fire(now time.Time, s *session) {
	if s.hs != nil && passed(s.hs.ends, now) {
		t.handshakeEnds(now, s)
	}
	if s.hs != nil && passed(s.hs.resend, now) {
		t.resendFlight(now, s)
	}
	if s.state != gone && passed(s.reserved, now) {
		t.end(now, s, ErrTimeout, false)
	}
	if s.state != gone && passed(s.drained, now) {
		t.end(now, s, ErrEnded, true)
	}
	if s.state != gone && passed(s.control.ackAt, now) {
		t.sendAck(s, 0, 0)
	}
	if s.state != gone && passed(s.control.resend, now) {
		t.resendMessages(now, s)
	}
	if s.state != gone && passed(s.alive.check, now) {
		t.checkAlive(now, s)
	}
}
