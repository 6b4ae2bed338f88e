package path

import (
	"net/netip"
	"testing"
	"time"

	"peerphone/node/wire"
)

// outdoors is a Survey on a network that the test plays: helpers that answer,
// and a router that maps.
type outdoors struct {
	*testing.T
	survey *Survey
	now    time.Time
	rtt    time.Duration
	maps   func(to netip.AddrPort) netip.AddrPort // how to sees us; not valid: nothing gets through
	sent   []netip.AddrPort
	said   []wire.CallBack
	tried  []TryTCP
	learnt []NAT
	again  int
	mail   []letter
}

// letter is an answer on its way.
type letter struct {
	at   time.Time
	from netip.AddrPort
	b    []byte
}

var (
	inside  = netip.MustParseAddrPort("192.168.1.7:4000")
	helperA = netip.MustParseAddrPort("198.18.1.1:700")
	helperB = netip.MustParseAddrPort("198.18.2.1:700")
	helperC = netip.MustParseAddrPort("198.18.3.1:700")
	wanted  = netip.MustParseAddr("203.0.113.9")
)

func newOutdoors(t *testing.T, maps func(netip.AddrPort) netip.AddrPort) *outdoors {
	return &outdoors{
		T: t, survey: NewSurvey(Config{Rand: seeded(9)}, NAT{}), now: time.Unix(1_700_000_000, 0),
		rtt: 100 * time.Millisecond, maps: maps,
	}
}

func (o *outdoors) begin(helpers ...netip.AddrPort) {
	o.survey.Begin(o.now, Here{Port: inside.Port(), Addrs: []netip.Addr{inside.Addr()}, Helpers: helpers})
	o.settle()
}

// settle lets the network answer what was sent.
func (o *outdoors) settle() {
	for _, e := range o.survey.Take() {
		switch e := e.(type) {
		case UDP:
			o.sent = append(o.sent, e.Addr)
			o.pass(e)
		case TryTCP:
			o.tried = append(o.tried, e)
		case Say:
			o.said = append(o.said, e.Message.(wire.CallBack))
		case Learnt:
			o.learnt = append(o.learnt, e.NAT)
		case Again:
			o.again++
		}
	}
}

func (o *outdoors) pass(e UDP) {
	seen := o.maps(e.Addr)
	if answer := AnswerSTUN(nil, e.Frame, seen); seen.IsValid() && answer != nil {
		o.mail = append(o.mail, letter{o.now.Add(o.rtt), e.Addr, answer})
	}
}

// advance lets d pass, a millisecond at a time.
func (o *outdoors) advance(d time.Duration) {
	for range d / time.Millisecond {
		o.now = o.now.Add(time.Millisecond)
		for len(o.mail) > 0 && !o.mail[0].at.After(o.now) {
			l := o.mail[0]
			o.mail = o.mail[1:]
			o.survey.Heard(o.now, l.from, l.b)
		}
		if next := o.survey.Next(); due(next, o.now) {
			o.survey.Advance(o.now)
		}
		o.settle()
	}
}

// call lets a supernode call for the last wish.
func (o *outdoors) call(from netip.AddrPort) {
	o.survey.Heard(o.now, from, appendSTUNCall(nil, callID(o.said[len(o.said)-1].Token, 1)))
	o.settle()
}

func (o *outdoors) wantKind(kind string) {
	o.Helper()
	if got := o.survey.NAT().Kind(); got != kind {
		o.Errorf("kind %q, want %q: %+v", got, kind, o.survey.NAT())
	}
}

func same(netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(wanted, inside.Port()) }

func TestMappingIsKnownAfterOneRoundTrip(t *testing.T) {
	next := uint16(41000)
	for kind, maps := range map[string]func(netip.AddrPort) netip.AddrPort{
		"endpoint-independent": same,
		"open":                 func(netip.AddrPort) netip.AddrPort { return inside },
		"symmetric":            func(netip.AddrPort) netip.AddrPort { next += 3; return netip.AddrPortFrom(wanted, next) },
	} {
		o := newOutdoors(t, maps)
		o.begin(helperA, helperB, helperC)
		o.advance(o.rtt - time.Millisecond)
		o.wantKind("unknown")
		o.advance(time.Millisecond)
		o.wantKind(kind)
		if len(o.learnt) != 1 || len(o.sent) > 3 {
			t.Errorf("%s: %d told, sent to %v", kind, len(o.learnt), o.sent)
		}
		if n := o.survey.NAT(); kind == "symmetric" && (n.Delta != 3 || n.Mapped.Port() != next && n.Mapped.Port() != next-3) {
			t.Errorf("delta %d from %v, want 3 from port %d", n.Delta, n.Mapped, next)
		}
	}
}

// Supernodes are asked in another order than the NAT has given ports to: the step
// and the last one are found all the same, or a phone would search backwards.
func TestPortsInSequenceCountUp(t *testing.T) {
	at := func(ports ...uint16) (seen []netip.AddrPort) {
		for _, p := range ports {
			seen = append(seen, netip.AddrPortFrom(wanted, p))
		}
		return seen
	}
	for _, c := range []struct {
		seen  []netip.AddrPort
		delta int
		last  uint16
	}{
		{at(40001, 40000), 1, 40001},
		{at(40002, 40000, 40001), 1, 40002},
		{at(40000, 40006, 40003), 3, 40006},
		{at(40000, 40100), 0, 0},
		{at(40000, 40000), 0, 0},
	} {
		if delta, last := deltaOf(c.seen); delta != c.delta || last.Port() != c.last {
			t.Errorf("%v: step %d from %v, want %d from %d", c.seen, delta, last, c.delta, c.last)
		}
	}
}

// A router that has turned a supernode's call away gives us another port for
// that supernode.
func TestAClashIsNoSymmetricNAT(t *testing.T) {
	odd := netip.AddrPortFrom(wanted, 2211)
	clash := helperB
	o := newOutdoors(t, func(to netip.AddrPort) netip.AddrPort {
		if to == clash {
			return odd
		}
		return same(to)
	})
	for i, c := range []netip.AddrPort{helperB, helperA, helperC, helperA} {
		clash = c
		o.begin(helperA, helperB, helperC)
		o.advance(2 * o.rtt)
		o.wantKind("endpoint-independent")
		if n := o.survey.NAT(); n.Mapped != same(helperA) || c != helperC && n.Other != odd {
			t.Errorf("survey %d: seen at %v, by one at %v, want %v and %v", i, n.Mapped, n.Other, same(helperA), odd)
		}
	}
	o.begin(helperA, helperB) // no third is there to be asked
	o.advance(surveyEnd)
	o.wantKind("endpoint-independent")
	for _, n := range o.learnt[1:] {
		if n.Mapping != MappingIndependent {
			t.Errorf("told %+v of a router whose kind was known", n)
		}
	}
}

func TestAHelperThatIsSilentCostsAQuarterSecond(t *testing.T) {
	o := newOutdoors(t, func(to netip.AddrPort) netip.AddrPort {
		if to == helperA {
			return netip.AddrPort{}
		}
		return same(to)
	})
	o.begin(helperA, helperB, helperC)
	o.advance(250*time.Millisecond + o.rtt)
	o.wantKind("endpoint-independent")
}

func TestFilteringIsKnownByWhoGetsIn(t *testing.T) {
	otherPort := netip.AddrPortFrom(helperA.Addr(), 999)
	for kind, callers := range map[string][]netip.AddrPort{
		"port-restricted":    nil,
		"address-restricted": {otherPort},
		"full cone":          {otherPort, helperC},
	} {
		o := newOutdoors(t, same)
		o.begin(helperA, helperB)
		o.advance(o.rtt)
		if !o.survey.WantsHome() {
			t.Fatal("no home is wanted")
		}
		o.survey.Home(o.now, 5, helperA)
		o.settle()
		if len(o.said) != 1 || len(o.said[0].Not) != 2 {
			t.Fatalf("said %+v", o.said)
		}
		o.survey.Called(wire.Calling{Token: o.said[0].Token, Others: 1})
		for _, from := range callers {
			o.call(from)
		}
		o.advance(callsEnd)
		o.wantKind(kind)
		if n := o.survey.NAT(); n.Preserved != Yes || n.Hairpin != No || o.survey.State() != Resting {
			t.Errorf("%s: %+v, %v", kind, n, o.survey.State())
		}
	}
}

// A phone that nobody uses need not be called every few minutes.
func TestCallsAreRareWhileTheMappingStays(t *testing.T) {
	o := newOutdoors(t, same)
	survey := func() (wished int) {
		before := len(o.said)
		o.begin(helperA, helperB)
		o.advance(o.rtt)
		if o.survey.WantsHome() {
			o.survey.Home(o.now, 5, helperA)
			o.settle()
			o.survey.Called(wire.Calling{Token: o.said[len(o.said)-1].Token, Others: 1})
		}
		o.advance(surveyEvery)
		o.wantKind("port-restricted")
		return len(o.said) - before
	}
	for i, want := range []int{1, 0, 0, 0, 1, 0} {
		if got := survey(); got != want {
			t.Errorf("survey %d: %d wishes to be called, want %d", i, got, want)
		}
	}
	o.survey.Forget()
	if got := survey(); got != 1 {
		t.Errorf("in a network that has changed: %d wishes, want 1", got)
	}
	o.maps = func(netip.AddrPort) netip.AddrPort { return helperC }
	if got := survey(); got != 1 {
		t.Errorf("with another mapping: %d wishes, want 1", got)
	}
}

func TestSilenceWithoutACallerMeansNothing(t *testing.T) {
	o := newOutdoors(t, same)
	o.begin(helperA, helperB)
	o.advance(o.rtt)
	o.survey.Home(o.now, 5, helperA)
	o.advance(callsEnd)
	o.wantKind("endpoint-independent")
}

func TestHairpin(t *testing.T) {
	o := newOutdoors(t, same)
	o.begin(helperA, helperB)
	o.advance(o.rtt)
	o.survey.Heard(o.now, same(helperA), appendSTUNCall(nil, o.survey.calls.own))
	o.advance(callsWait)
	if o.survey.NAT().Hairpin != Yes {
		t.Errorf("%+v", o.survey.NAT())
	}
}

func TestBlockedIsKnownWithinTwoSeconds(t *testing.T) {
	for kind, web := range map[string]bool{"UDP blocked": false, "web ports only": true} {
		o := newOutdoors(t, func(netip.AddrPort) netip.AddrPort { return netip.AddrPort{} })
		o.begin(helperA, helperB)
		o.advance(surveyTCP)
		if len(o.tried) != 3 {
			t.Fatalf("tried %+v", o.tried)
		}
		for _, e := range o.tried {
			o.survey.Tried(e.Addr, e.Web, e.Web == web)
		}
		o.advance(2*time.Second - surveyTCP)
		o.wantKind(kind)
		for _, e := range o.tried[3:] { // with the second one only what the first has not shown
			if e.Web == web || e.Addr.Addr() != helperB.Addr() {
				t.Errorf("%s: tried besides %+v", kind, e)
			}
		}
		tried := len(o.tried)
		o.advance(surveyEvery)
		if o.again != 1 {
			t.Errorf("%d surveys follow, want 1", o.again)
		}
		before := len(o.sent)
		o.begin(helperA, helperB, helperC)
		o.advance(surveyEvery)
		o.wantKind(kind)
		if asked := len(o.sent) - before; len(o.tried) != tried || asked != blockedHelpers*(1+blockedPauses) {
			t.Errorf("the next survey tries TCP %d times and asks %d times", len(o.tried)-tried, asked)
		}
		o.survey.Forget()
		o.begin(helperA, helperB)
		o.advance(surveyEvery)
		if again := o.tried[tried:]; len(again) != 6 || again[0].Addr == again[3].Addr {
			t.Errorf("in another network where nothing answers TCP is tried at %+v", again)
		}
	}
}

// A phone that found UDP blocked before and is elsewhere now: one answer, to the
// question that is asked again, shows that UDP passes.
func TestUDPThatPassesAgainIsSeenAtOnce(t *testing.T) {
	for lost := range 2 {
		n := 0
		o := newOutdoors(t, func(netip.AddrPort) netip.AddrPort {
			if n++; n <= lost*blockedHelpers {
				return netip.AddrPort{}
			}
			return netip.AddrPortFrom(wanted, inside.Port())
		})
		o.survey = NewSurvey(Config{Rand: seeded(9)}, NAT{UDP: No, TCP: Yes})
		o.begin(helperA, helperB, helperC)
		o.advance(surveyPauses[0] + o.rtt)
		if got := o.survey.NAT(); got.UDP != Yes || len(o.tried) > 0 {
			t.Errorf("%d lost: %+v, TCP tried at %v", lost, got, o.tried)
		}
	}
}

func TestAnotherNetworkForgetsTheFiltering(t *testing.T) {
	address := wanted
	o := newOutdoors(t, func(netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(address, 4000) })
	o.begin(helperA, helperB)
	o.advance(o.rtt)
	o.survey.Home(o.now, 5, helperA)
	o.settle()
	o.call(helperC)
	o.wantKind("full cone")
	address = netip.MustParseAddr("203.0.113.77")
	o.begin(helperA, helperB)
	o.advance(o.rtt)
	o.wantKind("endpoint-independent")
}

// FuzzSurvey: whatever comes, nothing panics and nothing is sent but to
// helpers, and to where a helper sees us.
func FuzzSurvey(f *testing.F) {
	f.Add([]byte{0, 1, 1, 0, 12})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 500 {
			return
		}
		o := newOutdoors(t, same)
		o.begin(helperA, helperB)
		for i, b := range in {
			from := []netip.AddrPort{helperA, helperB, helperC}[b%3]
			switch b % 5 {
			case 0:
				o.advance(time.Duration(b) * time.Millisecond)
			case 1:
				o.survey.Heard(o.now, from, in[i:])
			case 2:
				o.survey.Home(o.now, wire.Index(b), from)
			case 3:
				o.survey.Called(wire.Calling{Token: o.survey.calls.token, Others: b % 4})
			case 4:
				o.begin(from)
			}
			o.settle()
		}
		for _, to := range o.sent {
			if to != helperA && to != helperB && to != helperC && to != same(to) {
				t.Fatalf("sent to %v", to)
			}
		}
	})
}
