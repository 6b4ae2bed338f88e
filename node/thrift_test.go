package node

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// speaks counts the bytes of frames of a size, one each 50 ms, that may go in a
// while.
func (t *thrift) speaks(now time.Time, d time.Duration, size int) (bytes int) {
	for end := now.Add(d); now.Before(end); now = now.Add(50 * time.Millisecond) {
		if t.spare(now, size) {
			bytes += size
		}
	}
	return bytes
}

// On a narrow line a tenth is for all that is not the call, in small frames and
// in large ones; on others it has no limit.
func TestANarrowLineIsForTheCall(t *testing.T) {
	for _, c := range []struct{ line, size, least, most int }{
		{1500, 100, 8500, 9300 + 300},
		{2000, 700, 11000, 12000 + 300},
		{2000, 1600, 9600, 12000 + 300},
		{300, 100, 5500, 6000 + 300}, // homes are kept
		{0, 100, 120_000, 120_000},
		{4900, 100, 120_000, 120_000},
		{1 << 20, 1600, 1_920_000, 1_920_000},
	} {
		var h thrift
		h.follow(noon, c.line)
		if n := h.speaks(noon, time.Minute, c.size); n < c.least || n > c.most {
			t.Errorf("line of %d: %d bytes in a minute in frames of %d, want %d to %d", c.line, n, c.size, c.least, c.most)
		}
	}
}

// What a call is told about its line each second does not add to what may go.
func TestTheLineIsFollowed(t *testing.T) {
	var h thrift
	bytes := 0
	for n := range 60 {
		now := noon.Add(time.Duration(n) * time.Second)
		h.follow(now, 1500+100*(n%3))
		bytes += h.speaks(now, time.Second, 100)
	}
	if bytes > 10_000 {
		t.Errorf("%d bytes in a minute on a line of 1.6 kB/s", bytes)
	}
	for _, c := range []struct {
		line int
		on   bool
	}{{3800, true}, {4300, false}, {3800, false}, {3000, true}, {0, false}} {
		if h.follow(noon.Add(time.Hour), c.line); h.on() != c.on {
			t.Errorf("at %d bytes a second: a limit %v, want %v", c.line, h.on(), c.on)
		}
	}
}
