package overlay

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// arriving is a phone that has taken no soundings yet.
func arriving(t *testing.T, known []Kept) *script {
	s := phone(t)
	s.sound.state = unsounded
	s.Recall(s.now, known)
	s.Learn(s.now, nil)
	return s
}

// began returns whom an arriving phone has dialled and asked so far.
func (s *script) began() ([]int, []Ping) {
	events := append(s.events, s.Take()...)
	s.events = slices.Clone(events)
	asked := s.probes()
	s.events = events
	return s.dials(), asked
}

// A phone that goes on the air dials one at once, then those who answer first, and
// after a moment others too.
func TestWhoAnswersFirstIsDialled(t *testing.T) {
	s := arriving(t, kept(birth, 1, 50))
	first, asked := s.began()
	s.want("dialled at once", len(first), 1)
	s.want("asked", len(asked), soundings)
	s.advance(30 * time.Millisecond)
	for i, want := range []int{1, 1, 0} { // three homes are enough
		p := asked[2+i]
		s.Pong(s.now, p.Member.Addr, p.Nonce, 0)
		got := s.dials()
		s.want("dials", len(got), want)
		if want == 1 && got[0] != nameOf(p.Member) {
			t.Errorf("%d answers, dialled: %d", nameOf(p.Member), got)
		}
	}
	s = arriving(t, kept(birth, 1, 50))
	s.began()
	s.advance(soundWait - 1)
	s.want("dials while somebody may answer", len(s.dials()), 0)
	s.advance(1)
	s.want("dials when nobody has", len(s.dials()), 2)
}

// Homes that come before the soundings are over end them as well.
func TestSoundingsEnd(t *testing.T) {
	s := arriving(t, kept(birth, 1, 50))
	first, asked := s.began()
	s.attachTo(first[0])
	for _, p := range asked[:2] {
		s.Pong(s.now, p.Member.Addr, p.Nonce, 0)
		s.attachTo(nameOf(p.Member))
	}
	s.want("homes", len(s.Homes()), 3)
	s.advance(soundWait)
	s.want("state", s.sound.state, sounded)
	s.advance(2*arrivalWait + 2*maxProbes*probeEvery)
	s.want("asked in all", int(s.Counters().Probes), maxProbes)
}

// Who knows three dials them at once; those that were near before are asked again.
func TestSoundingsAreOfSome(t *testing.T) {
	s := arriving(t, kept(birth, 1, 3))
	dialled, asked := s.began()
	s.want("dials", dialled, []int{1, 2, 3})
	s.want("asked", len(asked), 0)
	list := kept(birth, 1, 100)
	for i := range list[:10] {
		list[90+i].RTT = time.Duration(10+i) * time.Millisecond
	}
	dialled, asked = arriving(t, list).began()
	near := 0
	for _, p := range asked {
		if n := nameOf(p.Member); n > 90 && n <= 91+soundNear {
			near++
		}
	}
	if near < soundNear {
		t.Errorf("dialled %v, and of the nearest %d were asked", dialled, near)
	}
}

// birth is when scripts begin.
var birth = time.Unix(1_700_000_000, 0)

// nameOf returns the number of a node.
func nameOf(m wire.Member) int { return int(m.Node[0])<<8 | int(m.Node[1]) }
