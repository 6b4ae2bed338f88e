package path

import (
	"cmp"
	"io"
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// checkEvery is how often a way that is kept is challenged: 70 bytes each
	// way, of which a call has four, from either end.
	checkEvery = 2 * time.Second
	// checkFirst is the least pause after a check that is not answered.
	checkFirst = 100 * time.Millisecond
	// consentLife is how long a way may go without an answer: then the peer
	// does not agree any more to what we send there. RFC 7675 section 5.1 has
	// 30 s, for browsers.
	consentLife = 5 * time.Second
	// seekEvery is how often the candidates of a peer to which there is no way are
	// tried, those that have rested.
	seekEvery = 500 * time.Millisecond
	// doubtAfter is how many checks in vain make a way give place to another.
	doubtAfter = 3
	// A way over IPv6 may be sixBonus slower than one over IPv4: no router
	// keeps a mapping for it. Another way must be faster by gain and a sixteenth
	// of the round trip, for every change may be heard.
	sixBonus = 20 * time.Millisecond
	gain     = 5 * time.Millisecond
)

// settleProbe notes an answer: the way is kept, or rests.
func (t *Table) settleProbe(now time.Time, r *route, q *probe, rtt time.Duration) {
	first := q.state == probeAsking
	if !first {
		rtt = (3*q.rtt + rtt) / 4
	}
	q.rtt, q.heard, q.sent, q.pause, q.op = rtt, now, 0, 0, challengeOp
	q.recall = time.Time{}
	q.credit = credit{free: true}
	if r.prober.keep == 0 {
		q.state, q.at = probeAnswered, now.Add(probeRest)
		return
	}
	q.state, q.at = probeKept, now.Add(checkEvery)
	if first {
		t.trim(now, r, q)
	}
}

// trim lets the worst way go when there are more than are kept: neither the one
// in use nor the newest.
func (t *Table) trim(now time.Time, r *route, newest *probe) {
	kept := r.kept()
	if len(kept) <= r.prober.keep {
		return
	}
	for _, q := range slices.Backward(kept) {
		if q != newest && q.way != r.at {
			q.state, q.at = probeSilent, now.Add(probeRest)
			return
		}
	}
}

// kept returns the ways that are kept, the best first.
func (r *route) kept() []*probe {
	if r.prober == nil {
		return nil
	}
	var list []*probe
	for _, q := range r.prober.probes {
		if q.state == probeKept {
			list = append(list, q)
		}
	}
	slices.SortStableFunc(list, func(a, b *probe) int { return cmp.Compare(r.cost(a), r.cost(b)) })
	return list
}

// cost compares ways: the round trip, and what speaks against one.
func (r *route) cost(q *probe) time.Duration {
	cost := q.rtt
	if q.way.Addr.Addr().Is4() {
		cost += sixBonus
	}
	if q.sent >= doubtAfter {
		cost += consentLife
	}
	return cost
}

// betterThanAt reports whether q is worth to leave the way in use for.
func (r *route) betterThanAt(q *probe) bool {
	at := r.prober.find(r.at)
	return r.prober.keep > 0 && q.state == probeKept && (at == nil || at.state != probeKept || r.cost(q)+gain+at.rtt/16 < r.cost(at))
}

// check challenges a way that is kept, more often while it does not answer, and
// ends the consent when it has been silent for too long.
func (t *Table) check(now time.Time, r *route, q *probe) {
	if now.Sub(q.heard) >= consentLife {
		t.lapse(now, r, q)
		return
	}
	q.pause = min(max(2*q.pause, 2*q.rtt, checkFirst), checkEvery)
	if r.opener() && r.state == Direct && q.way == r.at {
		q.op = moveOp // again and again, for an announcement may be overtaken by an older one
	}
	t.ask(now, r, q)
	if q.way == r.at && r.state == Direct && q.sent >= doubtAfter {
		t.changeOver(now, r)
	}
}

// changeOver leaves the way in use for another direct one, or for a relay, if
// there is any.
func (t *Table) changeOver(now time.Time, r *route) {
	kept := r.kept()
	switch {
	case kept[0].way != r.at && kept[0].sent < doubtAfter:
		t.use(now, r, kept[0].way)
		if !r.opener() {
			t.announce(now, r)
		}
	case r.bestRelay() != nil:
		r.state = Relayed
		t.settle(r)
	}
}

// lapse ends the consent to send by q's way.
func (t *Table) lapse(now time.Time, r *route, q *probe) {
	q.credit = credit{}
	t.lapsed(now, r, q)
	if q.way == r.at {
		r.at, r.trial = Way{}, Way{}
	}
	if r.state != Direct || r.at.Direct() {
		t.tellWays(r)
		return
	}
	if kept := r.kept(); len(kept) > 0 {
		t.use(now, r, kept[0].way)
		return
	}
	t.fallBack(now, r)
	t.recallAll(now, r)
	t.tryTold(now, r, 0)
	t.settle(r)
}

// fallBack goes back to a relay or the lanes, as there is no direct way any
// more.
func (t *Table) fallBack(now time.Time, r *route) {
	best := r.bestLane()
	switch {
	case r.bestRelay() != nil:
		r.state = Relayed
	case best == nil:
		r.state, r.best, r.told = Stranded, Way{}, Way{} // a network that comes back finds the call
		r.seek = now.Add(seekEvery)
		t.arm(r)
	case best.state == laneAnswered:
		r.state = Laned
	default:
		r.state = Opening
	}
}

// advanceSeek tries the peer's candidates again while there is no way to it. Both
// ends do, until the session ends.
func (t *Table) advanceSeek(now time.Time, r *route) {
	switch {
	case !due(r.seek, now):
	case r.state != Stranded || r.prober == nil:
		r.seek = time.Time{}
	default:
		r.seek = now.Add(seekEvery)
		t.recallAll(now, r)
		t.tryTold(now, r, 0)
	}
}

// Stir tells that the network has changed, or that the peer of session ix has
// fallen silent: the way in use is challenged at once, with word that we send by
// it, for our address may be another now; the others are, too, and so are the
// peer's candidates.
func (t *Table) Stir(now time.Time, ix wire.Index) {
	if r := t.routes[ix]; r != nil {
		t.stir(now, r)
	}
}

// StirAll does it for every session.
func (t *Table) StirAll(now time.Time) {
	for _, ix := range t.sorted() {
		t.stir(now, t.routes[ix])
	}
}

func (t *Table) stir(now time.Time, r *route) {
	if r.prober == nil {
		return
	}
	if r.state == Direct {
		q := r.prober.find(r.at)
		if q == nil {
			q = &probe{way: r.at, state: probeAnswered, credit: credit{free: true}}
			io.ReadFull(t.rand, q.token[:])
			r.prober.probes = append(r.prober.probes, q)
		}
		t.move(now, r, q)
	}
	for _, q := range r.kept() {
		if q.way != r.at {
			q.pause = 0
			t.check(now, r, q)
		}
	}
	t.recallAll(now, r)
	t.tryTold(now, r, 0)
	t.arm(r)
}

// move challenges the way in use with word that we send by it.
func (t *Table) move(now time.Time, r *route, q *probe) {
	if q.state != probeKept {
		q.state, q.sent = probeAsking, 0
	}
	q.op, q.pause = moveOp, max(probeFirst, q.rtt)
	t.ask(now, r, q)
}
