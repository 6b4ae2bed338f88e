package overlay

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

// Whom others name, or who names itself in a question, has signed its
// announcement, but may not be where that says: it is asked there before it gets
// into a table of Kademlia.
const (
	// maxTrials bounds those who are asked; more are left to come again.
	maxTrials = 64
	// trialTries is how often one is asked, trialWait how long it may take first;
	// then twice as long, and again.
	trialTries = 3
	trialWait  = 500 * time.Millisecond
)

// trial is one who is asked.
type trial struct {
	row   row
	nonce uint64
	tries int
	next  time.Time // when it is asked again, or given up
}

// Propose takes the announcement of a supernode that would be known, or whom
// somebody else would have known.
func (o *Overlay) Propose(now time.Time, announcement []byte) {
	if o.scope == whole {
		if n, rest, ok := wire.CutNews(announcement); ok && len(rest) == 0 {
			o.take(now, n, announcement)
			o.pump(now)
		}
		return
	}
	n, rest, ok := wire.CutNews(announcement)
	a, announces := n.(wire.Announcement)
	if !ok || !announces || len(rest) > 0 {
		o.counters.Refusals.Malformed++
		return
	}
	p := PlaceOf(a)
	r := routeRow(p, a, announcement)
	if old := o.table.find(p); p == o.place || old != nil && old.incarnation >= r.incarnation || !o.useful(&r) {
		return
	}
	switch {
	case !o.holds(now, a):
	case o.hasRoom(p) || o.table.find(p) != nil:
		o.tryRoute(now, r)
	default:
		o.wait(now, r)
	}
}

// useful reports whether one could get into the table, or wait there, if it proves
// itself: what is looked at before any signature.
func (o *Overlay) useful(r *row) bool {
	b := o.branch(r.place)
	return o.table.find(r.place) != nil || len(o.routes.trials) < maxTrials && !o.crowdsBranch(r) &&
		(o.hasRoom(r.place) || len(b.spare) < maxSpare && !slices.ContainsFunc(b.spare, func(s row) bool { return s.place == r.place }))
}

// holds reports whether an announcement is what it says. What does not hold is
// counted.
func (o *Overlay) holds(now time.Time, a wire.Announcement) bool {
	switch {
	case !o.elsewhere(a.Member), a.Incarnation > uint32(now.Add(maxAhead).Unix()):
		o.counters.Refusals.Malformed++
	case o.cfg.CheckNode(a.Certificate, now) != nil:
		o.counters.Refusals.Foreign++
	case !o.cfg.Verify(a.Member.Node, wire.NewsMessage(a), a.Signature):
		o.counters.Refusals.Forged++
	default:
		return true
	}
	return false
}

// tryRoute asks one whether it is where it says.
func (o *Overlay) tryRoute(now time.Time, r row) {
	if len(o.routes.trials) >= maxTrials || slices.ContainsFunc(o.routes.trials, func(t trial) bool { return t.row.place == r.place }) {
		return
	}
	o.routes.trials = append(o.routes.trials, trial{row: r, nonce: o.rand.Uint64(), next: now.Add(time.Millisecond + o.jitter(trialWait))})
	o.calm = false
}

// advanceTrials asks those who are due, and gives up who keeps silent.
func (o *Overlay) advanceTrials(now time.Time) {
	o.routes.trials = slices.DeleteFunc(o.routes.trials, func(t trial) bool { return t.tries == trialTries && passed(t.next, now) })
	for i := range o.routes.trials {
		if t := &o.routes.trials[i]; passed(t.next, now) {
			t.next = now.Add(trialWait << t.tries)
			t.tries++
			o.emit(Ping{Member: t.row.member(), Nonce: t.nonce})
		}
	}
}

// tried takes the answer of one who was asked; false: the nonce is of none.
func (o *Overlay) tried(now time.Time, from netip.AddrPort, nonce uint64) bool {
	i := slices.IndexFunc(o.routes.trials, func(t trial) bool { return t.nonce == nonce && t.row.member().At(from) })
	if i < 0 {
		return false
	}
	r := o.routes.trials[i].row
	o.routes.trials = slices.Delete(o.routes.trials, i, i+1)
	o.seat(now, r)
	return true
}

// trialWake returns when a trial is due.
func (o *Overlay) trialWake() time.Time {
	var wake time.Time
	for i := range o.routes.trials {
		wake = earlier(wake, o.routes.trials[i].next)
	}
	return wake
}
