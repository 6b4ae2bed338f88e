package overlay

import "time"

// Staged restarts: when all supernodes want to begin anew at once, for an update that
// all have been given, each waits for its turn, which follows from its place, and
// puts it off to the next round while too many others are away. What a supernode
// keeps is gone when it comes back: a turn is as long as its neighbours take to give
// it back.
const (
	// stageTurns are the turns of a round, stageTurn is how long one is: a round takes
	// half an hour.
	stageTurns = 20
	stageTurn  = 90 * time.Second
	// awayFor is for how long who has gone counts as away.
	awayFor = 5 * time.Minute
	// maxAway in maxAwayOf is the share of all supernodes that may be away, ourselves
	// included, and nearAway of the sixteen nearest. One may always.
	maxAway, maxAwayOf = 1, 10
	nearAway           = 2
)

// RestartDue says that it is our turn to restart, after WishRestart.
type RestartDue struct{}

func (RestartDue) event() {}

// WishRestart asks for a time at which this node can end and begin anew without
// harm: RestartDue tells it, at once to a phone.
func (o *Overlay) WishRestart(now time.Time) {
	o.calm = false
	switch {
	case !o.cfg.Supernode:
		o.emit(RestartDue{})
	case o.restart.IsZero():
		o.restart = o.turnAfter(now)
	}
}

// turnAfter returns when our next turn comes. Those of one turn do not go at the same
// instant: the later ones see that the others are away.
func (o *Overlay) turnAfter(now time.Time) time.Time {
	const round = stageTurns * stageTurn
	// The low bits of a place: neighbours differ in them.
	at := time.Duration(uint64(o.place)%stageTurns)*stageTurn + time.Duration(uint64(o.place)/stageTurns%uint64(stageTurn*3/4))
	begin := now.Truncate(round)
	if turn := begin.Add(at); turn.After(now) {
		return turn
	}
	return begin.Add(round + at)
}

// advanceStage restarts when it is our turn, unless too many are away.
func (o *Overlay) advanceStage(now time.Time) {
	if !passed(o.restart, now) {
		return
	}
	if !o.mayLeave(now) {
		o.counters.PutOff++
		o.restart = o.turnAfter(now)
		return
	}
	o.restart = time.Time{}
	o.emit(RestartDue{})
}

// mayLeave reports whether enough others are there, as far as we know.
func (o *Overlay) mayLeave(now time.Time) bool {
	away, near := 0, 0
	for i := range o.table.rows {
		died := o.table.died(i)
		if died == 0 || died == vacancy || o.table.since(now, died) >= awayFor {
			continue
		}
		away++
		if o.table.among(o.place, o.table.rows[i].place, inquirers) {
			near++
		}
	}
	return away == 0 || maxAwayOf*(away+1) <= maxAway*(away+o.table.live) && near < nearAway
}
