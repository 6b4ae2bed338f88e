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
}

// hear takes a packet; next: none was sent between it and the one before.
func (h *hears) hear(at hal.Instant, m wire.Media, units, bytes int) (next bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.Told {
		h.told, h.report = at, m.Report
	}
	return h.ear.Heard(at, m.Seq, m.Time, units, bytes)
}

// exchange puts a report into m if one is due, and returns what the far end has
// reported since; told 0: nothing. While a reader is at it, both wait for the
// next packet.
func (h *hears) exchange(now hal.Instant, b *books, j *jitter.Buffer, m *wire.Media) (told hal.Instant, report wire.Report) {
	if !h.mu.TryLock() {
		return 0, wire.Report{}
	}
	defer h.mu.Unlock()
	if h.ear.Due(now) {
		m.Told, m.Report = true, h.ear.Report(now, time.Duration(b.delay.Load()), j.Skew())
	}
	told, h.told = h.told, 0
	return told, h.report
}

// rest puts a report into m, on hold; false: a reader is at it.
func (h *hears) rest(now hal.Instant, b *books, j *jitter.Buffer, m *wire.Media) bool {
	if !h.mu.TryLock() {
		return false
	}
	defer h.mu.Unlock()
	m.Told, m.Report = true, h.ear.Report(now, time.Duration(b.delay.Load()), j.Skew())
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
