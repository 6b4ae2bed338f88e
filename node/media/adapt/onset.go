package adapt

import (
	"time"

	"peerphone/hal"
)

const (
	// onsetStep is by how much each packet of a call that begins on a thin line is
	// slower than the one before, and onsetRise how much that must come to. Two
	// packets in a row that take so much longer are rare where it is chance.
	onsetStep    = 8 * time.Millisecond
	onsetRise    = 40 * time.Millisecond
	onsetPackets = 12
)

// onset notices at once that a call has begun with more than its line lets
// through: packet by packet they take longer. How far apart they come says what
// it does let through.
type onset struct {
	first   hal.Instant // arrival of the first packet; 0: it is over
	packets int         // since
	bytes   int         // of those
	rise    time.Duration
	through int // bytes a second; 0: nothing was noticed
	told    bool
}

// hear takes the next packet, which took so much longer than the one before;
// plain: that was the one that was sent before.
func (o *onset) hear(at hal.Instant, longer time.Duration, bytes int, plain bool) {
	if o.first == 0 {
		return
	}
	o.packets++
	if !plain || longer < onsetStep || o.packets > onsetPackets {
		*o = onset{}
		return
	}
	o.bytes += bytes
	o.rise += longer
	if o.packets >= 2 && o.rise >= onsetRise {
		o.through = int(float64(o.bytes) / at.Sub(o.first).Seconds())
	}
}
