package overlay

import (
	"cmp"
	"slices"

	"peerphone/node/wire"
)

// Roster is the membership as a supernode keeps it over a restart: with it, it
// need not learn thousands anew. Those who have gone meanwhile are found out in
// the usual way.
type Roster struct{ rows []row }

// Roster returns who is live as far as we know.
func (o *Overlay) Roster() Roster {
	return Roster{slices.DeleteFunc(slices.Clone(o.table.rows), func(r row) bool { return r.died != 0 })}
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
		p := placeOfAnnouncement(a)
		r.rows = append(r.rows, rowOf(p, a.Incarnation, a.Member, b[:len(b)-len(rest)]))
		b = rest
	}
	slices.SortFunc(r.rows, func(a, b row) int { return cmp.Compare(a.place, b.place) })
	r.rows = slices.CompactFunc(r.rows, func(a, b row) bool { return a.place == b.place })
	return r
}

// Restore takes the membership of an earlier run. It comes before SetSelf.
func (o *Overlay) Restore(r Roster) {
	o.calm = false
	o.table.rows = slices.Clone(r.rows)
	for i := range o.table.rows {
		o.table.count(&o.table.rows[i], 1)
	}
}
