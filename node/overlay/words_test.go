package overlay

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

// wantWords counts of which deaths each word is.
func (s *script) wantWords() (words int) {
	s.Helper()
	cited := map[uint32]int{}
	for i := range s.table.rows {
		if d := s.table.dyingAt(i); d != nil {
			for _, number := range d.proof {
				cited[number]++
			}
		}
	}
	delete(cited, 0)
	for number, deaths := range cited {
		if got := s.table.words.list[number-1].deaths; got != deaths {
			s.Fatalf("word %d is cited for %d deaths and taken for %d", number, deaths, got)
		}
	}
	if free := len(s.table.words.free); free+len(cited) != len(s.table.words.list) {
		s.Fatalf("%d words are free and %d cited, of %d", free, len(cited), len(s.table.words.list))
	}
	return len(cited)
}

// A word is kept once for all deaths that it proves, and as long as one of them is
// remembered.
func TestAWordIsKeptAsLongAsItProves(t *testing.T) {
	s := acquainted(t, 100)
	tell := func(news []byte) { s.Handle(s.now, 1, wire.Gossip{News: news}) }
	for witness := 1; witness <= 4; witness++ {
		tell(obituary(witness, 0, 50, 52, 53))
	}
	tell(obituary(5, 0, 60, 61))
	tell(testimony(60, 6, 0))
	s.want("words", s.wantWords(), 5)
	tell(announced(60, 1)) // lives
	s.want("after a refutation", s.wantWords(), 4)
	tell(announced(61, 1))
	s.want("and another", s.wantWords(), 3)
	for range 15 {
		s.now = s.now.Add(time.Minute)
		s.Overlay.bury(s.now)
	}
	s.want("of long ago", s.wantWords(), 0)
	s.want("dying", len(s.table.dying)-len(s.table.free), 0)
}

// Who has died is noted beside the rows, which all who have read one roster share.
func TestTheDeadLeaveTheRosterAlone(t *testing.T) {
	s := crowd()
	s.T = t
	s.table.shared = true
	for n := 1; n <= 300; n++ {
		for witness := 1001; witness <= 1003; witness++ {
			s.takeRaw(testimony(n, witness, 0))
		}
	}
	s.want("dead", s.Counters().Died, uint64(300))
	s.want("words", s.wantWords(), 900)
	s.want("shared", s.table.shared, true)
	s.want("told", s.table.alive(placeOfNode(300)) == nil && s.Knows(placeOfNode(300)), true)
}
