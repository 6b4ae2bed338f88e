package media

import (
	"time"

	"peerphone/hal"
	"peerphone/node/media/adapt"
	"peerphone/node/media/dsp"
	"peerphone/node/media/jitter"
	"peerphone/node/wire"
)

const (
	// maxUnits is the longest packet, in units of 10 ms.
	maxUnits = jitter.MaxUnits
	// keptPackets is how many packets can be repeated, maxKept the largest.
	keptPackets = 32
	maxKept     = 512
)

// voice is the sending half of a leg. The stages, in order: capture, pass the
// time that was lost, fill a packet, report, repeat, encode, send, tune.
type voice struct {
	pcm     [maxUnits * dsp.Unit]int16 // of the packet being filled
	filled  int                        // samples in pcm
	time    uint16                     // of the first sample of pcm, units of 10 ms
	seq     uint8                      // of the next packet
	resting int                        // on hold: towards the next packet, which is due at unitsPerSecond
	due     hal.Instant                // when the next frame should be captured; 0: any time
	packet  [wire.MaxDatagram]byte
	coarse  [wire.MaxDatagram]byte // of the packet encoded last

	pilot   *adapt.Pilot
	setting adapt.Setting
	kept    [keptPackets]kept // what was sent last, by number
	extra   int               // of the route that the pilot knows
	beside  int               // likewise
	out     uint64            // bytes of the phone that the pilot knows; 0: none yet
}

// kept is a packet that may be sent once more.
type kept struct {
	time uint16
	size int // 0: none, or too large
	data [maxKept]byte
}

// capture takes 10 ms from the microphone, whose first sample was captured at
// the instant at. It may silence pcm.
func (l *Leg) capture(at hal.Instant, gap bool, pcm []int16) {
	if l.muted.Load() {
		clear(pcm)
	}
	l.books.begin(at)
	l.books.in.add(pcm)
	l.pass(at, gap)
	l.expect()
	if l.held.Load() {
		l.rest(l.due, nil)
		return
	}
	if l.filled == 0 && l.hush(l.due) {
		l.rest(l.due, l.pilot)
		return
	}
	l.resting = unitsPerSecond
	copy(l.pcm[l.filled:], pcm)
	l.filled += len(pcm)
	if l.filled == l.enc.Units()*dsp.Unit {
		l.send(l.due)
		return
	}
	l.pulse()
}

// expect takes what is said of the line, between two packets.
func (l *Leg) expect() {
	if l.filled > 0 {
		return
	}
	if e := l.expected.Swap(nil); e != nil {
		l.pilot.Expect(e.at, e.line, e.owed)
		l.tune()
	}
}

// hush reports whether nothing is to be said now: a thin line has too much to
// carry. It tells the pilot what the phone has sent beside sound.
func (l *Leg) hush(now hal.Instant) bool {
	if r := l.route.Load(); r != nil {
		if c, ok := r.Sender.(Counter); ok {
			out := c.Sent()
			if l.out > 0 && out > l.out {
				l.pilot.Beyond(now, int(out-l.out))
			}
			l.out = out
		}
	}
	return l.pilot.Hush(now)
}

// pass lets the time go by for which nothing was captured: a gap, or a time in
// which the microphone was closed.
func (l *Leg) pass(at hal.Instant, gap bool) {
	behind := at.Sub(l.due)
	if l.due != 0 && (behind >= unit || gap && behind > unit/2) {
		units := int((behind + unit/2) / unit)
		if l.filled > 0 {
			units -= (l.enc.Units()*dsp.Unit - l.filled) / dsp.Unit
			clear(l.pcm[l.filled:])
			l.send(at)
		}
		l.time += uint16(max(units, 0))
	}
	l.due = at.Add(unit)
}

// send codes what is in pcm and hands it to the route; now is when it was full.
func (l *Leg) send(now hal.Instant) {
	units := l.enc.Units()
	if r := l.route.Load(); r != nil && r.Sender != nil {
		m := l.header(now, r)
		l.repeat(now, &m)
		p := wire.AppendMedia(l.packet[:0], m)
		head := len(p)
		l.bound(now, r, head)
		p = l.enc.Encode(p, l.pcm[:units*dsp.Unit])
		l.keep(p[head:])
		l.hand(now, r, p)
	}
	l.time += uint16(units)
	l.filled = 0
	l.pilot.Advance(now)
	l.tune()
}

// bound keeps what is sent in a second within what is allowed, for a packet that
// has so many bytes before its sound. Beside copies there is so little of it that
// this would be heard.
func (l *Leg) bound(now hal.Instant, r *Route, head int) {
	if l.bounder == nil {
		return
	}
	most := 0
	switch {
	case l.setting.Asked:
		most = l.pilot.Sound(now, head+overhead+r.Extra)
	case l.setting.Copies == 0:
		packet := time.Duration(l.enc.Units()) * unit
		most = max(1, l.pilot.Room(now, packet)-head-overhead-r.Extra)
	}
	l.bounder.Bound(most)
}

// idle reports to the far end though there is no microphone to send from.
func (l *Leg) idle(now hal.Instant) {
	r := l.route.Load()
	if r == nil || r.Sender == nil {
		return
	}
	if m := l.header(now, r); m.Told {
		m.Wants = false // these are too seldom
		l.hand(now, r, wire.AppendMedia(l.packet[:0], m))
	}
}

// header begins a packet, with a report if one is due, and takes the far end's.
func (l *Leg) header(now hal.Instant, r *Route) wire.Media {
	if r.Extra != l.extra || r.Beside != l.beside {
		l.extra, l.beside = r.Extra, r.Beside
		l.pilot.Limit(adapt.Limits{Most: voicePath - r.Beside, Overhead: wire.MediaHeader + overhead + r.Extra, Beside: r.Beside})
	}
	m := wire.Media{Codec: l.codec, Seq: l.seq, Time: l.time}
	l.hears.exchange(now, &l.books, l.jitter, &m, l.pilot)
	if l.pilot.Untold() {
		waits, through := l.hears.waits(now)
		l.pilot.Beside(now, waits, through)
	}
	return m
}

// hand gives a packet to the route.
func (l *Leg) hand(now hal.Instant, r *Route, p []byte) {
	r.SendMedia(p)
	bytes := len(p) + overhead + r.Extra
	l.pilot.Sent(now, l.seq, bytes)
	if l.out > 0 {
		l.out += uint64(bytes)
	}
	l.seq++
	l.books.sent.Add(1)
	l.books.bytesUp.Add(uint64(bytes))
	l.books.steers(now, l.pilot.Way(), l.setting)
}

// repeat puts earlier packets into m, as far as there is room beside its own
// sound.
func (l *Leg) repeat(now hal.Instant, m *wire.Media) {
	s := l.setting
	if s.Asked {
		l.repeatAsked(now, m)
		return
	}
	sound := 2 * s.Bitrate / 8 * int(s.Packet/time.Millisecond) / 1000 // twice the mean is the most
	room := maxPayload - wire.MediaHeader - wire.ReportSize - sound
	for i := 1; i <= s.Copies; i++ {
		k := &l.kept[(l.seq-uint8(i*s.Spread))%keptPackets]
		back := l.time - k.time
		room -= k.size + wire.CopyHeader
		if k.size > 0 && back > 0 && back <= 255 && room >= 0 {
			m.Copies[m.Copied] = wire.Copy{Back: uint8(back), Sound: k.data[:k.size]}
			m.Copied++
		}
	}
}

// repeatAsked is repeat of what the far end lacks.
func (l *Leg) repeatAsked(now hal.Instant, m *wire.Media) {
	var due [wire.MissingSpan + 1]uint8
	left := min(l.pilot.Left(now), maxPayload*2/3)
	for _, old := range l.pilot.Again(due[:0], now, l.seq) {
		k := &l.kept[old%keptPackets]
		back := l.time - k.time
		cost := k.size + wire.CopyHeader
		if k.size == 0 || back == 0 || back > 255 || cost > left || m.Copied == wire.MaxCopies {
			continue
		}
		left -= cost
		m.Copies[m.Copied] = wire.Copy{Back: uint8(back), Sound: k.data[:k.size]}
		m.Copied++
		l.pilot.Carries(now, l.seq, old)
	}
}

// keep remembers a packet for repeat, coarser where the codec can make it so.
func (l *Leg) keep(sound []byte) {
	k := &l.kept[l.seq%keptPackets]
	if l.setting.Coarse > 0 && l.coarser != nil {
		if c := l.coarser.AppendCoarse(l.coarse[:0]); len(c) > 0 {
			sound = c
		}
	}
	k.time, k.size = l.time, 0
	if len(sound) <= maxKept {
		k.size = copy(k.data[:], sound)
	}
}

// tune lets the codec follow the pilot, between two packets.
func (l *Leg) tune() {
	if l.tuner == nil {
		return
	}
	if s := l.pilot.Setting(); s != l.setting {
		l.setting = s
		l.tuner.Tune(s)
	}
}
