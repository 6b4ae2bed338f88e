package path

import (
	"io"
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// maxRelayed bounds the relays of a route at a time.
	maxRelayed = 4
	// A relay is challenged at first until the far phone has opened its leg too,
	// with pauses that double from relayFirst to relayLast.
	relayFirst = 50 * time.Millisecond
	relayLast  = 400 * time.Millisecond
	// relayOpens is how long that may take: the far phone may have to dial the
	// relay.
	relayOpens = 10 * time.Second
	// relayCheck is how often the relay in use is challenged, relaySpare how often
	// one that stands by: a challenge and its answer are 144 bytes, in a stream 240
	// and what TCP says to it, and a call has three such relays. relayDead is after
	// how long without a sign one is given up, and as much later as it is challenged
	// later; on a narrow line relayLate more, for answers wait in it. While nothing comes by any way, not the relay is dead but a network:
	// then it is relayBear, for which relays bear a pair that carries nothing. A call
	// whose network comes back has no other way that needs no word between its
	// phones.
	relayCheck = 2 * time.Second
	relaySpare = 5 * time.Second
	relayDead  = 3 * time.Second
	relayLate  = 7 * time.Second
	relayBear  = idleFor
)

// relayed is a relay as a way of a route. What comes by it is heard by the data
// plane as a rule, so that its own challenges say whether it lives.
type relayed struct {
	way   Way
	order int           // the same at both ends; the lowest that works is used
	works bool          // the far phone was heard by it
	token token         // of every challenge: no answer can be repeated in a session
	pause time.Duration // after the last challenge
	at    time.Time     // of the next challenge
	heard time.Time     // the last answer
	every time.Duration // from that to the next challenge
	asked time.Time     // the first challenge since then; zero: none
	rtt   time.Duration // of the answers, smoothed; 0: none came
}

// RelayProbe asks to seal Payload with the channel of session Index and to send
// it by Way, a relay.
type RelayProbe struct {
	Index   wire.Index
	Way     Way
	Payload []byte
}

// RelaySilent tells that a relay is no way of the session any more: nothing
// comes through.
type RelaySilent struct {
	Index wire.Index
	Way   Way
}

func (RelayProbe) event()  {}
func (RelaySilent) event() {}

// AddRelay offers w, our leg at a relay, as a way of session ix; the lower of two
// orders is preferred, at both ends. Sound may go by it at once, when nothing
// better is known; other frames do once the far phone is heard there, unless
// there is a direct way.
func (t *Table) AddRelay(now time.Time, ix wire.Index, w Way, order int) {
	r := t.routes[ix]
	if r == nil || !w.IsRelay() || len(r.relays) >= maxRelayed {
		t.counters.Limited++
		return
	}
	q := &relayed{way: w, order: order, heard: now, every: relayCheck}
	io.ReadFull(t.rand, q.token[:])
	r.relays = append(r.relays, q)
	slices.SortStableFunc(r.relays, func(a, b *relayed) int { return a.order - b.order })
	t.challengeRelay(now, r, q)
	t.arm(r)
	t.tellWays(r)
}

// DropRelay takes the relay w from session ix.
func (t *Table) DropRelay(now time.Time, ix wire.Index, w Way) {
	if r := t.routes[ix]; r != nil {
		if i := slices.IndexFunc(r.relays, func(q *relayed) bool { return q.way == w }); i >= 0 {
			t.dropRelay(now, r, r.relays[i])
		}
	}
}

// dropRelay removes q; when no relay is left that works the lanes carry, as
// long as they have bytes.
func (t *Table) dropRelay(now time.Time, r *route, q *relayed) {
	r.relays = without(r.relays, q)
	if r.chosen == q {
		r.chosen = nil
	}
	if r.state == Relayed && r.bestRelay() == nil {
		t.unrelay(now, r)
	}
	t.settle(r)
}

// unrelay goes back to what there was before the relays, or to a direct way that
// has been silent for no longer than the consent lasts.
func (t *Table) unrelay(now time.Time, r *route) {
	if kept := r.kept(); len(kept) > 0 {
		t.use(now, r, kept[0].way)
		return
	}
	t.fallBack(now, r)
}

// Nominate tells that the far phone's sound comes by w now, and no more by the
// way that we use. The control plane follows.
func (t *Table) Nominate(now time.Time, ix wire.Index, w Way) {
	r := t.routes[ix]
	if r == nil || w == r.best {
		return
	}
	q := r.relay(w)
	switch {
	case q != nil && q.works && (r.state == Relayed || r.state == Direct):
		before := r.relay(r.best)
		r.chosen, r.state = q, Relayed
		if before != nil {
			before.at, before.pause = now, 0 // does it live?
			t.arm(r)
		}
		t.settle(r)
	case q == nil && w.Direct() && r.prober != nil && r.works(w):
		t.use(now, r, w)
	}
}

// Silent tells that a call has fallen silent in session ix: its relays are
// challenged at once. So are the supernodes themselves, in our sessions with
// them, for our address may have changed under us: they hear it by that.
func (t *Table) Silent(now time.Time, ix wire.Index) {
	r := t.routes[ix]
	if r == nil {
		return
	}
	t.stir(now, r)
	for _, q := range r.relays {
		t.askRelay(now, r, q) // besides what is due: a relay that is dead shall be found out
		if home := t.routes[q.way.Home]; home != nil && home.state == Direct {
			t.stir(now, home)
		}
	}
}

func (r *route) relay(w Way) *relayed {
	for _, q := range r.relays {
		if q.way == w {
			return q
		}
	}
	return nil
}

// bestRelay returns the relay that was nominated, else the first that works;
// nil: none does.
func (r *route) bestRelay() *relayed {
	if r.chosen != nil {
		return r.chosen
	}
	for _, q := range r.relays {
		if q.works {
			return q
		}
	}
	return nil
}

// sendByRelay wraps a frame for the relay w and sends it as the session with
// that goes.
func (t *Table) sendByRelay(now time.Time, w Way, frame []byte) {
	room := make([]byte, 0, wire.RelayHeader+len(frame))
	t.Send(now, w.Home, wire.AppendRelay(room, w.Channel, frame))
}

// heardRelay notes that the far phone gets through to us by w.
func (t *Table) heardRelay(now time.Time, r *route, w Way) {
	q := r.relay(w)
	if q == nil {
		t.counters.Unasked++
		return
	}
	if !q.works {
		t.relayWorks(r, q)
	}
	q.heard = now
}

// relayWorks notes that the far phone has opened its leg too. What comes by a
// relay has passed both legs, and so does what we send: it carries either way or
// none. Whether it goes on to live our own challenges show.
func (t *Table) relayWorks(r *route, q *relayed) {
	q.works = true
	if r.state != Direct && r.state != Relayed {
		r.state = Relayed
		r.race, r.giveUp, r.flight = time.Time{}, time.Time{}, nil
	}
	t.settle(r)
}

// relayPayload takes a path payload that came by the relay w.
func (t *Table) relayPayload(now time.Time, r *route, w Way, op byte, tok token) {
	q := r.relay(w)
	switch {
	case q == nil || op == responseOp && q.token != tok:
		t.counters.Unasked++
	case op == challengeOp:
		t.emit(RelayProbe{Index: r.ix, Way: w, Payload: appendProbe(nil, responseOp, tok)})
		if q.works && q.pause >= relayCheck {
			q.at = now.Add(q.every + q.every/4) // it works, and the far phone asks again before that
		}
	default:
		t.relayAnswers(now, r, q)
	}
}

// relayAnswers notes an answer by q.
func (t *Table) relayAnswers(now time.Time, r *route, q *relayed) {
	if !q.asked.IsZero() {
		took := now.Sub(q.asked)
		if q.rtt > 0 {
			took = (3*q.rtt + took) / 4
		}
		q.rtt, q.asked = took, time.Time{}
	}
	q.heard = now
	if !q.works {
		t.relayWorks(r, q)
	}
	q.every = relaySpare
	if r.uses(q) {
		q.every = relayCheck
	}
	q.pause, q.at = q.every, now.Add(q.every)
}

// uses reports whether frames go by q, or nobody knows a way that works.
func (r *route) uses(q *relayed) bool {
	return r.state != Direct && (r.state != Relayed || r.best == q.way)
}

// checks is when q is challenged next. One that has stood by is when it is
// used.
func (r *route) checks(q *relayed) time.Time {
	if q.pause >= relayCheck && q.every > relayCheck && r.uses(q) {
		return earlier(q.at, q.heard.Add(relayCheck))
	}
	return q.at
}

// challengeRelay asks whether frames get through by q, and back. The next time
// it does so later than an answer takes.
func (t *Table) challengeRelay(now time.Time, r *route, q *relayed) {
	q.pause = max(min(max(2*q.pause, relayFirst), relayLast), min(q.rtt+q.rtt/4, relayCheck/2))
	q.at = now.Add(q.pause)
	t.askRelay(now, r, q)
}

func (t *Table) askRelay(now time.Time, r *route, q *relayed) {
	if q.asked.IsZero() {
		q.asked = now
	}
	t.emit(RelayProbe{Index: r.ix, Way: q.way, Payload: appendProbe(nil, challengeOp, q.token)})
}

// advanceRelays challenges relays, and gives up those that do not answer.
func (t *Table) advanceRelays(now time.Time, r *route) {
	for _, q := range slices.Clone(r.relays) {
		patience := relayDead - relayCheck + q.every
		switch {
		case !q.works:
			patience = relayOpens
		case r.cutOff(now):
			patience = relayBear
		case t.narrow:
			patience += relayLate
		}
		switch {
		case r.checks(q).After(now):
		case now.Sub(q.heard) >= patience:
			t.dropRelay(now, r, q)
			t.emit(RelaySilent{r.ix, q.way})
		default:
			if q.pause >= relayCheck {
				q.pause = 0 // the first of a new round
			}
			t.challengeRelay(now, r, q)
		}
	}
}

// cutOff reports whether the peer has been silent for so long by all ways that
// have answered, and there is no lane.
func (r *route) cutOff(now time.Time) bool {
	heard := func(at time.Time) bool { return now.Sub(at) < relayDead }
	return r.bestLane() == nil &&
		!slices.ContainsFunc(r.relays, func(q *relayed) bool { return q.works && heard(q.heard) }) &&
		!slices.ContainsFunc(r.kept(), func(q *probe) bool { return heard(q.heard) })
}

// tellWays tells the ways of r when they are others than were told.
func (t *Table) tellWays(r *route) {
	w := r.soundWays()
	if w.Active.IsZero() || r.ways != nil && w.Active == r.ways.Active && w.Trial == r.ways.Trial && slices.Equal(w.Standby, r.ways.Standby) {
		return
	}
	said := w
	r.ways = &said
	w.Standby = slices.Clone(w.Standby)
	t.emit(w)
}

// soundWays returns by which ways sound can go. It does not wait for the far
// phone's first sign: a relay has shown by opening our leg that it lives, and
// passes sound on as soon as the far leg is open. Which of two that is first we
// do not know: sound goes by both until then.
func (r *route) soundWays() Ways {
	w := Ways{Index: r.ix, Active: r.best, Trial: r.trial}
	switch {
	case !r.best.IsZero() && !r.best.IsLane():
		w.Standby = r.standbys()
	case len(r.relays) == 0:
		w.Active = Way{}
	default:
		w.Active, w.Trial = r.relays[0].way, Way{}
		if len(r.relays) > 1 {
			w.Trial = r.relays[1].way
		}
	}
	return w
}

// Ways returns the last word on the ways of session ix; false: there was none.
func (t *Table) Ways(ix wire.Index) (Ways, bool) {
	r := t.routes[ix]
	if r == nil || r.ways == nil {
		return Ways{}, false
	}
	return *r.ways, true
}

// works reports whether the direct way w has answered, and not long ago.
func (r *route) works(w Way) bool {
	if w == r.at {
		return true
	}
	return slices.ContainsFunc(r.kept(), func(q *probe) bool { return q.way == w })
}

// standbys returns the ways to go on by when the one in use falls silent, the
// best first. What breaks is an uplink as a rule, then the far one: so those by
// another uplink come first, then a relay.
func (r *route) standbys() []Way {
	var other, relays, same []Way
	for _, q := range r.kept() {
		switch {
		case q.sent >= doubtAfter:
		case q.way.Socket != r.best.Socket:
			other = append(other, q.way)
		default:
			same = append(same, q.way)
		}
	}
	if r.at.Direct() && r.state == Relayed && !slices.Contains(same, r.at) && !slices.Contains(other, r.at) {
		same = append(same, r.at)
	}
	for _, q := range r.relays {
		if q.works {
			relays = append(relays, q.way)
		}
	}
	first := min(1, len(relays))
	if r.best.IsRelay() {
		first = 0
	}
	all := slices.Concat(other, relays[:first], same, relays[first:])
	all = slices.DeleteFunc(all, func(w Way) bool { return w == r.best })
	return all[:min(len(all), MaxStandby)]
}
