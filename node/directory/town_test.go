package directory

import (
	"container/heap"
	"crypto/sha256"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// town runs many Clients and Indexes that all know each other, over messages
// with delay.
type town struct {
	*testing.T
	now     time.Time
	seed    byte
	queue   happenings
	seq     int
	rand    *rand.Rand
	trace   hash.Hash
	keepers []*clerk
	phones  []*subscriber
	finds   map[int]int // questions for records, by whom they went to; nil: not counted
}

// A temper is how a supernode behaves.
type temper uint8

const (
	honest temper = iota
	dead
	denier // keeps nothing, denies everything
	forger // answers with a record that it has changed
)

type clerk struct {
	*Index
	n      int
	temper temper
	wake   time.Time
}

type subscriber struct {
	*Client
	*owner
	n       int
	homes   []int
	results []Result
	matches Matches // the last
	words   int     // under which it lies in the index
	copies  int
	last    time.Time // when the last part of a long answer comes
	wake    time.Time
}

type happening struct {
	at  time.Time
	seq int
	do  func()
}

type happenings []happening

func (h happenings) Len() int { return len(h) }
func (h happenings) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].seq < h[j].seq
}
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *happenings) Push(x any)   { *h = append(*h, x.(happening)) }
func (h *happenings) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func newTown(t *testing.T, seed byte, keepers, phones int) *town {
	w := &town{T: t, now: start, seed: seed, rand: rand.New(rand.NewChaCha8([32]byte{seed})), trace: sha256.New()}
	for n := range keepers {
		cfg := config(0)
		cfg.Rand = rand.NewChaCha8([32]byte{seed, 1, byte(n)})
		k := &clerk{Index: NewIndex(cfg), n: n}
		k.SetSelf(nodeID(n), signAs(n))
		k.Synced(start)
		w.keepers = append(w.keepers, k)
	}
	for n := range phones {
		cfg := config(0)
		cfg.Rand = rand.NewChaCha8([32]byte{seed, 2, byte(n), byte(n >> 8)})
		s := &subscriber{Client: NewClient(cfg), n: n}
		s.owner = newOwner(t, identity.Number(fmt.Sprint(1000+n)), identity.Name(fmt.Sprintf("phone%d", n)))
		s.homes = w.rand.Perm(keepers)[:3]
		w.phones = append(w.phones, s)
		w.after(time.Duration(n)*time.Millisecond, func() {
			s.SetHomes(w.now, sessionsOf(s.homes))
			s.owner.own.Device.Homes = homes(s.homes...)
			s.SetListing(w.now, s.owner.own)
			w.settlePhone(s)
		})
	}
	return w
}

// sessionsOf numbers a phone's sessions by the keepers, from 1.
func sessionsOf(keepers []int) []wire.Index {
	var ixs []wire.Index
	for _, n := range keepers {
		ixs = append(ixs, wire.Index(n+1))
	}
	return ixs
}

func (w *town) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, happening{w.now.Add(d), w.seq, do})
}

func (w *town) delay() time.Duration {
	return 10*time.Millisecond + time.Duration(w.rand.Int64N(int64(60*time.Millisecond)))
}

func (w *town) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.queue) > 0 && !w.queue[0].at.After(end) {
		x := heap.Pop(&w.queue).(happening)
		w.now = x.at
		x.do()
	}
	w.now = end
}

// nearest returns all keepers in the order of their numbers' distance: the
// choice does not matter here, that all agree on it does.
func (w *town) nearest(key identity.IndexKey, n int) []wire.Member {
	ns := make([]int, len(w.keepers))
	for i := range ns {
		ns[i] = i
	}
	slices.SortFunc(ns, func(a, b int) int {
		return int(sha256.Sum256(append(key[:], byte(a)))[0]) - int(sha256.Sum256(append(key[:], byte(b)))[0])
	})
	return homes(ns[:min(n, len(ns))]...)
}

func (w *town) settlePhone(s *subscriber) {
	for _, e := range s.Take() {
		fmt.Fprintf(w.trace, "%d phone %d %v\n", w.now.UnixNano(), s.n, e)
		switch e := e.(type) {
		case Send:
			k := w.keepers[e.Index-1]
			w.after(w.delay(), func() { w.deliver(k, s, e.Message) })
		case Result:
			s.results = append(s.results, e)
		case Published:
			s.copies = e.Copies
		case Matches:
			s.matches = e
		case Entered:
			s.words = e.Words
		}
	}
	w.arm(&s.wake, s.Next(), func() { s.Advance(w.now); w.settlePhone(s) })
}

func (w *town) arm(wake *time.Time, next time.Time, do func()) {
	if next.IsZero() || next.Equal(*wake) {
		return
	}
	*wake = next
	w.after(max(next.Sub(w.now), 0), func() {
		if wake.Equal(next) {
			*wake = time.Time{}
			do()
		}
	})
}

// deliver hands a phone's message to its home. Phone n has session 1000+n.
func (w *town) deliver(k *clerk, s *subscriber, m wire.Message) {
	if k.temper == dead {
		return
	}
	k.Handle(w.now, wire.Index(1000+s.n), m, w.nearest)
	w.settleKeeper(k)
}

func (w *town) settleKeeper(k *clerk) {
	for _, e := range k.Take() {
		fmt.Fprintf(w.trace, "%d keeper %d %v\n", w.now.UnixNano(), k.n, e)
		switch e := e.(type) {
		case Send:
			s := w.phones[e.Index-1000]
			m := w.distort(k, 0, identity.IndexKey{}, w.distortEntries(k, Ask{}, e.Message))
			w.after(s.inOrder(w, m), func() { s.Client.Handle(w.now, wire.Index(k.n+1), m); w.settlePhone(s) })
		case Ask:
			w.ask(k, w.keepers[numberOf(e.To.Node)], e)
		}
	}
	if k.calm && !k.Index.wake.Equal(k.soonest()) {
		panic(fmt.Sprintf("keeper %d is called at %v, and something is due at %v: a verb does not clear calm", k.n, k.Index.wake, k.soonest()))
	}
	w.arm(&k.wake, k.Next(), func() { k.Advance(w.now); w.settleKeeper(k) })
}

// inOrder returns the delay of a message to a phone; the parts of a long answer do
// not overtake each other, as in a session.
func (s *subscriber) inOrder(w *town, m wire.Message) time.Duration {
	d := w.delay()
	if _, ok := m.(wire.Entries); ok {
		d = max(d, s.last.Sub(w.now))
		s.last = w.now.Add(d)
	}
	return d
}

func (w *town) ask(k, far *clerk, e Ask) {
	w.after(w.delay(), func() {
		if far.temper == dead {
			return
		}
		if _, ok := e.Message.(wire.Find); ok && w.finds != nil {
			w.finds[far.n]++
		}
		m := far.Answer(w.now, e.Nonce, e.Message, func(identity.IndexKey, int) []wire.Place { return nil })
		if find, ok := e.Message.(wire.Find); ok {
			m = w.distort(far, e.Nonce, find.Key, m)
		}
		m = w.distortEntries(far, e, m)
		w.settleKeeper(far)
		if m == nil {
			return
		}
		w.after(w.delay(), func() { k.Reply(w.now, addrOf(far.n), e.Nonce, m); w.settleKeeper(k) })
	})
}

// distort is what k makes of its own answer.
func (w *town) distort(k *clerk, nonce uint64, key identity.IndexKey, m wire.Message) wire.Message {
	found, ok := m.(wire.Found)
	switch {
	case !ok || k.temper == honest:
		return m
	case k.temper == denier:
		lie := wire.Found{Query: found.Query, Code: wire.FindNone}
		if nonce != 0 {
			lie.Signature = signAs(k.n)(wire.DenialMessage(nonce, key, lie))
		}
		return lie
	case found.Code == wire.FindRecord:
		found.Record = slices.Clone(found.Record)
		found.Record[w.rand.IntN(len(found.Record))] ^= 1
	}
	return found
}

// find lets phone a look for number and returns the result.
func (w *town) find(a int, number identity.Number) Result {
	s := w.phones[a]
	s.results = nil
	s.Find(w.now, network.LookupNumber(number))
	w.settlePhone(s)
	for range 120 {
		if len(s.results) > 0 {
			return s.results[0]
		}
		w.run(50 * time.Millisecond)
	}
	w.Fatalf("seed %d: no result", w.seed)
	return Result{}
}

func (w *town) sum() string { return fmt.Sprintf("%x", w.trace.Sum(nil)) }

func TestEverybodyIsFound(t *testing.T) {
	w := newTown(t, 1, 5, 10)
	w.run(3 * time.Second)
	var slowest time.Duration
	for a := range w.phones {
		if w.phones[a].copies != 5 {
			t.Errorf("phone %d is stored at %d", a, w.phones[a].copies)
		}
		for b := range w.phones {
			r := w.find(a, w.phones[b].number)
			if r.Outcome != Located || r.Name.Number != w.phones[b].number {
				t.Errorf("%d looks for %d: %v", a, b, r.Outcome)
			}
			slowest = max(slowest, r.Elapsed)
		}
		if r := w.find(a, "99999"); r.Outcome != Absent {
			t.Errorf("%d looks for nobody: %v", a, r.Outcome)
		}
		w.run(5 * time.Second)
	}
	t.Logf("slowest answer %v", slowest)
}

func TestHalfOfTheSupernodesDead(t *testing.T) {
	w := newTown(t, 2, 40, 12)
	w.run(3 * time.Second)
	for _, k := range w.keepers[:20] {
		k.temper = dead
	}
	missed := 0
	for a := range w.phones {
		living := slices.DeleteFunc(slices.Clone(w.phones[a].homes), func(n int) bool { return n < 20 })
		w.phones[a].SetHomes(w.now, sessionsOf(living))
		if len(living) == 0 {
			continue // a phone that has lost all homes attaches anew first
		}
		for b := range w.phones {
			switch r := w.find(a, w.phones[b].number); r.Outcome {
			case Absent:
				t.Errorf("%d looks for %d: a false absent", a, b)
			case Unsure:
				missed++
			}
			w.run(time.Second)
		}
		if r := w.find(a, "99999"); r.Outcome == Absent {
			t.Error("absent is said though half of those who know are silent")
		}
	}
	t.Logf("%d not found at once", missed)
	if missed > 0 {
		t.Errorf("%d not found", missed)
	}
}

func TestLiarsAmongTheSupernodes(t *testing.T) {
	for _, lie := range []temper{denier, forger} {
		w := newTown(t, 3, 40, 8)
		w.run(3 * time.Second)
		for n := 0; n < 40; n += 5 { // two in five
			w.keepers[n].temper, w.keepers[n+1].temper = lie, lie
		}
		for a := range w.phones {
			trusted := slices.DeleteFunc(slices.Clone(w.phones[a].homes), func(n int) bool { return n%5 < 2 })
			if len(trusted) == 0 {
				continue
			}
			for b := range w.phones {
				if r := w.find(a, w.phones[b].number); r.Outcome != Located {
					t.Errorf("%d finds %d: %v", a, b, r.Outcome)
				}
				w.run(time.Second)
			}
		}
	}
}

func TestTheSameSeedGivesTheSameTrace(t *testing.T) {
	play := func(seed byte) string {
		w := newTown(t, seed, 12, 10)
		w.run(3 * time.Second)
		w.keepers[3].temper, w.keepers[4].temper, w.keepers[5].temper = dead, denier, forger
		for a := range w.phones {
			w.find(a, w.phones[(a+1)%len(w.phones)].number)
		}
		w.run(30 * time.Hour)
		return w.sum()
	}
	if a, b := play(4), play(4); a != b {
		t.Errorf("two runs of one seed differ: %s and %s", a, b)
	}
	if a, b := play(4), play(5); a == b {
		t.Error("the seed does not matter")
	}
}

func TestRecordsOutliveThreeDays(t *testing.T) {
	w := newTown(t, 6, 5, 3)
	for day := range 5 {
		w.run(24 * time.Hour)
		if r := w.find(0, "1001"); r.Outcome != Located {
			t.Errorf("day %d: %v", day, r.Outcome)
		}
	}
	w.phones[1].SetListing(w.now, Own{}) // it goes away
	w.run(Lifetime - Resign - time.Hour)
	if r := w.find(0, "1001"); r.Outcome != Located {
		t.Errorf("before its record has expired: %v", r.Outcome)
	}
	w.run(Resign + 2*time.Hour)
	if r := w.find(0, "1001"); r.Outcome != Absent {
		t.Errorf("72 hours after: %v", r.Outcome)
	}
	for _, k := range w.keepers {
		if k.Records() != 4 {
			t.Errorf("keeper %d has %d records, want 4", k.n, k.Records())
		}
	}
}
