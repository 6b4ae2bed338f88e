package sim

import "time"

// A happening is what an event does when its time has come.
type happening struct {
	kind  happens
	node  *Node           // whom it concerns; nil: rare
	from  *Node           // arrive: who sent it
	frame []byte          // arrive
	call  func(time.Time) // rare: anything that is rare enough for a closure
}

// happens says what a happening is. Datagrams and alarms are nearly all of
// them, so they go without a closure.
type happens uint8

const (
	rare   happens = iota // call
	arrive                // a datagram of from arrives at node
	ring                  // node's alarm
)

// event is the place of a happening in time. Of two at the same time the one
// that was scheduled first comes first.
type event struct {
	at       int64 // nanoseconds since the world's birth
	sequence uint64
	slot     int32 // of the happening
}

func (e event) before(f event) bool {
	return e.at < f.at || e.at == f.at && e.sequence < f.sequence
}

// events is a heap with four children to a parent. Happenings lie beside it, so
// that little is moved, and their room is used again: once a world has its size
// nothing is allocated.
type events struct {
	heap     []event
	slots    []happening
	free     []int32
	sequence uint64
}

// push schedules h.
func (q *events) push(at int64, h happening) {
	var slot int32
	if n := len(q.free); n > 0 {
		slot, q.free = q.free[n-1], q.free[:n-1]
		q.slots[slot] = h
	} else {
		slot = int32(len(q.slots))
		q.slots = append(q.slots, h)
	}
	q.sequence++
	e := event{at, q.sequence, slot}
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = e
}

// pop takes the first event; there must be one.
func (q *events) pop() (at int64, h happening) {
	first := q.heap[0]
	h = q.slots[first.slot]
	q.slots[first.slot] = happening{}
	q.free = append(q.free, first.slot)
	n := len(q.heap) - 1
	last := q.heap[n]
	q.heap = q.heap[:n]
	if n > 0 {
		q.sink(last)
	}
	return first.at, h
}

// sink puts e where the first event was, and then to its place.
func (q *events) sink(e event) {
	i, n := 0, len(q.heap)
	for {
		least := 4*i + 1
		if least >= n {
			break
		}
		for c := least + 1; c < min(4*i+5, n); c++ {
			if q.heap[c].before(q.heap[least]) {
				least = c
			}
		}
		if !q.heap[least].before(e) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = e
}

// at schedules a call; a time that has passed means now.
func (w *World) at(t time.Time, do func(now time.Time)) {
	w.schedule(t, happening{kind: rare, call: do})
}

func (w *World) after(d time.Duration, do func(now time.Time)) { w.at(w.now.Add(d), do) }

func (w *World) schedule(t time.Time, h happening) {
	if t.Before(w.now) {
		t = w.now
	}
	w.events.push(int64(t.Sub(w.cfg.Birth)), h)
}

// Run lets d of virtual time pass.
func (w *World) Run(d time.Duration) {
	end := w.now.Add(d)
	last := int64(end.Sub(w.cfg.Birth))
	for len(w.events.heap) > 0 && w.events.heap[0].at <= last {
		at, h := w.events.pop()
		w.now = w.cfg.Birth.Add(time.Duration(at))
		w.report.Events++
		w.happen(h)
	}
	w.now = end
}

func (w *World) happen(h happening) {
	switch h.kind {
	case arrive:
		h.node.receive(w.now, h.from.addr, h.frame)
	case ring:
		h.node.ring(w.now)
	default:
		h.call(w.now)
	}
}
