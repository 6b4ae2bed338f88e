package directory

import (
	"encoding/binary"
	"net/netip"
	"slices"
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
	timer() *alarm
}

// clock is the timer of a job: set by Index.arm to what due says whenever
// something has happened to the job, cleared when it ends.
type clock struct{ alarm alarm }

func (c *clock) timer() *alarm { return &c.alarm }

// begin adds a job. Whoever begins it arms it when it has asked.
func (x *Index) begin(j job) {
	j.timer().ring = func(now time.Time) {
		j.advance(now, x)
		x.arm(j)
	}
	x.jobs = append(x.jobs, j)
}

// arm sets the timer of a job, if it has not ended.
func (x *Index) arm(j job) {
	if j.timer().ring != nil {
		x.alarms.set(j.timer(), j.due())
	}
}

// finish ends a job.
func (x *Index) finish(j job) {
	x.alarms.set(j.timer(), time.Time{})
	j.timer().ring = nil
	i := slices.Index(x.jobs, j)
	x.jobs = slices.Delete(x.jobs, i, i+1)
}

// advanceJobs fires the jobs that are due, each once.
func (x *Index) advanceJobs(now time.Time) {
	var due []*alarm
	for len(x.alarms) > 0 && !x.alarms[0].at.After(now) {
		due = append(due, x.alarms[0])
		x.alarms.set(x.alarms[0], time.Time{})
	}
	for _, a := range due {
		if a.ring != nil {
			a.ring(now)
		}
	}
}

const (
	// A question is asked again after askAgain, then after twice as long.
	askAgain = 400 * time.Millisecond
)

// ask is a question to a fellow supernode, under way.
type ask struct {
	nonce uint64
	to    wire.Member
	job   job
	m     wire.Message
	asked time.Time // when it was asked first
	again time.Time // when it is asked again
	pause time.Duration
	end   time.Time // when it counts as silent
}

func (a *ask) due() time.Time { return earlier(a.again, a.end) }

// asks are those of a job's questions that are open.
type asks []*ask

// without returns them without a.
func (l asks) without(a *ask) asks {
	return slices.DeleteFunc(l, func(b *ask) bool { return a == b })
}

// due returns when the first of them wants something; zero: there is none.
func (l asks) due() time.Time {
	var due time.Time
	for _, a := range l {
		due = earlier(due, a.due())
	}
	return due
}

// put asks to on behalf of j.
func (x *Index) put(now time.Time, j job, to wire.Member, wait time.Duration, m wire.Message) *ask {
	a := &ask{nonce: x.nonce(), to: to, job: j, m: m, asked: now, again: now.Add(askAgain), pause: askAgain, end: now.Add(wait)}
	x.asks[a.nonce] = a
	x.counters.Asks++
	x.emit(Ask{To: to, Nonce: a.nonce, Message: m})
	return a
}

// nonce draws a number that no question has. Who has not seen the question
// cannot guess it.
func (x *Index) nonce() uint64 {
	for {
		if n := x.rand.Uint64(); x.asks[n] == nil {
			return n
		}
	}
}

// Reply takes the answer that came from an address to the Ask with this nonce.
func (x *Index) Reply(now time.Time, from netip.AddrPort, nonce uint64, m wire.Message) {
	a := x.asks[nonce]
	if a == nil || !a.to.At(from) {
		x.counters.Unasked++
		return
	}
	x.calm = false
	delete(x.asks, nonce)
	x.fellows.answered(now, a)
	a.job.reply(now, x, a, m)
	x.arm(a.job)
}

// advanceAsks asks again whoever has not answered, or lets it count as silent.
func (x *Index) advanceAsks(now time.Time, open asks) {
	for _, a := range slices.Clone(open) {
		switch {
		case passed(a.end, now):
			x.fallSilent(now, a)
		case passed(a.again, now):
			x.fellows.overdue(now, a)
			a.pause *= 2
			a.again = now.Add(a.pause)
			x.emit(Ask{To: a.to, Nonce: a.nonce, Message: a.m})
		}
	}
}

// giveUp forgets a question that nobody has answered in time.
func (x *Index) giveUp(a *ask) {
	delete(x.asks, a.nonce)
	x.counters.Silent++
}

func (x *Index) fallSilent(now time.Time, a *ask) {
	if x.asks[a.nonce] != a {
		return // its job has ended meanwhile
	}
	x.giveUp(a)
	x.fellows.overdue(now, a)
	a.job.silent(now, x, a)
}

// Answer answers the question of a fellow supernode: what do we hold? Nil: it
// gets no answer. nearest returns the places of the live supernodes nearest to a
// key.
func (x *Index) Answer(now time.Time, nonce uint64, m wire.Message, nearest func(identity.IndexKey, int) []wire.Place) wire.Message {
	x.calm = false
	switch m := m.(type) {
	case wire.Find:
		if found, ok := x.answerFind(now, m.Key); ok {
			return found
		}
		return x.deny(nonce, m.Key, nearest(m.Key, wire.MaxNear))
	case wire.Seek:
		return x.guide(now, nonce, m)
	case wire.Lend:
		x.borrow(now, m)
		return nil
	case wire.Have:
		return x.have(now, m)
	case wire.Who:
		return wire.Introduced{News: x.cfg.Members.Introduction(m.Place)}
	case wire.Publish:
		r, err := x.check(now, m.Record)
		if err != nil {
			return storedHere(codeOf(err))
		}
		before := x.store.at(r.Placement.Index)
		fresh := before == nil || before.sequence < r.Sequence
		code := x.keep(r, m.Record)
		if code == wire.StoreOK {
			x.doubtKeepers(now, r.Placement.Index)
		}
		if fresh && code == wire.StoreOK {
			x.inherit(now, r.Placement.Index)
		}
		return storedHere(code)
	}
	return x.answerEntries(now, nonce, m)
}

// deny says that there is no record at key.
func (x *Index) deny(nonce uint64, key identity.IndexKey, near []wire.Place) wire.Message {
	if x.sign == nil {
		return nil // not certified yet
	}
	f := wire.Found{Code: x.denial()}
	for _, p := range near {
		f.Near = binary.BigEndian.AppendUint64(f.Near, uint64(p))
	}
	f.Signature = x.sign(wire.DenialMessage(nonce, key, f))
	return f
}
