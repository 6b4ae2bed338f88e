package jitter

import (
	"testing"
	"time"

	"peerphone/hal"
)

// TestHolesKeepTheirLengthAmongCopies: what a hole may be narrowed by is nothing
// while packets come with copies, and as before some time after the last one.
func TestHolesKeepTheirLengthAmongCopies(t *testing.T) {
	var s steer
	s.reset()
	start := hal.Instant(1e12)
	at := start
	packet := func(by carrier) {
		at = at.Add(20 * time.Millisecond)
		pos := int64(at.Sub(start) / unit)
		s.learn([]arrival{{at, pos, 2, itself}})
		if by == spare {
			s.learn([]arrival{{at, pos - 4, 2, spare}})
		}
	}
	for range 50 {
		packet(itself)
	}
	if got := s.lean(); got != lean {
		t.Errorf("%v before there are copies", got)
	}
	packet(spare)
	if got := s.lean(); got != 0 {
		t.Errorf("%v among copies", got)
	}
	for range 3 * calmSpan / (20 * time.Millisecond) {
		packet(itself)
	}
	if got := s.lean(); got != lean {
		t.Errorf("%v long after the last copy", got)
	}
}
