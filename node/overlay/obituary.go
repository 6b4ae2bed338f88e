package overlay

import (
	"slices"
	"time"

	"peerphone/node/wire"
)

// Three witnesses make a death, and twenty or thirty find it out when many die: the
// fellows of the dead, and all near its place. If each said so at once, everybody would
// be told ten times as much as it needs, of thousands. So what one finds out is gathered
// for a moment and said in one word; and in an unrest those speak first whose places are
// nearest, who find the same dead, and the others only of whom is not buried by then.
const (
	// sayWait is how long findings are gathered: those of a muster are as far apart as its
	// questions.
	sayWait = 2 * musterSpread
	// spokesmen are how many speak at once: of six some may be silent, or liars. As
	// many more do after each sayAfter; mostRanks times that is the longest.
	spokesmen = 6
	sayAfter  = 3 * time.Second
	mostRanks = 2
	// maxFindings bounds whom we have found dead and not said so.
	maxFindings = 512
)

// finding is a member that we have found dead.
type finding struct {
	wire.Death
	since time.Time
	due   time.Time // when we may say so
}

// findings are those that have not been said.
type findings struct {
	list []finding // by age
	at   time.Time // when the first of them is due; zero: there is none
}

// find notes that we find a member dead. In a small network each word counts, and is
// said at once.
func (o *Overlay) find(now time.Time, p wire.Place, incarnation uint32) {
	i, _ := o.table.search(p)
	x := o.table.accuse(i, incarnation)
	if x == nil {
		return
	}
	x.ours, x.since = true, o.table.minute(now)
	death := wire.Death{Of: p, Incarnation: incarnation}
	if o.table.live <= maxMesh {
		o.say(now, wire.AppendDeath(nil, death))
		return
	}
	if f := &o.findings; len(f.list) < maxFindings {
		f.list = append(f.list, finding{death, now, now.Add(sayWait)})
		f.at = earlier(f.at, now.Add(sayWait))
	}
}

// advanceFindings says whom we have found dead, as far as it is our turn and others
// have not buried it.
func (o *Overlay) advanceFindings(now time.Time) {
	f := &o.findings
	if !passed(f.at, now) {
		return
	}
	var dead wire.Deaths
	f.list = slices.DeleteFunc(f.list, func(x finding) bool {
		switch r := o.table.alive(x.Of); {
		case r == nil, r.incarnation != x.Incarnation:
			return true
		case x.due.Sub(now) > sayWait/2, o.turnToSay(x).After(now):
			return false
		}
		dead = wire.AppendDeath(dead, x.Death)
		return true
	})
	f.at = time.Time{}
	for i := range f.list {
		x := &f.list[i]
		if !x.due.After(now) {
			x.due = o.turnToSay(*x).Add(o.jitter(sayWait))
		}
		f.at = earlier(f.at, x.due)
	}
	for page := range slices.Chunk(dead, wire.MaxDead*wire.DeathSize) {
		o.say(now, page)
	}
}

// turnToSay returns from when we say that a member is dead: in an unrest those who are
// left nearest to it do so first.
func (o *Overlay) turnToSay(x finding) time.Time {
	if !o.muster.until.After(x.since) {
		return x.since
	}
	var room [2 * few]int
	ranks := 0
	for i, at := range o.left(room[:0], x.Of, spokesmen*mostRanks) {
		if ranks = i / spokesmen; o.table.rows[at].place == o.place {
			return x.since.Add(time.Duration(ranks) * sayAfter)
		}
	}
	return x.since.Add(mostRanks * sayAfter)
}

// say bears witness that some are dead.
func (o *Overlay) say(now time.Time, dead wire.Deaths) {
	var n wire.News
	if dead.Len() == 1 {
		d := dead.At(0)
		t := wire.Testimony{Of: d.Of, Incarnation: d.Incarnation, Witness: o.place}
		t.Signature = o.self.Sign(wire.NewsMessage(t))
		n = t
	} else {
		b := wire.Obituary{Witness: o.place, Dead: dead}
		b.Signature = o.self.Sign(wire.NewsMessage(b))
		n = b
	}
	o.take(now, n, wire.AppendNews(nil, n))
}
