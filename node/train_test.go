package node

import (
	"testing"
	"time"
)

// What nobody says of a line is known, too: a train that has not been answered for a
// second waits in a queue.
func TestAQuietLineIsANarrowOne(t *testing.T) {
	heard := trains{sent: noon}
	heard.heard.Heard(noon, 0, 404)
	heard.heard.Heard(noon.Add(time.Millisecond), 1, 404)
	for _, c := range []struct {
		what        string
		trains      trains
		after       time.Duration
		least, most int
	}{
		{"no train was sent", trains{}, time.Minute, 0, 0},
		{"it was sent just now", trains{sent: noon}, 900 * time.Millisecond, 0, 0},
		{"no answer", trains{sent: noon}, 1100 * time.Millisecond, 1000, narrowLine},
		{"the far end's was heard", heard, 2 * time.Second, 100_000, 1 << 20},
		{"the far end says so", trains{sent: noon, told: 2000}, 2 * time.Second, 2000, 2000},
	} {
		if line := c.trains.line(noon.Add(c.after)); line < c.least || line > c.most {
			t.Errorf("%s: a line of %d, want %d to %d", c.what, line, c.least, c.most)
		}
	}
}
