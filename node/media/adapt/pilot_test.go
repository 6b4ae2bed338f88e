package adapt

import (
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/node/media/opus"
	"peerphone/node/wire"
)

func TestNormalUseIsWithinItsBudget(t *testing.T) {
	c := newCall(t)
	if n := c.run(30 * time.Second); n > 5000 || n < 4700 {
		t.Errorf("%.0f bytes a second, want nearly 5000", n)
	}
	if s := c.pilot.Setting(); s.Packet != 20*ms || s.Copies > 0 || s.Band != opus.Wide || s.Steady {
		t.Errorf("a clean network gives %+v", s)
	}
	if w := c.pilot.Way(); w.RTT < 38*ms || w.RTT > 45*ms || w.Loss.Share > 0 {
		t.Errorf("the way is %+v", w)
	}
}

// A codec that takes more than its bit rate is asked for less, at once, and one
// that takes less may not spend it all later.
func TestCodecThatTakesMoreIsKeptWithin(t *testing.T) {
	c := newCall(t)
	loud := func(d time.Duration, more float64) (bytes float64) {
		for end := c.now.Add(d); c.now < end; {
			s := c.pilot.Setting()
			c.until(c.now.Add(s.Packet))
			n := overhead + int(more*float64(s.Bitrate)/8*s.Packet.Seconds())
			bytes += float64(n)
			c.send(n, int(s.Packet/unit))
			c.pilot.Advance(c.now)
		}
		return bytes
	}
	for _, more := range []float64{1.1, .6, 1.2, 1} {
		loud(5*time.Second, more)
		if n := loud(5*time.Second, more); n > 5*5000 {
			t.Errorf("%.0f bytes in five seconds of a codec that takes %v of its rate", n, more)
		}
	}
	loud(10*time.Second, .5)
	if n := loud(5*time.Second, 1.1); n > 5*5100 {
		t.Errorf("%.0f bytes in five seconds after a pause", n)
	}
}

// A relay's bytes come out of the same budget.
func TestOverheadCounts(t *testing.T) {
	c := newCall(t)
	c.pilot.Limit(Limits{Most: 5000, Overhead: overhead + 10})
	c.run(5 * time.Second)
	s := c.pilot.Setting()
	if n := float64(s.Bitrate)/8 + (overhead+10)/s.Packet.Seconds(); n > 5000 || n < 4700 {
		t.Errorf("%+v is %.0f bytes a second", s, n)
	}
}

// Where both ways are thin the first report waits behind a second of sound; what
// comes from the far end tells it sooner.
func TestThinBothWaysFromTheStart(t *testing.T) {
	for _, rate := range []float64{1500, 2000, 3000} {
		c := newCall(t)
		c.rate, c.thin = rate, true
		if n := c.run(time.Second); n > 3100 {
			t.Errorf("bottleneck of %v: %.0f bytes in the first second", rate, n)
		}
		c.run(5 * time.Second)
		if d := c.waits(); d > 200*ms {
			t.Errorf("bottleneck of %v: packets wait %v after six seconds", rate, d)
		}
		c.run(20 * time.Second)
		if n := float64(c.pilot.Way().Allowed); n > rate || n < .8*rate && n > leastRate {
			t.Errorf("bottleneck of %v: %.0f bytes a second are allowed", rate, n)
		}
	}
}

// A line that is known before the first word is never filled.
func TestThinLineThatIsKnown(t *testing.T) {
	for _, rate := range []float64{1500, 2000, 3000, 4000} {
		c := newCall(t)
		c.rate, c.thin = rate, true
		c.pilot.Expect(c.now, int(rate), 0)
		for range 25 {
			if n := c.run(time.Second); n > rate {
				t.Errorf("line of %v: %.0f bytes in a second", rate, n)
			}
			if d := c.waits(); d > 200*ms {
				t.Errorf("line of %v: packets wait %v", rate, d)
			}
		}
		c.rate = 0
		c.run(2 * time.Minute)
		if n := c.pilot.Way().Allowed; n < 4900 {
			t.Errorf("line of %v: two minutes after it has become a good one %d bytes a second are allowed", rate, n)
		}
	}
	for _, rate := range []int{0, 5600, MostLine} {
		c := newCall(t)
		c.pilot.Expect(c.now, rate, 0)
		if n := c.pilot.Way().Allowed; n != startRate {
			t.Errorf("line of %d: a call begins with %d bytes a second", rate, n)
		}
	}
}

// A far end behind a thin line says by its first report that ours is not.
func TestOnlyTheOtherWayIsThin(t *testing.T) {
	c := newCall(t)
	c.mute = true // until its first report has come through its queue
	for at := time.Duration(0); at < 900*ms; at += 100 * ms {
		c.run(100 * ms)
		c.pilot.Beside(c.now, at, 1500)
	}
	if n := c.pilot.Way().Allowed; n > 2500 {
		t.Errorf("%d bytes a second are allowed before the first report", n)
	}
	c.mute = false
	c.run(2 * time.Second)
	if n := c.pilot.Way().Allowed; n < 4500 {
		t.Errorf("%d bytes a second are allowed two seconds after it", n)
	}
}

func TestBottleneckIsFollowedInTwoSeconds(t *testing.T) {
	for _, rate := range []float64{1500, 2000, 3000, 4000} {
		c := newCall(t)
		c.run(20 * time.Second)
		c.rate = rate
		c.run(2 * time.Second)
		if got := c.pilot.Way().Allowed; float64(got) > rate {
			t.Errorf("bottleneck of %v: %d are allowed after two seconds", rate, got)
		}
		c.run(10 * time.Second)
		most := time.Duration(0)
		for range 30 {
			if n := c.run(time.Second); n > 1.25*rate {
				t.Errorf("bottleneck of %v: %.0f bytes in a second", rate, n)
			}
			most = max(most, c.waits())
		}
		if most > 300*ms {
			t.Errorf("bottleneck of %v: packets wait %v", rate, most)
		}
		if n := c.run(10 * time.Second); n < .7*rate {
			t.Errorf("bottleneck of %v: only %.0f bytes a second are used", rate, n)
		}
		c.rate = 0
		c.run(3 * time.Minute)
		if got := c.pilot.Way().Allowed; got < 4900 {
			t.Errorf("bottleneck of %v: three minutes after its end %d are allowed", rate, got)
		}
	}
}

// In ten minutes at a bottleneck the rate must not swing.
func TestNoOscillation(t *testing.T) {
	c := newCall(t)
	c.rate = 2500
	c.run(time.Minute)
	turns, last := 0, 0
	for range 600 {
		c.run(time.Second)
		now := c.pilot.Way().Allowed
		if now < last*9/10 {
			turns++
		}
		last = now
	}
	if turns > 10 {
		t.Errorf("the rate broke down %d times in ten minutes", turns)
	}
}

func TestLossIsAnsweredWithCopies(t *testing.T) {
	for _, loss := range []Loss{{.05, 1}, {.1, 1}, {.2, 1}, {.2, 3}} {
		c := newCall(t)
		c.run(10 * time.Second)
		c.lose = gilbert(loss.Share, loss.Burst)
		c.run(3 * time.Second)
		s := c.pilot.Setting()
		if s.Copies == 0 && !s.FEC {
			t.Errorf("%+v: after three seconds nothing is repeated: %+v", loss, s)
		}
		n := c.run(60 * time.Second)
		s = c.pilot.Setting()
		if n > 5050 || n < 4000 {
			t.Errorf("%+v: %.0f bytes a second", loss, n)
		}
		if s.Copies == 0 || loss.Burst > 1 && s.Copies*s.Spread < 4 {
			t.Errorf("%+v: %+v", loss, s)
		}
		c.lose = nil
		c.run(90 * time.Second)
		if s := c.pilot.Setting(); s.Copies > 0 || s.Packet != 20*ms {
			t.Errorf("%+v: ninety seconds after it: %+v", loss, s)
		}
	}
}

// A way that drops what is beyond a rate, without a queue, looks like loss.
func TestPolicerIsNoLoss(t *testing.T) {
	c := newCall(t)
	c.rate, c.queue = 2000, 0
	c.run(20 * time.Second)
	if n := c.run(10 * time.Second); n > 2600 {
		t.Errorf("%.0f bytes a second go into a limit of 2000", n)
	}
}

// A queue that others fill does not starve us.
func TestQueueOfOthers(t *testing.T) {
	c := newCall(t)
	c.run(20 * time.Second)
	c.delay += 250 * ms
	c.run(60 * time.Second)
	if got := c.pilot.Way().Allowed; got < 3000 {
		t.Errorf("behind the queue of others %d bytes a second are allowed", got)
	}
}

// As over TCP: nothing is lost, but all waits now and then.
func TestStallsDoNotStarve(t *testing.T) {
	c := newCall(t)
	for range 30 {
		c.run(2 * time.Second)
		for i := range c.sent {
			c.sent[i].at = max(c.sent[i].at, c.now.Add(220*ms))
		}
	}
	if got := c.pilot.Way().Allowed; got < 3500 {
		t.Errorf("with stalls %d bytes a second are allowed", got)
	}
}

func TestSilenceOfReports(t *testing.T) {
	c := newCall(t)
	c.run(10 * time.Second)
	c.mute = true
	c.run(15 * time.Second)
	if got := c.pilot.Way().Allowed; got > 1500 {
		t.Errorf("nobody reports, and %d bytes a second are allowed", got)
	}
	c.mute = false
	c.run(60 * time.Second)
	if got := c.pilot.Way().Allowed; got < 4000 {
		t.Errorf("a minute after reports came again %d are allowed", got)
	}
}

// Reports of nonsense neither crash nor starve, nor make us send more.
func TestHostileReports(t *testing.T) {
	c := newCall(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		c.now = c.now.Add(time.Duration(r.IntN(300)) * ms)
		c.send(100, 2)
		c.pilot.Told(c.now.Add(time.Duration(r.IntN(2000)-1000)*ms), wire.Report{
			Newest: uint8(r.Uint32()), Held: uint16(r.Uint32()), Expected: uint16(r.Uint32()), Received: uint16(r.Uint32()),
			Bursts: uint8(r.Uint32()), Jitter: uint8(r.Uint32()), Queue: uint16(r.Uint32()), Rate: uint16(r.Uint32()),
		})
		c.pilot.Advance(c.now)
		s, w := c.pilot.Setting(), c.pilot.Way()
		if s.Bitrate < minBitrate || s.Bitrate > maxBitrate || s.Packet < 10*ms || s.Packet > 120*ms || s.Copies > wire.MaxCopies ||
			s.Loss < 0 || s.Loss > 100 || s.Copies*s.Spread > history || w.Allowed < leastRate || w.Allowed > 5000 || w.Loss.Share > 1 {
			t.Fatalf("%+v, %+v", s, w)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	c := newCall(t)
	c.lose = gilbert(.2, 3)
	c.run(5 * time.Second)
	report := c.ear.Report(c.now, 0, 0)
	if n := testing.AllocsPerRun(100, func() {
		c.now = c.now.Add(300 * ms)
		c.ear.Heard(c.now, c.seq, c.time, 2, 100)
		c.ear.Due(c.now)
		c.ear.Report(c.now, 0, 0)
		c.pilot.Sent(c.now, c.seq, 100)
		c.pilot.Told(c.now, report)
		c.pilot.Advance(c.now)
		c.pilot.Setting()
		c.seq++
		c.time += 30
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkChoose(b *testing.B) {
	p := NewPilot(Limits{Most: 5000, Overhead: overhead})
	p.losses.add(time.Second, 100, 20, 8)
	for b.Loop() {
		p.choose()
	}
}

// TestBurstsDrawCopiesApart: a copy that lies within a burst is lost with what it
// repeats, and one that moves makes the far end wait anew.
func TestBurstsDrawCopiesApart(t *testing.T) {
	for seed := range uint64(8) {
		c := newCall(t)
		c.r = rand.New(rand.NewPCG(seed, 7))
		c.lose = gilbert(.2, 3)
		c.run(10 * time.Second)
		changes, before := 0, c.pilot.Setting()
		for range 120 {
			c.run(time.Second / 2)
			s := c.pilot.Setting()
			if s.Packet != before.Packet || s.Copies != before.Copies || s.Spread != before.Spread {
				changes++
			}
			before = s
		}
		if s := c.pilot.Setting(); s.Copies < 1 || s.Spread < 3 {
			t.Errorf("seed %d: %+v", seed, s)
		}
		if changes > 4 {
			t.Errorf("seed %d: %d other shapes in a minute", seed, changes)
		}
		if a := c.pilot.Way().Allowed; a < 4900 {
			t.Errorf("seed %d: %d bytes a second are allowed", seed, a)
		}
	}
}

// A call that begins in a queue that is full already sees it neither grow nor end:
// every packet waits alike, and those that find no room are lost.
func TestACallThatBeginsInAFullQueueFindsItsLine(t *testing.T) {
	for _, rate := range []float64{2000, 3000} {
		c := newCall(t)
		c.rate, c.thin, c.free = rate, true, c.now.Add(c.queue)
		c.run(12 * time.Second)
		if sent := c.run(5 * time.Second); sent > rate {
			t.Errorf("line of %v: %.0f bytes a second are sent", rate, sent)
		}
	}
}

// What is sent after a silence of the reports is what is known to come through, and
// no more than grows from there: the silence may be the fault of our own flood.
func TestASilenceIsNotEndedByAJump(t *testing.T) {
	c := newCall(t)
	c.lose = func(*rand.Rand) bool { return c.mute }
	c.run(10 * time.Second)
	c.mute = true
	c.run(6 * time.Second)
	c.mute = false
	c.run(2 * time.Second)
	if got := c.pilot.Way().Allowed; got > 3000 {
		t.Errorf("%d bytes a second are allowed, though what went before was lost", got)
	}
	c.run(30 * time.Second)
	if got := c.pilot.Way().Allowed; got < 4000 {
		t.Errorf("half a minute later %d bytes a second are allowed", got)
	}
}
