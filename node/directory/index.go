package directory

import (
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// Replicas is at how many supernodes a record lives, if there are so many.
	Replicas = 16
	// A session may ask so much, in a burst and per second. Numbers can be
	// enumerated by trying: a phone that looks for a friend asks less.
	findBurst, findRate       = 20, 2
	publishBurst, publishRate = 20, 1
	// maxAskers bounds the sessions whose use is remembered.
	maxAskers = 8192
	// maxJobs bounds the searches and publications under way.
	maxJobs = 1024
)

// IndexCounters count what an Index met. They only grow.
type IndexCounters struct {
	Faults
	Stored  uint64 // records taken
	Finds   uint64 // questions of phones
	Cached  uint64 // of these, answered from the cache
	Asks    uint64 // questions to fellow supernodes
	Silent  uint64 // of these, without an answer
	Unasked uint64 // answers to questions that nobody asked, or asked another
	Limited uint64 // questions beyond the limits
	Met     uint64 // supernodes that others knew and we did not
	Bluffed uint64 // supernodes that others named and did not introduce
	Located uint64 // searches among fellow supernodes that found a record
	Hops    uint64 // of these, supernodes asked one after the other
	Took    Times  // how long these took

	Shelved  uint64 // entries of words taken
	Lent     uint64 // hot records, to all that come after us
	Borrowed uint64 // hot records
	Browses  uint64 // searches of phones by a word

	Repairs  uint64 // begun
	Repaired uint64 // copies given to who had none
}

// syncState says whether the Index has been there long enough to deny: fresh
// until node says that the membership is known.
type syncState uint8

const (
	fresh syncState = iota
	settled
)

// Index is the supernode's half. The zero value is not usable.
type Index struct {
	cfg     Config
	rand    *rand.Rand
	self    identity.ID
	sign    func(msg []byte) []byte // nil before the login
	sync    syncState
	store   *store
	shelves *shelves
	heat    heat
	viewed  views
	cache   cache
	jobs    []job           // searches and publications under way, by age
	alarms  alarms          // of jobs
	wake    time.Time       // what Next returns while calm: it is asked far more often than something changes
	calm    bool            // no verb has been called since wake was found
	asks    map[uint64]*ask // under way, by nonce
	askers  askers
	fellows fellows

	tasks      tasks       // repairs that will be due
	shelfTasks []shelfTask // likewise of entries
	repairs    int         // jobs that are repairs
	stirred    time.Time   // when supernodes came or went near us last
	review     time.Time   // when the records are looked at; set by NeighboursChanged, cleared then
	settle     time.Time   // when we begin to deny; set by Synced, cleared then

	out      []Event
	counters IndexCounters
}

// NewIndex returns an Index that holds nothing and denies nothing.
func NewIndex(cfg Config) *Index {
	cfg = cfg.withDefaults()
	x := &Index{cfg: cfg, rand: newRand(cfg.Rand), store: newStore(cfg.MaxRecords, cfg.Keep), asks: map[uint64]*ask{}}
	x.heat.from = cfg.Hot
	x.shelves = newShelves(cfg.MaxEntries, x.rand.Uint64, cfg.Keep)
	if cfg.Keepers == nil {
		x.cfg.Keepers = x.keepersAmong
	}
	return x
}

// Take returns what has been asked since the last Take, oldest first.
func (x *Index) Take() []Event {
	out := x.out
	x.out = nil
	return out
}

// Counters returns the counters.
func (x *Index) Counters() IndexCounters { return x.counters }

// Records returns how many records are kept.
func (x *Index) Records() int { return len(x.store.list) }

// Kept returns the records that are kept.
func (x *Index) Kept() [][]byte {
	kept := make([][]byte, len(x.store.list))
	for i := range x.store.list {
		kept[i] = x.store.list[i].record
	}
	return kept
}

// Synced tells that the membership is known. From now on a record that is not
// here is denied, or in a network that is larger than its neighbourhoods, when
// the others have had time to give us what we should keep.
func (x *Index) Synced(now time.Time) {
	x.calm = false
	if len(x.cfg.Nearest(identity.IndexKey{}, Replicas+1)) <= Replicas {
		x.sync = settled
		return
	}
	x.settle = now.Add(settleWait)
}

func (x *Index) emit(e Event) { x.out = append(x.out, e) }

func (x *Index) send(ix wire.Index, m wire.Message) { x.emit(Send{Index: ix, Message: m}) }

// Handle takes a Publish, Find, Shelve or Browse that came in session ix. nearest returns the
// live supernodes nearest to a key, ourselves included.
func (x *Index) Handle(now time.Time, ix wire.Index, m wire.Message,
	nearest func(identity.IndexKey, int) []wire.Member) {
	x.calm = false
	switch m := m.(type) {
	case wire.Publish:
		x.handlePublish(now, ix, m, nearest)
	case wire.Find:
		x.handleFind(now, ix, m, nearest)
	case wire.Shelve:
		x.handleShelve(now, ix, m, nearest)
	case wire.Browse:
		x.handleBrowse(now, ix, m, nearest)
	default:
		x.counters.Unasked++
	}
}

func (x *Index) handlePublish(now time.Time, ix wire.Index, m wire.Publish,
	nearest func(identity.IndexKey, int) []wire.Member) {
	if !x.askers.allow(now, ix, publishUse) {
		x.counters.Limited++
		x.send(ix, wire.Stored{Query: m.Query, Code: wire.StoreFull})
		return
	}
	r, err := x.check(now, m.Record)
	if err != nil {
		x.send(ix, wire.Stored{Query: m.Query, Code: codeOf(err)})
		return
	}
	key := r.Placement.Index
	x.near(now, key, nearest, func(now time.Time, near []wire.Member) {
		x.spread(now, asker{ix, m.Query}, key, wire.Publish{Record: m.Record}, func() wire.StoreCode { return x.keep(r, m.Record) }, near)
	})
}

// check reads and checks a record, and counts its fault.
func (x *Index) check(now time.Time, b []byte) (wire.Record, error) {
	r, err := ParseRecord(b)
	if err == nil {
		err = CheckRecord(r, now, x.cfg.Issuing(), x.cfg.Verify)
	}
	return r, x.counters.count(err)
}

// keep stores a record that has been checked.
func (x *Index) keep(r wire.Record, b []byte) wire.StoreCode {
	err := x.counters.count(x.store.put(r, b))
	if err == nil {
		// Who stores a record gives it to all.
		x.store.at(r.Placement.Index).near, _ = x.cfg.Keepers(r.Placement.Index)
		x.counters.Stored++
		x.cache.forget(r.Placement.Index)
	}
	return codeOf(err)
}

// storedHere answers a Publish that concerns only us.
func storedHere(code wire.StoreCode) wire.Stored {
	s := wire.Stored{Code: code}
	if code == wire.StoreOK {
		s.Copies = 1
	}
	return s
}

func (x *Index) handleFind(now time.Time, ix wire.Index, m wire.Find,
	nearest func(identity.IndexKey, int) []wire.Member) {
	if !x.askers.allow(now, ix, findUse) {
		x.counters.Limited++
		x.send(ix, wire.Found{Query: m.Query, Code: wire.FindUnsure})
		return
	}
	if b := x.store.find(now, m.Key); b != nil {
		x.send(ix, wire.Found{Query: m.Query, Code: wire.FindRecord, Record: b})
		return
	}
	x.counters.Finds++
	if found, ok := x.cache.find(now, m.Key); ok {
		x.counters.Cached++
		found.Query = m.Query
		x.send(ix, found)
		return
	}
	x.emit(AtWork{ix})
	if x.cfg.Routing.Partial() {
		x.seekRecord(now, ix, m)
		return
	}
	x.search(now, ix, m, nearest)
}

// denial is what we say of a record that is not here.
func (x *Index) denial() wire.FindCode {
	if x.sync == fresh {
		return wire.FindNotSynced
	}
	return wire.FindNone
}

// Lost tells that session ix has ended: nobody waits there for an answer.
func (x *Index) Lost(now time.Time, ix wire.Index) {
	x.calm = false
	x.askers.forget(ix)
	for _, j := range x.jobs {
		j.lost(ix)
	}
}

// Next returns when Advance wants to be called; zero: never.
func (x *Index) Next() time.Time {
	if !x.calm {
		x.wake, x.calm = x.soonest(), true
	}
	return x.wake
}

// soonest returns the earliest time at which something is due.
func (x *Index) soonest() time.Time {
	next := earlier(earlier(x.store.due(), x.cache.due()), earlier(x.review, x.settle))
	next = earlier(next, earlier(earlier(x.shelves.due(), x.viewed.due()), x.heat.loans.due()))
	if len(x.tasks) > 0 && x.repairs < maxRepairs {
		next = earlier(next, x.tasks[0].at)
	}
	if len(x.shelfTasks) > 0 && x.repairs < maxRepairs {
		next = earlier(next, x.shelfTasks[0].at)
	}
	return earlier(next, x.alarms.next())
}

// Advance fires what is due.
func (x *Index) Advance(now time.Time) {
	x.calm = false
	x.store.expire(now)
	x.cache.expire(now)
	x.shelves.expire(now)
	x.viewed.expire(now)
	x.heat.loans.expire(now)
	if passed(x.settle, now) {
		x.sync, x.settle = settled, time.Time{}
	}
	if passed(x.review, now) {
		x.reviewRecords(now)
		x.reviewShelves(now)
	}
	x.advanceJobs(now)
	x.startRepairs(now)
	x.startShelfRepairs(now)
}

// use is what a session asks for.
type use uint8

const (
	findUse use = iota
	publishUse
	uses
)

// askers holds the token buckets of each session. When there are too many the
// sessions that asked least recently are forgotten.
type askers struct {
	young, old map[wire.Index]*[uses]*rate.Limiter
}

func (a *askers) allow(now time.Time, ix wire.Index, u use) bool {
	b := a.young[ix]
	if b == nil {
		b = a.old[ix]
		if b == nil {
			b = &[uses]*rate.Limiter{
				rate.NewLimiter(findRate, findBurst),
				rate.NewLimiter(publishRate, publishBurst),
			}
		}
		delete(a.old, ix)
		if a.young == nil || len(a.young) >= maxAskers/2 {
			a.old, a.young = a.young, map[wire.Index]*[uses]*rate.Limiter{}
		}
		a.young[ix] = b
	}
	return b[u].AllowN(now, 1)
}

func (a *askers) forget(ix wire.Index) {
	delete(a.young, ix)
	delete(a.old, ix)
}
