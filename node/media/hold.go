package media

import (
	"peerphone/hal"
	"peerphone/node/media/adapt"
	"peerphone/node/media/dsp"
	"peerphone/node/wire"
)

// A call on hold sends restsPerSecond packets without sound, each with a report,
// so that routers remember it and either end knows that the other is there.
const (
	restsPerSecond = 3
	unitsPerSecond = 100
)

// Hold lets the sound rest, or flow again. Time goes on meanwhile.
func (l *Leg) Hold(on bool) { l.held.Store(on) }

// rest is capture on hold, and while a thin line has too much to carry: 10 ms go
// by without sound. What the far end reports meanwhile is for p; nil: for nobody.
func (l *Leg) rest(now hal.Instant, p *adapt.Pilot) {
	l.time += uint16(l.filled/dsp.Unit) + 1
	l.filled = 0
	l.resting += restsPerSecond
	if l.resting < unitsPerSecond {
		l.pulse()
		return
	}
	r := l.route.Load()
	if r == nil || r.Sender == nil {
		return
	}
	m := wire.Media{Codec: l.codec, Seq: l.seq, Time: l.time}
	if l.hears.rest(now, &l.books, l.jitter, &m, p) { // else a reader is at it: in 10 ms
		l.resting -= unitsPerSecond
		l.hand(now, r, wire.AppendMedia(l.packet[:0], m))
		l.pilot.Advance(now)
		l.tune()
	}
}
