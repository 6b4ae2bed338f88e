package adapt

import (
	"time"

	"peerphone/hal"
)

const (
	// strictly is how much of what is allowed may be sent on average; the rest is
	// for what a loud second has too much.
	strictly = .985
	// saved is for how long what was not sent may be sent later, repay in what time
	// that is saved again of which too much was sent.
	saved = 60 * time.Millisecond
	repay = 2 * time.Second
	// instalment is the step, in bytes a second, in which that is done: each new bit
	// rate is a new start for the codec.
	instalment = 50
	// window is a time in which little more is sent than loudest of what is allowed, and
	// sooner the share of what is left in it that one packet may take beyond its own:
	// a word that had taken all would be followed by packets cut to nothing. At 1.03 a
	// sentence in the fourth second of a call was heard worse, score 3.5 instead of 4.
	window  = time.Second
	loudest = 1.1
	sooner  = .25
	// copied is the same as loudest with copies that are asked for: losses come in
	// bursts, and what is lost cannot wait. least is the share of its mean that sound
	// beside them has at least.
	copied = 1.3
	least  = .6
)

// account keeps the mean of what is sent within what is allowed: a codec takes
// more for some words than its bit rate, and reports come when they are due.
type account struct {
	over float64 // bytes sent beyond what was allowed; negative: saved
	at   hal.Instant
	less float64 // bytes a second by which less is sent now

	last [128]spending // the last packets: more than a second of the shortest
	n    int           // ever
}

// spending is a packet that was sent.
type spending struct {
	at    hal.Instant
	bytes int
}

// spend takes a packet of so many bytes.
func (a *account) spend(now hal.Instant, bytes int, allowed float64) {
	allowed *= strictly
	if a.at != 0 {
		a.over -= allowed * max(0, now.Sub(a.at).Seconds())
	}
	a.over = min(max(a.over, -allowed*saved.Seconds())+float64(bytes), allowed*repay.Seconds()/2)
	a.at = now
	a.last[a.n%len(a.last)] = spending{now, bytes}
	a.n++
}

// room is how many bytes a packet of that length may have now.
func (a *account) room(now hal.Instant, packet time.Duration, allowed float64) float64 {
	allowed *= loudest
	left := a.left(now, packet, allowed)
	own := allowed * packet.Seconds()
	return max(own/2, own+sooner*(left-own))
}

// left is how many bytes may be sent now in all, for not more than that many in a
// second.
func (a *account) left(now hal.Instant, packet time.Duration, allowed float64) float64 {
	since, left := now.Add(packet/2-window), allowed
	for i := a.n - 1; i >= max(0, a.n-len(a.last)); i-- {
		s := a.last[i%len(a.last)]
		if s.at < since {
			break
		}
		left -= float64(s.bytes)
	}
	return left
}

// beside is how many bytes a packet's sound may have, that has so many in the mean,
// beside so many that it has else.
func (a *account) beside(now hal.Instant, packet time.Duration, allowed, mean, besides float64) float64 {
	left := a.left(now, packet, allowed*loudest) - besides
	return max(least*mean, mean+sooner*(left-mean))
}

// settle decides by how much less is to be sent.
func (a *account) settle() {
	a.less = max(0, a.over) / repay.Seconds()
	a.less -= float64(int(a.less) % instalment)
}
