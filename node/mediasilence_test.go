package node

import (
	"testing"
	"time"

	"peerphone/node/path"
	"peerphone/node/wire"
)

// longPackets lets two ends of 40 ms packets talk for a while.
func longPackets(t *testing.T, active path.Way, standby ...path.Way) *routeTest {
	r := newRouteTest(t, active, standby...)
	for range 300 {
		r.long(active)
	}
	return r
}

// long lets 40 ms go by: a packet comes by each of the ways, ours goes out, and
// the microphone's goroutine looks in three times.
func (r *routeTest) long(from ...path.Way) {
	for _, w := range from {
		r.route.hear(r.now, w, newStamp(uint8(r.seq), uint16(4*r.seq)), 100)
	}
	r.seq++
	r.out.sent = nil
	r.route.sendAt(r.now, []byte("sound"))
	for range 3 {
		r.wait(10 * time.Millisecond)
	}
	r.now = r.now.Add(10 * time.Millisecond)
}

func (r *routeTest) wait(d time.Duration) {
	r.now = r.now.Add(d)
	r.route.pulseAt(r.now)
}

// Who hears nothing does not wait for its next packet, which may be 40 ms away:
// the last one goes by the other ways as soon as it is clear, and only once.
func TestSilenceIsNoticedBetweenPackets(t *testing.T) {
	r := longPackets(t, direct, first)
	r.long(direct)
	begun := r.now.Add(-40 * time.Millisecond)
	r.out.sent = nil
	for len(r.out.sent) == 0 {
		r.wait(10 * time.Millisecond)
	}
	if took := r.now.Sub(begun); took > 70*time.Millisecond {
		t.Errorf("noticed after %v", took)
	}
	r.want("the last packet", r.out.sent, first)
	for range 10 {
		r.wait(10 * time.Millisecond)
	}
	r.want("once", r.out.sent, first)
}

// What the relay's own checks bring is no sign that sound gets through.
func TestChecksAreNoSound(t *testing.T) {
	r := longPackets(t, direct, first)
	r.out.sent = nil
	for range 10 {
		r.route.hear(r.now, first, -1, 40)
		r.wait(10 * time.Millisecond)
	}
	r.want("silent", r.out.sent, first)
}

// Who hears the far end by another way, because that hears nothing, answers at
// once by that.
func TestTheDeadWayIsLeftAtOnce(t *testing.T) {
	r := longPackets(t, direct, first)
	r.long(direct)
	r.out.sent = nil
	r.route.hear(r.now, first, newStamp(uint8(r.seq), uint16(4*r.seq)), 100)
	r.want("though the former way is not silent yet", r.out.sent, first)
	r.wait(30 * time.Millisecond)
	r.wait(30 * time.Millisecond)
	r.out.sent = nil
	r.route.hear(r.now, first, newStamp(uint8(r.seq+1), uint16(4*r.seq+4)), 100)
	r.want("as it is silent", r.out.sent, first)
	r.route.sendAt(r.now, []byte("sound"))
	r.want("and from now on", r.out.sent[1:2], first)
}

func TestPulsesDoNotAllocate(t *testing.T) {
	r := longPackets(t, direct, first, second)
	r.out.sent = make([]path.Way, 0, 8)
	if n := testing.AllocsPerRun(1000, func() {
		r.out.sent = r.out.sent[:0]
		r.route.hear(r.now, direct, newStamp(7, 7), 100)
		for range 10 {
			r.wait(10 * time.Millisecond)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// A line that is too narrow lets a packet through now and then, late: copies by
// other ways, and the loop's look at all of them, would fill it.
func TestANarrowLineIsNotFilled(t *testing.T) {
	r := longPackets(t, direct, first, second)
	copies, own := 0, 0
	for n := range 500 { // 20 s, of which each fourth packet comes
		if n%4 == 0 {
			r.long(direct)
		} else {
			r.long()
		}
		own++
		copies += len(r.out.sent) - 1
	}
	if limit := own / 2; copies > limit || r.out.silence > 40 {
		t.Errorf("%d copies of %d packets, the loop is told %d times; want %d copies at most", copies, own, r.out.silence, limit)
	}
}

// On hold three packets a second come, and that is no silence.
func TestAHoldIsNoSilence(t *testing.T) {
	r := longPackets(t, direct, first)
	rest := wire.AppendMedia(nil, wire.Media{Seq: uint8(r.seq), Told: true})
	for range 12 {
		rest[1]++
		r.route.hear(r.now, direct, stampOf(rest), len(rest))
		r.out.sent = nil
		r.route.sendAt(r.now, rest)
		for range 33 {
			r.wait(10 * time.Millisecond)
		}
		r.want("on hold", r.out.sent, direct)
	}
	for range 12 {
		r.wait(10 * time.Millisecond)
	}
	r.want("silent", r.out.sent, direct, first)
}
