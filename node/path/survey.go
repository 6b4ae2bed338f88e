package path

import (
	"io"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

// How long a survey takes: what can be seen is known after a round trip, what
// only shows by its absence within 2 s.
const (
	// surveyEvery is how often the findings are looked up again: a router may
	// be exchanged or restarted without a word.
	surveyEvery = 4 * time.Minute
	// surveyTCP is when TCP is tried because no datagram has come back, with one
	// supernode; surveyTCPNext how much later with another, if that was in vain.
	surveyTCP     = 400 * time.Millisecond
	surveyTCPNext = 350 * time.Millisecond
	// surveyTCPEvery is how often TCP is tried at most while UDP is blocked.
	surveyTCPEvery = time.Hour
	// surveyEnd is when what has not answered counts as blocked.
	surveyEnd = 1800 * time.Millisecond
	// callsEvery is how often we have ourselves called at most while the mapping
	// stays: who gets in changes with the router only.
	callsEvery = 15 * time.Minute
	// callsEnd is how long calls from outside and our own packet may take;
	// callsWait is how long we wait for a home that asks for them.
	callsEnd  = time.Second
	callsWait = 30 * time.Second
	// maxHelpers bounds the supernodes that are asked, of each family;
	// blockedHelpers where UDP was found not to pass, and blockedPauses how often
	// each is asked again.
	maxHelpers     = 4
	blockedHelpers = 2
	blockedPauses  = 1
	// maxKnocked bounds the supernodes with which TCP is tried.
	maxKnocked = 2
	// maxDelta is up to where the steps between ports count as a sequence; two
	// random ports are so close once in 4,000 times.
	maxDelta = 8
)

// surveyPauses are the pauses between the requests to one supernode.
var surveyPauses = []time.Duration{250 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond}

// SurveyState says what a Survey does.
//
//	         Begin              mapping known           calls are over
//	Resting --------> Asking -----------------> Calling ---------------> Resting
//	   ^                | nobody answers, surveyEnd
//	   +----------------+
type SurveyState uint8

// The states of a Survey.
const (
	Resting SurveyState = iota // Again is due at the time that Next returns
	Asking                     // STUN requests are under way
	Calling                    // calls from outside and our own packet are awaited
)

// Survey finds out how the network lets one socket out and others in: the
// mapping by asking supernodes for our address (RFC 8489), the filtering by
// calls of supernodes that we have not sent to, the rest by trying. The zero
// value is not usable.
type Survey struct {
	rand  io.Reader
	state SurveyState
	nat   NAT
	here  Here
	old   NAT // that was told last

	questions []*question
	begun     time.Time
	tcp       time.Time // when TCP is tried; set by Begin, and once more by tryTCP, cleared when it is or an answer comes
	knocked   int       // supernodes with which TCP was tried since Begin
	again     time.Time // when Again is emitted; set at the end of a survey

	// triedTCP is when TCP was tried last. Set by advanceAsking, cleared by Forget.
	triedTCP time.Time
	// wasCalled is when calls showed last who gets in. Set by finish, cleared by
	// Forget.
	wasCalled time.Time

	calls   calls
	contact contacted
	out     []Event
}

// Here is where a survey begins.
type Here struct {
	Socket  Socket           // that is surveyed; who has us called knows the main one only
	Port    uint16           // of our socket
	Addrs   []netip.Addr     // our own, so that an address that nobody translates is known
	Helpers []netip.AddrPort // supernodes, the best first
}

// calls are the calls from outside that are awaited.
type calls struct {
	token     uint32
	home      netip.Addr // that was asked; invalid: none yet
	others    uint8      // supernodes that call besides
	sure      bool       // the home has said so, so that silence means something
	near, far bool       // came from the home's other port, from another supernode
	own       [stunID]byte
	ownCame   bool
	end       time.Time
}

// stunID is the length of a transaction ID (RFC 8489 section 5).
const stunID = 12

// question is a STUN request to one supernode.
type question struct {
	to   netip.AddrPort
	id   [stunID]byte
	sent int
	at   time.Time // when the next goes out; zero: answered or given up
	seen netip.AddrPort
}

// NewSurvey returns a Survey that has found old before, and rests until Begin.
func NewSurvey(cfg Config, old NAT) *Survey {
	return &Survey{rand: cfg.Rand, nat: old, old: old}
}

// NAT returns the findings.
func (s *Survey) NAT() NAT { return s.nat }

// State returns what the Survey does.
func (s *Survey) State() SurveyState { return s.state }

// Silent reports whether supernodes have been asked and none has answered yet.
func (s *Survey) Silent() bool {
	return s.state == Asking && !slices.ContainsFunc(s.questions, func(q *question) bool { return q.seen.IsValid() })
}

// Take returns what has been asked since the last Take, oldest first: UDP,
// TryTCP, Say, Again, Learnt.
func (s *Survey) Take() []Event {
	out := s.out
	s.out = nil
	return out
}

func (s *Survey) emit(e Event) { s.out = append(s.out, e) }

// Begin surveys anew; a survey under way is given up.
func (s *Survey) Begin(now time.Time, here Here) {
	s.state, s.here, s.begun = Asking, here, now
	s.tcp, s.again = now.Add(surveyTCP), time.Time{}
	s.calls, s.questions, s.knocked = calls{}, nil, 0
	s.choose(func(a netip.Addr) bool { return a.Is4() })
	s.choose(func(a netip.Addr) bool { return a.Is6() })
	for i, q := range s.ofFamily(true) {
		s.start(now, q, i)
	}
	for i, q := range s.ofFamily(false) {
		s.start(now, q, i)
	}
	if len(s.questions) == 0 {
		s.finish(now)
	}
}

// start asks the first two of a family at once, as two answers show the
// mapping; each further one waits a pause longer.
func (s *Survey) start(now time.Time, q *question, place int) {
	if place < 2 {
		s.ask(now, q)
		return
	}
	q.at = now.Add(time.Duration(place-1) * surveyPauses[0])
}

// choose takes up to maxHelpers of a family, those with addresses of their own
// first: the mapping may depend on the address alone.
func (s *Survey) choose(family func(netip.Addr) bool) {
	var chosen, doubles []netip.AddrPort
	for _, h := range s.here.Helpers {
		switch {
		case !h.IsValid() || !family(h.Addr()):
		case slices.ContainsFunc(chosen, func(o netip.AddrPort) bool { return o.Addr() == h.Addr() }):
			doubles = append(doubles, h)
		default:
			chosen = append(chosen, h)
		}
	}
	chosen = append(chosen, doubles...)
	most := maxHelpers
	if s.blocked() {
		most = blockedHelpers
	}
	for _, h := range chosen[:min(len(chosen), most)] {
		q := &question{to: h}
		io.ReadFull(s.rand, q.id[:])
		s.questions = append(s.questions, q)
	}
}

func (s *Survey) ofFamily(four bool) []*question {
	var list []*question
	for _, q := range s.questions {
		if q.to.Addr().Is4() == four {
			list = append(list, q)
		}
	}
	return list
}

func (s *Survey) ask(now time.Time, q *question) {
	s.emit(UDP{Socket: s.here.Socket, Addr: q.to, Frame: appendSTUNRequest(nil, q.id)})
	s.Contact(now, q.to.Addr())
	q.sent++
	q.at = time.Time{}
	pauses := surveyPauses
	if s.blocked() {
		pauses = pauses[:blockedPauses]
	}
	if q.sent <= len(pauses) {
		q.at = now.Add(pauses[q.sent-1])
	}
}

// Contact notes that we send to an address: its calls show nothing about
// filtering.
func (s *Survey) Contact(now time.Time, a netip.Addr) { s.contact.note(now, a) }

// Contacted reports whether we have sent to an address lately.
func (s *Survey) Contacted(now time.Time, a netip.Addr) bool { return s.contact.lately(now, a) }

// Heard takes a STUN message that came from from and that is no request: an
// answer to ours, our own packet, or a call. nonce is that of a call that
// belongs to no survey, to be said again to the caller; else ok is false.
func (s *Survey) Heard(now time.Time, from netip.AddrPort, b []byte) (nonce uint64, ok bool) {
	m, ok := parseSTUN(b)
	if !ok {
		return 0, false
	}
	if m.call {
		return s.called(now, from, m.id)
	}
	for _, q := range s.questions {
		if q.id == m.id && q.to == from && !q.seen.IsValid() {
			q.seen, q.at = m.mapped, time.Time{}
			s.answered(now)
			return 0, false
		}
	}
	return 0, false
}

// answered judges the mapping again after one more answer.
func (s *Survey) answered(now time.Time) {
	s.tcp = time.Time{}
	s.nat.UDP, s.nat.TCP, s.nat.Web = Yes, Unknown, Unknown
	if six := s.seen(false); len(six) > 0 {
		s.nat.Mapped6 = six[0]
	}
	four := s.seen(true)
	if len(four) > 0 {
		s.judge(four)
	}
	if s.state != Asking {
		return
	}
	_, agreed := common(four)
	if s.nat.Mapping == MappingNone || agreed >= 2 || len(four) > 2 || len(s.ofFamily(true)) <= len(four) {
		s.enough(now)
		return
	}
	if len(four) == 2 {
		s.tell(now)
		s.askThird(now)
	}
}

// askThird asks at once who is to say which of two supernodes that see us
// differently is the exception.
func (s *Survey) askThird(now time.Time) {
	for _, q := range s.ofFamily(true) {
		if q.sent == 0 {
			s.ask(now, q)
			return
		}
	}
}

// seen returns the addresses at which the supernodes of a family see us, in the
// order in which they were asked.
func (s *Survey) seen(four bool) []netip.AddrPort {
	var list []netip.AddrPort
	for _, q := range s.ofFamily(four) {
		if q.seen.IsValid() && q.seen.Addr().Is4() == four {
			list = append(list, q.seen)
		}
	}
	return list
}

// Lived takes what was found out about how long we are remembered.
func (s *Survey) Lived(now time.Time, lifetime time.Duration) {
	s.nat.Lifetime = lifetime
	s.tell(now)
}

// Forget tells that the network has changed: what a survey does not find out
// each time holds no longer.
func (s *Survey) Forget() { s.nat.Lifetime, s.triedTCP, s.wasCalled = 0, time.Time{}, time.Time{} }

// enough ends Asking: the mapping is known, and now we are to be called.
func (s *Survey) enough(now time.Time) {
	if s.nat.Filtering != FilteringUnknown && now.Sub(s.wasCalled) < callsEvery {
		s.finish(now)
		return
	}
	s.tell(now)
	s.state = Calling
	s.calls.end = now.Add(callsWait)
	if s.nat.Mapping == MappingNone || !s.nat.Mapped.IsValid() {
		return
	}
	io.ReadFull(s.rand, s.calls.own[:])
	s.emit(UDP{Socket: s.here.Socket, Addr: s.nat.Mapped, Frame: appendSTUNCall(nil, s.calls.own)})
}

// Home offers a home, at addr, that can have us called.
func (s *Survey) Home(now time.Time, home wire.Index, addr netip.AddrPort) {
	if !s.WantsHome() {
		return
	}
	s.Contact(now, addr.Addr())
	s.calls.home, s.calls.token = addr.Addr(), draw32(s.rand)
	s.calls.end = now.Add(callsEnd)
	s.emit(Say{Index: home, Message: wire.CallBack{Token: s.calls.token, Others: 1, Not: s.contact.latest()}})
}

// WantsHome reports whether a home is missing that has us called.
func (s *Survey) WantsHome() bool { return s.state == Calling && !s.calls.home.IsValid() }

// Contacts returns whom we have sent to lately.
func (s *Survey) Contacts() []netip.Addr { return s.contact.latest() }

// Called takes the home's answer: who calls.
func (s *Survey) Called(m wire.Calling) {
	if s.state == Calling && m.Token == s.calls.token {
		s.calls.sure, s.calls.others = true, m.Others
	}
}

// called takes a call from outside, or our own packet.
func (s *Survey) called(now time.Time, from netip.AddrPort, id [stunID]byte) (nonce uint64, ok bool) {
	if id == s.calls.own && s.state == Calling {
		s.calls.ownCame = true
		return 0, false
	}
	token, nonce := splitCall(id)
	if s.state == Calling && token == s.calls.token {
		s.calls.near = s.calls.near || from.Addr() == s.calls.home
		s.calls.far = s.calls.far || !s.contact.lately(now, from.Addr())
		if s.calls.far {
			s.finish(now)
		}
	}
	return nonce, token == 0
}

// Tried takes the result of TryTCP.
func (s *Survey) Tried(addr netip.AddrPort, web, connected bool) {
	if s.state != Asking || !connected || s.nat.UDP == Yes && s.knocked == 0 {
		return
	}
	if web {
		s.nat.Web = Yes
	} else {
		s.nat.TCP = Yes
	}
}

// Next returns when Advance wants to be called; zero: never.
func (s *Survey) Next() time.Time {
	switch s.state {
	case Asking:
		next := earlier(s.tcp, s.begun.Add(surveyEnd))
		for _, q := range s.questions {
			next = earlier(next, q.at)
		}
		return next
	case Calling:
		next := s.calls.end
		for _, q := range s.questions {
			next = earlier(next, q.at)
		}
		return next
	}
	return s.again
}

// Advance fires what is due.
func (s *Survey) Advance(now time.Time) {
	if s.state != Resting {
		for _, q := range s.questions {
			if due(q.at, now) {
				s.ask(now, q)
			}
		}
	}
	switch s.state {
	case Asking:
		s.advanceAsking(now)
	case Calling:
		if due(s.calls.end, now) {
			s.finish(now)
		}
	case Resting:
		if due(s.again, now) {
			s.again = time.Time{}
			s.emit(Again{})
		}
	}
}

func (s *Survey) advanceAsking(now time.Time) {
	if due(s.tcp, now) {
		s.tcp = time.Time{}
		s.tryTCP(now)
	}
	if now.Before(s.begun.Add(surveyEnd)) {
		return
	}
	four := s.seen(true)
	if len(four) > 0 {
		s.judge(four)
	}
	if len(four)+len(s.seen(false)) > 0 {
		s.enough(now)
		return
	}
	s.nat = NAT{UDP: No, TCP: s.nat.TCP, Web: s.nat.Web}
	s.finish(now)
}

// tryTCP looks what else passes where UDP does not, with one supernode and, for
// what that has not shown, with another. What was found holds for a while: each
// connection is 200 bytes.
func (s *Survey) tryTCP(now time.Time) {
	if s.knocked == 0 {
		if s.blocked() && now.Sub(s.triedTCP) < surveyTCPEvery {
			return
		}
		s.triedTCP = now
		s.nat.TCP, s.nat.Web = Unknown, Unknown
		s.tcp = now.Add(surveyTCPNext)
	}
	if s.knocked >= min(maxKnocked, len(s.questions)) {
		return
	}
	to := s.questions[s.knocked].to
	s.knocked++
	if s.nat.TCP != Yes {
		s.emit(TryTCP{Addr: to})
	}
	if s.nat.Web != Yes {
		s.emit(TryTCP{Addr: netip.AddrPortFrom(to.Addr(), 443), Web: true})
		s.emit(TryTCP{Addr: netip.AddrPortFrom(to.Addr(), 80), Web: true})
	}
}

// blocked reports whether UDP was found not to pass, but TCP.
func (s *Survey) blocked() bool {
	return s.nat.UDP == No && (s.nat.TCP == Yes || s.nat.Web == Yes)
}

// finish judges what did not come, tells, and rests.
func (s *Survey) finish(now time.Time) {
	c := s.calls
	switch {
	case s.state != Calling:
	case c.far:
		s.nat.Filtering = FilteringIndependent
	case c.near && c.others > 0:
		s.nat.Filtering = FilteringAddress
	case c.sure && !c.near:
		s.nat.Filtering = FilteringPort
	}
	if s.state == Calling && (c.far || c.sure) {
		s.wasCalled = now
	}
	if s.state == Calling && c.own != [stunID]byte{} {
		s.nat.Hairpin = finding(c.ownCame)
	}
	s.state = Resting
	s.tell(now)
	s.again = now.Add(surveyEvery)
}

// tell emits Learnt when the findings are others than were told last.
func (s *Survey) tell(now time.Time) {
	s.nat.Learnt = now
	if s.nat.same(s.old) {
		return
	}
	s.old = s.nat
	s.emit(Learnt{NAT: s.nat})
}

// due reports whether the timer t is set and due.
func due(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }
