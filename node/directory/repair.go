package directory

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Repair: when supernodes come or go, those who keep a record see to it that all
// do who are now the nearest to its key, while its owner may be away. The nearest
// keeper asks all others whether they have it, and gives it to those who have
// not; the next ones, one after the other, ask only the two that are next after
// them (after the last comes the first), and go on like the nearest if one has not.
// So each is looked after by three, and a keeper that lies, dies, or takes somebody
// dead for live holds nothing up.
const (
	// reviewWait lets news of many changes come together.
	reviewWait = time.Second
	// repairStep is how long a keeper waits for each that is nearer than it.
	repairStep = 2 * time.Second
	// repairSample is how many are asked to see whether a repair is needed.
	repairSample = 2
	// maxRepairs bounds the repairs under way; the others wait.
	maxRepairs = 64
	// repairWait is how long each may take to answer, which is time for three
	// questions; two of them one after the other end by repairEnd.
	repairWait = 2500 * time.Millisecond
	repairEnd  = 2 * repairWait
	// A record is looked at again after repairAgain, doubled each time, at most
	// maxAgain times in a row: whoever is silent for longer has died, and then
	// others are the nearest.
	repairAgain = 10 * time.Second
	maxAgain    = 5
	// inheritTime is how long after supernodes have come or gone a record that comes
	// may not have come to all.
	inheritTime = time.Minute
	// settleWait is how long a new supernode of a network with more than Replicas
	// denies nothing: until then the others have given it what it should keep.
	settleWait = 10 * time.Second
)

// task is a repair that will be due.
type task struct {
	key identity.IndexKey
	at  time.Time
}

// tasks is a heap (container/heap), the first to be due on top.
type tasks []task

func (l tasks) Len() int      { return len(l) }
func (l tasks) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l tasks) Less(i, j int) bool {
	return cmp.Or(l[i].at.Compare(l[j].at), bytes.Compare(l[i].key[:], l[j].key[:])) < 0
}

// Push adds t.
func (l *tasks) Push(t any) { *l = append(*l, t.(task)) }

// Pop removes the last.
func (l *tasks) Pop() any {
	last := len(*l) - 1
	t := (*l)[last]
	*l = (*l)[:last]
	return t
}

// NeighboursChanged tells that supernodes have come or gone near the places of
// records that may be here.
func (x *Index) NeighboursChanged(now time.Time) {
	x.calm = false
	x.stirred = now
	x.review = earlier(x.review, now.Add(reviewWait))
}

// reviewRecords looks which records belong to others than before, and makes a
// task for each.
func (x *Index) reviewRecords(now time.Time) {
	x.review = time.Time{}
	for i := range x.store.list {
		s := &x.store.list[i]
		print, rank := x.cfg.Keepers(s.key())
		if print == s.near || rank < 0 {
			continue
		}
		s.near, s.again = print, 0
		x.plan(s, now.Add(time.Duration(rank)*repairStep+time.Duration(x.rand.Int64N(int64(repairStep)))))
	}
}

// inherit plans a repair of a record that was not here, when supernodes have come
// or gone lately and we are the nearest to its key. The nearest sees to it that all
// have it, and had no record to see to; or its owner has signed it anew, and the
// home that gave it to all took the dead for live.
func (x *Index) inherit(now time.Time, key identity.IndexKey) {
	if now.Sub(x.stirred) > inheritTime {
		return
	}
	if _, rank := x.cfg.Keepers(key); rank == 0 {
		x.plan(x.store.at(key), now.Add(repairStep/2+time.Duration(x.rand.Int64N(int64(repairStep)))))
	}
}

// plan makes a task for a record, unless it has one that is due sooner.
func (x *Index) plan(s *stored, at time.Time) {
	due := uint32(at.UnixMilli()) | 1
	if s.due == 0 || int32(due-s.due) < 0 {
		s.due = due
		heap.Push(&x.tasks, task{s.key(), at})
	}
}

// planAgain looks at a record again of which somebody did not say whether it is
// there.
func (x *Index) planAgain(now time.Time, s *stored) {
	if s == nil || s.due != 0 || s.again >= maxAgain {
		return
	}
	pause := repairAgain << s.again
	s.again++
	x.plan(s, now.Add(pause/2+time.Duration(x.rand.Int64N(int64(pause)))))
}

// keepersAmong is what Config.Keepers does where nobody does it faster.
func (x *Index) keepersAmong(key identity.IndexKey) (print uint32, rank int) {
	near := x.cfg.Nearest(key, Replicas)
	for _, m := range near {
		print += binary.BigEndian.Uint32(m.Node[:]) // of a key: as good as a hash
	}
	return print, slices.IndexFunc(near, func(m wire.Member) bool { return m.Node == x.self })
}

// startRepairs begins the tasks that are due. A task that another has overtaken
// finds nothing to do.
func (x *Index) startRepairs(now time.Time) {
	for len(x.tasks) > 0 && !x.tasks[0].at.After(now) && x.repairs < maxRepairs {
		t := heap.Pop(&x.tasks).(task)
		if s := x.store.at(t.key); s != nil && s.due != 0 {
			s.due = 0
			x.repair(now, s)
		}
	}
}

// repairState says how far a repair has got.
//
//	sampling -- one has not --> spreading -- all have spoken --> (removed)
//	    +------- all have ----------------------------------------> (removed)
//
// The nearest keeper begins with spreading.
type repairState uint8

const (
	sampling repairState = iota
	spreading
)

// repair sees to it that a record is where it belongs.
type repair struct {
	clock
	key   identity.IndexKey
	state repairState
	left  []wire.Member // not asked yet
	open  asks
	end   time.Time
}

var _ job = (*repair)(nil)

func (x *Index) repair(now time.Time, s *stored) {
	key := s.key()
	near := x.cfg.Nearest(key, Replicas)
	r := &repair{key: key, state: sampling, end: now.Add(repairEnd)}
	rank := slices.IndexFunc(near, func(m wire.Member) bool { return m.Node == x.self })
	if rank == 0 {
		r.state = spreading
	}
	r.left = append(slices.Clone(near[rank+1:]), near[:max(rank, 0)]...)
	x.counters.Repairs++
	x.repairs++
	x.begin(r)
	r.askSome(now, x)
	x.arm(r)
}

// askSome asks those who are to be asked whether they have the record.
func (r *repair) askSome(now time.Time, x *Index) {
	n := len(r.left)
	if r.state == sampling {
		n = min(n, repairSample)
	}
	s := x.store.at(r.key)
	if s == nil {
		n = 0 // it has expired
	}
	for _, to := range r.left[:n] {
		r.open = append(r.open, x.put(now, r, to, repairWait, wire.Have{Key: r.key, Sequence: s.sequence}))
	}
	r.left = r.left[n:]
	r.goOn(x)
}

func (r *repair) goOn(x *Index) {
	if len(r.open) > 0 {
		return
	}
	x.repairs--
	x.finish(r)
}

func (r *repair) reply(now time.Time, x *Index, a *ask, m wire.Message) {
	r.open = r.open.without(a)
	answer, ok := m.(wire.Stored)
	_, asked := a.m.(wire.Have)
	s := x.store.at(r.key)
	switch {
	case !ok:
		x.counters.Unasked++
	case asked && answer.Copies == 0 && s != nil:
		x.counters.Repaired++
		r.state = spreading
		r.open = append(r.open, x.put(now, r, a.to, repairWait, wire.Publish{Record: s.record}))
		if len(r.left) > 0 {
			r.askSome(now, x)
			return
		}
	}
	r.goOn(x)
}

func (r *repair) silent(now time.Time, x *Index, a *ask) {
	x.cfg.Members.Unanswered(now, a.to)
	x.planAgain(now, x.store.at(r.key))
	r.open = r.open.without(a)
	r.goOn(x)
}

func (r *repair) lost(wire.Index) {}

func (r *repair) due() time.Time {
	return earlier(r.end, r.open.due())
}

func (r *repair) advance(now time.Time, x *Index) {
	if !passed(r.end, now) {
		x.advanceAsks(now, r.open)
		return
	}
	for _, a := range r.open {
		x.giveUp(a)
		x.planAgain(now, x.store.at(r.key))
	}
	r.open = nil
	r.goOn(x)
}

// have answers whether a record is here.
func (x *Index) have(now time.Time, m wire.Have) wire.Message {
	answer := wire.Stored{Code: wire.StoreOK}
	if s := x.store.at(m.Key); s != nil && int64(s.expires) > now.Unix() && s.sequence >= m.Sequence {
		answer.Copies = 1
	}
	return answer
}

// Holds reports whether there is a valid record at key.
func (x *Index) Holds(now time.Time, key identity.IndexKey) bool {
	return x.store.find(now, key) != nil
}
