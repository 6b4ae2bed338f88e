package path

import (
	"slices"
	"time"
)

const (
	// recallEvery is how often a way that has worked and answers no more is asked
	// again, and recallFor for how long: an uplink that was in a lift, or behind a
	// router that has started anew, is a standby again. One such way costs 14 bytes
	// a second. A change of the network, or a silence, asks them all at once.
	recallEvery = 5 * time.Second
	recallFor   = 2 * time.Minute
	// maxRecalled bounds the ways of a session that are asked again; of more the
	// one that has lapsed first is forgotten.
	maxRecalled = MaxStandby
)

// recalled reports whether q has worked once, and is asked again.
func (q *probe) recalled() bool { return q.state == probeAsking && !q.recall.IsZero() }

// lapsed lets q, which has worked, be asked again.
func (t *Table) lapsed(now time.Time, r *route, q *probe) {
	var others []*probe
	for _, other := range r.prober.probes {
		if other != q && other.recalled() {
			others = append(others, other)
		}
	}
	if len(others) >= maxRecalled {
		first := slices.MinFunc(others, func(a, b *probe) int { return a.recall.Compare(b.recall) })
		first.state, first.at, first.recall = probeSilent, now.Add(probeRest), time.Time{}
	}
	q.recall = now.Add(recallFor)
	t.recallOnce(now, r, q)
}

// recallOnce asks by a way that has worked, once.
func (t *Table) recallOnce(now time.Time, r *route, q *probe) {
	q.state, q.op = probeAsking, challengeOp
	q.sent, q.pause = probeTries-1, recallEvery
	q.credit.earn(CheckFrame)
	t.ask(now, r, q)
}

// recallAll asks by all ways that have worked, as if they were new.
func (t *Table) recallAll(now time.Time, r *route) {
	for _, q := range r.prober.probes {
		if q.recalled() && q.pause >= recallEvery {
			q.sent, q.pause = 0, 0
			q.credit = credit{free: true} // the peer has answered there
			t.challenge(now, r, q)
		}
	}
}
