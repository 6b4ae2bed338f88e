package media

import (
	"time"

	"peerphone/hal"
)

const (
	// leastMargin is how long before there is room in the card the next 10 ms
	// are begun, on a machine with time. It is short: one that is late by more
	// than that takes from what lies in the card.
	leastMargin = time.Millisecond
	// waited is how long a Write takes that had to wait for room.
	waited = 200 * time.Microsecond
	// peakSpan is for how long a machine is remembered that was late once.
	peakSpan = 8 * time.Second
)

// room foretells when the speaker's card will have room for the next period,
// so that sound can stay in the jitter buffer, where it can still be mended,
// until shortly before. How shortly depends on the machine: the card shall not
// run dry if playout is once twice as late as it was lately.
type room struct {
	ahead peak        // from the return of a Write until its sound
	late  peak        // of playout against begin
	begin hal.Instant // when the next 10 ms should be begun; 0: at once
}

// written takes a Write: when it began, when it returned and when its first
// sample sounds. A Write that did not wait, and left more in the card than was
// ever seen there, goes on to fill it.
func (r *room) written(began, returned, sounds hal.Instant) {
	if r.begin != 0 {
		r.late.observe(began, began.Sub(r.begin))
	}
	ahead := sounds.Sub(returned)
	filling := returned.Sub(began) < waited && ahead >= r.ahead.most()
	r.ahead.observe(returned, ahead)
	r.begin = 0
	if !filling {
		r.begin = sounds.Add(unit - r.ahead.most() - r.margin())
	}
}

// margin is how long before there is room the next 10 ms are begun.
func (r *room) margin() time.Duration {
	return min(max(2*r.late.most()-r.ahead.most(), leastMargin), unit)
}

// peak keeps the greatest of the last peakSpan, or up to twice as long.
type peak struct {
	turn   hal.Instant // when the halves change; 0: nothing seen
	halves [2]time.Duration
}

func (p *peak) observe(at hal.Instant, d time.Duration) {
	switch {
	case p.turn == 0 || at > p.turn.Add(peakSpan):
		p.halves, p.turn = [2]time.Duration{d, d}, at.Add(peakSpan)
	case at >= p.turn:
		p.halves, p.turn = [2]time.Duration{p.halves[1], d}, at.Add(peakSpan)
	default:
		p.halves[1] = max(p.halves[1], d)
	}
}

// most returns it, 0 before anything was seen.
func (p *peak) most() time.Duration { return max(p.halves[0], p.halves[1]) }
