package jitter

import (
	"fmt"
	"testing"
	"time"
)

// naturalStep is a little more than the largest step between two samples of
// tone; what is larger clicks.
const naturalStep = 1000

func (l *link) want(what string, got, want uint64) {
	l.t.Helper()
	if got != want {
		l.t.Errorf("%s: got %d, want %d; %+v", what, got, want, l.b.Counters())
	}
}

// wantSmooth looks for clicks in what was played.
func (l *link) wantSmooth(most int) {
	l.t.Helper()
	for i := 1; i < len(l.played); i++ {
		if d := int(l.played[i]) - int(l.played[i-1]); max(d, -d) > most {
			l.t.Fatalf("a step of %d at sample %d, %v after the start; want at most %d", d, i, samples(i), most)
		}
	}
}

func TestSteadyStreamIsPlayedWhole(t *testing.T) {
	l := newLink(t)
	l.keep = true
	l.run(l.steady(1, 250, 20*time.Millisecond, 3*time.Millisecond), 4900*time.Millisecond)
	c := l.b.Counters()
	l.want("concealed", c.Concealed, 0)
	l.wantSmooth(naturalStep)
	if d := l.meanDelay(); d < 15*time.Millisecond || d > 40*time.Millisecond {
		t.Errorf("delay %v, want less than the 40 ms of the start", d)
	}
}

func TestTimeWraps(t *testing.T) {
	l := newLink(t)
	l.start = 65500
	l.run(l.steady(2, 100, time.Millisecond, 0), 2*time.Second)
	c := l.b.Counters()
	l.want("concealed", c.Concealed, 0)
	l.want("restarts", c.Restarts, 0)
	l.want("strange", c.Strange, 0)
}

func TestReorderingWithinTheTargetIsNotHeard(t *testing.T) {
	l := newLink(t)
	l.keep = true
	as := l.steady(3, 250, 5*time.Millisecond, 0)
	for i := 0; i < len(as); i += 7 {
		as[i].at += 25 * time.Millisecond
	}
	l.run(as, 4900*time.Millisecond)
	c := l.b.Counters()
	l.want("concealed", c.Concealed, 0)
	l.want("lost", c.Lost, 0)
	l.wantSmooth(naturalStep)
}

func TestDuplicatesAreDropped(t *testing.T) {
	l := newLink(t)
	as := l.steady(4, 100, 5*time.Millisecond, 0)
	for _, a := range as[:90] {
		a.at += 70 * time.Millisecond
		as = append(as, a)
	}
	l.run(as, 2*time.Second)
	c := l.b.Counters()
	l.want("duplicate", c.Duplicate, 90)
	l.want("concealed", c.Concealed, 0)
	l.want("late", c.Late, 0)
}

func TestLossIsConcealedInItsTime(t *testing.T) {
	l := newLink(t)
	l.keep = true
	as := l.steady(5, 500, 5*time.Millisecond, 0)
	lost := 0
	for i := 20; i < len(as)-20; i += 20 {
		as[i].lost = true
		lost++
	}
	l.run(as, 9900*time.Millisecond)
	c := l.b.Counters()
	l.want("lost", c.Lost, uint64(lost))
	l.want("late", c.Late, 0)
	// The sound around a hole is stretched into it: less is made up than is lost.
	if c.Concealed == 0 || c.Concealed >= uint64(2*lost) {
		t.Errorf("%d units concealed of %d lost", c.Concealed, 2*lost)
	}
	// A tone of whole periods is concealed without a seam.
	l.wantSmooth(naturalStep + 100)
}

func TestPacketThatComesTooLateIsDropped(t *testing.T) {
	l := newLink(t)
	as := l.steady(6, 200, 5*time.Millisecond, 0)
	as[100].at += 200 * time.Millisecond
	l.run(as, 3900*time.Millisecond)
	c := l.b.Counters()
	l.want("late", c.Late, 1)
	l.want("lost", c.Lost, 0)
	if c.Concealed < 1 || c.Concealed > 2 {
		t.Errorf("%d units concealed, want the packet's two or fewer", c.Concealed)
	}
}

func TestPacketThatIsLateForAPartIsPlayedFromThere(t *testing.T) {
	l := newLink(t)
	l.units, l.keep = 3, true
	as := l.steady(7, 100, 5*time.Millisecond, 4*time.Millisecond)
	as[50].at += 51 * time.Millisecond
	l.run(as, 2900*time.Millisecond)
	c := l.b.Counters()
	l.want("late", c.Late, 0)
	l.want("lost", c.Lost, 0)
	if c.Concealed < 1 || c.Concealed > 2 {
		t.Errorf("%d units concealed, want a part of the three", c.Concealed)
	}
	l.wantSmooth(naturalStep + 300)
}

// TestEvenPacketsShortenTheBeginning: where packets come evenly a call has its
// least delay soon after its beginning.
func TestEvenPacketsShortenTheBeginning(t *testing.T) {
	for _, test := range []struct {
		jitter    time.Duration
		low, high time.Duration // of the target after 1.3 s
	}{
		{0, leastWait, leastWait + unit},
		{8 * time.Millisecond, startWait - 5*time.Millisecond, startWait + unit},
	} {
		l := newLink(t)
		l.run(l.steady(31, 65, 5*time.Millisecond, test.jitter), 1300*time.Millisecond)
		if got := l.b.Target(); got < test.low || got > test.high {
			t.Errorf("jitter of %v: the target is %v, want %v to %v", test.jitter, got, test.low, test.high)
		}
		l.want("concealed", l.b.Counters().Concealed, 0)
	}
}

// A burst after a pause of the network: nothing was lost, so nothing is
// dropped: the delay rises by what was made up, and comes down again.
func TestSpikeIsHeardWhole(t *testing.T) {
	l := newLink(t)
	l.keep = true
	as := l.steady(8, 3000, 5*time.Millisecond, 0)
	for i := 200; i < 210; i++ {
		as[i].at = as[210].at
	}
	l.run(as[:230], l.sent(230))
	c := l.b.Counters()
	l.want("lost", c.Lost, 0)
	l.want("late", c.Late, 0)
	if c.Concealed < 14 || c.Concealed > 20 {
		t.Errorf("%d units concealed, want about 16", c.Concealed)
	}
	l.run(as[230:], l.sent(2999))
	after := l.b.Counters()
	l.want("concealed since", after.Concealed, c.Concealed)
	if after.Stretched == 0 {
		t.Error("nothing was shortened")
	}
	if w := l.waits[len(l.waits)-1]; w > 60*time.Millisecond {
		t.Errorf("a minute later sound still waits %v", w)
	}
	l.wantSmooth(naturalStep + 300)
}

func TestSenderThatBeginsAnewIsHeardAgain(t *testing.T) {
	for _, jump := range []uint16{20000, 40000, 100, 200, 65536 - 200, 65536 - 50, 65536 - 20} {
		t.Run(fmt.Sprint(int16(jump)), func(t *testing.T) {
			l := newLink(t)
			l.run(l.steady(9, 100, 5*time.Millisecond, 0), 2*time.Second)
			before := l.delays
			l.start += jump
			as := l.steady(9, 200, 5*time.Millisecond, 0)[100:]
			l.run(as, l.sent(199))
			if heard := l.delays - before; heard < 100-25 {
				t.Errorf("%d of 100 packets heard after the jump; %+v", heard, l.b.Counters())
			}
			if w := l.waits[len(l.waits)-1]; w > 110*time.Millisecond {
				t.Errorf("sound waits %v after the jump", w)
			}
		})
	}
}

func TestLongPauseKeepsItsLength(t *testing.T) {
	l := newLink(t)
	as := l.steady(10, 60000, 5*time.Millisecond, 0)
	as = append(as[:100], as[59000:]...) // nearly 20 minutes: two wraps
	l.run(as, l.sent(59999))
	c := l.b.Counters()
	l.want("restarts", c.Restarts, 0)
	l.want("strange", c.Strange, 0)
	if l.delays < 1098 {
		t.Errorf("%d of 1100 packets heard", l.delays)
	}
}

func TestNobodyPullsForAWhile(t *testing.T) {
	for _, first := range []int{0, 100} {
		l := newLink(t)
		as := l.steady(11, 1500, 5*time.Millisecond, 0)
		l.run(as[:first], l.sent(first))
		for _, a := range as[first:1000] {
			l.insert(a)
		}
		l.pulls = 2000 // the card was away from the first to the thousandth packet
		l.delay, l.delays = 0, 0
		l.run(as[1000:], l.sent(1499))
		if d := l.meanDelay(); d > 60*time.Millisecond {
			t.Errorf("after %d: sound waits %v, want about 40 ms", first, d)
		}
		if c := l.b.Counters(); c.Concealed > 2 {
			t.Errorf("after %d: %d units concealed", first, c.Concealed)
		}
	}
}

func TestDriftForAnHour(t *testing.T) {
	for _, ppm := range []float64{-300, 300} {
		t.Run(fmt.Sprint(ppm), func(t *testing.T) {
			t.Parallel()
			l := newLink(t)
			l.sender = ppm
			as := l.steady(12, 180000, 5*time.Millisecond, 2*time.Millisecond)
			l.run(as[:3000], as[2999].at)
			if got := l.b.Skew(); got < ppm-5 || got > ppm+5 {
				t.Errorf("after a minute the skew is believed to be %.1f ppm, want %.0f", got, ppm)
			}
			before := l.b.Counters().Stretched
			l.waits = nil
			l.run(as[3000:], as[len(as)-1].at)
			c := l.b.Counters()
			l.want("concealed", c.Concealed, 0)
			l.want("lost", c.Lost, 0)
			l.want("skipped", c.Skipped, 0)
			least, most := l.waits[1], l.waits[1]
			for _, w := range l.waits[1:] {
				least, most = min(least, w), max(most, w)
			}
			t.Logf("%+.0f ppm: sound waited %v to %v, %d samples stretched", ppm, least, most, c.Stretched-before)
			if most-least > 4*time.Millisecond || most > 25*time.Millisecond {
				t.Errorf("sound waited %v to %v, want 4 ms of difference at most, and 25 ms", least, most)
			}
		})
	}
}

// The card's clock drifts too, and both add up.
func TestTwoClocksThatDrift(t *testing.T) {
	l := newLink(t)
	l.sender, l.ppm = 150, 150
	as := l.steady(15, 30000, 5*time.Millisecond, 2*time.Millisecond)
	l.run(as[:3000], as[2999].at)
	l.waits = nil
	l.run(as[3000:], as[len(as)-1].at)
	l.want("concealed", l.b.Counters().Concealed, 0)
	least, most := l.waits[1], l.waits[1]
	for _, w := range l.waits[1:] {
		least, most = min(least, w), max(most, w)
	}
	if most-least > 4*time.Millisecond {
		t.Errorf("sound waited %v to %v", least, most)
	}
}

func TestRegularArrivalsWaitLittle(t *testing.T) {
	l := newLink(t)
	as := l.steady(14, 1500, 2*time.Millisecond, time.Millisecond)
	l.run(as, as[len(as)-1].at)
	l.want("concealed", l.b.Counters().Concealed, 0)
	if w := l.waits[len(l.waits)-1]; w > 15*time.Millisecond {
		t.Errorf("sound waits %v, want at most 15 ms", w)
	}
}

// Five seconds after a spike sound waits as before it.
func TestDelayComesBackAfterASpike(t *testing.T) {
	for _, spike := range []time.Duration{100, 200, 300, 400, 500} {
		spike *= time.Millisecond
		l := newLink(t)
		as := l.steady(16, 2000, 15*time.Millisecond, 4*time.Millisecond)
		for i := range as {
			if since := as[i].at - 30*time.Second; since >= 0 {
				as[i].at += max(0, spike-since)
			}
		}
		l.run(as, as[len(as)-1].at)
		before, after := l.waits[28], l.waits[34]
		if after > before+10*time.Millisecond {
			t.Errorf("spike of %v: sound waits %v after five seconds, %v before", spike, after, before)
		}
		if c := l.b.Counters(); c.Lost > 0 || c.Late > 0 {
			t.Logf("spike of %v: %+v", spike, c)
		}
	}
}

func TestRouteChangesAreFollowed(t *testing.T) {
	l := newLink(t)
	as := l.steady(17, 3000, 20*time.Millisecond, 4*time.Millisecond)
	for i := 1000; i < 2000; i++ {
		as[i].at += 60 * time.Millisecond
	}
	l.run(as, as[len(as)-1].at)
	// What a packet waits after its arrival is the same on both routes.
	for _, at := range []int{22, 38, 44} {
		if w := l.waits[at]; w > 30*time.Millisecond {
			t.Errorf("second %d: sound waits %v", at, w)
		}
	}
	if c := l.b.Counters(); c.Concealed > 8 {
		t.Errorf("%d units concealed for a way that became 60 ms longer", c.Concealed)
	}
}

// A second after the way became shorter sound waits as before, or for one pull more.
func TestShorterRouteIsFollowedWithinASecond(t *testing.T) {
	for _, jitter := range []time.Duration{2, 6, 10} {
		for _, by := range []time.Duration{30, 60, 120} {
			jitter, by := jitter*time.Millisecond, by*time.Millisecond
			l := newLink(t)
			as := l.steady(21, 2000, 20*time.Millisecond, jitter)
			for i := range as[:1000] {
				as[i].at += by
			}
			l.run(as, as[len(as)-1].at)
			// The second that begins one second after the change.
			if before, after := l.waits[18], l.waits[21]; after > before+16*time.Millisecond {
				t.Errorf("jitter of %v: sound waits %v a second after the way became %v shorter, %v before", jitter, after, by, before)
			}
			if c := l.b.Counters(); c.Concealed > 1 {
				t.Errorf("jitter of %v, %v shorter: %d units concealed", jitter, by, c.Concealed)
			}
		}
	}
}

func TestAFewFastPacketsAreNoShorterRoute(t *testing.T) {
	l := newLink(t)
	as := l.steady(22, 2000, 50*time.Millisecond, 15*time.Millisecond)
	for i := range as {
		if i > 500 && i%100 < 10 {
			as[i].at -= 30 * time.Millisecond
		}
	}
	l.run(as, as[len(as)-1].at)
	l.want("concealed", l.b.Counters().Concealed, 0)
}

func TestJumpOfTheTimestampDoesNotHang(t *testing.T) {
	for _, jump := range []uint16{1, 299, 301, 32767, 32768, 65535} {
		l := newLink(t)
		as := l.steady(18, 400, 5*time.Millisecond, 0)
		l.run(as[:200], as[199].at)
		l.start += jump
		l.run(as[200:], as[399].at)
		if s := l.b.State(); s != Playing && s != Starved {
			t.Errorf("jump of %d: %v; %+v", jump, s, l.b.Counters())
		}
	}
}

// fecPCM is a decoder whose packets know the one before.
type fecPCM struct{ pcm16 }

func (*fecPCM) Recovers([]byte) bool { return true }

func (d *fecPCM) Recover(pcm []int16, p []byte) error {
	for i := range pcm {
		pcm[i] = 1234
	}
	d.c.Hear(pcm)
	return nil
}

func TestPacketBehindAHoleFillsIt(t *testing.T) {
	l := newLink(t)
	l.b = New(new(fecPCM))
	l.keep = true
	as := l.steady(19, 300, 5*time.Millisecond, 4*time.Millisecond)
	as[100].lost = true
	l.run(as, as[299].at)
	c := l.b.Counters()
	l.want("concealed", c.Concealed, 0)
	if c.Recovered < Unit/2 || c.Recovered > 2*Unit {
		t.Errorf("%d samples recovered, want about those of a packet; %+v", c.Recovered, c)
	}
	heard := false
	for _, v := range l.played {
		heard = heard || v == 1234
	}
	if !heard {
		t.Error("what was recovered is not heard")
	}
}

func TestPacketThatWillNotDecodeIsConcealed(t *testing.T) {
	l := newLink(t)
	as := l.steady(13, 100, 5*time.Millisecond, 0)
	l.run(as[:50], as[49].at)
	bad := makePacket(0, 2)
	bad[0], bad[1] = 0xff, 0x7f
	l.b.Insert(l.begin.Add(as[50].at), l.start+100, bad)
	l.run(as[51:], 1900*time.Millisecond)
	c := l.b.Counters()
	l.want("malformed", c.Malformed, 1)
	l.want("concealed", c.Concealed, 2)
	l.want("lost", c.Lost, 0)
}

func TestNonsenseIsRefused(t *testing.T) {
	l := newLink(t)
	for _, p := range [][]byte{nil, {}, {1}, make([]byte, 321), make([]byte, MaxPacket+1), make([]byte, 320*13)} {
		if f := l.b.Insert(l.begin, 0, p); f != Malformed {
			t.Errorf("%d bytes: %v, want Malformed", len(p), f)
		}
	}
	if s := l.b.State(); s != Empty {
		t.Errorf("state %v, want Empty", s)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	l := newLink(t)
	var pcm [Unit]int16
	p := packet(0, 2)
	seq := 0
	at := l.begin
	got := testing.AllocsPerRun(2000, func() {
		if seq%9 != 0 { // some are lost, and some come late, so that all stages run
			l.b.Insert(at.Add(time.Duration(seq%5)*20*time.Millisecond), uint16(2*seq), p)
		}
		l.b.Pull(at, pcm[:])
		l.b.Pull(at.Add(unit), pcm[:])
		at = at.Add(2 * unit)
		seq++
	})
	if got != 0 {
		t.Errorf("%v allocations per packet, want 0", got)
	}
	if c := l.b.Counters(); c.Concealed == 0 || c.Stretched == 0 {
		t.Errorf("not all stages ran: %+v", c)
	}
}

func BenchmarkPull(b *testing.B) {
	l := newLink(b)
	var pcm [Unit]int16
	ps := make([][]byte, 50)
	for i := range ps {
		ps[i] = packet(i, 2)
	}
	for i := range b.N {
		at := l.begin.Add(time.Duration(i) * unit)
		if i%2 == 0 {
			l.b.Insert(at, uint16(i), ps[i/2%50])
		}
		l.b.Pull(at, pcm[:])
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/10ms")
}

func BenchmarkConceal(b *testing.B) {
	l := newLink(b)
	var pcm [Unit]int16
	p := packet(0, 2)
	for i := range b.N {
		at := l.begin.Add(time.Duration(i) * unit)
		if i%4 == 0 {
			l.b.Insert(at, uint16(i), p)
		}
		l.b.Pull(at, pcm[:])
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/10ms")
}

// Hostile packets: whatever comes, a pull costs at most three decodings, what
// waits is bounded, and an honest stream that follows is heard.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{1, 0, 0, 2, 0, 0, 0, 1, 0, 2, 2, 0})
	f.Add([]byte{200, 255, 255, 12, 200, 0, 0, 12, 5, 255, 250, 11, 5, 255, 251, 12})
	f.Add([]byte{0, 1, 0, 1, 0, 1, 1, 12, 0, 1, 2, 12, 0, 1, 3, 12, 90, 0, 0, 0, 90, 0, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		l := newLink(t)
		dec := l.b.dec.(*pcm16)
		var pcm [Unit]int16
		at := l.begin
		pull := func() {
			before := dec.decoded
			s := l.b.Pull(at, pcm[:])
			if n := dec.decoded - before; n > 3 {
				t.Fatalf("%d packets decoded in one pull", n)
			}
			if s.Buffer < 0 || s.Buffer > (span+2*MaxUnits)*unit {
				t.Fatalf("%v waits", s.Buffer)
			}
			if l.b.ring.held < 0 || l.b.ring.held > span {
				t.Fatalf("%d packets held", l.b.ring.held)
			}
		}
		for len(script) >= 4 {
			b := script[:4]
			script = script[4:]
			at = at.Add(time.Duration(b[0]) * time.Millisecond)
			l.b.Insert(at, uint16(b[1])<<8|uint16(b[2]), make([]byte, 320*int(b[3]%14)))
			for range b[0] / 10 {
				pull()
			}
		}
		heard := 0
		for i := range 200 {
			at = at.Add(2 * unit)
			l.b.Insert(at, 30000+uint16(2*i), packet(i%50, 2))
			before := dec.decoded
			pull()
			pull()
			heard += dec.decoded - before
		}
		if heard < 130 {
			t.Fatalf("%d of 200 honest packets heard afterwards; %+v", heard, l.b.Counters())
		}
	})
}
