package overlay

import (
	"slices"
	"time"

	"peerphone/node/wire"
)

// When many die at once there is no time to wait until each is missed: its fellows
// notice within half a minute that it is silent, and news of it is told to the dead
// as well as to the living. So whoever finds out that many have died calls a muster:
// it asks those on whom most depends whether they are there, all at once. These are
// its fellows, by whom news goes, and those near its own place, with whom it keeps
// records.
const (
	// Who has found fewDead dead itself within deadTime takes it for the beginning of
	// more, and so does who hears meanwhile that one in twenty has died (upheaval), but
	// not of fewer. While all is well neither happens in half a day.
	fewDead  = 2
	deadTime = 15 * time.Second
	// A muster is called each musterPause at most, and those of whom it asks are
	// asked within musterSpread.
	musterPause  = 8 * time.Second
	musterSpread = time.Second
	// musterNear are the nearest among whom we may be with whom we keep records now,
	// or shall when half of them are dead.
	musterNear = 2 * Neighbourhood
	// unrestTime is for how long after a muster news is told at once and compared
	// often, unless somebody knows the same before.
	unrestTime = time.Minute
)

// muster remembers when many have died. The zero value has never seen that.
type muster struct {
	called time.Time          // the last
	until  time.Time          // when the unrest ends
	found  [fewDead]time.Time // when we found somebody dead, the last first
	since  time.Time          // from when deaths are counted
	deaths int
}

// unrest reports whether many have died lately.
func (m *muster) unrest(now time.Time) bool { return m.until.After(now) }

// rest ends the unrest: somebody knows the same as we, who have asked around.
func (m *muster) rest(now time.Time) {
	if now.Sub(m.called) >= musterPause {
		m.until = time.Time{}
	}
}

// foundDead notes that we have found somebody dead ourselves.
func (o *Overlay) foundDead(now time.Time) {
	m := &o.muster
	copy(m.found[1:], m.found[:])
	m.found[0] = now
	if now.Sub(m.found[fewDead-1]) <= deadTime {
		o.callMuster(now)
	}
}

// countDead notes that a member has died.
func (o *Overlay) countDead(now time.Time) {
	m := &o.muster
	if now.Sub(m.since) > deadTime {
		m.since, m.deaths = now, 0
	}
	if m.deaths++; m.deaths >= fewDead && m.deaths*upheaval >= o.table.live {
		m.since, m.deaths = now, 0
		o.callMuster(now)
	}
}

// callMuster asks all on whom most depends, unless that was done just now.
func (o *Overlay) callMuster(now time.Time) {
	m := &o.muster
	if o.scope == partial {
		return
	}
	m.until = now.Add(unrestTime)
	o.exchange = earlier(o.exchange, now.Add(exchangeUnrest/2+o.jitter(exchangeUnrest)))
	o.audit = earlier(o.audit, now.Add(o.jitter(auditUnrest)))
	if now.Sub(m.called) < musterPause {
		return
	}
	m.called = now
	for _, p := range o.onWhomDepends() {
		o.suspect(now, p, o.jitter(musterSpread))
		if s := o.suspicion(p); s != nil && s.grounds == hearsay && s.sent == 0 {
			s.grounds = mustered
		}
	}
}

// onWhomDepends returns the places of our fellows, and of those near to us.
func (o *Overlay) onWhomDepends() []wire.Place {
	var ps []wire.Place
	for _, l := range o.links {
		if l.join == joined {
			ps = append(ps, l.place)
		}
	}
	lo, hi := o.table.vicinity(o.place, musterNear)
	for i := lo; i < hi; i++ {
		if r := &o.table.rows[i]; o.table.lives(i) && !slices.Contains(ps, r.place) {
			ps = append(ps, r.place)
		}
	}
	return ps
}
