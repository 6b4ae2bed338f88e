package directory

import (
	"container/heap"
	"time"
)

// alarm is a timer; ring is called when it is due, and it is cleared before.
type alarm struct {
	at   time.Time
	ring func(now time.Time)
	i    int // 1 + place in the heap; 0: not set
}

// alarms is a heap (container/heap), the first on top.
type alarms []*alarm

func (l alarms) Len() int           { return len(l) }
func (l alarms) Less(i, j int) bool { return l[i].at.Before(l[j].at) }
func (l alarms) Swap(i, j int)      { l[i], l[j] = l[j], l[i]; l[i].i, l[j].i = i+1, j+1 }

// Push adds x.
func (l *alarms) Push(x any) {
	a := x.(*alarm)
	*l = append(*l, a)
	a.i = len(*l)
}

// Pop removes the last.
func (l *alarms) Pop() any {
	old := *l
	a := old[len(old)-1]
	old[len(old)-1] = nil
	a.i = 0
	*l = old[:len(old)-1]
	return a
}

// set sets an alarm, or clears it.
func (l *alarms) set(a *alarm, at time.Time) {
	switch {
	case at.IsZero() && a.i > 0:
		heap.Remove(l, a.i-1)
	case at.IsZero():
	case a.i > 0:
		if !at.Equal(a.at) {
			a.at = at
			heap.Fix(l, a.i-1)
		}
	default:
		a.at = at
		heap.Push(l, a)
	}
}

// next returns when the first alarm is due; zero: there is none.
func (l alarms) next() time.Time {
	if len(l) == 0 {
		return time.Time{}
	}
	return l[0].at
}
