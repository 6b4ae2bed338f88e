package overlay

import (
	"math"
	"time"

	"peerphone/node/wire"
)

// size is how many supernodes there are, as far as one can tell who knows a few
// hundred: wherever a search has closed the nearest of a key, their places say how
// dense supernodes stand there. Sixteen places tell it within a quarter; the mean
// of many searches within a few in a hundred.
type size struct {
	density float64 // in the whole space of places
	samples int     // that are in it
}

// maxSamples is over how many searches the size is a mean.
const maxSamples = 64

// note takes the places of the nearest to a key, as a search has closed them.
func (s *size) note(at wire.Place, near []wire.Place) {
	if len(near) < 2 {
		return
	}
	far := wire.Place(0)
	for _, p := range near {
		far = max(far, p^at)
	}
	if far == 0 {
		return
	}
	density := float64(len(near)-1) / (float64(far) / math.Exp2(64)) // without bias: the last one ends the stretch
	if len(near) < Neighbourhood {
		density = float64(len(near)) // these are all
	}
	s.samples = min(s.samples+1, maxSamples)
	s.density += (density - s.density) / float64(s.samples)
}

// verdict says what one of the table has answered to the question whether it is
// there.
type verdict uint8

const (
	untold verdict = iota
	alive
	silent
)

const (
	// verdictsKept is over how many questions the share of the silent is taken.
	verdictsKept = 64
	// A record may have lost all its keepers when more than three in ten of those
	// who were asked have gone since they were asked last.
	maxSilent = verdictsKept * (fallenDen - fallenNum) / fallenDen
)

// verdicts remember how the last questions to members of the table have ended, and
// in which hours of a record's life too many were silent.
type verdicts struct {
	last [verdictsKept]verdict
	next int
	fell []int64 // by hour of a record's life: the hour, if too many were silent then; nil: they never were
}

// note takes a verdict. When nobody answers at all it is we who are cut off.
func (v *verdicts) note(now time.Time, x verdict) {
	v.last[v.next] = x
	v.next = (v.next + 1) % verdictsKept
	gone, heard := 0, 0
	for _, x := range v.last {
		switch x {
		case silent:
			gone++
		case alive:
			heard++
		}
	}
	switch {
	case gone > maxSilent && heard > 0:
		hour := now.Unix() / 3600
		if v.fell == nil {
			v.fell = make([]int64, recordLife)
		}
		v.fell[hour%recordLife] = hour
	case gone == verdictsKept:
		*v = verdicts{fell: v.fell}
	}
}

// fallen reports whether too many have gone within a record's life.
func (v *verdicts) fallen(now time.Time) bool {
	hour := now.Unix() / 3600
	for _, h := range v.fell {
		if h > 0 && hour-h < recordLife {
			return true
		}
	}
	return false
}
