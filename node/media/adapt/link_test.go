package adapt

import (
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/hal"
)

const ms = time.Millisecond

// overhead is what a packet costs in these tests.
const overhead = 54

// call is a sender, a network with a bottleneck, and a receiver whose reports
// come back, in virtual time.
type call struct {
	*testing.T
	pilot *Pilot
	ear   Ear

	rate  float64 // bytes a second of the bottleneck; 0: any
	queue time.Duration
	delay time.Duration // one way
	lose  func(r *rand.Rand) bool
	mute  bool // no report comes through
	thin  bool // the other way is as this one: reports wait as packets do
	r     *rand.Rand

	hushed time.Duration // how long nothing was said, in all

	now  hal.Instant
	free hal.Instant
	seq  uint8
	time uint16
	sent []sending
	back []reporting
}

type sending struct {
	at       hal.Instant // of arrival
	seq      uint8
	time     uint16
	units, n int
}

type reporting struct {
	at   hal.Instant
	made func()
}

func newCall(t *testing.T) *call {
	return &call{
		T: t, pilot: NewPilot(Limits{Most: 5000, Overhead: overhead}), queue: time.Second, delay: 20 * ms,
		now: 1e12, r: rand.New(rand.NewPCG(1, 2)), time: 65000, seq: 200,
	}
}

// restBytes is what a packet without sound takes.
const restBytes = 75

// burst sends bytes beside sound.
func (c *call) burst(bytes int) {
	c.pilot.Beyond(c.now, bytes)
	c.free = max(c.free, c.now).Add(time.Duration(float64(bytes) / c.rate * 1e9))
}

// run lets seconds pass and returns the mean of the bytes sent in each.
func (c *call) run(d time.Duration) (perSecond float64) {
	bytes := 0
	for end := c.now.Add(d); c.now < end; {
		if c.pilot.Hush(c.now) {
			c.until(c.now.Add(10 * ms))
			c.time++
			c.hushed += 10 * ms
			if c.hushed%(330*ms) == 0 {
				bytes += restBytes
				c.send(restBytes, 0)
			}
			continue
		}
		s := c.pilot.Setting()
		c.until(c.now.Add(s.Packet))
		copied := s.Coarse
		if copied == 0 {
			copied = s.Bitrate
		}
		n := overhead + int(float64(s.Bitrate+copied*s.Copies)/8*s.Packet.Seconds())
		bytes += n
		if c.thin && c.pilot.Untold() {
			waits, through := c.ear.Waits(c.now)
			c.pilot.Beside(c.now, waits, through)
		}
		c.send(n, int(s.Packet/unit))
		c.pilot.Advance(c.now)
	}
	return float64(bytes) / d.Seconds()
}

func (c *call) send(n, units int) {
	c.pilot.Sent(c.now, c.seq, n)
	at := c.now
	drop := false
	if c.rate > 0 {
		drop = c.free.Sub(c.now) > c.queue
		if !drop {
			c.free = max(c.free, c.now).Add(time.Duration(float64(n) / c.rate * 1e9))
			at = c.free
		}
	}
	if !drop && (c.lose == nil || !c.lose(c.r)) {
		c.sent = append(c.sent, sending{at.Add(c.delay), c.seq, c.time, units, n})
	}
	c.seq++
	c.time += uint16(units)
}

// until lets arrive what does until then.
func (c *call) until(end hal.Instant) {
	for len(c.sent) > 0 && c.sent[0].at <= end {
		p := c.sent[0]
		c.sent = c.sent[1:]
		c.ear.Heard(p.at, p.seq, p.time, p.units, p.n)
		if c.ear.Due(p.at) {
			r, at := c.ear.Report(p.at, 50*ms, 0), p.at.Add(c.delay)
			if c.thin {
				at = max(p.at, c.free).Add(c.delay)
			}
			c.back = append(c.back, reporting{at, func() { c.pilot.Told(at, r) }})
		}
	}
	for len(c.back) > 0 && c.back[0].at <= end {
		if !c.mute {
			c.back[0].made()
		}
		c.back = c.back[1:]
	}
	c.now = end
}

// waits is what a packet that is sent now waits at the bottleneck.
func (c *call) waits() time.Duration { return max(0, c.free.Sub(c.now)) }

func gilbert(share, burst float64) func(*rand.Rand) bool {
	bad := false
	return func(r *rand.Rand) bool {
		if bad {
			bad = r.Float64() >= 1/burst
		} else {
			bad = r.Float64() < share/(1-share)/burst
		}
		return bad
	}
}
