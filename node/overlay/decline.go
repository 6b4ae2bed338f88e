package overlay

import "time"

const (
	// recordLife is how long a record lives without its owner, in hours.
	recordLife = 72
	// A record can only be called absent when no more than three in ten supernodes
	// have gone in a record's life (DESIGN section 7).
	fallenNum, fallenDen = 7, 10
)

// decline remembers how many supernodes there were at most in each hour of a
// record's life.
type decline struct {
	peaks []int32 // recordLife of them; nil before the first
	hour  int64   // of the last entry, hours since 1970
}

// note takes the number of supernodes at now.
func (d *decline) note(now time.Time, live int) {
	if d.peaks == nil {
		d.peaks = make([]int32, recordLife)
	}
	hour := max(0, now.Unix()/3600)
	for d.hour < hour {
		d.hour = max(d.hour+1, hour-recordLife)
		d.peaks[d.hour%recordLife] = 0
	}
	p := &d.peaks[hour%recordLife]
	*p = max(*p, int32(live))
}

func (d *decline) peak() int {
	var most int32
	for _, p := range d.peaks {
		most = max(most, p)
	}
	return int(most)
}

// Fallen reports whether so many supernodes have gone within a record's life that
// some record may have lost all its keepers. Where a neighbourhood is everybody,
// whoever is left has every record.
func (o *Overlay) Fallen(now time.Time) bool {
	if o.scope != whole {
		return o.routes.verdicts.fallen(now)
	}
	o.decline.note(now, o.table.live)
	peak := o.decline.peak()
	return peak > Neighbourhood && fallenDen*o.table.live < fallenNum*peak
}
