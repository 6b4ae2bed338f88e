package media

import (
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/wire"
)

// post takes a leg's packets.
type post struct{ packets []wire.Media }

func (p *post) SendMedia(b []byte) {
	m, ok := wire.ParseMedia(b)
	if !ok {
		panic("a packet that cannot be read")
	}
	m.Sound = append([]byte(nil), m.Sound...)
	p.packets = append(p.packets, m)
}

// speak lets a leg capture for a while and returns what it sends.
func (p *post) speak(l *Leg, now *hal.Instant, d time.Duration) []wire.Media {
	p.packets = nil
	var pcm [160]int16
	for range d / unit {
		l.capture(*now, false, pcm[:])
		*now = now.Add(unit)
	}
	return p.packets
}

// TestHold: three packets a second without sound, one at once, and afterwards
// the sound goes on where time has come to.
func TestHold(t *testing.T) {
	for _, codec := range []wire.Codec{wire.CodecPCM16, wire.CodecOpus} {
		l, p, now := NewLeg(codec, false), &post{}, hal.Instant(time.Hour)
		l.SetRoute(&Route{Sender: p})
		spoken := p.speak(l, &now, 1010*time.Millisecond)
		last := spoken[len(spoken)-1]
		l.Hold(true)
		rests := p.speak(l, &now, 10*time.Second)
		if len(rests) < 30 || len(rests) > 31 {
			t.Errorf("codec %d: %d packets in 10 s of hold, want 30", codec, len(rests))
		}
		if d := rests[0].Time - last.Time; d > 12 {
			t.Errorf("codec %d: the first comes %d units after the last sound", codec, d)
		}
		for i, m := range rests {
			if len(m.Sound) != 0 || !m.Told || m.Seq != last.Seq+1+uint8(i) {
				t.Fatalf("codec %d: packet %d on hold is %+v", codec, i, m)
			}
		}
		l.Hold(false)
		again := p.speak(l, &now, time.Second)
		if d := again[0].Time - last.Time; d < 1000 || d > 1012 || len(again[0].Sound) == 0 {
			t.Errorf("codec %d: sound goes on %d units later, want 1000: %+v", codec, d, again[0])
		}
	}
}

// TestTheFarEndBearsAHold: what comes on hold is heard as silence, and the sound
// after it is heard again.
func TestTheFarEndBearsAHold(t *testing.T) {
	here, far, now := NewLeg(wire.CodecPCM16, false), NewLeg(wire.CodecPCM16, false), hal.Instant(time.Hour)
	here.SetRoute(&Route{Sender: relayTo{far, &now}})
	var tone, heard [160]int16
	for i := range tone {
		tone[i] = 8000 * int16(1-2*(i/8%2))
	}
	loud := func(d time.Duration) (units int) {
		for range d / unit {
			pcm := tone
			here.capture(now, false, pcm[:])
			far.pull(now, heard[:])
			if energy(heard[:]) > 1000 {
				units++
			}
			now = now.Add(unit)
		}
		return units
	}
	if n := loud(2 * time.Second); n < 150 {
		t.Errorf("heard for %d of 200 units before the hold", n)
	}
	here.Hold(true)
	loud(time.Second)
	if n := loud(5 * time.Second); n > 0 {
		t.Errorf("heard for %d units on hold", n)
	}
	here.Hold(false)
	loud(time.Second)
	if n := loud(2 * time.Second); n < 150 {
		t.Errorf("heard for %d of 200 units after the hold", n)
	}
}

// relayTo hands packets to a leg at once.
type relayTo struct {
	far *Leg
	now *hal.Instant
}

func (r relayTo) SendMedia(b []byte) { r.far.Receive(*r.now, b) }

// energy is the mean of the magnitudes.
func energy(pcm []int16) int {
	sum := 0
	for _, s := range pcm {
		sum += max(int(s), -int(s))
	}
	return sum / len(pcm)
}

func TestHoldDoesNotAllocate(t *testing.T) {
	l, now := NewLeg(wire.CodecOpus, false), hal.Instant(time.Hour)
	l.SetRoute(&Route{Sender: nowhere{}})
	l.Hold(true)
	var pcm [160]int16
	if n := testing.AllocsPerRun(1000, func() {
		l.capture(now, false, pcm[:])
		now = now.Add(unit)
	}); n != 0 {
		t.Errorf("%v allocations a unit, want none", n)
	}
}

type nowhere struct{}

func (nowhere) SendMedia([]byte) {}
func (nowhere) Pulse()           {}

// TestAThinLineIsLetFinish: what was sent before sound leaves the line first;
// meanwhile packets without sound go, as on hold, and time goes on.
func TestAThinLineIsLetFinish(t *testing.T) {
	l, p, now := NewLeg(wire.CodecOpus, false), &post{}, hal.Instant(time.Hour)
	l.SetRoute(&Route{Sender: p})
	l.Expect(now, 1500, 1200)
	rests := p.speak(l, &now, 600*time.Millisecond)
	for _, m := range rests {
		if len(m.Sound) != 0 || !m.Told {
			t.Errorf("a packet while the line is busy: %+v", m)
		}
	}
	if len(rests) < 1 || len(rests) > 2 {
		t.Errorf("%d packets while the line is busy, want one or two", len(rests))
	}
	spoken := p.speak(l, &now, time.Second)
	last := spoken[len(spoken)-1]
	if d := last.Time - rests[0].Time; len(last.Sound) == 0 || d < 100 || d > 165 {
		t.Errorf("%d units later %+v, want sound", d, last)
	}
	for n := 1; n < len(spoken); n++ {
		if len(spoken[n-1].Sound) > 0 && len(spoken[n].Sound) == 0 {
			t.Errorf("sound falls silent again: %+v", spoken[n])
		}
	}
}
