package main

import (
	"math/rand/v2"
	"time"

	"peerphone/node/media/adapt"
	"peerphone/node/wire"
)

// ring lets the phones measure their lines, so long before the first word: each
// sends a train, and what has come of it by then counts. Where it does not ring
// none is sent.
func (c *voiceCall) ring(before time.Duration, seed uint64) {
	if before == 0 {
		return
	}
	var heard, told [2]int
	for i := range c.ends {
		rate, at := c.ends[i].out.ride(-before, rand.New(rand.NewPCG(seed, uint64(3+i))))
		if at <= 0 {
			heard[1-i] = rate
		}
		if at+c.ends[1-i].out.delay <= 0 { // the far end's word is short
			told[i] = rate
		}
	}
	for i := range c.ends {
		line := told[i]
		if line == 0 {
			line = heard[i]
		}
		c.ends[i].leg.Expect(voiceStart, line, 0)
	}
}

// ride sends a train, and returns how fast it comes, and when it has. Chance has
// a source of its own.
func (l *voiceLink) ride(start time.Duration, r *rand.Rand) (rate int, at time.Duration) {
	chance, loss := l.r, l.loss
	defer func() { l.r, l.loss, l.count, l.latest = chance, loss, linkCount{}, 0 }()
	l.r, l.free, l.latest = r, start, start
	for n := range wire.TrainLength {
		l.send(start, wire.AppendTrain(nil, n))
	}
	var train adapt.Train
	for at = never; len(l.flying) > 0; {
		p := l.take()
		if train.Heard(time.Time{}.Add(p.at-start), int(p.payload[1]), len(p.payload)+headers+l.extra) {
			at = p.at
		}
	}
	return train.Rate(), at
}
