package jitter

// pause is a time in which the sender sent nothing, in units: from is in it, to
// is not. The zero value is none.
type pause struct{ from, to int64 }

// pauseLocked takes note that the sender was silent from one unit to another.
// What was made up for that since Starved began was not missing.
func (b *Buffer) pauseLocked(from, to int64) {
	if from <= 0 || to <= from {
		return
	}
	b.pause = pause{from, to}
	if b.state != Starved {
		return
	}
	over := min(b.play, to*Unit) - max(from*Unit, b.play-b.starved)
	if over > 0 {
		b.counts.MadeUp -= min(uint64(over), b.counts.MadeUp)
		b.missed.forgive(max(from, (b.play-b.starved)/Unit), min(to, b.play/Unit+1))
	}
}

// missing is how many of n samples from sample at on are none of a pause.
func (p pause) missing(at int64, n int) int {
	over := min(at+int64(n), p.to*Unit) - max(at, p.from*Unit)
	return n - int(max(0, over))
}

// holds reports whether the sender was silent at a sample.
func (p pause) holds(sample int64) bool { return sample >= p.from*Unit && sample < p.to*Unit }
