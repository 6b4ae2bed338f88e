package overlay

import (
	"testing"
	"time"
)

// overload lets nobody be reached for so long: dials fail, or stay without any
// word, in turn.
func (s *script) overload(length time.Duration) {
	for n, end := 0, s.now.Add(length); s.now.Before(end); {
		s.advance(250 * time.Millisecond)
		for _, d := range took[Dial](s) {
			if n++; n%2 == 0 {
				s.Failed(s.now, d.Member, errDial)
			}
		}
	}
}

// recovery lets everybody be reached again, and returns how long it takes until the
// phone has three homes; answers: questions are answered too, which go by UDP.
func (s *script) recovery(answers bool) time.Duration {
	began := s.now
	for len(s.Homes()) < 3 && s.now.Sub(began) < time.Hour {
		s.advance(100 * time.Millisecond)
		for _, e := range took[Event](s) {
			switch e := e.(type) {
			case Dial:
				b := e.Member.Addr.Addr().As4()
				s.attachTo(int(b[3]))
			case Ping:
				if answers {
					s.Pong(s.now, e.Member.Addr, e.Nonce, 0)
				}
			}
		}
	}
	return s.now.Sub(began)
}

// TestAPhoneIsBackSoonAfterALongOverload: however long nobody could be reached, homes
// are found again within the longest pause, and where questions are answered at once.
// The next overload begins with short pauses again.
func TestAPhoneIsBackSoonAfterALongOverload(t *testing.T) {
	for _, answers := range []bool{true, false} {
		s := attached(t)
		most := dialWait + backoffMax
		if answers {
			most = 5 * time.Second
		}
		for range 3 {
			for _, h := range s.Homes() {
				s.Down(s.now, h.Index, errDial)
			}
			s.overload(time.Hour)
			took := s.recovery(answers)
			if t.Logf("questions answered: %v; back after %v", answers, took); took > most {
				t.Errorf("homes are found %v after an hour of overload, want %v at most", took, most)
			}
			for _, e := range s.cache.entries {
				if l := s.linkTo(e.m.Node); l != nil && l.home == home && e.fails > 0 {
					t.Errorf("%v is a home, and its %d failures count still", e.m, e.fails)
				}
			}
		}
	}
}
