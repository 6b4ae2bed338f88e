package overlay

import (
	"math/bits"
	"slices"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Nearest returns the n live supernodes nearest to key by XOR, ourselves
// included, the nearest first.
func (o *Overlay) Nearest(key identity.IndexKey, n int) []wire.Member {
	if n <= 0 || !o.cfg.Supernode {
		return nil
	}
	var room [2 * few]int
	rows := o.table.nearest(room[:0], placeOfKey(key), n)
	ms := make([]wire.Member, len(rows))
	for i, at := range rows {
		ms[i] = o.table.rows[at].member()
	}
	return ms
}

// NearestPlaces returns the places of the n live supernodes nearest to key.
func (o *Overlay) NearestPlaces(key identity.IndexKey, n int) []wire.Place {
	var room [2 * few]int
	ps := make([]wire.Place, 0, n)
	for _, at := range o.table.nearest(room[:0], placeOfKey(key), n) {
		ps = append(ps, o.table.rows[at].place)
	}
	return ps
}

// Left returns the n supernodes nearest to a key of those who are left, ourselves
// included, the nearest first: without those whom we find dead ourselves, though
// others have not said so yet. Whoever sees to it that what the dead kept is kept
// can wait for nobody's word.
func (o *Overlay) Left(key identity.IndexKey, n int) []wire.Member {
	var room [2 * few]int
	rows := o.left(room[:0], placeOfKey(key), n)
	ms := make([]wire.Member, len(rows))
	for i, at := range rows {
		ms[i] = o.table.rows[at].member()
	}
	return ms
}

// left appends the indices of the n rows nearest to p that are left.
func (o *Overlay) left(dst []int, p wire.Place, n int) []int {
	for more := 0; ; more = 2*more + few {
		dst = o.table.nearest(dst[:0], p, n+more)
		all := len(dst) < n+more
		if len(o.table.dying) > 0 {
			dst = slices.DeleteFunc(dst, func(at int) bool { x := o.table.dyingAt(at); return x != nil && x.ours })
		}
		if all || len(dst) >= n {
			return dst[:min(len(dst), n)]
		}
	}
}

// Keepers returns a fingerprint of those of the Neighbourhood of a key who are Left,
// and which of them we are, from 0; -1: none. It tells whether they are others than
// before without naming them: a supernode asks so for every record that it keeps.
func (o *Overlay) Keepers(key identity.IndexKey) (print uint32, rank int) {
	var room [2 * few]int
	rank = -1
	for i, at := range o.left(room[:0], placeOfKey(key), Neighbourhood) {
		p := o.table.rows[at].place // a hash
		print += uint32(p)
		if p == o.place {
			rank = i
		}
	}
	return print, rank
}

// nearest appends the indices of the n live rows nearest to p, the nearest
// first.
func (t *table) nearest(dst []int, p wire.Place, n int) []int {
	return t.descend(dst, p, n, 0, len(t.rows), 63)
}

// among reports whether own is one of the n live places nearest to p. For most it
// is far from that: then the half of the table in which p is, of the smallest part
// that holds both, has n others.
func (t *table) among(own, p wire.Place, n int) bool {
	if own == p {
		return true
	}
	bit := 63 - bits.LeadingZeros64(uint64(own^p))
	one := wire.Place(1) << bit
	lo, _ := t.search(p &^ (one - 1))
	hi := len(t.rows)
	if end := p&^(one-1) + one; end != 0 {
		hi, _ = t.search(end)
	}
	if t.atLeast(lo, hi, n) {
		return false
	}
	var room [2 * few]int
	return slices.ContainsFunc(t.nearest(room[:0], p, n), func(at int) bool { return t.rows[at].place == own })
}

// vicinity returns where all rows lie to whose places own may be among the n
// nearest: the smallest part of the table outside of which each half that own is
// not in has n others.
func (t *table) vicinity(own wire.Place, n int) (lo, hi int) {
	for d := range maxDepth {
		if lo, hi = t.branchOf(own, d); !t.atLeast(lo, hi, n) {
			one := wire.Place(1) << (maxDepth - 1 - d)
			return t.within(own&^(one<<1-1), one<<1)
		}
	}
	return len(t.rows), len(t.rows)
}

// few is how many rows are sorted rather than divided further.
const few = 24

// descend looks in the rows from lo until hi, whose places have all bits above
// bit in common: those that share p's bit are nearer than all that do not.
func (t *table) descend(dst []int, p wire.Place, n, lo, hi, bit int) []int {
	if hi-lo <= few || bit < 0 {
		return t.gather(dst, p, n, lo, hi)
	}
	one := wire.Place(1) << bit
	split := lo + t.firstOne(lo, hi, one)
	if p&one != 0 {
		dst = t.descend(dst, p, n, split, hi, bit-1)
	} else {
		dst = t.descend(dst, p, n, lo, split, bit-1)
	}
	switch {
	case len(dst) >= n:
		return dst
	case p&one != 0:
		return t.descend(dst, p, n, lo, split, bit-1)
	}
	return t.descend(dst, p, n, split, hi, bit-1)
}

// firstOne returns how many of the rows have the bit one clear; they come first.
func (t *table) firstOne(lo, hi int, one wire.Place) int {
	first, end := lo, hi
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if t.rows[mid].place&one == 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return min(lo, end) - first
}

// gather sorts the live rows from lo until hi by their distance, and appends as
// many as are missing.
func (t *table) gather(dst []int, p wire.Place, n, lo, hi int) []int {
	from := len(dst)
	for i := lo; i < hi; i++ {
		if t.lives(i) {
			dst = append(dst, i)
		}
	}
	slices.SortFunc(dst[from:], func(a, b int) int {
		if t.rows[a].place^p < t.rows[b].place^p {
			return -1
		}
		return 1
	})
	return dst[:min(len(dst), n)]
}

// Neighbourhood is how many of the nearest make the neighbourhood of a key: as
// many as keep its record.
const Neighbourhood = 16

// near reports whether a change at p can concern a record that belongs to us:
// whether p and our own place can be together among the nearest to any key. Where
// both halves of the smallest part of the table that holds both have a
// neighbourhood's worth of members each, no key has both that near.
func (t *table) near(own, p wire.Place) bool {
	if own == p {
		return true
	}
	bit := 63 - bits.LeadingZeros64(uint64(own^p))
	one := wire.Place(1) << bit
	base := own &^ (one<<1 - 1)
	lo, _ := t.search(base)
	split, _ := t.search(base | one)
	hi := len(t.rows)
	if end := base + one<<1; end > base {
		hi, _ = t.search(end)
	}
	return !t.atLeast(lo, split, Neighbourhood) || !t.atLeast(split, hi, Neighbourhood)
}

// atLeast reports whether n of the rows from lo until hi live.
func (t *table) atLeast(lo, hi, n int) bool {
	for i := lo; i < hi && n > 0; i++ {
		if t.lives(i) {
			n--
		}
	}
	return n <= 0
}

// Members returns the supernodes that count as live, ourselves included; a
// phone returns its host cache.
func (o *Overlay) Members() []wire.Member {
	if !o.cfg.Supernode {
		return o.Cache()
	}
	ms := make([]wire.Member, 0, o.table.live)
	for i := range o.table.rows {
		if o.table.lives(i) {
			ms = append(ms, o.table.rows[i].member())
		}
	}
	return ms
}

// Known returns how many supernodes count as live; for a phone, how many its
// host cache has.
func (o *Overlay) Known() int {
	if !o.cfg.Supernode {
		return len(o.cache.entries)
	}
	return o.table.live
}

// someMembers returns up to n live members at random to tell to another node,
// ourselves, the other and suspects left out.
func (o *Overlay) someMembers(but identity.ID, n int) []wire.Member {
	var ms []wire.Member
	for _, at := range o.table.sample(o.rand.IntN, n+2) {
		r := &o.table.rows[at]
		if m := r.member(); r.place != o.place && m.Node != but && !o.doubted(r.place) {
			ms = append(ms, m)
		}
	}
	return ms[:min(len(ms), n)]
}

// Some returns up to n live supernodes at random, without ourselves. A phone
// knows none for sure.
func (o *Overlay) Some(n int) []wire.Member {
	var ms []wire.Member
	for _, at := range o.table.sample(o.rand.IntN, n+1) {
		if r := &o.table.rows[at]; r.place != o.place && len(ms) < n {
			ms = append(ms, r.member())
		}
	}
	return ms
}

// HasMember reports whether the node with this ID is a live supernode, as far as
// a supernode knows. Who knows a part of them only cannot tell, and believes it.
func (o *Overlay) HasMember(id identity.ID) bool {
	return o.scope != whole || o.table.ofNode(id) != nil
}

// sample returns the indices of up to n live rows at random, each once.
func (t *table) sample(draw func(int) int, n int) []int {
	var list []int
	if t.live <= 4*n {
		for i := range t.rows {
			if t.lives(i) {
				list = append(list, i)
			}
		}
		for i := range min(n, len(list)) {
			j := i + draw(len(list)-i)
			list[i], list[j] = list[j], list[i]
		}
		return list[:min(n, len(list))]
	}
	for len(list) < n {
		if i := draw(len(t.rows)); t.lives(i) && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	return list
}
