package jitter

import "time"

// leadSpan is over how many pulls the lead is taken: 160 ms.
const leadSpan = 16

// lead measures how long sound waits: the time of a pull less that of the
// sample that it begins with. It is the least of the last pulls, since a thread
// that wakes up late only makes it longer.
type lead struct {
	last [leadSpan]time.Duration
	n    int // pulls seen
}

func (l *lead) observe(d time.Duration) {
	l.last[l.n%leadSpan] = d
	l.n++
}

// moved shifts what was seen, after sound has been moved on purpose.
func (l *lead) moved(by time.Duration) {
	for i := range l.last {
		l.last[i] += by
	}
}

// latest is what was seen last, 0 before the first pull.
func (l *lead) latest() time.Duration {
	if l.n == 0 {
		return 0
	}
	return l.last[(l.n-1)%leadSpan]
}

// now returns the lead, 0 before the first pull.
func (l *lead) now() time.Duration {
	least, _ := l.limits()
	return least
}

// spread is by how much the pulls were not in step.
func (l *lead) spread() time.Duration {
	least, most := l.limits()
	return most - least
}

func (l *lead) limits() (least, most time.Duration) {
	n := min(l.n, leadSpan)
	if n == 0 {
		return 0, 0
	}
	least, most = l.last[0], l.last[0]
	for _, d := range l.last[1:n] {
		least, most = min(least, d), max(most, d)
	}
	return least, most
}
