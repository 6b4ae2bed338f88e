package node

import (
	"testing"
	"time"

	"peerphone/hal"
)

// noticed lets nothing come any more, and returns how long after the last sound
// the last packet goes by other ways too; the far end's time runs on.
func (r *routeTest) noticed() time.Duration {
	r.out.sent = nil
	last := hal.Instant(r.route.sound.Load())
	for range 100 {
		r.wait(10 * time.Millisecond)
		if len(r.out.sent) > 0 {
			break
		}
	}
	r.seq += int(r.now.Sub(last) / (40 * time.Millisecond))
	return r.now.Sub(last)
}

// late lets sound stand still for a while: what was sent meanwhile comes at once.
func (r *routeTest) late(d time.Duration) {
	for begun := r.now; r.now.Sub(begun) < d; {
		r.wait(10 * time.Millisecond)
	}
	for range int(d/(40*time.Millisecond)) + 1 {
		r.route.hear(r.now, direct, newStamp(uint8(r.seq), uint16(4*r.seq)), 100)
		r.seq++
	}
	for range 25 { // a second
		r.long(direct)
	}
}

func (r *routeTest) wantNoticed(what string, least, most time.Duration) {
	r.Helper()
	if took := r.noticed(); took < least || took > most {
		r.Errorf("%s: noticed after %v, want %v to %v", what, took, least, most)
	}
}

const quickly = 70 * time.Millisecond // at packets of 40 ms, and looks each 10 ms

// A way that was dead and comes back, with sound that is in time, was no false
// alarm, however often that happens.
func TestWhatWasLostIsNoFalseAlarm(t *testing.T) {
	r := longPackets(t, direct, first)
	for range 8 {
		for range 10 { // 400 ms
			r.long()
		}
		for range 25 {
			r.long(direct)
		}
		r.wantNoticed("the way was dead", 0, quickly)
		for range 25 {
			r.long(direct)
		}
	}
}

// Nor is it when the control plane has chosen another way before that is heard.
func TestAnotherWayIsNoFalseAlarm(t *testing.T) {
	r := longPackets(t, direct, first)
	for range 4 {
		for range 10 {
			r.long()
		}
		r.steer(first)
		r.long(first)
		r.steer(direct, first)
		for range 25 {
			r.long(direct)
		}
	}
	r.wantNoticed("after moves", 0, quickly)
}

// Sound that was late once says nothing; twice it does, for a while.
func TestTwoFalseAlarmsAreBorne(t *testing.T) {
	r := longPackets(t, direct, first)
	r.late(300 * time.Millisecond)
	r.wantNoticed("late once", 0, quickly)
	r.long(direct)
	r.late(400 * time.Millisecond)
	r.wantNoticed("late twice", 300*time.Millisecond, 500*time.Millisecond)
	for range int(calmFor / (40 * time.Millisecond)) {
		r.long(direct)
	}
	r.wantNoticed("long ago", 0, quickly)
}

// Who stood still himself waits for what came meanwhile to be read, and takes his
// own lateness neither for silence nor for a false alarm: what has come is as old as
// the kernel says.
func TestAStandstillOfOurOwn(t *testing.T) {
	r := longPackets(t, direct, first)
	for range 3 {
		begun := r.now
		r.out.sent = nil
		r.wait(300 * time.Millisecond)
		r.want("before anything was read", r.out.sent)
		for n := range 7 {
			r.route.hear(begun.Add(time.Duration(40*n)*time.Millisecond), direct, newStamp(uint8(r.seq), uint16(4*r.seq)), 100)
			r.seq++
		}
		for range 25 {
			r.long(direct)
		}
		r.wantNoticed("after it", 0, quickly)
		for range 25 {
			r.long(direct)
		}
	}
}

// Long packets on a line that was measured, and is not thin, or that has let short
// ones through, are missed as soon as the next one is due; where nobody knows they
// may be long because it is thin.
func TestLongPacketsOnAWideLine(t *testing.T) {
	for _, c := range []struct {
		what        string
		line        int
		shorts      int
		shaken      bool
		least, most time.Duration
	}{
		{"measured", 100_000, 0, false, 100 * time.Millisecond, 140 * time.Millisecond},
		{"not known", 0, 0, false, 600 * time.Millisecond, 640 * time.Millisecond},
		{"short ones before", 0, 2 * wideAfter, false, 100 * time.Millisecond, 140 * time.Millisecond},
		{"another network since", 0, 2 * wideAfter, true, 600 * time.Millisecond, 640 * time.Millisecond},
	} {
		r := newRouteTest(t, direct, first)
		r.route = newMediaRoute(r.now, c.line, &r.out)
		r.steer(direct, first)
		for range c.shorts {
			r.long(direct)
		}
		if c.shaken {
			r.route.shake(r.now)
			r.now = r.now.Add(shakenFor)
		}
		for n, start := 0, r.seq; n < 20; n++ {
			r.route.hear(r.now, direct, newStamp(uint8(start+n), uint16(4*start+8*n)), 100)
			r.route.sendAt(r.now, []byte("sound"))
			for range 8 {
				r.wait(10 * time.Millisecond)
			}
		}
		r.wantNoticed(c.what, c.least, c.most)
	}
}
