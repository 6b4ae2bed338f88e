package adapt

import (
	"testing"
	"time"
)

// What waits in front of a thin line when a call begins is gone after some seconds,
// and after that nothing is kept back.
func TestWhatIsOwedIsDrained(t *testing.T) {
	for _, line := range []float64{1500, 2000} {
		for _, known := range []float64{1, .85} {
			c := newCall(t)
			c.rate, c.thin = line, true
			c.free = c.now.Add(1200 * ms)
			c.pilot.Expect(c.now, int(known*line), int(1.2*line))
			c.run(4 * time.Second)
			if d := c.waits(); d > 300*ms {
				t.Errorf("line of %v: packets wait %v after four seconds", line, d)
			}
			if c.hushed < 700*ms || c.hushed > 2*time.Second {
				t.Errorf("line of %v: nothing was said for %v", line, c.hushed)
			}
			c.hushed = 0
			n := c.run(20 * time.Second)
			if d := c.waits(); d > 300*ms || c.hushed > 0 || n < .75*line {
				t.Errorf("line of %v: then packets wait %v, nothing was said for %v, %.0f bytes a second", line, d, c.hushed, n)
			}
		}
	}
}

// What is sent beside sound and fills a thin line makes sound pause, and not go down.
func TestABurstBesideSound(t *testing.T) {
	for _, line := range []float64{1500, 2000} {
		c := newCall(t)
		c.rate, c.thin = line, true
		c.pilot.Expect(c.now, int(line), 0)
		c.run(5 * time.Second)
		before := c.pilot.Way().Allowed
		c.burst(1200)
		c.run(3 * time.Second)
		if d := c.waits(); d > 300*ms {
			t.Errorf("line of %v: packets wait %v three seconds after a burst", line, d)
		}
		if after := c.pilot.Way().Allowed; after < before*9/10 {
			t.Errorf("line of %v: %d bytes a second are allowed after a burst, %d before", line, after, before)
		}
	}
}

// A queue that nobody here has filled, and that reports tell of, is got rid of, too.
func TestAQueueOfOthersAtAThinLine(t *testing.T) {
	c := newCall(t)
	c.rate, c.thin = 1500, true
	c.pilot.Expect(c.now, 1500, 0)
	c.run(5 * time.Second)
	c.free = max(c.free, c.now).Add(1500 * ms)
	c.run(8 * time.Second)
	if d := c.waits(); d > 500*ms {
		t.Errorf("packets wait %v eight seconds later", d)
	}
}

// On a good line nothing is ever kept back, whatever is sent beside sound.
func TestNoSilenceOnAGoodLine(t *testing.T) {
	c := newCall(t)
	c.rate = 20_000
	c.pilot.Expect(c.now, 20_000, 30_000)
	for range 20 {
		c.run(time.Second)
		c.burst(5000)
	}
	if c.hushed > 0 {
		t.Errorf("nothing was said for %v", c.hushed)
	}
}
