package overlay

import (
	"encoding/binary"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Who knows a few hundred looks after them: the leaves, who keep records together
// with us, each minute or so, and those of the other branches in turn, the least
// recently heard from first. When a leaf is lost all others are asked at once:
// there may be many who have vanished.
const (
	// tendEvery is how often somebody is asked, a leaf and another in turn: with
	// thirty leaves each is asked every minute, with 250 others each in nine. It
	// costs 90 bytes there and back.
	tendEvery = time.Second
	// lookEvery is how often our own place is looked for, and lookLost how soon when
	// a leaf has been lost: others may be our leaves now.
	lookEvery = 15 * time.Minute
	lookLost  = 5 * time.Second
	// A branch in which nobody was looked for in so long is looked through.
	staleAfter = 3 * time.Hour
	// Before our own place has been found it is looked for again after lookSoon.
	lookSoon = 3 * time.Second
)

// LookFor asks for a search for whoever is nearest to a key: the index has the
// means (Closed ends it). Whom it meets, it tells (Heard).
type LookFor struct{ Key identity.IndexKey }

func (LookFor) event() {}

// keyAt returns a key at a place.
func keyAt(p wire.Place) (key identity.IndexKey) {
	binary.BigEndian.PutUint64(key[:], uint64(p))
	return key
}

// advanceRoutes fires what is due while not all are known.
func (o *Overlay) advanceRoutes(now time.Time) {
	if passed(o.routes.resize, now) {
		o.weighScope(now)
	}
	if o.scope == whole {
		return
	}
	o.advanceTrials(now)
	if passed(o.routes.tend, now) {
		o.routes.tend = now.Add(tendEvery/2 + o.jitter(tendEvery))
		o.tendOne(now)
	}
	if passed(o.routes.look, now) {
		o.lookAround(now)
	}
}

// tendOne asks the next leaf, or every other time the next of a branch.
func (o *Overlay) tendOne(now time.Time) {
	o.routes.turn++
	lo, hi := o.table.leaves(o.place)
	if o.routes.turn%2 == 0 && hi-lo > 1 {
		o.suspect(now, o.nextLeaf(lo, hi), 0)
		return
	}
	n := len(o.routes.branches)
	for i := range n {
		b := &o.routes.branches[(o.routes.turn/2+i)%n]
		if len(b.order) > 0 && !o.table.leafy(o.place, (o.routes.turn/2+i)%n) {
			o.suspect(now, b.order[0], 0)
			return
		}
	}
}

// nextLeaf returns the place of the leaf after the one that was asked last, in the
// order of places.
func (o *Overlay) nextLeaf(lo, hi int) wire.Place {
	i, found := o.table.search(o.routes.after)
	if found {
		i++
	}
	for range 2 { // at most one step over ourselves
		if i < lo || i >= hi {
			i = lo
		}
		if o.table.rows[i].place != o.place {
			break
		}
		i++
	}
	if i >= hi {
		i = lo
	}
	o.routes.after = o.table.rows[i].place
	return o.routes.after
}

// rushLeaves asks all leaves, and looks who they are: one of them has gone.
func (o *Overlay) rushLeaves(now time.Time) {
	o.routes.look = earlier(o.routes.look, now.Add(lookLost+o.jitter(lookLost)))
	lo, hi := o.table.leaves(o.place)
	var ps []wire.Place
	for _, r := range o.table.rows[lo:hi] {
		ps = append(ps, r.place)
	}
	for _, p := range ps {
		o.suspect(now, p, time.Millisecond+o.jitter(firstPing))
	}
}

// lookAround looks for our own place, so that the nearest know us and we them, in
// the outermost branch of leaves, and in each in which nobody was looked for
// lately.
func (o *Overlay) lookAround(now time.Time) {
	o.emit(LookFor{keyAt(o.place)})
	if o.sync == unsynced {
		o.routes.look = now.Add(lookSoon/2 + o.jitter(lookSoon))
		return
	}
	o.routes.look = now.Add(lookEvery/2 + o.jitter(lookEvery))
	outermost := true
	for d := range o.routes.branches {
		b := &o.routes.branches[d]
		switch {
		case outermost && o.table.leafy(o.place, d):
			outermost = false
			o.lookIn(now, d, 0)
			o.lookIn(now, d, 1) // it may have more than one search finds
		case len(b.order) > 0 && now.Sub(b.looked) > staleAfter:
			o.lookIn(now, d, uint64(o.rand.IntN(2)))
		}
	}
}

// lookIn looks for a place in one half of a branch.
func (o *Overlay) lookIn(now time.Time, d int, half uint64) {
	o.routes.branches[d].looked = now
	one := uint64(1) << (maxDepth - 1 - d)
	at := (uint64(o.place)^one)&^(one-1) | o.rand.Uint64()&(max(one/2, 1)-1) | half*(one/2)
	o.emit(LookFor{keyAt(wire.Place(at))})
}

// Closed tells that a search has found whoever is nearest to a key.
func (o *Overlay) Closed(now time.Time, key identity.IndexKey, near []wire.Place) {
	at := placeOfKey(key)
	o.calm = false
	if o.scope == whole {
		return
	}
	o.routes.size.note(at, near)
	if at == o.place {
		o.synced()
		return
	}
	o.branch(at).looked = now
}

// routesWake returns when advanceRoutes has something to do.
func (o *Overlay) routesWake() time.Time {
	wake := o.routes.resize
	if o.scope == whole {
		return wake
	}
	return earlier(earlier(wake, o.trialWake()), earlier(o.routes.tend, o.routes.look))
}
