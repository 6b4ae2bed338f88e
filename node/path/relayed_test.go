package path

import (
	"net/netip"
	"testing"
	"time"

	"peerphone/node/wire"
)

// Our legs at two relays, which are reached at addresses of theirs.
var (
	relayA = Way{Home: 8, Channel: 0xa0}
	relayB = Way{Home: 9, Channel: 0xb0}
)

// relayedScript returns a script whose session goes by a lane, with the relays
// open.
func relayedScript(t *testing.T) *script {
	s := laned(t)
	s.table.Open(s.now, relayA.Home, Way{Addr: host})
	s.table.Open(s.now, relayB.Home, Way{Addr: other})
	s.table.AddRelay(s.now, ours, relayB, 1)
	s.table.AddRelay(s.now, ours, relayA, 0)
	s.want("asks by b", "asks by a")
	return s
}

// responds lets the far phone answer our challenge by the relay w.
func (s *script) responds(w Way) {
	s.Helper()
	q := s.table.routes[ours].relay(w)
	if q == nil {
		s.Fatalf("%v is no way", w)
	}
	s.table.Heard(s.now, ours, w, 100)
	s.table.Payload(s.now, ours, w, appendProbe(nil, responseOp, q.token))
}

// ways returns the last word on ways.
func (s *script) wantWays(active Way, standby ...Way) {
	s.Helper()
	w, _ := s.table.Ways(ours)
	if w.Active != active || len(w.Standby) != len(standby) {
		s.Fatalf("at %v by %v, standing by %v; want %v, %v", s.at(), w.Active, w.Standby, active, standby)
	}
	for i := range standby {
		if w.Standby[i] != standby[i] {
			s.Fatalf("standing by %v, want %v", w.Standby, standby)
		}
	}
}

func TestARelayIsUsedOnceTheFarPhoneAnswers(t *testing.T) {
	s := relayedScript(t)
	s.advance(relayFirst)
	s.want("asks by a", "asks by b")
	s.responds(relayB)
	s.want("moved relay b")
	s.wantState(Relayed)
	s.wantWays(relayB)
	s.send("x")
	s.want("udp " + other.String() + " by b x")
	s.responds(relayA) // the better one
	s.want("moved relay a")
	s.wantWays(relayA, relayB)
	s.send("y")
	s.want("udp " + host.String() + " by a y")
}

// Sound does not wait for the far phone's answer: it goes by the legs that are
// open, until one is known to work.
func TestSoundGoesByAnOpenLegAtOnce(t *testing.T) {
	s := laned(t)
	s.table.Open(s.now, relayA.Home, Way{Addr: host})
	s.table.Open(s.now, relayB.Home, Way{Addr: other})
	if _, ok := s.table.Ways(ours); ok {
		t.Error("there is a way for sound without a leg")
	}
	s.table.AddRelay(s.now, ours, relayB, 1)
	s.wantWays(relayB)
	s.table.AddRelay(s.now, ours, relayA, 0)
	s.wantWays(relayA)
	if w, _ := s.table.Ways(ours); w.Trial != relayB {
		t.Errorf("sound goes by %v besides, want %v", w.Trial, relayB)
	}
	s.wantState(Laned) // other frames are sent once
	s.table.Heard(s.now, ours, relayB, 100)
	s.wantState(Relayed)
	s.wantWays(relayB)
	if w, _ := s.table.Ways(ours); !w.Trial.IsZero() {
		t.Errorf("sound goes by %v besides, want nothing", w.Trial)
	}
}

// Who is heard by a relay is reached by it: nobody waits for an answer.
func TestChallengesByARelay(t *testing.T) {
	s := relayedScript(t)
	s.table.Payload(s.now, ours, relayA, appendProbe(nil, challengeOp, token{7}))
	s.want("answers by a")
	s.table.Payload(s.now, ours, relayA, appendProbe(nil, responseOp, token{7}))
	s.table.Payload(s.now, ours, Way{Home: 8, Channel: 5}, appendProbe(nil, challengeOp, token{7}))
	s.want()
	s.advance(400 * time.Millisecond)
	s.table.Take()
	s.wantState(Laned)
	s.table.Heard(s.now, ours, relayA, 100)
	s.want("moved relay a")
	s.wantState(Relayed)
	s.advance(relayDead + relayLast) // but it must answer
	s.wantState(Laned)
}

// A direct way takes over; the relays stand by.
func TestDirectBeforeRelays(t *testing.T) {
	s := relayedScript(t)
	s.responds(relayA)
	s.responds(relayB)
	s.want("moved relay a")
	s.table.Candidates(s.now, ours, []netip.AddrPort{mapped})
	s.want("challenge " + mapped.String())
	s.respond(mapped, mapped)
	s.want("move "+mapped.String(), "moved "+mapped.String())
	s.wantState(Direct)
	s.wantWays(Way{Addr: mapped}, relayA, relayB)

	// Sound comes by a relay: the control plane follows, and back.
	s.table.Nominate(s.now, ours, relayB)
	s.want("moved relay b")
	s.wantWays(relayB, Way{Addr: mapped}, relayA)
	s.table.Nominate(s.now, ours, Way{Addr: mapped})
	s.want("move "+mapped.String(), "moved "+mapped.String())
	s.table.Nominate(s.now, ours, Way{Addr: other}) // nobody knows that
	s.want()
	s.wantState(Direct)
}

// A relay that dies is found out: two seconds without an answer.
func TestASilentRelayIsGivenUp(t *testing.T) {
	s := relayedScript(t)
	s.responds(relayA)
	s.responds(relayB)
	s.table.Take()
	for range 20 {
		s.advance(300 * time.Millisecond)
		s.responds(relayB)
	}
	if n := len(s.table.routes[ours].relays); n != 1 {
		t.Errorf("%d relays are left, want the one that answers", n)
	}
	s.wantWays(relayB)
	if w, _ := s.table.Way(ours); w != relayB {
		t.Errorf("frames go by %v", w)
	}
	s.table.DropRelay(s.now, ours, relayB)
	s.wantState(Laned) // the lane has bytes left
	s.table.Lost(s.now, homeA)
	s.wantState(Stranded)
	s.table.AddRelay(s.now, ours, relayA, 2)
	s.responds(relayA)
	s.wantState(Relayed)
}

// When the far phone never opens its leg, the relay is given up.
func TestARelayThatTheFarPhoneDoesNotOpen(t *testing.T) {
	s := relayedScript(t)
	s.advance(relayOpens + relayLast)
	if n := len(s.table.routes[ours].relays); n != 0 {
		t.Errorf("%d relays are left", n)
	}
	s.wantState(Laned)
	s.table.Shut(s.now, ours)
	s.table.Take()
	s.advance(time.Hour)
	s.want()
}

// A call that falls silent again and again does not keep a dead relay alive.
func TestSilenceDoesNotHideADeadRelay(t *testing.T) {
	s := relayedScript(t)
	s.responds(relayA)
	s.responds(relayB)
	for range 100 {
		s.advance(40 * time.Millisecond)
		s.table.Silent(s.now, ours)
		s.responds(relayB)
	}
	s.wantWays(relayB)
}

// A silent call challenges its relays, and shows the supernodes where we are.
func TestSilence(t *testing.T) {
	s := relayedScript(t)
	s.responds(relayA)
	s.responds(relayB)
	s.table.Take()
	s.table.Silent(s.now, ours)
	s.want("asks by a", "move "+host.String(), "asks by b", "move "+other.String())
}

func sayProbe(e RelayProbe) string {
	name := "a"
	if e.Way == relayB {
		name = "b"
	}
	switch op, _, ok := parseProbe(e.Payload); {
	case !ok:
		return "malformed by " + name
	case op == responseOp:
		return "answers by " + name
	}
	return "asks by " + name
}

// sayFrame puts a relay frame into words.
func sayFrame(b []byte) string {
	if len(b) > wire.RelayHeader && b[0] == wire.RelayByte {
		return "by " + map[byte]string{0xa0: "a", 0xb0: "b"}[b[3]] + " " + string(b[wire.RelayHeader:])
	}
	return string(b)
}

// wantHope demands that nothing has told since the last want that the far phone
// is out of reach.
func (s *script) wantHope() {
	s.Helper()
	for _, e := range s.table.Take() {
		if _, over := e.(Unreachable); over {
			s.Fatalf("at %v the call is given up", s.at())
		}
	}
}

// A phone that is cut off from everything for three seconds has its ways still:
// what is dead is its network, not two relays and the far phone.
func TestACallThatIsCutOffKeepsItsWays(t *testing.T) {
	s := relayedScript(t)
	s.responds(relayA)
	s.responds(relayB)
	s.table.Candidates(s.now, ours, []netip.AddrPort{mapped})
	s.respond(mapped, mapped)
	s.table.Lost(s.now, homeA)
	s.table.Take()
	for range 30 {
		s.advance(100 * time.Millisecond)
	}
	s.wantWays(relayA, Way{Addr: mapped}, relayB) // the direct way has been doubted first
	s.responds(relayB)
	s.advance(relayLast)
	s.wantWays(relayB, Way{Addr: mapped}) // now it is known that the other one is dead
	s.wantHope()
}

// Two phones behind symmetric NATs have their relays still when one of them has
// been cut off for longer than the consent to a direct way lasts.
func TestRelaysOutliveALongCut(t *testing.T) {
	s := relayedScript(t)
	s.responds(relayA)
	s.responds(relayB)
	s.table.Lost(s.now, homeA)
	for range 200 {
		s.advance(100 * time.Millisecond)
	}
	s.wantState(Relayed)
	s.wantWays(relayA, relayB)
	s.wantHope()
	s.responds(relayA)
	s.advance(relayLast)
	s.wantWays(relayA)
}

// When the last relay dies the direct way takes its place, as long as the far
// phone agrees to that; with none left the call waits for a network.
func TestTheLastRelayDies(t *testing.T) {
	s := relayedScript(t)
	s.responds(relayA)
	s.responds(relayB)
	s.table.Candidates(s.now, ours, []netip.AddrPort{mapped})
	s.respond(mapped, mapped)
	s.table.Lost(s.now, homeA)
	s.table.Nominate(s.now, ours, relayA)
	s.wantState(Relayed)
	s.table.DropRelay(s.now, ours, relayA)
	s.wantState(Relayed)
	s.table.DropRelay(s.now, ours, relayB)
	s.wantState(Direct)
	s.table.Take()
	for range 60 {
		s.advance(100 * time.Millisecond)
	}
	s.wantState(Stranded)
	s.wantHope()
	s.table.Heard(s.now, ours, Way{Addr: other}, 100)
	s.respond(other, other)
	s.wantState(Direct)
}

// relayTraffic counts what goes out by relays while a far phone answers after a
// round trip, and has asked besides when asks is above 0, that often.
func (s *script) relayTraffic(length, rtt, asks time.Duration, ways ...Way) (sent map[Way]int) {
	s.Helper()
	sent = map[Way]int{}
	const tick = 10 * time.Millisecond
	type answer struct {
		at  time.Time
		way Way
	}
	var under []answer
	for end, n := s.now.Add(length), 0; s.now.Before(end); n++ {
		for len(under) > 0 && !under[0].at.After(s.now) {
			s.responds(under[0].way)
			under = under[1:]
		}
		for _, w := range ways {
			if asks > 0 && n > 0 && time.Duration(n)*tick%asks == 0 {
				s.table.Heard(s.now, ours, w, 100)
				s.table.Payload(s.now, ours, w, appendProbe(nil, challengeOp, token{7}))
			}
		}
		s.advance(tick)
		for _, e := range s.table.Take() {
			if p, ok := e.(RelayProbe); ok {
				sent[p.Way]++
				if p.Payload[1] == challengeOp {
					under = append(under, answer{s.now.Add(rtt), p.Way})
				}
			}
		}
	}
	return sent
}

// The relay in use is asked every two seconds, one that stands by every five, and
// not at all while the far phone asks; each once, however long an answer takes.
func TestRelaysThatStandByAreAskedSeldom(t *testing.T) {
	for _, rtt := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 600 * time.Millisecond} {
		s := relayedScript(t)
		s.responds(relayA)
		s.responds(relayB)
		s.relayTraffic(10*time.Second, rtt, 0, relayA, relayB) // learns how long an answer takes
		sent := s.relayTraffic(time.Minute, rtt, 0, relayA, relayB)
		if a, b := sent[relayA], sent[relayB]; a > 30 || a < 22 || b > 12 || b < 10 {
			t.Errorf("%v: asked %d times in a minute by the relay in use, %d by the other", rtt, a, b)
		}
		s.wantWays(relayA, relayB)
		sent = s.relayTraffic(time.Minute, rtt, relaySpare, relayB)
		if b := sent[relayB]; b > 13 {
			t.Errorf("%v: sent %d packets by a relay that the far phone keeps asking by", rtt, b)
		}
	}
}

// A relay that stood by and is used from now on is asked soon, and found out when
// it is dead.
func TestAStandbyThatIsUsedIsAskedSoon(t *testing.T) {
	s := relayedScript(t)
	s.responds(relayA)
	s.responds(relayB)
	s.relayTraffic(12*time.Second, 50*time.Millisecond, 0, relayA, relayB)
	s.table.DropRelay(s.now, ours, relayA)
	s.wantWays(relayB)
	s.table.Take()
	s.advance(relayCheck)
	asked := 0
	for _, e := range s.table.Take() {
		if p, ok := e.(RelayProbe); ok && p.Way == relayB {
			asked++
		}
	}
	if asked == 0 {
		t.Error("the relay that is used now is not asked")
	}
	s.advance(relayDead + relaySpare)
	if n := len(s.table.routes[ours].relays); n != 0 {
		t.Errorf("%d relays are left, want none: it has not answered", n)
	}
}

// On a narrow line a relay that does not answer for some seconds is kept: to look
// for another one would take what the call needs.
func TestARelayIsBorneOnANarrowLine(t *testing.T) {
	for _, narrow := range []bool{false, true} {
		s := relayedScript(t)
		s.responds(relayA)
		s.table.Narrow(narrow)
		for range 20 {
			s.advance(500 * time.Millisecond)
			s.responds(relayB)
		}
		if kept := s.table.routes[ours].relay(relayA) != nil; kept != narrow {
			t.Errorf("a line that is narrow: %v; a relay that is silent for ten seconds is kept: %v", narrow, kept)
		}
	}
}
