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
// stalls holds a train up as a whole. The zero value has heard none.
type Train struct {
	newest int // number
	at     time.Time
	rate   int // 0: not known
}

// Heard takes the packet of that number and bytes, headers included, that came
// at the time at, and reports whether the train is over.
func (t *Train) Heard(at time.Time, number, bytes int) (over bool) {
	if !t.at.IsZero() && number <= t.newest {
		return false // overtaken, or a copy
	}
	if gap := at.Sub(t.at); !t.at.IsZero() {
		t.rate = MostLine
		if most := time.Duration(bytes) * time.Second / MostLine; gap > most {
			t.rate = max(1, int(float64(bytes)/gap.Seconds()))
		}
	}
	t.newest, t.at = number, at
	return number == wire.TrainLength-1
}

// Rate is how many bytes a second the line lets through, 0 while that is not
// known.
func (t *Train) Rate() int { return t.rate }
