package jitter

import (
	"time"

	"peerphone/hal"
)

const (
	// shorterBy and shorterFor are by how much, and for how long, every packet
	// has to be faster than the fastest of the seconds before for the way to be
	// taken to be a shorter one; shorterSeen how many packets that are at least.
	shorterBy   = 8 * time.Millisecond
	shorterFor  = 240 * time.Millisecond
	shorterSeen = 4
	// Those seconds are slots of slotSpan, but for the newest ones: while
	// packets that took the longer way still come, some have overtaken them.
	slotSpan    = 250 * time.Millisecond
	slots       = 32
	newestSlots = 3
)

// shorter notices that packets take a shorter way. What was learned of the
// longer one is right but for its length, and would be believed for seconds.
type shorter struct {
	fastest [slots]time.Duration // packet of each slot
	begun   int                  // slots ever
	turn    hal.Instant          // when the next begins
	since   hal.Instant          // the first of the fast packets
	seen    int                  // fast ones in a row
	least   time.Duration        // the fastest of them
}

// observe takes a packet and returns by how much the way has become shorter, 0
// if it has not.
func (s *shorter) observe(at hal.Instant, transit time.Duration) (by time.Duration) {
	former, known := s.former()
	s.note(at, transit)
	if !known || transit > former-shorterBy {
		s.seen = 0
		return 0
	}
	if s.seen == 0 {
		s.since, s.least = at, transit
	}
	s.seen++
	s.least = min(s.least, transit)
	if at.Sub(s.since) < shorterFor || s.seen < shorterSeen {
		return 0
	}
	s.begun, s.seen = 0, 0
	return former - s.least
}

// former is the fastest packet of all but the newest slots.
func (s *shorter) former() (fastest time.Duration, known bool) {
	for i := max(0, s.begun-slots); i < s.begun-newestSlots; i++ {
		if d := s.fastest[i%slots]; !known || d < fastest {
			fastest, known = d, true
		}
	}
	return fastest, known
}

func (s *shorter) note(at hal.Instant, transit time.Duration) {
	if s.begun == 0 || at >= s.turn {
		s.fastest[s.begun%slots], s.turn = transit, at.Add(slotSpan)
		s.begun++
		return
	}
	last := &s.fastest[(s.begun-1)%slots]
	*last = min(*last, transit)
}

// shorten moves what was learned to a way that is shorter by that much, and on
// which packets take least at the least.
func (a *aim) shorten(by, least time.Duration) {
	moved, floor := int(by/binWidth), int((least-a.zero)/binWidth)
	for i := range a.hist {
		a.hist[i].move(-moved, floor)
	}
	for i := range a.was {
		for j := range a.was[i] {
			a.was[i][j] -= float32(moved)
		}
	}
	a.calm.shorten(by, least)
	a.copies.shorten(by, least)
	for i, v := range views {
		a.best[i] = a.solve(&a.hist[v.memory], v.worth*price)
	}
}

func (c *calm) shorten(by, least time.Duration) {
	for i := range c.low {
		c.low[i] = max(c.low[i]-by, least)
		c.high[i] = max(c.high[i]-by, least)
	}
}
