package node

import (
	"testing"
	"time"

	"peerphone/node/wire"
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

// On a narrow line a twentieth is for all that is not the call, in small frames and
// in large ones; on others it has no limit.
func TestANarrowLineIsForTheCall(t *testing.T) {
	for _, c := range []struct{ line, size, least, most int }{
		{1500, 100, 5500, 6000 + 300}, // homes are kept
		{3000, 100, 8500, 9300 + 300},
		{3000, 700, 7700, 9300 + 300},
		{3000, 1600, 6400, 9300 + 300},
		{300, 100, 5500, 6000 + 300},
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

// Four long messages of a call that are sent again each second would take all of a
// narrow line; what is short goes at all times, and so does all on other lines.
func TestACallDoesNotTalkItselfDown(t *testing.T) {
	for _, c := range []struct{ line, size, least, most int }{
		{2000, 290, 15_000, 16_000},
		{1500, 290, 11_500, 12_000},
		{1500, 1300, 9_000, 14_000},
		{1500, 100, 120_000, 120_000},
		{0, 290, 348_000, 348_000},
	} {
		var h thrift
		h.follow(noon, c.line)
		bytes := 0
		for now := noon; now.Before(noon.Add(time.Minute)); now = now.Add(50 * time.Millisecond) {
			if h.says(now, c.size) {
				bytes += c.size
			}
		}
		if bytes < c.least || bytes > c.most {
			t.Errorf("line of %d: %d bytes in a minute in messages of %d, want %d to %d", c.line, bytes, c.size, c.least, c.most)
		}
	}
}

// While no direct way is found there are ten checks a second and more.
func TestChecksLeaveALineToTheCall(t *testing.T) {
	for line, most := range map[int]int{1500: 9500, 2000: 12_500, 0: 122_400} {
		var h thrift
		h.follow(noon, line)
		bytes := 0
		for n := range 1800 {
			if h.probes(noon.Add(time.Duration(n)*time.Second/30), 68) {
				bytes += 68
			}
		}
		if bytes > most || bytes < most*9/10 {
			t.Errorf("line of %d: %d bytes of checks in a minute, want nearly %d", line, bytes, most)
		}
	}
}

// Acknowledgements go at all times, but what is longer waits for them, for some
// seconds.
func TestAcknowledgementsAreNotKeptBack(t *testing.T) {
	var h thrift
	h.follow(noon, 1500)
	if n := h.speaks(noon, 10*time.Second, ackSmall); n != 200*ackSmall {
		t.Errorf("%d bytes of acknowledgements may go, want all %d", n, 200*ackSmall)
	}
	if n := h.speaks(noon.Add(10*time.Second), 8*time.Second, 100); n > 0 {
		t.Errorf("%d bytes more may go in the next eight seconds", n)
	}
	if n := h.speaks(noon.Add(18*time.Second), 10*time.Second, 100); n == 0 {
		t.Error("nothing more may go in the ten seconds after them")
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
	if bytes > 6500 {
		t.Errorf("%d bytes in a minute on a line of 1.6 kB/s", bytes)
	}
	for _, c := range []struct {
		line int
		on   bool
	}{{3800, true}, {4300, false}, {3800, false}, {3000, true}, {0, true}, {5000, false}} {
		if h.follow(noon.Add(time.Hour), c.line); h.on() != c.on {
			t.Errorf("at %d bytes a second: a limit %v, want %v", c.line, h.on(), c.on)
		}
	}
}

// Of several handshakes one goes at a time, and begins when there is room for a whole
// flight: in parts of each none would come to an end.
func TestOneHandshakeAtATime(t *testing.T) {
	var h thrift
	h.follow(noon, 2000)
	flights := 0
	for now := noon; now.Before(noon.Add(2 * time.Minute)); now = now.Add(100 * time.Millisecond) {
		for ix := wire.Index(1); ix <= 9; ix++ {
			if !h.dials.flight(now, ix, &h.others, thriftLeast, 1148) {
				continue
			}
			if flights++; !h.dials.flight(now, ix, &h.others, thriftLeast, 448) {
				t.Fatalf("after %v one part of a flight may go, the other may not", now.Sub(noon))
			}
		}
	}
	if flights < 5 || flights > 8 {
		t.Errorf("%d flights of 1,600 bytes in two minutes of 100 bytes a second, want 7 or so", flights)
	}
}
