package overlay

import (
	"time"
	"unique"

	"peerphone/node/wire"
)

const (
	// A member is dead when as many others bear witness, or all who are left in a
	// network that has fewer.
	witnesses = 3
	// A witness whose word was refuted as often as maxStrikes counts for nothing;
	// each strikeEvery one is forgotten.
	maxStrikes  = 3
	strikeEvery = time.Minute
	// maxDying bounds the members about whom there is testimony.
	maxDying = wire.Buckets * 128
)

// dying is a member about whom there is testimony, whom we find dead, or who died of
// it lately.
type dying struct {
	incarnation uint32
	since       uint16                           // minutes, as table has them
	count       uint8                            // of the witnesses
	ours        bool                             // we find it dead, whether we have said so or not
	proof       [witnesses]unique.Handle[string] // their words, or a farewell
}

// by reports whether a witness is one of those who make the death.
func (d *dying) by(witness wire.Place) bool {
	for _, proof := range d.proof[:d.count] {
		if p, _ := wire.WitnessOf(proof.Value()); p == witness {
			return true
		}
	}
	return false
}

// claim is the word of a witness, on one or on several.
type claim struct {
	witness   wire.Place
	dead      wire.Deaths
	signature []byte
}

// takeWord takes the word of a witness, if it makes a difference to one of those of
// whom it is.
func (o *Overlay) takeWord(now time.Time, c claim, n wire.News, raw []byte) bool {
	by := o.table.alive(c.witness)
	switch {
	case !o.matters(now, c), by == nil: // who bears our own death may be dead to us
		return false
	case o.strikes[c.witness] >= maxStrikes:
		o.counters.Refusals.Struck++
		return false
	case !o.cfg.Verify(by.member().Node, wire.NewsMessage(n), c.signature):
		o.counters.Refusals.Forged++
		return false
	}
	proof := unique.Make(string(raw))
	o.keep(proof)
	for i := range c.dead.Len() {
		if d := c.dead.At(i); o.open(c.witness, d) {
			o.bearWitness(now, d, proof)
		}
	}
	return true
}

// matters reports whether a word makes a difference, and refutes our own death.
func (o *Overlay) matters(now time.Time, c claim) bool {
	open := false
	for i := range c.dead.Len() {
		d := c.dead.At(i)
		if d.Of == o.place {
			o.refute(now, d.Incarnation)
			continue
		}
		open = open || o.open(c.witness, d)
	}
	return open
}

// open reports whether the word of one more witness counts for a death. An incarnation
// that nobody has announced could not be refuted.
func (o *Overlay) open(witness wire.Place, d wire.Death) bool {
	r := o.table.alive(d.Of)
	if r == nil || d.Of == witness || d.Of == o.place || d.Incarnation != r.incarnation {
		return false
	}
	x, known := o.dying[d.Of]
	switch {
	case !known:
		return len(o.dying) < maxDying
	case x.incarnation != d.Incarnation:
		return true
	}
	return x.count < witnesses && !x.by(witness)
}

// bearWitness adds a proof to those of a death.
func (o *Overlay) bearWitness(now time.Time, d wire.Death, proof unique.Handle[string]) {
	x := o.dying[d.Of]
	if x.incarnation != d.Incarnation {
		x = dying{incarnation: d.Incarnation}
	}
	x.proof[x.count] = proof
	x.count++
	x.since = o.table.minute(now)
	o.dying[d.Of] = x
	if r := o.table.alive(d.Of); int(x.count) >= o.enough() {
		o.died(now, r)
	} else {
		o.inquire(now, r)
	}
}

// revived holds to account who bore witness against a member that lives.
func (o *Overlay) revived(p wire.Place, incarnation uint32) {
	d, ok := o.dying[p]
	if !ok || incarnation <= d.incarnation {
		return
	}
	delete(o.dying, p)
	for _, proof := range d.proof[:d.count] {
		if by, _ := wire.WitnessOf(proof.Value()); o.strikes[by] < maxStrikes {
			o.strikes[by]++
		}
	}
}

// enough returns how many witnesses make a death here: three, but in a small
// network no more than there are members whom we do not find dead ourselves. What
// others say makes it no fewer, so that a liar cannot.
func (o *Overlay) enough() int {
	if o.table.live > maxMesh {
		return witnesses
	}
	left := o.table.live
	for i := range o.table.rows {
		if r := &o.table.rows[i]; r.died == 0 && o.testified(r.place) {
			left--
		}
	}
	return max(1, min(witnesses, left))
}

// testified reports whether we find the member at p dead.
func (o *Overlay) testified(p wire.Place) bool { return o.dying[p].ours }

// dies reports whether we or others find the member at p dead.
func (o *Overlay) dies(p wire.Place) bool {
	d := o.dying[p]
	return d.ours || d.count > 0
}

// buryTogether makes a death of what now has witnesses enough: where several die
// at once there are fewer left to bear witness.
func (o *Overlay) buryTogether(now time.Time) {
	if o.table.live > maxMesh {
		return
	}
	need := o.enough()
	for i := range o.table.rows {
		if r := &o.table.rows[i]; r.died == 0 && int(o.dying[r.place].count) >= need {
			o.died(now, r)
		}
	}
}
