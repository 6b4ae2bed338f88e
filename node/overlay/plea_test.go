package overlay

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

// pleas counts the Refreshes that ask for members, in a time.
func (s *script) pleas(d time.Duration) (n int) {
	for end := s.now.Add(d); s.now.Before(end); {
		for _, m := range s.beating {
			if m.News {
				m.News = false
				n++
			}
		}
		s.advance(100 * time.Millisecond)
	}
	return n
}

// Whom a phone knows may all be dead but for two, which are its homes: it asks them for
// others, and does not wait an hour; and ever more seldom while there are none.
func TestAPhoneThatKnowsNobodyElseAsksItsHomes(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, []wire.Member{memberOf(1), memberOf(2)})
	first := s.attachTo(1)
	s.attachTo(2)
	s.pleas(time.Second) // who knows few asks as soon as it has a home
	s.want("asks within a minute", s.pleas(newsPause), 1)
	if n := s.pleas(time.Hour); n < 4 || n > 8 {
		t.Errorf("asks %d times in an hour in which there is nobody", n)
	}
	took[Event](s)
	s.Handle(s.now, first, wire.Members{Live: []wire.Member{memberOf(3)}})
	s.want("dials", s.dials(), []int{3})
	s.attachTo(3)
	s.want("asks with three homes", s.pleas(30*time.Minute), 0)
}
