package overlay

import (
	"math/bits"
	"slices"
	"time"
	"unique"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Where there are too many supernodes for each to know all, a table has a few
// hundred: the routing table of Kademlia (P. Maymounkov, D. Mazieres: Kademlia, a
// peer-to-peer information system based on the XOR metric, IPTPS 2002). A branch,
// Kademlia's bucket, has those whose places have exactly so many leading bits in
// common with ours: the first is half of the network, each next one half of what
// is left. Of a branch far from us bucketSize are kept; of those near us all that
// can keep a record with us: where fewer than bucketSize are nearer to us than a
// branch is, the whole of it is wanted (see near). They are our leaves.
//
// The rows lie in the table, by place, like those of a whole membership: what is
// left out of a table with all makes a table of Kademlia.
const (
	// bucketSize is Kademlia's k, as many as keep a record: half of them may vanish
	// at once, and a search still comes through.
	bucketSize = Neighbourhood
	// maxLeaves bounds a branch of which all are wanted. By chance alone it is
	// never reached: places are hashes.
	maxLeaves = 64
	// maxSpare bounds those who wait for a place in a branch that is full.
	maxSpare = 8
	// askPause is how often one of a full branch is asked because another has come.
	askPause = time.Minute
	// branchQuota is how many of one address prefix a branch takes, unless the
	// prefix is exempt: who rents a network shall not fill it.
	branchQuota = 2
)

// routes is what there is beside the rows. The zero value is that of a whole
// membership.
type routes struct {
	branches []branch // by the number of leading bits in common with our place
	trials   []trial  // who shall prove that it is where it says
	after    wire.Place
	turn     int // counts whom we tend
	size     size
	verdicts verdicts

	tend   time.Time // when somebody is asked whether it is there; set while the scope is not whole
	look   time.Time // when our own place is looked for; likewise
	meet   time.Time // widening: before this no fellow is dialled
	resize time.Time // when the scope is looked at; set when the table is full, and while it is not whole
	small  time.Time // since when the network is small enough to know all; zero: it is not

	said []identity.ID // fellows of whom a newcomer has heard that they know a part only; at most sayPartial
}

// branch is what is known of a branch beside its rows.
type branch struct {
	order  []wire.Place // of its rows, the least recently heard from first
	spare  []row        // who came while there was no room, the latest last; before it gets in it is asked
	asked  time.Time    // when somebody was last asked because there was no room
	looked time.Time    // when a search last went there
}

// depth returns how many leading bits two places have in common: of whom is at p
// the branch.
func depth(own, p wire.Place) int { return bits.LeadingZeros64(uint64(own ^ p)) }

// maxDepth is the number of branches: nobody else stands at our place.
const maxDepth = 64

// branchOf returns where the rows of a branch of own lie.
func (t *table) branchOf(own wire.Place, d int) (lo, hi int) {
	one := wire.Place(1) << (maxDepth - 1 - d)
	return t.within((own^one)&^(one-1), one)
}

// within returns where the rows lie whose places are from first on, size of them.
func (t *table) within(first, size wire.Place) (lo, hi int) {
	lo, _ = t.search(first)
	if end := first + size; end > first {
		hi, _ = t.search(end)
		return lo, hi
	}
	return lo, len(t.rows)
}

// leafy reports whether all of a branch are wanted: fewer than bucketSize, own
// included, are nearer to it.
func (t *table) leafy(own wire.Place, d int) bool {
	one := wire.Place(1) << (maxDepth - 1 - d)
	lo, hi := t.within(own&^(one-1), one)
	return !t.atLeast(lo, hi, bucketSize)
}

// capacity returns how many rows a branch may have.
func (t *table) capacity(own wire.Place, d int) int {
	if t.leafy(own, d) {
		return maxLeaves
	}
	return bucketSize
}

// leaves returns where the rows lie of all leafy branches; ourselves among them.
func (t *table) leaves(own wire.Place) (lo, hi int) {
	for d := range maxDepth {
		if t.leafy(own, d) {
			one := wire.Place(1) << (maxDepth - 1 - d)
			return t.within(own&^(one<<1-1), one<<1)
		}
	}
	return len(t.rows), len(t.rows)
}

// prune leaves out of a table what a table of Kademlia has no room for. Who stays
// is drawn: whoever could choose would choose itself.
func (t *table) prune(own wire.Place, draw func(int) int) {
	drop := make([]bool, len(t.rows))
	for d := range maxDepth {
		lo, hi := t.branchOf(own, d)
		var list []int
		for i := lo; i < hi; i++ {
			if drop[i] = !t.lives(i); !drop[i] {
				list = append(list, i)
			}
		}
		room := t.capacity(own, d)
		for ; len(list) > room; list = list[:len(list)-1] {
			i := draw(len(list))
			drop[list[i]] = true
			list[i] = list[len(list)-1]
		}
	}
	for i := range t.rows {
		if drop[i] {
			t.discount(i)
		}
	}
	t.leaveOut(func(i int) bool { return drop[i] })
	t.graves, t.vacant = nil, 0
}

// discount takes a row that is left out from the sums, if it counts there.
func (t *table) discount(i int) {
	if t.lives(i) {
		t.count(&t.rows[i], -1)
	}
}

// remove forgets the row at a place.
func (t *table) remove(p wire.Place) {
	if i, ok := t.search(p); ok && t.died(i) != vacancy {
		t.own()
		t.discount(i)
		t.acquit(i)
		t.rows = slices.Delete(t.rows, i, i+1)
		if t.marks != nil {
			t.marks = slices.Delete(t.marks, i, i+1)
		}
	}
}

// branch returns what is known of the branch of p.
func (o *Overlay) branch(p wire.Place) *branch {
	d := depth(o.place, p)
	for len(o.routes.branches) <= d {
		o.routes.branches = append(o.routes.branches, branch{})
	}
	return &o.routes.branches[d]
}

// reorder makes the branches anew from the rows: our place, or all of the table,
// has changed.
func (o *Overlay) reorder() {
	o.routes.branches = nil
	for i := range o.table.rows {
		if r := &o.table.rows[i]; r.place != o.place && o.table.lives(i) {
			b := o.branch(r.place)
			b.order = append(b.order, r.place)
		}
	}
	for i := range o.routes.branches {
		order := o.routes.branches[i].order
		o.rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
}

// touch notes that the one at p has been heard from.
func (o *Overlay) touch(p wire.Place) {
	b := o.branch(p)
	if i := slices.Index(b.order, p); i >= 0 {
		b.order = append(slices.Delete(b.order, i, i+1), p)
	}
}

// seat takes whoever has proved itself into the table, or lets it wait there.
func (o *Overlay) seat(now time.Time, r row) {
	old := o.table.find(r.place)
	switch {
	case r.place == o.place:
		return
	case old != nil:
		if r.incarnation > old.incarnation {
			o.table.put(r)
		}
		o.touch(r.place)
		return
	case o.crowdsBranch(&r):
		o.counters.Refusals.Quota++
		return
	}
	if !o.hasRoom(r.place) {
		o.wait(now, r)
		return
	}
	b := o.branch(r.place)
	b.spare = slices.DeleteFunc(b.spare, func(s row) bool { return s.place == r.place })
	o.table.put(r)
	b.order = append(b.order, r.place)
	o.counters.Met++
	o.changed(r.place)
	o.trim(now)
}

// crowdsBranch reports whether there are enough of r's prefix already, in its
// branch or in all.
func (o *Overlay) crowdsBranch(r *row) bool {
	if o.exempted(r.member().Addr.Addr()) {
		return false
	}
	lo, hi := o.table.branchOf(o.place, depth(o.place, r.place))
	n := 0
	for i := lo; i < hi; i++ {
		if o.table.rows[i].prefix == r.prefix && o.table.lives(i) {
			n++
		}
	}
	return n >= branchQuota || o.overQuota(r.member())
}

// hasRoom reports whether the branch of p takes one more.
func (o *Overlay) hasRoom(p wire.Place) bool {
	d := depth(o.place, p)
	lo, hi := o.table.branchOf(o.place, d)
	return hi-lo < o.table.capacity(o.place, d)
}

// wait notes who may take the place of one that is lost, and asks the least
// recently heard from whether it is there: who has been there long stays.
func (o *Overlay) wait(now time.Time, r row) {
	b := o.branch(r.place)
	b.spare = slices.DeleteFunc(b.spare, func(s row) bool { return s.place == r.place })
	if len(b.spare) == maxSpare {
		b.spare = slices.Delete(b.spare, 0, 1)
	}
	b.spare = append(b.spare, r)
	if len(b.order) > 0 && now.Sub(b.asked) > askPause {
		b.asked = now
		o.suspect(now, b.order[0], 0)
	}
}

// trim makes spares of the rows that a branch has no room for any more, because
// there are enough who are nearer to us.
func (o *Overlay) trim(now time.Time) {
	for d := range o.routes.branches {
		b := &o.routes.branches[d]
		for room := o.table.capacity(o.place, d); len(b.order) > room; {
			i := o.rand.IntN(len(b.order))
			if r := o.table.find(b.order[i]); r != nil {
				b.spare = append(b.spare[max(0, len(b.spare)+1-maxSpare):], *r)
				o.changed(r.place)
				o.table.remove(b.order[i])
			}
			b.order = slices.Delete(b.order, i, i+1)
		}
	}
}

// lose forgets one that keeps silent. Who waits for its place is asked first: it
// may have gone as well.
func (o *Overlay) lose(now time.Time, p wire.Place) {
	if o.table.find(p) == nil || p == o.place {
		return
	}
	d := depth(o.place, p)
	leaf := o.table.leafy(o.place, d)
	b := o.branch(p)
	b.order = slices.DeleteFunc(b.order, func(q wire.Place) bool { return q == p })
	o.changed(p)
	o.table.remove(p)
	o.counters.Died++
	o.mourn()
	o.routes.verdicts.note(now, silent)
	for _, s := range slices.Backward(b.spare) {
		o.tryRoute(now, s)
	}
	b.spare = nil
	if leaf {
		o.rushLeaves(now)
	}
}

// contactOf returns where the one of a row is, and who.
func contactOf(r *row) wire.Contact { return wire.Contact{Place: r.place, Member: r.member()} }

// routeRow returns the row of an announcement.
func routeRow(p wire.Place, a wire.Announcement, raw []byte) row {
	return rowOf(p, a.Incarnation, a.Member, raw)
}

// sameNews reports whether r is that of these bytes.
func (r *row) sameNews(raw []byte) bool { return r.news == unique.Make(string(raw)) }
