package overlay

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// attached is a phone with three homes that beat.
func attached(t *testing.T) *script {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3, 4, 5))
	for _, n := range s.dials()[:3] {
		s.attachTo(n)
	}
	s.advance(2*firstRefresh + slowestBeat)
	took[Event](s)
	return s
}

// die lets homes fall silent.
func (s *script) die(homes ...Home) {
	for _, h := range homes {
		s.dead = append(s.dead, h.Index)
	}
}

// The homes' beats come in turn: some home is heard each three or four seconds.
func TestSomeHomeIsHeardAllTheTime(t *testing.T) {
	s := attached(t)
	s.heardAt = nil
	s.advance(10 * time.Minute)
	longest := time.Duration(0)
	for i := 1; i < len(s.heardAt); i++ {
		longest = max(longest, s.heardAt[i]-s.heardAt[i-1])
	}
	if longest > 4*time.Second {
		t.Errorf("nobody is heard for %v", longest)
	}
}

// The pulses of three homes stay within what they may cost, by IPv6 as well, and
// whatever a NAT wants.
func TestPulsesCostWhatTheyMay(t *testing.T) {
	for _, binding := range []time.Duration{0, time.Minute, 25 * time.Second} {
		s := attached(t)
		s.SetPulse(binding)
		s.advance(2 * time.Minute)
		s.heardAt, s.opens, s.refreshes = nil, nil, 0
		s.advance(time.Hour)
		bytes := s.refreshes*refreshBytes + (len(s.heardAt)+len(s.opens))*beatBytes
		if bytes > 3*pulseBytes*21/20 || bytes < 3*pulseBytes*9/10 {
			t.Errorf("binding %v: %d bytes an hour, want up to %d", binding, bytes, 3*pulseBytes)
		}
	}
}

// A NAT that forgets soon is reminded as often as it needs.
func TestABindingIsKeptOpen(t *testing.T) {
	s := attached(t)
	s.SetPulse(10 * time.Second)
	s.advance(time.Minute)
	s.refreshes, s.opens = 0, nil
	s.advance(time.Minute)
	if n := s.refreshes + len(s.opens); n < 17 || n > 21 {
		t.Errorf("%d datagrams to homes in a minute, want one to each of three homes each ten seconds", n)
	}
}

// One home is dead: that is found out by its next beat, its place is taken, and the
// others are told.
func TestADeadHomeIsReplaced(t *testing.T) {
	s := attached(t)
	gone := s.Homes()[1]
	s.die(gone)
	began := s.now
	for len(s.dials()) == 0 && s.now.Sub(began) < time.Minute {
		s.advance(50 * time.Millisecond)
	}
	if took := s.now.Sub(began); took > s.link(gone.Index).pulse.every+beatSlack+2*askMost {
		t.Errorf("another is dialled after %v", took)
	}
	s.want("it is a home until it has been asked four times", len(s.Homes()), 3)
	s.want("others who were told", len(s.doubts), 2)
	for _, h := range s.Homes() {
		if told := fmt.Sprint(h.Index, " ", int(gone.Member.Node[0])<<8|int(gone.Member.Node[1])); h != gone && !slices.Contains(s.doubts, told) {
			t.Errorf("told %v, not %q", s.doubts, told)
		}
	}
	s.advance(pulseTries * askMost)
	s.want("homes", len(s.Homes()), 2)
	s.want("the session is ended, for nobody answers in it", took[Abandon](s), []Abandon{{gone.Index}})
}

// A home that leaves a search unanswered is asked for its pulse at once, and if it is
// dead another is dialled long before its next beat; one that lives stays.
func TestAHomeThatIsMuteIsFelt(t *testing.T) {
	s := attached(t)
	lives, gone := s.Homes()[0], s.Homes()[1]
	s.die(gone)
	s.refreshes = 0
	for range 3 {
		s.Feel(s.now, lives.Index)
		s.Feel(s.now, gone.Index)
		s.Feel(s.now, 999) // no session of ours
	}
	began := s.now
	for len(s.dials()) == 0 && s.now.Sub(began) < time.Minute {
		s.advance(20 * time.Millisecond)
	}
	if took := s.now.Sub(began); took > 2*askMost {
		t.Errorf("another is dialled after %v", took)
	}
	if s.refreshes < 1 || s.refreshes > 3 {
		t.Errorf("those who live were asked %d times", s.refreshes)
	}
	s.want("homes given up", s.Counters().HomesLost, uint64(0))
	s.want("homes that are not doubted", s.missed(s.link(lives.Index)), false)
}

// Three homes are dead, and one alternate lives: they are found out together, and
// the alternate is dialled.
func TestThreeDeadHomesAreFoundOutTogether(t *testing.T) {
	s := attached(t)
	s.die(s.Homes()...)
	began := s.now
	for len(s.Homes()) > 0 && s.now.Sub(began) < time.Minute {
		s.advance(50 * time.Millisecond)
		for _, e := range took[Ping](s) {
			s.Pong(s.now, e.Member.Addr, e.Nonce, 0)
		}
	}
	if took := s.now.Sub(began); took > 4*time.Second+(pulseTries+1)*askMost {
		t.Errorf("that took %v", took)
	}
}

// When nobody at all is heard the network is silent, and homes are kept for a
// while: they are asked again and again.
func TestASilentNetworkCostsNoHome(t *testing.T) {
	s := attached(t)
	s.die(s.Homes()...)
	s.advance(8 * time.Second)
	s.want("homes", len(s.Homes()), 3)
	s.dead = nil
	s.advance(slowestAsk + time.Second)
	s.want("homes in doubt", s.anyDoubtful(), false)
	s.want("lost", s.Counters().HomesLost, uint64(0))
	s.die(s.Homes()...)
	s.advance(4*time.Second + nobodyWait + 2*slowestAsk)
	s.want("homes", len(s.Homes()), 0)
}

// One lost beat, or one lost answer, costs no home.
func TestOneLostAnswerCostsNoHome(t *testing.T) {
	s := attached(t)
	for range 2 {
		s.dead = append(s.dead[:0], s.Homes()[0].Index)
		for s.link(s.dead[0]).pulse.tries < 2 {
			s.advance(50 * time.Millisecond)
		}
		s.dead = nil
		s.advance(20 * time.Second)
	}
	s.want("lost", s.Counters().HomesLost, uint64(0))
}

// A beat of nobody's changes nothing.
func TestForeignBeatsAreRefused(t *testing.T) {
	s := attached(t)
	before := s.Counters().Unasked
	s.Beat(s.now, s.homeLinks()[0].pulse.nonce+1)
	s.want("counted", s.Counters().Unasked, before+1)
}

// A home by a stream is not asked for beats: the stream tells of its end.
func TestAStreamNeedsNoBeats(t *testing.T) {
	s := newScript(t, Config{Homes: 1, Streamed: func(wire.Index) bool { return true }})
	s.Learn(s.now, bootstraps(1))
	s.dials()
	s.attachTo(1)
	s.die(s.Homes()...)
	s.advance(10 * time.Minute)
	s.want("homes", len(s.Homes()), 1)
}
