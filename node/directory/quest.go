package directory

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// quest is what a search among the nearest and a walk have in common: the phones
// that wait for the record at a key, and the best that has come.
type quest struct {
	key    identity.IndexKey
	state  searchState
	askers []asker
	best   uint64 // sequence of the best record so far
}

// join lets one more wait, if q is still under way for the same key.
func (q *quest) join(who asker, key identity.IndexKey) bool {
	if q.key != key || q.state != searching || len(q.askers) == 0 || len(q.askers) >= maxAskersOfOne {
		return false
	}
	q.askers = append(q.askers, who)
	return true
}

// record takes a record that a supernode answered with, and answers with the
// first; took is how long it took to come, hops how many were asked one after the
// other. It reports whether it was the first. One that does not hold is as good as
// silence.
func (q *quest) record(now time.Time, x *Index, b []byte, hops int, took time.Duration) (first bool) {
	r, err := x.check(now, b)
	if err != nil {
		return false
	}
	if r.Placement.Index != q.key {
		x.counters.count(ErrMisplaced)
		return false
	}
	if q.state == answered && r.Sequence <= q.best {
		return false
	}
	q.best = r.Sequence
	found := wire.Found{Code: wire.FindRecord, Record: b}
	x.cache.put(now, q.key, found, time.Unix(r.Expires, 0))
	if q.state == answered {
		return false
	}
	q.state = answered
	x.counters.Located++
	x.counters.Hops += uint64(hops)
	x.counters.Took.add(took)
	q.answer(x, found)
	return true
}

// deny answers without a record: FindNone if it is denied, unless too many
// supernodes have gone lately.
func (q *quest) deny(now time.Time, x *Index, denied bool) {
	found := wire.Found{Code: wire.FindUnsure}
	switch {
	case x.sync == fresh:
		found.Code = wire.FindNotSynced
	case denied && !x.cfg.Members.Fallen(now):
		found.Code = wire.FindNone
		x.cache.put(now, q.key, found, now.Add(Lifetime))
	}
	q.answer(x, found)
}

// answer tells everybody who waits.
func (q *quest) answer(x *Index, found wire.Found) {
	for _, a := range q.askers {
		found.Query = a.query
		x.send(a.ix, found)
	}
	q.askers = nil
}

func (q *quest) lost(ix wire.Index) {
	q.askers = slices.DeleteFunc(q.askers, func(a asker) bool { return a.ix == ix })
}
