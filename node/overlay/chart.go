package overlay

import (
	"slices"

	"peerphone/node/wire"
)

// Chart has the places of all supernodes of a network. From it the tables are
// drawn that they have of each other when the network has been there for long: for
// simulations of networks too large to run everybody's Overlay.
type Chart struct{ all table }

// NewChart returns the chart of places, of which no two are equal.
func NewChart(places []wire.Place) *Chart {
	c := &Chart{all: table{rows: make([]row, len(places)), live: len(places)}}
	for i, p := range places {
		c.all.rows[i].place = p
	}
	slices.SortFunc(c.all.rows, func(a, b row) int {
		if a.place < b.place {
			return -1
		}
		return 1
	})
	return c
}

// Place returns the place with this number, in their order.
func (c *Chart) Place(i int) wire.Place { return c.all.rows[i].place }

// Number returns the number of a place; -1: nobody stands there.
func (c *Chart) Number(p wire.Place) int {
	if i, ok := c.all.search(p); ok {
		return i
	}
	return -1
}

// Nearest returns the numbers of the n places nearest to p, the nearest first.
func (c *Chart) Nearest(p wire.Place, n int) []int { return c.all.nearest(nil, p, n) }

// Excerpt is the table of one supernode. The zero value is ready for Draw.
type Excerpt struct{ t table }

// Draw fills e with the table that the one at own has when it has settled: all its
// leaves, and of each other branch as many as it takes, any of them.
func (c *Chart) Draw(e *Excerpt, own wire.Place, draw func(int) int) {
	e.t.rows = append(e.t.rows[:0], row{place: own})
	for d := range maxDepth {
		lo, hi := c.all.branchOf(own, d)
		first := len(e.t.rows)
		room := c.all.capacity(own, d)
		for i := lo; hi-lo <= room && i < hi; i++ {
			e.t.rows = append(e.t.rows, row{place: c.all.rows[i].place})
		}
		for hi-lo > room && len(e.t.rows) < first+room {
			r := row{place: c.all.rows[lo+draw(hi-lo)].place}
			if !slices.ContainsFunc(e.t.rows[first:], func(x row) bool { return x.place == r.place }) {
				e.t.rows = append(e.t.rows, r)
			}
		}
		one := wire.Place(1) << (maxDepth - 1 - d)
		if lo, hi := c.all.within(own&^(one-1), one); hi-lo <= 1 {
			break // nobody is nearer
		}
	}
	slices.SortFunc(e.t.rows, func(a, b row) int {
		if a.place < b.place {
			return -1
		}
		return 1
	})
	e.t.live = len(e.t.rows)
}

// Toward returns the n places nearest to p that the table has, its own included.
func (e *Excerpt) Toward(p wire.Place, n int) []wire.Place {
	var ps []wire.Place
	for _, at := range e.t.nearest(nil, p, n) {
		ps = append(ps, e.t.rows[at].place)
	}
	return ps
}
