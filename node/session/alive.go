package session

import "time"

const (
	// shortestPatience is how long a peer may leave our questions unanswered
	// at least; less than the consent of a path lasts (5 s).
	shortestPatience = 2 * time.Second
	// questions are how many we ask at least before patience is over: where a
	// fifth is lost each way, eight in a row stay unanswered once in 3,600.
	questions = 8
)

// patienceShare is which part of every a peer may leave our questions unanswered:
// who is asked seldom is soon known to be gone all the same.
const patienceShare = 4

// Peers that are asked seldom, each lazyFrom or less often, are looked at together, at
// times that are lazyGrid apart: who has twenty of them wakes up six times a minute
// for that, not twenty.
const (
	lazyFrom = time.Minute
	lazyGrid = 10 * time.Second
)

// alive notices that the peer has vanished. After every without anything
// authentic it asks, again and again, until patience is over. What it was not
// told of, sound say, it finds when it looks, and then it looks again after half
// of every.
type alive struct {
	every  time.Duration // zero: never look
	bear   time.Duration // how long questions may stay unanswered at least
	most   time.Duration // and at most, but for bear; zero: patienceShare of every
	heard  time.Time     // of the last sign of life, as far as known; set when Live, and by every payload
	opened uint64        // packets that the channel had opened then
	asked  time.Time     // since when we ask; zero: not asking; cleared by a sign of life
	wait   time.Duration // until the next question
	sent   time.Time     // of the last question
	token  uint16        // of the last question
	check  time.Time     // when to look; set by start, each look and an answer
	phase  time.Duration // of the times that are lazyGrid apart, the same for all of a Table
}

func (a *alive) start(now time.Time) {
	a.heard, a.asked, a.check = now, time.Time{}, time.Time{}
	if a.every > 0 && !now.IsZero() {
		a.lookBy(now.Add(a.every / 2))
	}
}

// lookBy sets when to look: then, or together with others before.
func (a *alive) lookBy(at time.Time) {
	if a.every >= lazyFrom {
		at = at.Add(-(time.Duration(at.UnixNano()) - a.phase) % lazyGrid)
	}
	a.check = at
}

// pause is for how long the peer is not asked after a sign of life.
func (a *alive) pause() time.Duration {
	if a.every >= lazyFrom {
		return a.every - lazyGrid
	}
	return a.every
}

func (a *alive) patience() time.Duration {
	share := a.every / patienceShare
	if a.most > 0 {
		share = min(share, a.most)
	}
	return max(share, a.bear, shortestPatience)
}

// hears notes a sign of life: the channel has opened so many packets now. The next
// look finds it; nothing is moved for each.
func (a *alive) hears(now time.Time, opened uint64) {
	a.heard, a.asked, a.opened = now, time.Time{}, opened
}

// checkAlive looks whether the peer of s lives, and asks if that is doubtful.
func (t *Table) checkAlive(now time.Time, s *session) {
	a := &s.alive
	if s.state != Live {
		a.check = time.Time{}
		return
	}
	if n := s.channel.opened.Load(); n != a.opened {
		a.opened = n
		a.start(now)
		return
	}
	switch {
	case a.asked.IsZero() && now.Sub(a.heard) < a.pause():
		a.lookBy(a.heard.Add(a.every))
		return
	case a.asked.IsZero():
		a.asked, a.wait = now, max(firstTimeout, t.timeout(now, s))
	case now.Sub(a.asked) >= a.patience():
		t.end(now, s, ErrTimeout, false)
		return
	default:
		a.wait = max(firstTimeout, min(2*a.wait, a.patience()/questions))
	}
	t.ask(now, s)
	a.check = earlier(now.Add(a.wait), a.asked.Add(a.patience()))
	if !a.check.After(now) {
		a.check = now.Add(firstTimeout)
	}
}

// ask sends an acknowledgement that wants an answer.
func (t *Table) ask(now time.Time, s *session) {
	a := &s.alive
	a.token++
	a.sent = now
	t.sendAck(s, ackAsks, a.token)
}

// answered notes the answer to a question, and saves the look at whether it has
// come.
func (t *Table) answered(now time.Time, s *session, token uint16) {
	a := &s.alive
	if token == a.token && !a.sent.IsZero() {
		t.sampled(now, s, now.Sub(a.sent))
		a.sent = time.Time{}
		if a.every > 0 {
			a.lookBy(now.Add(a.every))
		}
	}
}
