package jitter

import "time"

const (
	// binWidth is the resolution at which delays are learned.
	binWidth = time.Millisecond
	// bins cover more than mostWait and what lies before the fastest packet.
	bins = 700
	// before is what is left free below the first packet, in bins.
	before = 100
)

// histogram is a distribution of delays that forgets: each packet weighs more
// than the one before.
type histogram struct {
	weight [bins]float32
	total  float32
	next   float32 // weight of the next unit of time
	grow   float32 // of next per unit
	low    int     // no weight lies below
	high   int     // nor above
}

func (h *histogram) reset(grow float32) { *h = histogram{next: 1, grow: grow, low: bins} }

func (h *histogram) add(bin, units int) {
	for range units {
		h.next *= h.grow
		h.weight[bin] += h.next
		h.total += h.next
	}
	h.low, h.high = min(h.low, bin), max(h.high, bin)
	if h.next > 1e3 {
		h.scale(1 / h.next)
	}
}

// scale keeps the numbers small, and forgets what weighs nothing any more.
func (h *histogram) scale(by float32) {
	const nothing = 1e-5
	h.total, h.next = 0, h.next*by
	low, high := bins, 0
	for i := h.low; i <= h.high; i++ {
		if h.weight[i] *= by; h.weight[i] < nothing {
			h.weight[i] = 0
			continue
		}
		h.total += h.weight[i]
		low, high = min(low, i), i
	}
	h.low, h.high = low, high
}

// shift moves all by that many bins; what leaves at an end gathers there.
func (h *histogram) shift(by int) { h.move(by, 0) }

// move is shift where no bin lies below floor.
func (h *histogram) move(by, floor int) {
	if h.total == 0 {
		return
	}
	var moved [bins]float32
	for i := h.low; i <= h.high; i++ {
		moved[min(max(i+by, floor), bins-1)] += h.weight[i]
	}
	h.weight = moved
	h.low, h.high = min(max(h.low+by, floor), bins-1), min(max(h.high+by, floor), bins-1)
}
