package path

import (
	"net/netip"
	"testing"
	"time"

	"peerphone/node/wire"
)

var (
	host   = netip.MustParseAddrPort("192.168.1.7:4000")
	mapped = netip.MustParseAddrPort("203.0.113.9:4000")
	six    = netip.MustParseAddrPort("[2001:db8::9]:4000")
	other  = netip.MustParseAddrPort("198.51.100.3:1024")
)

// laned returns a script whose session goes by a lane at homeA.
func laned(t *testing.T) *script {
	s := newScript(t)
	s.dial(homeA)
	s.send("x")
	s.answer(homeA, "y")
	s.want("home 1 open x", "inner y from home 1", "moved home 1")
	return s
}

// token returns what addr is challenged with.
func (s *script) token(addr netip.AddrPort) token {
	s.Helper()
	q := s.table.routes[ours].prober.find(Way{Addr: addr})
	if q == nil {
		s.Fatalf("%v is not probed", addr)
	}
	return q.token
}

// respond lets a response to the challenge of asked come from from.
func (s *script) respond(from, asked netip.AddrPort) {
	payload := appendProbe(nil, responseOp, s.token(asked))
	w := Way{Addr: from}
	s.table.Payload(s.now, ours, w, payload)
}

// challenged lets the peer's challenge come from from.
func (s *script) challenged(from netip.AddrPort) {
	w := Way{Addr: from}
	s.table.Payload(s.now, ours, w, appendProbe(nil, challengeOp, token{1, 2, 3}))
}

func TestCandidatesAreProbedAtOnceAndAgain(t *testing.T) {
	s := laned(t)
	s.table.Candidates(s.now, ours, []netip.AddrPort{host, six})
	s.want("challenge "+host.String(), "challenge "+six.String())
	sent := 0
	for _, at := range []time.Duration{20, 60, 140, 300, 620, 1260, 2060} {
		at *= time.Millisecond
		s.advance(at - time.Millisecond - s.at())
		s.want()
		s.advance(time.Millisecond)
		s.want("challenge "+host.String(), "challenge "+six.String())
		sent++
	}
	s.advance(time.Minute)
	s.want() // eight tries in vain
	if len(s.table.routes[ours].prober.probes) != 0 || !s.table.Next().IsZero() {
		t.Error("probes are left")
	}
	s.wantState(Laned)
	s.table.Candidates(s.now, ours, []netip.AddrPort{host})
	s.want("challenge " + host.String())
}

// TestCandidatesWait: the first challenges wait, but not when the peer is
// heard before.
func TestCandidatesWait(t *testing.T) {
	s := laned(t)
	s.table.CandidatesAfter(s.now, ours, []netip.AddrPort{host, six}, 40*time.Millisecond)
	s.want()
	s.advance(30 * time.Millisecond)
	s.want()
	s.challenged(host)
	s.want("return " + host.String())
	s.advance(10 * time.Millisecond)
	s.want("challenge " + six.String())
}

func TestAnAddressIsNominatedByItsOwnAnswer(t *testing.T) {
	s := laned(t)
	s.table.Candidates(s.now, ours, []netip.AddrPort{host, mapped})
	s.want("challenge "+host.String(), "challenge "+mapped.String())
	s.advance(19 * time.Millisecond)
	s.respond(mapped, host) // the wrong address for this token
	s.want()
	s.wantState(Laned)
	s.table.Payload(s.now, ours, Way{Addr: host}, appendProbe(nil, responseOp, token{9}))
	s.table.Payload(s.now, ours, Way{Addr: other}, appendProbe(nil, responseOp, s.token(host)))
	s.table.Payload(s.now, ours, s.lane(homeA), appendProbe(nil, responseOp, s.token(host)))
	s.want("challenge " + other.String()) // a new source
	s.wantState(Laned)
	s.respond(mapped, mapped)
	s.want("move "+mapped.String(), "moved "+mapped.String())
	s.wantState(Direct)
	s.respond(mapped, mapped)
	s.want()
	s.send("frame")
	s.want("udp " + mapped.String() + " frame")
}

func TestAPeerReflexiveSourceIsChallenged(t *testing.T) {
	s := laned(t)
	s.table.Permit(s.now, ours)
	s.challenged(other)
	s.want("return " + other.String())
	s.send("still by lane")
	s.want("home 1 frame still by lane")
	s.advance(10 * time.Millisecond)
	s.respond(other, other)
	s.want("move "+other.String(), "moved "+other.String())
}

func TestAResponseFromAnotherAddressLeadsThere(t *testing.T) {
	// Its router remaps the peer: it was asked at mapped, it answers from other.
	s := laned(t)
	s.table.Candidates(s.now, ours, []netip.AddrPort{mapped})
	s.want("challenge " + mapped.String())
	s.respond(other, mapped)
	s.want("challenge " + other.String())
	s.respond(other, other)
	s.want("move "+other.String(), "moved "+other.String())
}

func TestAStrangerLearnsNoAddress(t *testing.T) {
	s := laned(t)
	s.challenged(other)
	s.table.Heard(s.now, ours, Way{Addr: mapped}, 100)
	s.advance(time.Minute)
	s.want()
	if n := s.table.Counters().Withheld; n != 2 {
		t.Errorf("%d withheld, want 2", n)
	}
}

func TestAPeerThatGetsThroughIsChallengedAgainAtOnce(t *testing.T) {
	s := laned(t)
	s.table.Candidates(s.now, ours, []netip.AddrPort{mapped})
	s.advance(200 * time.Millisecond)
	s.want("challenge "+mapped.String(), "challenge "+mapped.String(), "challenge "+mapped.String(), "challenge "+mapped.String())
	s.challenged(mapped) // its own hole is open now
	s.want("return " + mapped.String())
	s.advance(5 * time.Second)
	s.table.Take()
	s.challenged(mapped)
	s.want("return " + mapped.String())
}

func TestADirectSessionFollowsItsPeer(t *testing.T) {
	s := newScript(t)
	s.table.Open(s.now, ours, Way{Addr: mapped})
	s.send("hello")
	s.want("udp " + mapped.String() + " hello")
	s.advance(100 * time.Millisecond)
	s.challenged(other)
	s.want("return " + other.String())
	s.respond(other, other)
	s.want() // mapped is not silent: a second way, not a better one
	s.advance(25 * time.Second)
	s.table.Heard(s.now, ours, Way{Addr: other}, 100)
	s.want("challenge " + other.String())
	s.respond(other, other)
	s.want("moved " + other.String())
	s.send("there")
	s.want("udp " + other.String() + " there")
}

func TestProbesAreBounded(t *testing.T) {
	s := laned(t)
	s.table.Permit(s.now, ours)
	for i := range 5000 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 9)
		s.challenged(addr)
		s.table.Candidates(s.now, ours, []netip.AddrPort{addr})
	}
	if n := len(s.table.routes[ours].prober.probes); n > maxProbes {
		t.Errorf("%d probes, at most %d", n, maxProbes)
	}
	events := len(s.table.Take())
	if events > maxProbes+answerBurst {
		t.Errorf("%d datagrams in an instant, at most %d", events, maxProbes+answerBurst)
	}
	s.advance(time.Minute)
	if n := len(s.table.Take()); n > maxProbes*probeTries {
		t.Errorf("%d repetitions", n)
	}
	for _, bad := range []string{"0.0.0.0:9", "224.0.0.1:9", "10.0.0.1:0", "[ff02::1]:9"} {
		s.table.Candidates(s.now, ours, []netip.AddrPort{netip.MustParseAddrPort(bad)})
		s.want()
	}
}

func TestPathPayloadRoundTrip(t *testing.T) {
	tok := token{1, 2, 3, 4, 5, 6, 7, 8}
	b := appendProbe(nil, challengeOp, tok)
	if want := "\x03\x01\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00"; string(b) != want {
		t.Errorf("challenge is % x, want % x", b, want)
	}
	for _, bad := range [][]byte{nil, b[:9], b[:10], append(b, 0), append(b[:17:17], 1), append([]byte{3, 5}, b[2:]...), append([]byte{4}, b[1:]...)} {
		if _, _, ok := parseProbe(bad); ok {
			t.Errorf("% x is accepted", bad)
		}
	}
	s := laned(t)
	s.table.Payload(s.now, ours, Way{Addr: other}, b[:9])
	if s.table.Counters().Malformed != 1 {
		t.Error("not counted")
	}
}

func TestUnknownSessionsAreDropped(t *testing.T) {
	s := newScript(t)
	s.table.Send(s.now, 99, []byte("x"))
	s.table.Heard(s.now, 99, Way{Addr: other}, 100)
	s.table.Payload(s.now, 99, Way{Addr: other}, appendProbe(nil, challengeOp, token{}))
	s.table.Candidates(s.now, 99, []netip.AddrPort{other})
	s.table.AddHome(s.now, 99, homeA)
	s.table.Shut(s.now, 99)
	s.want()
	if _, ok := s.table.Way(99); ok {
		t.Error("a way to nobody")
	}
	_ = wire.Index(0)
}

// An answer that comes after eight further challenges is one: on a narrow line it
// takes seconds, and each that did not count would make us ask again.
func TestALateAnswerCounts(t *testing.T) {
	q := &probe{token: token{7: 250}}
	now := time.Unix(1_700_000_000, 0)
	first := q.token
	for i := range 20 {
		q.token[tokenLen-1]++
		q.asked[q.token[tokenLen-1]%8] = now.Add(time.Duration(i) * time.Second)
	}
	first[tokenLen-1]++
	if asked, ok := q.matches(first); !ok || asked != now.Add(12*time.Second) {
		t.Errorf("%v, %v; want the earliest that is remembered", asked, ok)
	}
	if _, ok := q.matches(token{1, 7: first[7]}); ok {
		t.Error("another token counts")
	}
	if q.token[tokenLen-1]++; func() bool { _, ok := q.matches(token{7: q.token[7] + 1}); return ok }() {
		t.Error("a challenge that was not sent is answered")
	}
}
