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

func TestSteadyStreamIsPlayedAsItWas(t *testing.T) {
	l := newLink(t)
	l.keep = true
	l.run(l.steady(1, 250, 20*time.Millisecond, 3*time.Millisecond), 4900*time.Millisecond)
	c := l.b.Counters()
	l.want("concealed", c.Concealed, 0)
	l.want("stretched", c.Stretched, 0)
	l.wantSmooth(naturalStep)
	if d := l.meanDelay(); d < 30*time.Millisecond || d > 50*time.Millisecond {
		t.Errorf("delay %v, want about 40 ms", d)
	}
	// The first 5 ms fade in.
	first := 0
	for l.played[first] == 0 {
		first++
	}
	first = first / Unit * Unit
	for i := mergeLength; i < 4*Rate; i++ {
		if l.played[first+i] != tone(i%Rate) {
			t.Fatalf("sample %d: got %d, want %d", i, l.played[first+i], tone(i%Rate))
		}
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
	for _, a := range as[:100] {
		a.at += 70 * time.Millisecond
		as = append(as, a)
	}
	l.run(as, 2*time.Second)
	c := l.b.Counters()
	l.want("duplicate", c.Duplicate, 100)
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
	l.want("concealed", c.Concealed, uint64(2*lost))
	l.want("late", c.Late, 0)
	l.want("stretched", c.Stretched, 0)
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
	l.want("concealed", c.Concealed, 2)
}

func TestPacketThatIsLateForAPartIsPlayedFromThere(t *testing.T) {
	l := newLink(t)
	l.units, l.keep = 3, true
	as := l.steady(7, 100, 5*time.Millisecond, 0)
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

// A burst after a pause of the network: nothing was lost, so nothing is
// dropped; the delay rises by what was made up, and comes down again.
func TestSpikeRaisesTheTargetAtOnce(t *testing.T) {
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
	if w := l.b.Target(); w < 200*time.Millisecond {
		t.Errorf("target %v after a spike of 200 ms", w)
	}
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
	for _, ppm := range []float64{-100, 100} {
		t.Run(fmt.Sprint(ppm), func(t *testing.T) {
			t.Parallel()
			l := newLink(t)
			l.ppm = ppm
			l.run(l.steady(12, 180000, 5*time.Millisecond, 2*time.Millisecond), l.sent(179990))
			c := l.b.Counters()
			l.want("concealed", c.Concealed, 0)
			l.want("lost", c.Lost, 0)
			l.want("skipped", c.Skipped, 0)
			// 100 ppm of an hour is 360 ms: 5760 samples.
			if c.Stretched < 5000 || c.Stretched > 6600 {
				t.Errorf("%d samples stretched, want about 5760", c.Stretched)
			}
			least, most := l.waits[1], l.waits[1]
			for _, w := range l.waits[1:] {
				least, most = min(least, w), max(most, w)
			}
			t.Logf("%+.0f ppm: sound waited %v to %v, %d samples stretched", ppm, least, most, c.Stretched)
			if least < 18*time.Millisecond || most > 60*time.Millisecond {
				t.Errorf("sound waited %v to %v, want 18 to 60 ms", least, most)
			}
		})
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
