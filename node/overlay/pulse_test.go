package overlay

import (
	"testing"
	"time"
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
	if s.pulses < 5 || s.pulses > 7 {
		t.Errorf("%d pulses in 50 s, want one each eight seconds", s.pulses)
	}
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
