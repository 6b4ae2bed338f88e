package overlay

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

func attached(t *testing.T) *script {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3, 4, 5))
	for _, n := range s.dials()[:3] {
		s.attachTo(n)
	}
	took[Event](s)
	return s
}

func TestSomeHomeIsAskedEachEightSeconds(t *testing.T) {
	s := attached(t)
	s.advance(50 * time.Second)
	if n := s.pulses + s.refreshes; n < 5 || n > 7 {
		t.Errorf("%d pulses in 50 s, want one each eight seconds", n)
	}
}

// A Refresh takes the place of a question: each home is refreshed within a minute,
// and is asked once between two of them.
func TestARefreshIsAPulse(t *testing.T) {
	s := attached(t)
	s.advance(10 * time.Minute)
	if s.refreshes < 30 || s.refreshes > 39 {
		t.Errorf("%d refreshes of three homes in ten minutes, want one each 48 to 60 s", s.refreshes)
	}
	if n := s.pulses + s.refreshes; n < 72 || n > 82 {
		t.Errorf("%d pulses in ten minutes, %d of them refreshes, want one each eight seconds", n, s.refreshes)
	}
}

// A NAT that forgets soon is reminded as often as it needs.
func TestPulsesFollowTheBinding(t *testing.T) {
	s := attached(t)
	s.SetPulse(10 * time.Second)
	s.advance(time.Minute)
	if n := s.pulses + s.refreshes; n < 16 || n > 20 {
		t.Errorf("%d pulses in a minute, want one of each of three homes each ten seconds", n)
	}
}

// A Refresh that is not answered is followed by questions.
func TestAnUnansweredRefreshIsFollowedByQuestions(t *testing.T) {
	s := attached(t)
	for s.refreshes == 0 {
		s.advance(100 * time.Millisecond)
	}
	took[Event](s)
	for _, h := range s.Homes() {
		s.dead = append(s.dead, h.Index)
	}
	refreshed := false
	for began := s.now; len(s.Homes()) > 0 && s.now.Sub(began) < time.Minute; {
		s.advance(100 * time.Millisecond)
		for _, e := range took[Send](s) {
			refreshed = refreshed || e.Message.Kind() == wire.Refresh{}.Kind()
		}
		if refreshed && len(s.Homes()) < 3 {
			return
		}
	}
	t.Errorf("%d homes are left, refreshed: %v", len(s.Homes()), refreshed)
}

// All homes are dead: the first that is asked gives it away, and soon others are
// dialled.
func TestThreeDeadHomesAreFoundOutTogether(t *testing.T) {
	s := attached(t)
	s.advance(30 * time.Second)
	for _, h := range s.Homes() {
		s.dead = append(s.dead, h.Index)
	}
	began := s.now
	for len(s.Homes()) > 0 && s.now.Sub(began) < time.Minute {
		s.advance(100 * time.Millisecond)
	}
	if took := s.now.Sub(began); took > pulseEvery/3+(pulseTries+2)*pulseWait {
		t.Errorf("that took %v", took)
	}
	if n := len(s.dials()); n < 2 {
		t.Errorf("%d others are dialled", n)
	}
}

// One lost answer costs no home.
func TestOneLostAnswerCostsNoHome(t *testing.T) {
	s := attached(t)
	for range 2 {
		s.dead = append(s.dead[:0], s.Homes()[0].Index)
		s.advance((pulseTries - 2) * pulseWait)
		s.dead = nil
		s.advance(20 * time.Second)
	}
	s.want("lost", s.Counters().HomesLost, uint64(0))
}
