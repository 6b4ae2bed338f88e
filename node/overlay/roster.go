package overlay

import (
	"cmp"
	"slices"
	"time"

	"peerphone/node/wire"
)

// Roster is the membership as a supernode keeps it over a restart: with it, it
// need not learn thousands anew, and a network whose supernodes have all lost
// power knows itself at once.
//
// Who has gone meanwhile must not come back by it. Until somebody confirms a
// member of the roster it is told to nobody who does not know it; and whom a
// fellow does not name is asked, and forgotten when it is silent.
type Roster struct{ rows []row }

// Roster returns who is live as far as we know.
func (o *Overlay) Roster() Roster {
	rows := make([]row, 0, o.table.live)
	for i, r := range o.table.rows {
		if o.table.lives(i) {
			r.kept = true
			rows = append(rows, r)
		}
	}
	return Roster{rows}
}

const (
	// The roster is written rosterSoon after the start and each rosterEvery; who
	// leaves writes it as well.
	rosterSoon  = 10 * time.Minute
	rosterEvery = time.Hour
	// RosterLife is how old a roster may be: after that too many have come and gone.
	RosterLife = 2 * rosterEvery
)

// advanceRoster asks for the roster to be written.
func (o *Overlay) advanceRoster(now time.Time) {
	if passed(o.roster, now) {
		o.roster = now.Add(rosterEvery - o.jitter(rosterEvery/8))
		if o.sync == synced {
			o.emit(RosterChanged{})
		}
	}
}

// Append writes r for ParseRoster.
func (r Roster) Append(dst []byte) []byte {
	for i := range r.rows {
		dst = append(dst, r.rows[i].news.Value()...)
	}
	return dst
}

// ParseRoster reads what Append wrote, as far as it is whole. It checks no
// signature: it is for our own disk.
func ParseRoster(b []byte) Roster {
	var r Roster
	for len(b) > 0 && len(r.rows) < maxMembers {
		n, rest, ok := wire.CutNews(b)
		a, announces := n.(wire.Announcement)
		if !ok || !announces {
			break
		}
		p := PlaceOf(a)
		x := rowOf(p, a.Incarnation, a.Member, b[:len(b)-len(rest)])
		x.kept = true
		r.rows = append(r.rows, x)
		b = rest
	}
	slices.SortFunc(r.rows, func(a, b row) int { return cmp.Compare(a.place, b.place) })
	r.rows = slices.CompactFunc(r.rows, func(a, b row) bool { return a.place == b.place })
	return r
}

// Restore takes the membership of an earlier run. It comes before SetSelf. The
// rows are r's until one of them changes.
func (o *Overlay) Restore(r Roster) {
	o.calm, o.unconfirmed = false, true
	o.table.rows, o.table.shared = r.rows, true
	for i := range o.table.rows {
		o.table.count(&o.table.rows[i], 1)
	}
}

// maxConfirmed is of how many it is noted beside the rows that somebody knows them.
const maxConfirmed = 64

// unsure reports whether a member is from the roster of an earlier run, and nobody
// has confirmed it yet.
func (o *Overlay) unsure(r *row) bool {
	return o.unconfirmed && r.kept && r.place != o.place && !slices.Contains(o.confirmed, r.place)
}

// confirm notes that somebody knows a member.
func (o *Overlay) confirm(p wire.Place) {
	r := o.table.find(p)
	if r == nil || !o.unsure(r) {
		return
	}
	if o.confirmed = append(o.confirmed, p); len(o.confirmed) <= maxConfirmed {
		return
	}
	o.table.own()
	for _, p := range o.confirmed {
		if r := o.table.find(p); r != nil {
			r.kept = false
		}
	}
	o.confirmed = nil
}
