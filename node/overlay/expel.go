package overlay

import (
	"time"

	"peerphone/node/identity"
)

// Expel takes those members for dead whose keys are revoked: their announcements
// are refused from now on.
func (o *Overlay) Expel(now time.Time, revoked func(identity.ID) bool) {
	o.calm = false
	for i := range o.table.rows {
		if r := &o.table.rows[i]; o.table.lives(i) && revoked(r.node()) {
			o.counters.Expelled++
			o.died(now, r)
		}
	}
}
