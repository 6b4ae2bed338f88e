package overlay

import "time"

const (
	// strandedAfter is how long a phone without any home tries its host cache before
	// it calls it dead; up to as long again is added at random, for when many are
	// stranded at once.
	strandedAfter = 5 * time.Second
	// It says so again after strandedEvery, doubled each time, at most strandedMax.
	strandedEvery = time.Minute
	strandedMax   = time.Hour
)

// lonely is what an Overlay without homes knows of its state.
type lonely struct {
	// next is when Stranded may be told. Set when there is no home, cleared when
	// there is one.
	next  time.Time
	times int // how often it has been told
}

// armLonely sets the timer while there is no home.
func (o *Overlay) armLonely(now time.Time) {
	have, _ := o.countHomes()
	switch {
	case o.cfg.Homes == 0 || have > 0 || o.self.Node.IsZero():
		o.lonely = lonely{}
	case o.lonely.next.IsZero():
		o.lonely.next = now.Add(strandedAfter + o.jitter(strandedAfter))
	}
}

// advanceLonely tells that nobody in the host cache answers.
func (o *Overlay) advanceLonely(now time.Time) {
	if !passed(o.lonely.next, now) {
		return
	}
	if o.promising(now) {
		o.lonely.next = now.Add(strandedAfter)
		return
	}
	pause := min(strandedEvery<<min(o.lonely.times, 10), strandedMax)
	o.lonely.times++
	o.lonely.next = now.Add(pause/2 + o.jitter(pause))
	o.emit(Stranded{})
}

// promising reports whether somebody may answer yet who has not failed us.
func (o *Overlay) promising(now time.Time) bool {
	for _, l := range o.links {
		if l.home == asked {
			return true
		}
	}
	for _, e := range o.cache.entries {
		if e.fails == 0 && e.standing(now) != unanswered {
			return true
		}
	}
	return false
}
