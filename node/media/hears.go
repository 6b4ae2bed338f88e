package media

import (
	"sync"
	"time"

	"peerphone/hal"
	"peerphone/node/media/adapt"
	"peerphone/node/media/jitter"
	"peerphone/node/wire"
)

// hears is what readers of sockets leave for the capture goroutine: what to
// report, and what was reported.
type hears struct {
	mu     sync.Mutex // guards all; capture only tries it
	ear    adapt.Ear
	told   hal.Instant // when report came; 0: it has been taken
	report wire.Report
	asked  hal.Instant // when wants came; 0: it has been taken
	wants  wire.Missing
}

// Receive takes a media payload that arrived at the instant at. It copies what
// it keeps; it blocks for nothing but the mutexes of the jitter buffer and of
// the reports.
func (l *Leg) Receive(at hal.Instant, payload []byte) {
	m, ok := wire.ParseMedia(payload)
	if !ok || m.Codec != l.codec {
		l.books.foreign.Add(1)
		return
	}
	bytes := len(payload) + overhead
	l.books.received.Add(1)
	l.books.bytesDown.Add(uint64(bytes))
	units := l.dec.Duration(m.Sound)
	next := l.hears.hear(at, m, units, bytes)
	switch {
	case len(m.Sound) == 0: // only a report
	case next:
		l.jitter.InsertNext(at, m.Time, m.Sound)
	default:
		l.jitter.Insert(at, m.Time, m.Sound)
	}
	l.books.hear(units, len(m.Sound))
	for _, c := range m.Copies[:m.Copied] {
		l.jitter.InsertCopy(at, m.Time-uint16(c.Back), c.Sound)
	}
	l.restored(&m)
}

// restored takes note of whose copies have come. All packets from there on are
// taken to be as long: where a length has changed in between, one too many is sent
// once more.
func (l *Leg) restored(m *wire.Media) {
	if m.Copied == 0 {
		return
	}
	l.hears.mu.Lock()
	defer l.hears.mu.Unlock()
	for _, c := range m.Copies[:m.Copied] {
		if units := l.dec.Duration(c.Sound); units > 0 && int(c.Back)%units == 0 {
			l.hears.ear.Restored(m.Seq - c.Back/uint8(units))
		}
	}
}

// hear takes a packet; next: none was sent between it and the one before.
func (h *hears) hear(at hal.Instant, m wire.Media, units, bytes int) (next bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.Told {
		h.told, h.report = at, m.Report
	}
	if m.Wants {
		h.asked, h.wants = at, m.Want
	}
	return h.ear.Heard(at, m.Seq, m.Time, units, bytes)
}

// exchange puts a report into m if one is due, and what is missing, and tells the
// pilot what the far end has said since. While a reader is at it, all waits for
// the next packet.
func (h *hears) exchange(now hal.Instant, b *books, j *jitter.Buffer, m *wire.Media, p *adapt.Pilot) {
	if !h.mu.TryLock() {
		return
	}
	defer h.mu.Unlock()
	if h.ear.Due(now) {
		m.Told, m.Report = true, h.ear.Report(now, time.Duration(b.delay.Load()), j.Skew())
	}
	m.Want, m.Wants = h.ear.Missing(now)
	if h.asked != 0 {
		p.Missing(h.asked, h.wants)
		h.asked = 0
	}
	if h.told != 0 {
		p.Told(h.told, h.report)
		h.told = 0
	}
}

// rest puts a report into m that has no sound, and tells p the far end's, unless p
// is nil; false: a reader is at it.
func (h *hears) rest(now hal.Instant, b *books, j *jitter.Buffer, m *wire.Media, p *adapt.Pilot) bool {
	if !h.mu.TryLock() {
		return false
	}
	defer h.mu.Unlock()
	m.Told, m.Report = true, h.ear.Report(now, time.Duration(b.delay.Load()), j.Skew())
	if h.told != 0 && p != nil {
		p.Told(h.told, h.report)
	}
	h.told = 0
	return true
}

// waits is what packets of the far end wait somewhere, and how many of its bytes
// come in a second; 0: nothing, or a reader is at it.
func (h *hears) waits(now hal.Instant) (d time.Duration, through int) {
	if !h.mu.TryLock() {
		return 0, 0
	}
	defer h.mu.Unlock()
	return h.ear.Waits(now)
}
