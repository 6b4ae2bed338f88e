package overlay

import "time"

// plea is how a phone that has too few homes asks those it has for the names of
// others: after most supernodes have died it may know nobody else who lives. The zero
// value has not asked.
type plea struct {
	next  time.Time // not before; set when we ask, cleared when there are enough homes
	pause time.Duration
}

// plead asks a home, when nobody is left who was not tried in vain: soon again at
// first, for it names a few at random, then ever more seldom, for there may be no
// others.
func (o *Overlay) plead(now time.Time) {
	homes := o.homeLinks()
	if len(homes) == 0 || o.plea.next.After(now) {
		return
	}
	o.plea.pause = min(max(newsPause, 2*o.plea.pause), newsEvery)
	o.plea.next = now.Add(o.plea.pause)
	l := homes[o.rand.IntN(len(homes))]
	if l.home == home && l.pulse.tries == 0 {
		o.news = now
		o.refresh(now, l, false)
	}
}
