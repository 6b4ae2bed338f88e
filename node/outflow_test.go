package node

import (
	"testing"
	"time"

	"peerphone/hal"
)

// What went out before a line was known to be thin waits there still, as far as the
// line has not let it through since.
func TestOwed(t *testing.T) {
	start := hal.Instant(time.Hour)
	for _, c := range []struct {
		what        string
		line        int
		after       time.Duration
		least, most int
	}{
		{"at once", 2000, 100 * time.Millisecond, 4600, 5000},
		{"a second later", 2000, time.Second, 2900, 3200},
		{"the line is done", 2000, 3 * time.Second, 0, 0},
		{"a thinner line", 1000, 3 * time.Second, 1800, 2200},
		{"nobody knows the line", 0, 0, 0, 0},
		{"forgotten", 100, time.Minute, 0, 0},
	} {
		var o outflow
		for n := range 10 {
			o.add(start.Add(time.Duration(n)*10*time.Millisecond), 500)
		}
		if got := o.owed(start.Add(c.after), c.line); got < c.least || got > c.most {
			t.Errorf("%s: %d bytes are owed, want %d to %d", c.what, got, c.least, c.most)
		}
	}
}
