package adapt

import (
	"time"

	"peerphone/hal"
	"peerphone/node/wire"
)

const (
	unit = 10 * time.Millisecond
	// reportEvery is the time between two reports; reportSoon between two of
	// which the second has something new to tell.
	reportEvery = time.Second
	reportSoon  = 250 * time.Millisecond
	// reportAlarm is the time between two of which the second is urgent.
	reportAlarm = 100 * time.Millisecond
	// eagerFor is how long from its start a call is reported on often.
	eagerFor = 3 * time.Second
	// news is a change of what packets wait for that is worth a report.
	news = 40 * time.Millisecond
	// baseSpan is over how long the least delay is remembered, half of it at
	// least: a way may become longer for good.
	baseSpan = 20 * time.Second
	// plausible is how far, in units, a time may lie from what is due.
	plausible = 300
	// spell is a time in which a network that is not choked lets some packet
	// pass at once.
	spell = 80 * time.Millisecond
	// mostGap is how many packets can be told to be missing in a row.
	mostGap = 200
	// rateParts are the parts of the second over which the rate is taken.
	rateParts = 8
	// Where two gaps lie within gapsWithin, the far end is told for wantFor what is
	// missing: longer than it remembers that packets are lost.
	gapsWithin = 10 * time.Second
	wantFor    = time.Minute
)

// An Ear measures how the packets of a far end arrive, for the reports to it.
// The zero value has heard nothing.
type Ear struct {
	began   hal.Instant
	newest  uint8
	time    uint16 // of the newest
	last    hal.Instant
	begins  int64 // the newest packet, in units since anchor
	seen    [256 / 64]uint64
	counts  counts
	transit time.Duration // of the newest
	jitter  time.Duration

	base     [2]time.Duration // least transit in the halves of baseSpan
	baseTurn hal.Instant
	least    [2]time.Duration // least transit in the last two spells
	spell    hal.Instant      // when the present one ends
	rate     rate
	onset    onset
	had      [256 / 64]uint64 // packets that came in some way, as seen
	gap      hal.Instant      // when a packet was missing last
	wants    hal.Instant      // until then it is told what is missing

	told     hal.Instant // when the last report was made
	toldLate time.Duration
	toldLost uint16
}

// counts are since the start.
type counts struct {
	expected, received uint16
	bursts             uint8
}

// lost is how many packets are missing so far.
func (c counts) lost() uint16 { return c.expected - c.received }

// Heard takes a packet of so many units of 10 ms and bytes, headers included,
// that arrived at the instant at. It reports whether the packet is the next one
// of the sender: none was sent between it and the one before.
func (e *Ear) Heard(at hal.Instant, seq uint8, sent uint16, units, bytes int) (next bool) {
	e.rate.add(at, bytes)
	if e.began == 0 {
		e.anchor(at, seq, sent, units)
		return false
	}
	ahead := e.ahead(at, sent)
	switch step := int(seq - e.newest); {
	case max(ahead-e.due(at), e.due(at)-ahead) > plausible:
		e.anchor(at, seq, sent, units) // the sender has begun anew
		return false
	case ahead < 0 || step == 0:
		e.behind(seq)
		return false
	case step > mostGap:
		return false // a number that does not go with its time
	default:
		e.advance(at, seq, step)
		e.begins += ahead
		e.time, e.last = sent, at
		transit := time.Duration(at) - time.Duration(e.begins+int64(units))*unit
		e.onset.hear(at, transit-e.transit, bytes, step == 1)
		e.measure(at, transit)
		return step == 1
	}
}

// due is by how many units the sender should be ahead of the newest packet.
func (e *Ear) due(at hal.Instant) int64 { return int64(at.Sub(e.last) / unit) }

// ahead is by how many units a time is after that of the newest packet: of all
// that it may stand for, what is nearest to what is due.
func (e *Ear) ahead(at hal.Instant, sent uint16) int64 {
	due := e.due(at)
	return due + int64(int16(sent-e.time-uint16(due)))
}

// anchor begins with this packet; the counts go on.
func (e *Ear) anchor(at hal.Instant, seq uint8, sent uint16, units int) {
	if e.began == 0 {
		e.began, e.told = at, at
		e.onset.first = at
	}
	e.newest, e.time, e.last = seq, sent, at
	e.begins = 0
	e.seen = [len(e.seen)]uint64{}
	for i := range e.had {
		e.had[i] = 1<<64 - 1 // of what was before nothing is missing
	}
	e.mark(seq)
	e.counts.expected++
	e.counts.received++
	e.transit = time.Duration(at) - time.Duration(units)*unit
	e.base, e.baseTurn = [2]time.Duration{e.transit, e.transit}, at.Add(baseSpan/2)
	e.least, e.spell = [2]time.Duration{e.transit, e.transit}, at.Add(spell)
}

// behind takes a packet that was overtaken, unless it has come before.
func (e *Ear) behind(seq uint8) {
	if e.seen[seq/64]>>(seq%64)&1 == 0 && e.newest-seq < mostGap {
		e.mark(seq)
		if e.counts.lost() > 0 {
			e.counts.received++
		}
	}
}

func (e *Ear) mark(seq uint8) {
	e.seen[seq/64] |= 1 << (seq % 64)
	e.Restored(seq)
}

// Restored takes note that a copy of the packet has come.
func (e *Ear) Restored(seq uint8) { e.had[seq/64] |= 1 << (seq % 64) }

// Missing is what has not come of late; wanted: packets are lost, so that the far
// end should be told.
func (e *Ear) Missing(now hal.Instant) (m wire.Missing, wanted bool) {
	if e.wants == 0 || now > e.wants {
		return wire.Missing{}, false
	}
	m.Newest = e.newest
	for n := range uint8(wire.MissingSpan) {
		if seq := e.newest - 1 - n; e.had[seq/64]>>(seq%64)&1 == 0 {
			m.Before |= 1 << n
		}
	}
	return m, true
}

// advance counts the packet that is step packets newer than the newest.
func (e *Ear) advance(at hal.Instant, seq uint8, step int) {
	for s := e.newest + 1; s != seq; s++ {
		e.seen[s/64] &^= 1 << (s % 64)
		e.had[s/64] &^= 1 << (s % 64)
	}
	e.mark(seq)
	e.newest = seq
	e.counts.expected += uint16(step)
	e.counts.received++
	if step > 1 {
		e.counts.bursts++
		if e.gap != 0 && at.Sub(e.gap) < gapsWithin {
			e.wants = at.Add(wantFor)
		}
		e.gap = at
	}
}

// measure learns from the transit of the end of a packet, which says nothing
// about how long packets are.
func (e *Ear) measure(at hal.Instant, transit time.Duration) {
	off := transit - e.transit
	e.transit = transit
	e.jitter += (max(off, -off) - e.jitter) / 16 // RFC 3550 section 6.4.1
	if at >= e.baseTurn {
		e.base = [2]time.Duration{e.base[1], transit}
		e.baseTurn = at.Add(baseSpan / 2)
	}
	e.base[1] = min(e.base[1], transit)
	if at >= e.spell {
		e.least = [2]time.Duration{e.least[1], transit}
		e.spell = at.Add(spell)
	}
	e.least[1] = min(e.least[1], transit)
}

// choked is what packets wait, and how many bytes a second come.
func (e *Ear) choked(now hal.Instant) (waits time.Duration, through int) {
	if e.onset.through > 0 {
		return max(e.late(), e.onset.rise), e.onset.through
	}
	return e.late(), e.rate.perSecond(now)
}

// late is by how much every packet of the last two spells was slower than the
// fastest ever. What was held up and then came at once does not count.
func (e *Ear) late() time.Duration {
	return max(0, min(e.least[0], e.least[1])-min(e.base[0], e.base[1]))
}

// Waits is what packets wait somewhere, and the bytes a second that come.
func (e *Ear) Waits(now hal.Instant) (d time.Duration, through int) {
	return e.choked(now)
}

// Due reports whether it is time to tell the far end.
func (e *Ear) Due(now hal.Instant) bool {
	if e.began == 0 {
		return false
	}
	since, late := now.Sub(e.told), e.late()-e.toldLate
	switch {
	case e.onset.through > 0 && !e.onset.told:
		return true
	case since < reportSoon:
		return since >= reportAlarm && late > 2*news
	case since >= reportEvery || now.Sub(e.began) < eagerFor:
		return true
	}
	return max(late, -late) > news || e.counts.lost() > e.toldLost
}

// Report makes a report; delay is from arrival to sounding, and skew that of the
// sender's clock in millionths.
func (e *Ear) Report(now hal.Instant, delay time.Duration, skew float64) wire.Report {
	late, through := e.choked(now)
	e.told, e.toldLate, e.toldLost, e.onset.told = now, late, e.counts.lost(), true
	return wire.Report{
		Newest:   e.newest,
		Held:     millis(now.Sub(e.last)),
		Expected: e.counts.expected,
		Received: e.counts.received,
		Bursts:   e.counts.bursts,
		Jitter:   uint8(min(millis(e.jitter), 255)),
		Queue:    millis(late),
		Rate:     uint16(min(through, 1<<16-1)),
		Skew:     int16(min(max(10*skew, -1<<15), 1<<15-1)),
		Delay:    millis(delay),
	}
}

func millis(d time.Duration) uint16 { return uint16(min(max(d/time.Millisecond, 0), 1<<16-1)) }

// rate counts the bytes of the last second.
type rate struct {
	part  int64 // the current one, in parts of a second
	bytes [rateParts]int
	parts int // that have passed, up to all
}

func (r *rate) add(at hal.Instant, bytes int) {
	r.turn(at)
	r.bytes[r.part%rateParts] += bytes
}

// turn lets time pass.
func (r *rate) turn(at hal.Instant) {
	part := int64(at) / int64(time.Second/rateParts)
	if part <= r.part {
		return
	}
	if r.part == 0 {
		r.part = part
	}
	for n := 0; r.part < part && n < rateParts; n++ {
		r.part++
		r.bytes[r.part%rateParts] = 0
		r.parts = min(r.parts+1, rateParts-1)
	}
	r.part = part
}

// perSecond is the rate over the whole parts that there are.
func (r *rate) perSecond(now hal.Instant) int {
	r.turn(now)
	sum := 0
	for i, b := range r.bytes {
		if int64(i) != r.part%rateParts {
			sum += b
		}
	}
	return sum * rateParts / max(r.parts, 1)
}
