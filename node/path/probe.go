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
	// With probeTries that is 2.35 s from the first to giving up: a 3 s call
	// set-up has by then gone by the lane anyway.
	probeFirst = 50 * time.Millisecond
	probeTries = 6
	probeLast  = 800 * time.Millisecond
	// probeRest is how long an address that has been tried, in vain or not, is
	// left alone.
	probeRest = time.Second
	// maxProbes bounds the addresses of one peer that are under way: 16 told
	// (wire.Candidates) and as many from which it was heard.
	maxProbes = 32
	// A peer may make us try new addresses and answer challenges so often, in a
	// burst and per second: more is no path being sought.
	addrBurst, addrRate     = 64, 1
	answerBurst, answerRate = 64, 32
	// silence is how long the address in use may keep silent before another
	// one, which has answered, takes its place. The side that opened the lanes
	// waits longer, so that two ends with two choices agree on the opener's.
	silence       = time.Second
	silenceOpener = 3 * time.Second
)

// Bytes of a path payload.
const (
	challengeOp = 0x01
	responseOp  = 0x02
	tokenLen    = 8
	probeLen    = 1 + 1 + tokenLen
)

type token [tokenLen]byte

// probeState says how far the challenge of one address has got.
//
//	  candidate or source        answered from that address
//	---------------------> probeAsking ----------------> probeAnswered
//	                         |  ^   six in vain                |
//	                         v  | heard from it again          |
//	                      probeSilent                          |
//	                         | rest is over                    |
//	                         +-----------> (removed) <---------+
type probeState uint8

const (
	probeAsking probeState = iota
	probeAnswered
	probeSilent
)

// probe is the challenge of one address.
type probe struct {
	addr  netip.AddrPort
	token token
	state probeState
	sent  int           // challenges
	pause time.Duration // after the last
	at    time.Time     // probeAsking: when the next goes out; else: when it is removed
}

// prober holds the probes of one route whose direct ways are permitted.
type prober struct {
	probes  []*probe
	addrs   *rate.Limiter
	answers *rate.Limiter
}

func newProber() *prober {
	return &prober{
		addrs:   rate.NewLimiter(addrRate, addrBurst),
		answers: rate.NewLimiter(answerRate, answerBurst),
	}
}

func (p *prober) due() time.Time {
	var due time.Time
	for _, q := range p.probes {
		due = earlier(due, q.at)
	}
	return due
}

func (p *prober) find(addr netip.AddrPort) *probe {
	for _, q := range p.probes {
		if q.addr == addr {
			return q
		}
	}
	return nil
}

// Permit lets session ix have a direct way: its owner has agreed that the peer
// may learn our addresses. Until then challenges and sources are ignored.
func (t *Table) Permit(now time.Time, ix wire.Index) {
	if r := t.routes[ix]; r != nil && r.prober == nil {
		r.prober = newProber()
	}
}

// Candidates challenges the addresses that the peer of session ix has told,
// all at once; it implies Permit.
func (t *Table) Candidates(now time.Time, ix wire.Index, addrs []netip.AddrPort) {
	t.Permit(now, ix)
	r := t.routes[ix]
	if r == nil {
		t.counters.NoRoute++
		return
	}
	for _, addr := range addrs {
		if r.state != Direct && r.prober.find(addr) == nil {
			t.probe(now, r, addr)
		}
	}
}

// probe begins to challenge addr.
func (t *Table) probe(now time.Time, r *route, addr netip.AddrPort) {
	p := r.prober
	if !probable(addr) || len(p.probes) >= maxProbes || !p.addrs.AllowN(now, 1) {
		t.counters.Limited++
		return
	}
	q := &probe{addr: addr}
	io.ReadFull(t.rand, q.token[:])
	p.probes = append(p.probes, q)
	t.challenge(now, r, q)
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
	q.sent++
	q.pause = min(max(2*q.pause, probeFirst), probeLast)
	q.at = now.Add(q.pause)
	t.emit(Probe{Index: r.ix, Addr: q.addr, Payload: appendProbe(nil, challengeOp, q.token)})
}

// heardDirect notes that the peer's frames come from addr. A new source is
// challenged at once, also one that an unanswered candidate led to.
func (t *Table) heardDirect(now time.Time, r *route, addr netip.AddrPort) {
	switch {
	case r.state == Direct && addr == r.addr:
		r.heard = now
		return
	case r.prober == nil:
		t.counters.Withheld++
		return
	}
	q := r.prober.find(addr)
	switch {
	case q == nil:
		t.probe(now, r, addr)
	case q.state == probeSilent && (r.state != Direct || now.Sub(r.heard) >= r.patience()):
		q.sent, q.pause = 0, 0
		t.challenge(now, r, q)
	case q.state == probeAsking && q.pause > probeFirst && q.sent < probeTries:
		// The peer gets through: our own challenge will now, too.
		q.pause = 0
		t.challenge(now, r, q)
	}
}

// Payload takes a path payload that the channel of session ix opened in a
// frame that came by w.
func (t *Table) Payload(now time.Time, ix wire.Index, w Way, payload []byte) {
	r := t.routes[ix]
	op, tok, ok := parseProbe(payload)
	switch {
	case r == nil:
		t.counters.NoRoute++
	case !ok:
		t.counters.Malformed++
	case w.IsRelay():
		t.relayPayload(now, r, w, op, tok)
	case !w.Direct() || r.prober == nil:
		t.counters.Withheld++
	case op == challengeOp:
		t.answer(now, r, w.Addr, tok)
	default:
		t.answered(now, r, w.Addr, tok)
	}
}

func (t *Table) answer(now time.Time, r *route, addr netip.AddrPort, tok token) {
	if !r.prober.answers.AllowN(now, 1) {
		t.counters.Limited++
		return
	}
	t.emit(Probe{Index: r.ix, Addr: addr, Payload: appendProbe(nil, responseOp, tok)})
}

// answered takes a response from addr. It settles the probe of that address;
// one from elsewhere is a new source (heardDirect has challenged it).
func (t *Table) answered(now time.Time, r *route, addr netip.AddrPort, tok token) {
	q := r.prober.find(addr)
	if q == nil || q.state != probeAsking || q.token != tok {
		t.counters.Unasked++
		return
	}
	q.state, q.at = probeAnswered, now.Add(probeRest)
	t.emit(Proven{Index: r.ix, Way: Way{Addr: addr}})
	switch {
	case r.state != Direct:
		r.prober.rest(now)
	case now.Sub(r.heard) < r.patience():
		return // the address in use works: keep it
	}
	r.state, r.addr, r.heard = Direct, addr, now
	r.race, r.giveUp, r.flight = time.Time{}, time.Time{}, nil
	r.overtaken(now)
	t.settle(r)
}

// patience is how long the address in use may be silent before another one
// that has answered takes its place.
func (r *route) patience() time.Duration {
	if r.target.IsZero() {
		return silence
	}
	return silenceOpener
}

// rest ends the search: one address has answered.
func (p *prober) rest(now time.Time) {
	for _, q := range p.probes {
		if q.state == probeAsking {
			q.state, q.at = probeSilent, now.Add(probeRest)
		}
	}
}

// advanceProbes repeats the challenges that are due and removes probes that
// have rested.
func (t *Table) advanceProbes(now time.Time, r *route) {
	if r.prober == nil {
		return
	}
	for _, q := range r.prober.probes {
		switch {
		case q.at.After(now) || q.state != probeAsking:
		case q.sent < probeTries:
			t.challenge(now, r, q)
		default:
			q.state, q.at = probeSilent, now.Add(probeRest)
		}
	}
	r.prober.probes = slices.DeleteFunc(r.prober.probes, func(q *probe) bool {
		return q.state != probeAsking && !q.at.After(now)
	})
}

func appendProbe(dst []byte, op byte, tok token) []byte {
	dst = append(dst, byte(wire.PayloadPath), op)
	return append(dst, tok[:]...)
}

func parseProbe(b []byte) (op byte, tok token, ok bool) {
	if len(b) != probeLen || wire.PayloadOf(b) != wire.PayloadPath || b[1] != challengeOp && b[1] != responseOp {
		return 0, token{}, false
	}
	return b[1], token(b[2:]), true
}
