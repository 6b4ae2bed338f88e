package sim

import (
	"container/heap"
	"time"
)

// event is something that happens at a time. Of two at the same time the one
// that was scheduled first comes first.
type event struct {
	at       time.Time
	sequence uint64
	happen   func(now time.Time)
}

// events is a heap.Interface.
type events []event

func (h events) Len() int { return len(h) }
func (h events) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].sequence < h[j].sequence
	}
	return h[i].at.Before(h[j].at)
}
func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(event)) }
func (h *events) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*h = old[:len(old)-1]
	return last
}

// at schedules happen; a time that has passed means now.
func (w *World) at(t time.Time, happen func(now time.Time)) {
	if t.Before(w.now) {
		t = w.now
	}
	w.sequence++
	heap.Push(&w.events, event{t, w.sequence, happen})
}

func (w *World) after(d time.Duration, happen func(now time.Time)) { w.at(w.now.Add(d), happen) }

// Run lets d of virtual time pass.
func (w *World) Run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.events) > 0 && !w.events[0].at.After(end) {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.happen(w.now)
		w.report.Events++
	}
	w.now = end
}
