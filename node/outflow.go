package node

import (
	"sync/atomic"
	"time"

	"peerphone/hal"
)

const (
	// outflowSlot is how finely it is known when bytes were sent; outflowSlots of
	// them are remembered, which is longer than the queue of any line lasts.
	outflowSlot  = 100 * time.Millisecond
	outflowSlots = 64
)

// outflow remembers how many bytes went out in the last seconds, for a line that
// turns out to be thin has most of them in its queue then. Many goroutines add at a
// time. The zero value has seen none.
type outflow struct {
	slots [outflowSlots]atomic.Uint64 // number of the slot, outflowBits for its bytes
}

// outflowBits is how many bits the bytes of a slot have.
const outflowBits = 32

// add takes bytes that go out now.
func (o *outflow) add(now hal.Instant, bytes int) {
	n := uint64(now) / uint64(outflowSlot)
	s := &o.slots[n%outflowSlots]
	for {
		old := s.Load()
		sum := n<<outflowBits + uint64(bytes)
		if old>>outflowBits == n {
			sum = old + uint64(bytes)
		}
		if s.CompareAndSwap(old, sum) {
			return
		}
	}
}

// owed is how many bytes of that a line of so many bytes a second has not let
// through yet; 0 where nobody knows the line.
func (o *outflow) owed(now hal.Instant, line int) int {
	if line <= 0 {
		return 0
	}
	last := uint64(now) / uint64(outflowSlot)
	owed, each := 0, int(int64(line)*int64(outflowSlot)/int64(time.Second))
	for n := last - min(last, outflowSlots-1); n <= last; n++ {
		if v := o.slots[n%outflowSlots].Load(); v>>outflowBits == n {
			owed += int(v & (1<<outflowBits - 1))
		}
		if n < last {
			owed = max(0, owed-each)
		}
	}
	return owed
}
