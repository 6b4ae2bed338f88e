package overlay

import (
	"cmp"
	"slices"
	"time"
)

// A phone that goes on the air may know two hundred supernodes and not how far they
// are, and each search and each call goes by way of a home. So it dials one at once,
// asks others whether they are there, and dials those who answer first. The one that
// is dialled at once is anybody: of homes that were all chosen for their speed a liar
// near by could be each.
const (
	// soundings is how many are asked: of six at random the second is as near as one in
	// four of all. They count among the twenty of the arrival, but a login counts its
	// bytes, and each is 89.
	soundings = 6
	// soundWait is how long nobody else is dialled; where UDP is blocked nobody answers.
	soundWait = 200 * time.Millisecond
	// fewSounded is of how few nobody is asked.
	fewSounded = 5
	// soundNear is how many of them are those that were near when they were last met.
	soundNear = 3
)

// soundState says how far the soundings are, which are taken once.
//
//	unsounded -- homes are sought --> sounding -- soundWait --> sounded
//	    +------- too few are known ------------------------------^
type soundState uint8

const (
	unsounded soundState = iota
	sounding
	sounded
)

// sound is the soundings of an arrival.
type sound struct {
	state soundState
	asked int
	// end is when others are dialled as well. Set with sounding, cleared by Advance.
	end time.Time
}

// sounds reports whether only who answers is to be dialled for now, and takes the
// soundings if that has not been done.
func (o *Overlay) sounds(now time.Time) bool {
	s := &o.sound
	if s.state == unsounded {
		switch free := o.free(now); {
		case len(free) == 0:
		case len(free) <= fewSounded: // most are dialled anyway
			s.state = sounded
		default:
			s.state, s.end = sounding, now.Add(soundWait)
			o.try(now, o.pick(now))
			o.takeSoundings(now)
		}
	}
	return s.state == sounding
}

// free returns who could be dialled now.
func (o *Overlay) free(now time.Time) []*entry {
	return slices.DeleteFunc(slices.Clone(o.cache.entries), func(e *entry) bool { return e.after.After(now) || o.busy(e) })
}

// takeSoundings asks some of those nearest that were met before, and others at
// random; bootstrap addresses, which everybody knows, after all others.
func (o *Overlay) takeSoundings(now time.Time) {
	free := o.free(now)
	o.rand.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	slices.SortStableFunc(free, func(a, b *entry) int { return cmp.Compare(distance(a), distance(b)) })
	rest := free[min(len(free), soundNear):]
	o.rand.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	slices.SortStableFunc(free, func(a, b *entry) int { return cmp.Compare(a.rank(), b.rank()) })
	for _, e := range free[:min(len(free), soundings)] {
		o.probe(now, e)
		o.sound.asked++
	}
}

// distance returns the round trip to an entry; one that is not known is longer than
// all that are.
func distance(e *entry) time.Duration {
	if e.probe.rtt == 0 {
		return time.Hour
	}
	return e.probe.rtt
}

// advanceSound lets everybody be dialled.
func (o *Overlay) advanceSound(now time.Time) {
	if passed(o.sound.end, now) {
		o.sound.state, o.sound.end = sounded, time.Time{}
	}
}
