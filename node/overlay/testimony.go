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
	// mostDying bounds them and those whom we find dead, and who have said good-bye:
	// a mark has no more numbers.
	mostDying = 1<<16 - 1
)

// dying is a member about whom there is testimony, whom we find dead, or who died of
// it lately.
type dying struct {
	incarnation uint32
	since       uint16            // minutes, as mark has them
	count       uint8             // of the witnesses
	ours        bool              // we find it dead, whether we have said so or not
	proof       [witnesses]uint32 // 1 + number of the word of each, or of a farewell; 0: none
}

// dyingAt returns what speaks against the member of row i; nil: nothing does. It is
// valid until something speaks against another one.
func (t *table) dyingAt(i int) *dying {
	if t.marks == nil || t.marks[i].dying == 0 {
		return nil
	}
	return &t.dying[t.marks[i].dying-1]
}

// dyingOf does so of the member at p.
func (t *table) dyingOf(p wire.Place) *dying {
	if len(t.dying) == len(t.free) {
		return nil // as is mostly so
	}
	if i, ok := t.search(p); ok {
		return t.dyingAt(i)
	}
	return nil
}

// accuse returns what speaks against an incarnation of the member of row i, to be
// written to; what was said of another one is forgotten. It is nil when something
// speaks against mostDying, which is more than open lets through.
func (t *table) accuse(i int, incarnation uint32) *dying {
	m := t.mark(i)
	switch n := len(t.free); {
	case m.dying != 0:
	case n > 0:
		m.dying, t.free = t.free[n-1], t.free[:n-1]
	case len(t.dying) == mostDying:
		return nil
	default:
		t.dying = append(t.dying, dying{})
		m.dying = uint16(len(t.dying))
	}
	x := &t.dying[m.dying-1]
	if x.incarnation != incarnation {
		t.words.drop(x)
		*x = dying{incarnation: incarnation}
	}
	return x
}

// acquit forgets what speaks against the member of row i.
func (t *table) acquit(i int) {
	if t.marks == nil || t.marks[i].dying == 0 {
		return
	}
	m := &t.marks[i]
	t.words.drop(&t.dying[m.dying-1])
	t.dying[m.dying-1] = dying{}
	t.free = append(t.free, m.dying)
	m.dying = 0
}

// acquitAll forgets what speaks against anybody.
func (t *table) acquitAll() {
	for i := range t.marks {
		t.marks[i].dying = 0
	}
	t.dying, t.free, t.words = nil, nil, words{}
}

// by reports whether a witness is one of those who make the death.
func (t *table) by(d *dying, witness wire.Place) bool {
	for _, proof := range d.proof[:d.count] {
		if t.words.list[proof-1].witness == witness {
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
	open, by := o.matters(now, c), o.table.alive(c.witness)
	switch {
	case open == 0, by == nil: // who bears our own death may be dead to us
		return false
	case o.strikes[c.witness] >= maxStrikes:
		o.counters.Refusals.Struck++
		return false
	case !o.cfg.Verify(by.node(), wire.NewsMessage(n), c.signature):
		o.counters.Refusals.Forged++
		return false
	}
	proof := unique.Make(string(raw))
	o.keep(proof)
	number := o.table.words.add(proof, c.witness)
	for i := range c.dead.Len() {
		if open&(1<<i) == 0 {
			continue
		}
		if d := c.dead.At(i); o.open(c.witness, d) { // still: it may be named twice
			o.bearWitness(now, d, number)
		}
	}
	return true
}

// matters returns for which of the deaths a word makes a difference, a bit for each,
// and refutes our own death.
func (o *Overlay) matters(now time.Time, c claim) (open uint32) {
	for i := range c.dead.Len() {
		d := c.dead.At(i)
		if d.Of == o.place {
			o.refute(now, d.Incarnation)
			continue
		}
		if o.open(c.witness, d) {
			open |= 1 << i
		}
	}
	return open
}

// open reports whether the word of one more witness counts for a death. An incarnation
// that nobody has announced could not be refuted.
func (o *Overlay) open(witness wire.Place, d wire.Death) bool {
	t := &o.table
	i, known := t.search(d.Of)
	if !known || !t.lives(i) || d.Of == witness || d.Of == o.place || d.Incarnation != t.rows[i].incarnation {
		return false
	}
	x := t.dyingAt(i)
	switch {
	case x == nil:
		return len(t.dying)-len(t.free) < maxDying
	case x.incarnation != d.Incarnation:
		return true
	}
	return x.count < witnesses && !t.by(x, witness)
}

// bearWitness adds the word with this number to those of a death.
func (o *Overlay) bearWitness(now time.Time, d wire.Death, number uint32) {
	i, _ := o.table.search(d.Of)
	x := o.table.accuse(i, d.Incarnation)
	o.table.words.cite(x, x.count, number)
	x.count++
	x.since = o.table.minute(now)
	if r := &o.table.rows[i]; int(x.count) >= o.enough() {
		o.died(now, r)
	} else {
		o.inquire(now, r)
	}
}

// revived holds to account who bore witness against a member that lives.
func (o *Overlay) revived(p wire.Place, incarnation uint32) {
	d := o.table.dyingOf(p)
	if d == nil || incarnation <= d.incarnation {
		return
	}
	for _, proof := range d.proof[:d.count] {
		if by := o.table.words.list[proof-1].witness; o.strikes[by] < maxStrikes {
			o.strikes[by]++
		}
	}
	i, _ := o.table.search(p)
	o.table.acquit(i)
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
		if x := o.table.dyingAt(i); x != nil && x.ours && o.table.lives(i) {
			left--
		}
	}
	return max(1, min(witnesses, left))
}

// testified reports whether we find the member at p dead.
func (o *Overlay) testified(p wire.Place) bool {
	d := o.table.dyingOf(p)
	return d != nil && d.ours
}

// dies reports whether we or others find the member at p dead.
func (o *Overlay) dies(p wire.Place) bool {
	d := o.table.dyingOf(p)
	return d != nil && (d.ours || d.count > 0)
}

// buryTogether makes a death of what now has witnesses enough: where several die
// at once there are fewer left to bear witness.
func (o *Overlay) buryTogether(now time.Time) {
	if o.table.live > maxMesh {
		return
	}
	need := o.enough()
	for i := range o.table.rows {
		if x := o.table.dyingAt(i); x != nil && o.table.lives(i) && int(x.count) >= need {
			o.died(now, &o.table.rows[i])
		}
	}
}
