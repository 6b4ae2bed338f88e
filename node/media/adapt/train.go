package adapt

import (
	"time"

	"peerphone/node/wire"
)

// MostLine is what a line is said to let through when packets come together, in
// bytes a second: more than any call asks for.
const MostLine = 1 << 20

// A Train measures a line by packets of one size that were sent at once
// (wire.AppendTrain): a bottleneck lets them through one after another. What
// counts is how far the last is behind the one before it, since a bottleneck
// that has rested lets a full packet of 1,500 bytes through at once, and what
// stalls holds a train up as a whole. What the far end sends between two packets of
// a train takes its time, too; what others send between them does likewise and is
// not known here, so an earlier packet that was faster counts more, unless it may
// have been let through by what a bottleneck had saved: then none before it was slow.
// The zero value has heard none.
type Train struct {
	newest  int // number
	at      time.Time
	beside  int           // bytes that came since
	longest time.Duration // between two packets
	best    int           // rate of the fastest that was behind a slow one
	rate    int           // 0: not known
}

// bunched is how many times faster than the last packet an earlier one may have
// come to be believed: what was held up comes faster.
const bunched = 2

// Beside takes bytes, headers included, that the far end has sent besides.
func (t *Train) Beside(bytes int) { t.beside += bytes }

// Heard takes the packet of that number and bytes, headers included, that came
// at the time at, and reports whether the train is over.
func (t *Train) Heard(at time.Time, number, bytes int) (over bool) {
	if !t.at.IsZero() && number <= t.newest {
		return false // overtaken, or a copy
	}
	if gap := at.Sub(t.at); !t.at.IsZero() {
		t.rate = MostLine
		if most := time.Duration(bytes) * time.Second / MostLine; gap > most {
			t.rate = t.among(gap, min(max(1, int(float64(bytes+t.beside)/gap.Seconds())), MostLine))
		}
	}
	t.newest, t.at, t.beside = number, at, 0
	return number == wire.TrainLength-1
}

// among is the rate of a packet that came gap behind the one before, with what the
// earlier ones have shown.
func (t *Train) among(gap time.Duration, rate int) int {
	if t.longest >= gap-gap/8 {
		t.best = max(t.best, rate)
	}
	t.longest = max(t.longest, gap)
	if t.best > rate && t.best <= bunched*rate {
		return t.best
	}
	return rate
}

// Rate is how many bytes a second the line lets through, 0 while that is not
// known.
func (t *Train) Rate() int { return t.rate }
