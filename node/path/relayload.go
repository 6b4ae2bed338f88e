package path

import (
	"math"
	"time"
)

const (
	// A party may send purseRate bytes a second, and purseSize at once: the
	// mixer of a conference of eight, or uncompressed sound.
	purseRate = 96 << 10
	purseSize = 128 << 10
	// pairRate is what a pair takes each way in bytes a second until it has been
	// measured: two directions of sound at 24 kb/s, with all headers.
	pairRate = 12 << 10
	// lineFloor is what a line is trusted with before it has carried anything:
	// 2 Mbit/s, twenty calls.
	lineFloor = 256 << 10
	// loadWindow is over how long the line's rate is taken.
	loadWindow = time.Second
)

// load knows what our line carries. What it can is found out by use: as long as
// the kernel takes every frame it is trusted with twice what it has carried;
// when frames fail, with a fifth less than it carried then.
type load struct {
	line  float64   // bytes a second each way that we admit pairs for
	fixed bool      // the owner has said it
	each  float64   // bytes a second each way that a pair takes
	since time.Time // when the window began
	then  LegCounts
	rate  float64 // bytes a second each way, in the last window
}

func newLoad(line uint64) load {
	l := load{line: lineFloor, each: pairRate}
	if line > 0 {
		l.line, l.fixed = float64(line), true
	}
	return l
}

// room reports whether one more than pairs can be carried.
func (l *load) room(pairs int) bool {
	return 2*(pairs+1) <= maxLegs && float64(pairs+1)*l.each <= l.line
}

// measure looks at what was carried since the last window.
func (l *load) measure(now time.Time, c LegCounts, pairs int) {
	if l.since.IsZero() {
		l.since, l.then = now, c
		return
	}
	passed := now.Sub(l.since)
	if passed < loadWindow {
		return
	}
	l.rate = float64(c.Bytes-l.then.Bytes) / 2 / passed.Seconds()
	failed := c.Failed - l.then.Failed
	l.since, l.then = now, c
	if pairs > 0 {
		// A pair that has just begun takes nothing yet: the estimate falls slowly.
		mean := l.rate / float64(pairs)
		l.each += (math.Max(mean, pairRate/3) - l.each) / 16
	}
	switch {
	case l.fixed:
	case failed > 0:
		l.line = math.Max(lineFloor, 0.8*l.rate)
	default:
		l.line = math.Max(l.line, 2*l.rate)
	}
}

// RelayMonth is what was carried in a calendar month of UTC. It is kept.
type RelayMonth struct {
	Month string `json:"month"` // as 2026-11
	Bytes uint64 `json:"bytes"` // in and out, with IP and UDP headers
}

// RelayKeep asks to keep what was carried.
type RelayKeep struct{ Month RelayMonth }

func (RelayKeep) event() {}

// keepEvery is how often the month's bytes are kept: an SD card shall live long.
const keepEvery = 10 * time.Minute

// month holds the owner's cap. The data plane counts down what is left; what
// was carried follows from that.
type month struct {
	cap   uint64     // 0: none
	kept  RelayMonth // before this start, of this month
	from  uint64     // LegCounts.Bytes when the month or the program began
	saved uint64     // Bytes that were kept last
	due   time.Time  // when they are kept next
}

// spent reports whether the month's cap is reached, so that not even a frame
// can be carried.
func (m *month) spent(l *Legs) bool { return l.month.Load() < 2*1500 }

// turn begins a new month when it is time.
func (r *Relay) turn(now time.Time) {
	m := &r.month
	name := now.UTC().Format("2006-01")
	if m.kept.Month != name {
		m.kept, m.from, m.saved = RelayMonth{Month: name}, r.legs.counts.bytes.Load(), 0
	} else if !m.due.IsZero() {
		return
	}
	if m.due.IsZero() {
		m.due = now.Add(keepEvery)
	}
	left := int64(math.MaxInt64)
	if m.cap > 0 {
		left = int64(min(m.cap, math.MaxInt64)) - int64(min(m.kept.Bytes, math.MaxInt64))
	}
	r.legs.month.Store(left)
}

// Cap returns the owner's cap in bytes a month, 0 for none.
func (r *Relay) Cap() uint64 { return r.month.cap }

// Month returns what was carried this month.
func (r *Relay) Month() RelayMonth {
	m := r.month.kept
	m.Bytes += r.legs.counts.bytes.Load() - r.month.from
	return m
}

// keepMonth asks to keep the month's bytes now and then.
func (r *Relay) keepMonth(now time.Time) {
	if m := r.Month(); !r.month.due.After(now) {
		r.month.due = now.Add(keepEvery)
		if m.Bytes != r.month.saved {
			r.month.saved = m.Bytes
			r.out = append(r.out, RelayKeep{m})
		}
	}
}

// Rate returns what is carried now and what the line is trusted with, in bytes
// a second each way.
func (r *Relay) Rate() (carried, line float64) { return r.load.rate, r.load.line }
