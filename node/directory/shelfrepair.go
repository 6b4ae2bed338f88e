package directory

import (
	"bytes"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Shelves are repaired as records are: when supernodes come or go near a key the
// nearest keeper asks the others whose entries they have, and gives them what they
// lack; the next ones, one after the other, ask two of them only, and go on like the
// first if something is lacking.

// maxGiven bounds the entries that are on their way to others in one repair.
const maxGiven = 32

// shelfTask is a repair of a shelf that will be due.
type shelfTask struct {
	key identity.IndexKey
	at  time.Time
}

// reviewShelves looks which shelves belong to others than before, and makes a task
// for each.
func (x *Index) reviewShelves(now time.Time) {
	for _, f := range x.shelves.inOrder() {
		print, rank := x.cfg.Keepers(f.key)
		if print == f.near || rank < 0 {
			continue
		}
		f.near = print
		x.planShelf(f, now.Add(time.Duration(rank)*repairStep+time.Duration(x.rand.Int64N(int64(repairStep)))))
	}
}

// inOrder returns the shelves in an order that does not hang on a map.
func (s *shelves) inOrder() []*shelf {
	list := make([]*shelf, 0, len(s.byKey))
	for _, f := range s.byKey {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *shelf) int { return bytes.Compare(a.key[:], b.key[:]) })
	return list
}

// planShelf makes a task for a shelf, unless it has one that is due sooner.
func (x *Index) planShelf(f *shelf, at time.Time) {
	if !f.due.IsZero() && !at.Before(f.due) {
		return
	}
	f.due = at
	i, _ := slices.BinarySearchFunc(x.shelfTasks, at, func(t shelfTask, at time.Time) int { return t.at.Compare(at) })
	x.shelfTasks = slices.Insert(x.shelfTasks, i, shelfTask{f.key, at})
}

// startShelfRepairs begins the tasks that are due. A task that another has overtaken
// finds nothing to do.
func (x *Index) startShelfRepairs(now time.Time) {
	for len(x.shelfTasks) > 0 && !x.shelfTasks[0].at.After(now) && x.repairs < maxRepairs {
		t := x.shelfTasks[0]
		x.shelfTasks = x.shelfTasks[1:]
		if f := x.shelves.at(now, t.key); f != nil && f.due.Equal(t.at) {
			f.due = time.Time{}
			x.repairShelf(now, f)
		}
	}
}

// shelfRepair sees to it that the entries at a key are where they belong.
type shelfRepair struct {
	clock
	key   identity.IndexKey
	state repairState
	left  []wire.Member // not asked yet
	give  []gift        // not sent yet
	open  asks
	end   time.Time
}

// gift is an entry that somebody lacks.
type gift struct {
	to     wire.Member
	holder [8]byte
}

var _ job = (*shelfRepair)(nil)

func (x *Index) repairShelf(now time.Time, f *shelf) {
	near := x.cfg.Nearest(f.key, Replicas)
	r := &shelfRepair{key: f.key, state: sampling, end: now.Add(2 * repairEnd)}
	if len(near) > 0 && near[0].Node == x.self {
		r.state = spreading
	}
	r.left = slices.DeleteFunc(slices.Clone(near), func(m wire.Member) bool { return m.Node == x.self })
	x.rand.Shuffle(len(r.left), func(i, j int) { r.left[i], r.left[j] = r.left[j], r.left[i] })
	x.counters.Repairs++
	x.repairs++
	x.begin(r)
	r.askSome(now, x)
	r.goOn(now, x)
	x.arm(r)
}

// askSome asks those who are to be asked whose entries they have.
func (r *shelfRepair) askSome(now time.Time, x *Index) {
	n := len(r.left)
	if r.state == sampling {
		n = min(n, repairSample)
	}
	for _, to := range r.left[:n] {
		r.open = append(r.open, x.put(now, r, to, repairWait, wire.Browse{Key: r.key}))
	}
	r.left = r.left[n:]
}

// goOn gives what is lacking, and ends when nothing is on its way.
func (r *shelfRepair) goOn(now time.Time, x *Index) {
	f := x.shelves.at(now, r.key)
	for len(r.give) > 0 && len(r.open) < maxGiven {
		g := r.give[0]
		r.give = r.give[1:]
		if e := f.find(g.holder); e != nil {
			r.open = append(r.open, x.put(now, r, g.to, repairWait, wire.Shelve{Key: r.key, Entry: e.entry}))
		}
	}
	if len(r.open) > 0 {
		return
	}
	x.repairs--
	x.finish(r)
}

func (r *shelfRepair) reply(now time.Time, x *Index, a *ask, m wire.Message) {
	r.open = r.open.without(a)
	switch m := m.(type) {
	case wire.Shelf:
		r.compare(now, x, a.to, m)
	case wire.Stored:
		if m.Code == wire.StoreOK {
			x.counters.Repaired++
		}
	default:
		x.counters.Unasked++
	}
	r.goOn(now, x)
}

// compare finds what another lacks. Whoever has no room is given nothing: it has
// drawn its lots.
func (r *shelfRepair) compare(now time.Time, x *Index, to wire.Member, s wire.Shelf) {
	f := x.shelves.at(now, r.key)
	if f == nil || s.Full {
		return
	}
	theirs := map[[8]byte]uint64{}
	for _, slip := range s.List() {
		theirs[slip.Holder] = slip.Sequence
	}
	for _, e := range f.entries {
		if has, ok := theirs[e.slip.Holder]; !ok || newerSlip(e.slip.Sequence, has) {
			r.give = append(r.give, gift{to, e.slip.Holder})
		}
	}
	if len(r.give) > 0 && r.state == sampling {
		r.state = spreading
		r.askSome(now, x)
	}
}

func (r *shelfRepair) silent(now time.Time, x *Index, a *ask) {
	x.cfg.Members.Unanswered(now, a.to)
	r.open = r.open.without(a)
	r.goOn(now, x)
}

func (r *shelfRepair) lost(wire.Index) {}

func (r *shelfRepair) due() time.Time {
	return earlier(r.end, r.open.due())
}

func (r *shelfRepair) advance(now time.Time, x *Index) {
	if !passed(r.end, now) {
		x.advanceAsks(now, r.open)
		return
	}
	for _, a := range r.open {
		x.giveUp(a)
	}
	r.open, r.give = nil, nil
	r.goOn(now, x)
}
