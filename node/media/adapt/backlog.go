package adapt

import (
	"time"

	"peerphone/hal"
)

const (
	// thinLine is a rate, in bytes a second, below which a queue is not got rid of by
	// sending a little less: sound alone takes most of the line.
	thinLine = 3000
	// Sound falls silent when a packet would wait for hushFrom behind what the phone
	// has sent already, until it is hushTo: who waits for a second hears no
	// difference at first, and is late for the whole call.
	hushFrom = 300 * time.Millisecond
	hushTo   = 80 * time.Millisecond
	// mostOwed is what is believed to wait of what went out before the line was known:
	// it may have been wider then, and a full queue drops.
	mostOwed = 900 * time.Millisecond
	// mostHush bounds a silence, restHush is how long the next one is not allowed
	// after it: what does not go by then is not ours, or not known.
	mostHush = 1500 * time.Millisecond
	restHush = 3 * time.Second
)

// backlog reckons what a thin line has not let through yet of what the phone has
// sent: sound, and all that went beside it or before it.
//
//	speaking --the line is busy for hushFrom--> silent
//	silent --for hushTo, or after mostHush--> speaking
//
// The zero value is that of a line that is not thin.
type backlog struct {
	rate float64     // bytes a second of the line; 0: it is not thin
	at   hal.Instant // of own and seen
	own  float64     // bytes that still wait, by what was sent
	seen float64     // the same by what reports say
	sent [256]departure
	all  float64 // bytes ever sent

	silent hal.Instant // since when; 0: speaking
	spoke  hal.Instant // when the last silence ended
}

// departure is what was there when a packet was sent, by its number.
type departure struct {
	all   float64       // bytes ever sent, with it
	waits time.Duration // behind what was sent before
}

// follow takes how many bytes a second the line lets through; 0: it is not known
// to be thin.
func (b *backlog) follow(now hal.Instant, rate float64) {
	b.pass(now)
	if rate >= thinLine || rate <= 0 {
		b.rate, b.own, b.seen, b.silent = 0, 0, 0, 0
		return
	}
	b.rate = rate
}

// pass lets time go by.
func (b *backlog) pass(now hal.Instant) {
	if passed := b.rate * now.Sub(b.at).Seconds(); passed > 0 {
		b.own, b.seen = max(0, b.own-passed), max(0, b.seen-passed)
	}
	b.at = max(b.at, now)
}

// add takes bytes that were sent.
func (b *backlog) add(now hal.Instant, bytes int) {
	b.all += float64(bytes)
	if b.rate > 0 {
		b.pass(now)
		b.own += float64(bytes)
		b.seen += float64(bytes)
	}
}

// owes takes how many bytes the line has not let through, if nothing was dropped.
func (b *backlog) owes(bytes float64) {
	bytes = min(bytes, b.rate*mostOwed.Seconds())
	b.own, b.seen = max(b.own, bytes), max(b.seen, bytes)
}

// leave takes a packet of sound.
func (b *backlog) leave(now hal.Instant, seq uint8, bytes int) {
	b.pass(now)
	waits := b.busy(b.own)
	b.add(now, bytes)
	b.sent[seq] = departure{b.all, waits}
}

// busy is how long the line takes to let bytes through.
func (b *backlog) busy(bytes float64) time.Duration {
	if b.rate == 0 {
		return 0
	}
	return time.Duration(bytes / b.rate * float64(time.Second))
}

// told takes a report on a packet, which was sent at an instant and waited for
// queue. It returns how long it waited for what is not known here. What was sent
// before a silence says nothing any more.
func (b *backlog) told(now hal.Instant, seq uint8, sent hal.Instant, queue time.Duration) (others time.Duration) {
	switch {
	case b.rate == 0 || sent == 0:
		return queue
	case b.silent != 0 || sent <= b.spoke:
		return 0
	}
	b.pass(now)
	since := b.all - b.sent[seq].all
	b.seen = max(0, b.rate*(queue-now.Sub(sent)).Seconds()+since)
	b.own = min(b.own, b.seen)
	return max(0, queue-b.sent[seq].waits)
}

// hush reports whether nothing is to be said now.
func (b *backlog) hush(now hal.Instant) bool {
	if b.rate == 0 {
		return false
	}
	b.pass(now)
	waits := b.busy(max(b.own, b.seen))
	switch {
	case b.silent != 0 && (waits <= hushTo || now.Sub(b.silent) > mostHush):
		b.silent, b.spoke = 0, now
	case b.silent == 0 && waits > hushFrom && (b.spoke == 0 || now.Sub(b.spoke) > restHush):
		b.silent = now
	}
	return b.silent != 0
}
