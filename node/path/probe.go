package path

import (
	"io"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"peerphone/node/wire"
)

const (
	// probeFirst is the pause after the first challenge; it doubles each time.
	// The first is often lost at a firewall that the peer has not opened yet, so
	// the next follow closely. With probeTries it is 2.9 s from the first to
	// giving up: a 3 s call set-up has by then gone by the lane anyway.
	probeFirst = 20 * time.Millisecond
	probeTries = 8
	probeLast  = 800 * time.Millisecond
	// probeRest is how long a way that has been tried, in vain or not, is left
	// alone.
	probeRest = time.Second
	// maxProbes bounds the ways to one peer that are under way: 16 addresses
	// told (wire.Candidates), by each of two uplinks, and as many from which it
	// was heard.
	maxProbes = 48
	// A peer may make us try new ways and answer challenges so often, in a
	// burst and per second: more is no path being sought. A peer that looks for
	// us behind a symmetric NAT asks up to 100 times a second.
	addrBurst, addrRate     = 96, 2
	answerBurst, answerRate = 64, 32
	// silence is how long the address in use may keep silent before another
	// one, which has answered, takes its place. The side that opened the lanes
	// waits longer, so that two ends with two choices agree on the opener's.
	silence       = time.Second
	silenceOpener = 3 * time.Second
)

// probeState says how far the challenge of one way has got.
//
//	  candidate or source        answered by that way
//	---------------------> probeAsking ----------------> probeAnswered, probeKept
//	                        |  ^   ^                         |               |
//	          eight in vain |  |   +-------------------------|---------------+
//	                        v  | heard by it again           |  consentLife without an
//	                      probeSilent                        |  answer: it is recalled,
//	                        | rest is over                   |  asked seldom (recall.go)
//	                        +-----------> (removed) <--------+
//
// Between phones a way that has answered is kept and checked (keep.go); between
// a phone and a supernode there is one at a time.
type probeState uint8

const (
	probeAsking probeState = iota
	probeAnswered
	probeKept
	probeSilent
)

// probe is the challenge of one way.
type probe struct {
	way    Way // direct
	token  token
	state  probeState
	op     byte          // of its challenges: challengeOp, or moveOp until that is answered
	sent   int           // challenges since the last answer
	pause  time.Duration // after the last
	asked  [8]time.Time  // when the latest went out, by the last byte of token
	at     time.Time     // probeAsking, probeKept: when the next goes out; else: when it is removed
	late   bool          // credit was missing for the last
	credit credit
	rtt    time.Duration // of the answers, smoothed
	heard  time.Time     // the last answer
	recall time.Time     // until when it is asked again in vain; zero: it has not worked, or does
}

// prober holds the probes of one route whose direct ways are permitted.
type prober struct {
	probes  []*probe
	keep    int              // ways that are kept and checked; 0 to a supernode
	told    []netip.AddrPort // the peer's candidates
	spray   *spray           // nil: none
	addrs   *rate.Limiter    // nil: it was not needed yet, as most are not
	answers *rate.Limiter    // likewise
}

func newProber() *prober { return &prober{} }

// allow takes one from a limiter, which is made with the first.
func allow(now time.Time, l **rate.Limiter, each rate.Limit, burst int) bool {
	if *l == nil {
		*l = rate.NewLimiter(each, burst)
	}
	return (*l).AllowN(now, 1)
}

func (p *prober) due() time.Time {
	var due time.Time
	if p.spray != nil {
		due = p.spray.at
	}
	for _, q := range p.probes {
		due = earlier(due, q.at)
	}
	return due
}

// find returns the probe of w; nil: there is none, or no prober.
func (p *prober) find(w Way) *probe {
	if p == nil {
		return nil
	}
	for _, q := range p.probes {
		if q.way == w {
			return q
		}
	}
	return nil
}

// Permit lets session ix, with a phone, have direct ways: its owner has agreed
// that the peer may learn our addresses. Until then challenges and sources are
// ignored.
func (t *Table) Permit(now time.Time, ix wire.Index) {
	if r := t.routes[ix]; r != nil && r.prober == nil {
		r.prober = newProber()
		r.prober.keep = 1 + MaxStandby
	}
}

// SetSockets tells by which sockets candidates are tried: the main one, and one
// for each further uplink.
func (t *Table) SetSockets(sockets []Socket) { t.sockets = slices.Clone(sockets) }

// Candidates challenges the addresses that the peer of session ix has told,
// all at once and by each uplink; it implies Permit. What was told before is
// tried no more.
func (t *Table) Candidates(now time.Time, ix wire.Index, addrs []netip.AddrPort) {
	t.CandidatesAfter(now, ix, addrs, 0)
}

// CandidatesAfter is Candidates, but that the first challenges go out after
// wait. One end waits about as long as its own candidates take to the other,
// so that both ends have sent before anything arrives from the other: where a
// router answers what it does not expect, it gives the host another port for
// that peer from then on, which nobody was told.
func (t *Table) CandidatesAfter(now time.Time, ix wire.Index, addrs []netip.AddrPort, wait time.Duration) {
	t.Permit(now, ix)
	r := t.routes[ix]
	if r == nil {
		t.counters.NoRoute++
		return
	}
	r.prober.told = slices.Clone(addrs)
	t.tryTold(now, r, wait)
}

// CandidatesBy challenges addr after wait, by one socket, which is none of
// SetSockets. Direct ways must be permitted already.
func (t *Table) CandidatesBy(now time.Time, ix wire.Index, s Socket, addr netip.AddrPort, wait time.Duration) {
	r := t.routes[ix]
	if r == nil || r.prober == nil {
		t.counters.NoRoute++
		return
	}
	if w := (Way{Addr: addr, Socket: s}); r.prober.find(w) == nil {
		t.probe(now, r, w, credit{free: true}, wait)
	}
}

// Rest ends the search for direct ways of session ix, whose call is over: last
// words go by the way in use, and nothing else goes out. A stray challenge
// would come to a router that has forgotten us by the next call, and spoil
// that.
func (t *Table) Rest(ix wire.Index) {
	r := t.routes[ix]
	if r == nil || r.prober == nil {
		return
	}
	t.endSpray(r)
	r.prober, r.trial = nil, Way{}
}

// tryTold challenges the peer's candidates after wait.
func (t *Table) tryTold(now time.Time, r *route, wait time.Duration) {
	for _, addr := range r.prober.told {
		for _, s := range t.sockets {
			if w := (Way{Addr: addr, Socket: s}); r.prober.find(w) == nil {
				t.probe(now, r, w, credit{free: true}, wait)
			}
		}
	}
}

// probe begins to challenge w, on credit, after wait.
func (t *Table) probe(now time.Time, r *route, w Way, of credit, wait time.Duration) {
	p := r.prober
	if !probable(w.Addr) || len(p.probes) >= maxProbes || !allow(now, &p.addrs, addrRate, addrBurst) {
		t.counters.Limited++
		return
	}
	q := &probe{way: w, op: challengeOp, credit: of}
	io.ReadFull(t.rand, q.token[:])
	p.probes = append(p.probes, q)
	if wait > 0 {
		q.at = now.Add(wait) // its pause is 0: advance sends the first
	} else {
		t.challenge(now, r, q)
	}
	t.arm(r)
}

// probable reports whether a datagram to addr makes sense.
func probable(addr netip.AddrPort) bool {
	ip := addr.Addr()
	return addr.IsValid() && addr.Port() != 0 && !ip.IsUnspecified() && !ip.IsMulticast() && ip.Zone() == ""
}

// challenge sends q once more, with a longer pause after it.
func (t *Table) challenge(now time.Time, r *route, q *probe) {
	q.state = probeAsking
	q.pause = min(max(2*q.pause, probeFirst), probeLast)
	t.ask(now, r, q)
}

// ask sends a challenge by q's way, with the response that is owed there, and
// the next after q's pause. The last byte of the token counts, so that an answer
// shows how long it took.
func (t *Table) ask(now time.Time, r *route, q *probe) {
	q.sent++
	if q.late = !q.credit.spend(CheckFrame); q.late {
		q.at = now.Add(q.pause)
		return
	}
	q.token[tokenLen-1]++
	q.asked[q.token[tokenLen-1]%8] = now
	q.at = now.Add(q.pause)
	payload := appendProbe(nil, q.op, q.token)
	if q.op == challengeOp {
		if tok, ok := t.owed.take(q.way); ok {
			payload = appendReturn(nil, tok, q.token)
		}
	}
	t.emit(Probe{Index: r.ix, Socket: q.way.Socket, Addr: q.way.Addr, Payload: payload})
}

// matches reports whether tok is that of a challenge of q, and when that was
// sent; of one so long ago that others have taken its place, the earliest that is
// known. On a line that is too narrow answers take seconds.
func (q *probe) matches(tok token) (asked time.Time, ok bool) {
	age := q.token[tokenLen-1] - tok[tokenLen-1]
	if [tokenLen - 1]byte(tok[:]) != [tokenLen - 1]byte(q.token[:]) || age >= 128 {
		return time.Time{}, false
	}
	if age < 8 {
		asked = q.asked[tok[tokenLen-1]%8]
		return asked, !asked.IsZero()
	}
	for _, at := range q.asked {
		asked = earlier(asked, at)
	}
	return asked, true
}

// heardDirect notes that a frame of the peer's, of size bytes, has come by w. A new source is challenged
// at once, also one that an unanswered candidate led to. While we do not know
// whether the peer has moved there, frames go by the way in use and by that.
func (t *Table) heardDirect(now time.Time, r *route, w Way, size int) {
	if r.state == Direct && w == r.at {
		r.heard = now
		return
	}
	q := t.source(now, r, w, size)
	if q == nil || r.state != Direct {
		return
	}
	switch q.state {
	case probeAsking:
		r.trial = w
		t.tellWays(r)
	case probeKept:
		if now.Sub(r.heard) >= r.patience() {
			t.use(now, r, w)
		}
	}
}

// source challenges where the peer is heard, by a frame of size bytes, and
// returns the probe of that; nil: there is none.
func (t *Table) source(now time.Time, r *route, w Way, size int) *probe {
	if r.prober == nil {
		t.counters.Withheld++
		return nil
	}
	q := r.prober.find(w)
	if q != nil {
		q.credit.earn(size)
	}
	switch {
	case q == nil:
		t.probe(now, r, w, credit{left: size + headers}, 0)
		return r.prober.find(w)
	case q.state == probeSilent && (r.state != Direct || r.prober.keep > 0 || now.Sub(r.heard) >= r.patience()):
		q.sent, q.pause = 0, 0
		t.challenge(now, r, q)
		t.arm(r)
	case q.recalled() && q.pause >= recallEvery:
		q.sent, q.pause = 0, 0
		t.challenge(now, r, q)
		t.arm(r)
	case q.state == probeAsking && (q.late || q.sent == 0 || q.pause > probeFirst) && q.sent < probeTries:
		// The peer gets through: our own challenge will now, too.
		q.pause = 0
		t.challenge(now, r, q)
	}
	return q
}

// Payload takes a path payload that the channel of session ix opened in a
// frame that came by w.
func (t *Table) Payload(now time.Time, ix wire.Index, w Way, payload []byte) {
	r := t.routes[ix]
	op, tok, ok := parseProbe(payload)
	size := wire.SessionHeader + len(payload) + wire.Tag
	switch {
	case r == nil:
		t.counters.NoRoute++
	case !ok:
		t.counters.Malformed++
	case w.IsRelay():
		t.relayPayload(now, r, w, op, tok)
	case !w.Direct() || r.prober == nil:
		t.counters.Withheld++
	case op == responseOp:
		if !t.answered(now, r, w, tok) {
			t.source(now, r, w, size)
		}
	case op == returnOp:
		t.answered(now, r, w, tok)
		t.asked(now, r, w, challengeOp, token(payload[firstLen:]), size)
	default:
		t.asked(now, r, w, op, tok, size)
	}
}

// asked takes a challenge, in a frame of size bytes, and answers it.
func (t *Table) asked(now time.Time, r *route, w Way, op byte, tok token, size int) {
	if allow(now, &r.prober.answers, answerRate, answerBurst) {
		t.owed = owed{w, tok}
	} else {
		t.counters.Limited++
	}
	t.challenged(now, r, w, op, size)
	if tok, ok := t.owed.take(w); ok {
		t.answer(r, w, tok)
	}
}

// challenged notes a challenge that came by w. With moveOp the peer sends
// everything by it from now on, and so shall we, once it has answered us.
func (t *Table) challenged(now time.Time, r *route, w Way, op byte, size int) {
	if r.state == Direct && w == r.at {
		r.heard = now
		return
	}
	q := t.source(now, r, w, size)
	if q == nil || op != moveOp {
		return
	}
	switch q.state {
	case probeKept:
		t.use(now, r, w)
	case probeAsking, probeAnswered, probeSilent:
		if q.state != probeAsking {
			q.sent, q.pause = 0, 0
			t.challenge(now, r, q)
			t.arm(r)
		}
		r.trial = w
		t.tellWays(r)
	}
}

func (t *Table) answer(r *route, w Way, tok token) {
	if q := r.prober.find(w); q != nil && w != r.at && !q.credit.spend(CheckFrame) {
		t.counters.Limited++
		return
	}
	t.emit(Probe{Index: r.ix, Socket: w.Socket, Addr: w.Addr, Payload: appendProbe(nil, responseOp, tok)})
}

// answered takes a response that came by w. It settles the probe of that way;
// false: it is from elsewhere, or nobody asked.
func (t *Table) answered(now time.Time, r *route, w Way, tok token) bool {
	q := r.prober.find(w)
	if q == nil || q.state != probeAsking && q.state != probeKept {
		t.counters.Unasked++
		return false
	}
	asked, ok := q.matches(tok)
	if !ok {
		t.counters.Unasked++
		return false
	}
	t.settleProbe(now, r, q, now.Sub(asked))
	t.emit(Proven{Index: r.ix, Way: w})
	switch {
	case w == r.at && r.state == Direct:
		r.heard = now
	case r.state != Direct, w == r.trial, now.Sub(r.heard) >= r.patience():
		t.use(now, r, w)
	case r.opener() && r.betterThanAt(q):
		t.use(now, r, w)
	default:
		t.tellWays(r) // the address in use works: keep it
	}
	return true
}

// use makes w, which has answered, the way of the route. Who has opened the
// session tells the peer, so that both use the same.
func (t *Table) use(now time.Time, r *route, w Way) {
	if r.state != Direct && r.prober.keep == 0 {
		r.prober.rest(now)
	}
	r.state, r.at, r.heard, r.trial = Direct, w, now, Way{}
	r.race, r.giveUp, r.flight = time.Time{}, time.Time{}, nil
	t.overtaken(now, r)
	t.endSpray(r)
	if r.opener() {
		t.announce(now, r)
	}
	t.settle(r)
}

// announce tells the peer of a phone's session by which way we send.
func (t *Table) announce(now time.Time, r *route) {
	if q := r.prober.find(r.at); q != nil && q.state == probeKept {
		q.op, q.pause = moveOp, max(2*q.rtt, checkFirst)
		t.ask(now, r, q)
	}
}

// opener reports whether we have opened the session's lanes: then the choice of
// the way is ours.
func (r *route) opener() bool { return !r.target.IsZero() }

// patience is how long the address in use may be silent before another one
// that has answered takes its place. Sound that comes by it is not known here:
// between phones it is heard for sure when it is checked.
func (r *route) patience() time.Duration {
	patience := silence
	if r.opener() {
		patience = silenceOpener
	}
	if r.prober != nil && r.prober.keep > 0 {
		patience += checkEvery
	}
	return patience
}

// rest ends the search: one address has answered.
func (p *prober) rest(now time.Time) {
	for _, q := range p.probes {
		if q.state == probeAsking {
			q.state, q.at = probeSilent, now.Add(probeRest)
		}
	}
}

// advanceProbes repeats the challenges that are due, checks the ways that are
// kept, and removes probes that have rested.
func (t *Table) advanceProbes(now time.Time, r *route) {
	if r.prober == nil {
		return
	}
	for _, q := range slices.Clone(r.prober.probes) {
		switch {
		case q.at.After(now):
		case q.state == probeKept:
			t.check(now, r, q)
		case q.state != probeAsking:
		case q.sent < probeTries:
			t.challenge(now, r, q)
		default:
			t.inVain(now, r, q)
		}
	}
	r.prober.probes = slices.DeleteFunc(r.prober.probes, func(q *probe) bool {
		return (q.state == probeSilent || q.state == probeAnswered) && !q.at.After(now)
	})
	t.advanceSpray(now, r)
}

// inVain gives up a way that has never answered.
func (t *Table) inVain(now time.Time, r *route, q *probe) {
	if now.Before(q.recall) {
		t.recallOnce(now, r, q)
	} else {
		q.state, q.at, q.recall = probeSilent, now.Add(probeRest), time.Time{}
	}
	if r.trial == q.way {
		r.trial = Way{}
		t.tellWays(r)
	}
}
