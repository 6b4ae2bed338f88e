package sim

import (
	"math"
	"time"
)

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
// with the smaller rank comes first.
type event struct {
	at   int64 // nanoseconds since the world's birth
	rank rank
	slot int32 // of the happening
}

// rank orders what happens at the same time: by the number of the node that has
// scheduled it, and of one node's in the order in which it has. So the order is
// the same whoever works on which node.
type rank uint64

// rankBits are the lower bits of a rank, for what one node schedules.
const rankBits = 40

// rankOf returns the rank of the n-th happening that a node schedules.
func rankOf(node int, n uint64) rank { return rank(node)<<rankBits | rank(n&(1<<rankBits-1)) }

func (e event) before(f event) bool {
	return e.at < f.at || e.at == f.at && e.rank < f.rank
}

// events is a heap with four children to a parent. Happenings lie beside it, so
// that little is moved, and their room is used again: once a world has its size
// nothing is allocated.
type events struct {
	heap  []event
	slots []happening
	free  []int32
}

// never is later than all events.
const never = math.MaxInt64

// next returns when the first event is, never if there is none.
func (q *events) next() int64 {
	if len(q.heap) == 0 {
		return never
	}
	return q.heap[0].at
}

// push schedules h.
func (q *events) push(at int64, r rank, h happening) {
	var slot int32
	if n := len(q.free); n > 0 {
		slot, q.free = q.free[n-1], q.free[:n-1]
		q.slots[slot] = h
	} else {
		slot = int32(len(q.slots))
		q.slots = append(q.slots, h)
	}
	e := event{at, r, slot}
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
