package directory

import (
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// job is a search or a publication that an Index does for a phone.
type job interface {
	reply(now time.Time, x *Index, a *ask, m wire.Message)
	silent(now time.Time, x *Index, a *ask)
	due() time.Time
	advance(now time.Time, x *Index)
	lost(ix wire.Index)
}

// ask is a question to a fellow supernode, under way.
type ask struct {
	query uint32
	to    identity.ID
	job   job
	end   time.Time // when it counts as silent
}

// put asks to on behalf of j.
func (x *Index) put(now time.Time, j job, to wire.Member, wait time.Duration, m func(query uint32) wire.Message) *ask {
	for {
		x.asked++
		if x.asks[x.asked|askBit] == nil {
			break
		}
	}
	a := &ask{query: x.asked | askBit, to: to.Node, job: j, end: now.Add(wait)}
	x.asks[a.query] = a
	x.counters.Asks++
	x.emit(Ask{To: to, Message: m(a.query)})
	return a
}

// Reply takes the answer of the supernode from to an Ask.
func (x *Index) Reply(now time.Time, from identity.ID, m wire.Message) {
	var query uint32
	switch m := m.(type) {
	case wire.Found:
		query = m.Query
	case wire.Stored:
		query = m.Query
	}
	a := x.asks[query]
	if a == nil || a.to != from {
		x.counters.Unasked++
		return
	}
	delete(x.asks, query)
	a.job.reply(now, x, a, m)
}

// Failed tells that no session with a supernode could be had, or that it has
// ended: it will not answer.
func (x *Index) Failed(now time.Time, node identity.ID) {
	for _, j := range append([]job(nil), x.jobs...) {
		for _, a := range x.asksOf(j) {
			if a.to == node {
				x.fallSilent(now, a)
			}
		}
	}
}

func (x *Index) fallSilent(now time.Time, a *ask) {
	if x.asks[a.query] != a {
		return // its job has ended meanwhile
	}
	delete(x.asks, a.query)
	x.counters.Silent++
	a.job.silent(now, x, a)
}

func (x *Index) asksOf(j job) []*ask {
	switch j := j.(type) {
	case *search:
		return append([]*ask(nil), j.open...)
	case *spread:
		return append([]*ask(nil), j.open...)
	}
	return nil
}
