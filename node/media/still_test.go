package media

import (
	"testing"
	"testing/synctest"
	"time"

	"peerphone/hal/sim"
)

// TestMouthToEarInVirtualTime holds the engine to its figures, in the first second
// and in each half second after it, on a machine that takes no time: what is left is what the stages are
// meant to take. It prints them, as the table in README.md has them.
func TestMouthToEarInVirtualTime(t *testing.T) {
	for _, c := range []conversation{
		{rate: 16000, packet: pcmEncoder{}, most: 85 * time.Millisecond, clock: sim.GoTime{}},
		{rate: 48000, packet: shortPCM{}, most: 70 * time.Millisecond, clock: sim.GoTime{}},
	} {
		t.Run(c.name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := c.talk(t, 4*time.Second)
				r.check(t, c.most)
				for _, w := range r.ways {
					w.stages(t, c)
				}
			})
		})
	}
}

// stages prints where the time of one direction goes.
func (w way) stages(t *testing.T, c conversation) {
	t.Helper()
	packet, card := time.Duration(c.packet.Units())*unit, 2*unit
	first, last := w.seconds[0], w.seconds[len(w.seconds)-1]
	for i, s := range []Second{first, last} {
		t.Logf("%s, %s: packet %v, buffer and wait for room %.1f ms, card %v, in all %.1f ms", w.name, [...]string{"first second", "last"}[i], packet, s.DelayMS-ms(card), card, s.MouthMS)
	}
	if first.MouthMS > ms(c.most) {
		t.Errorf("%s: %.1f ms from mouth to ear in the first second, want %v at most", w.name, first.MouthMS, c.most)
	}
	t.Logf("%s, each half second after the first second: %v", w.name, w.delays)
	if w.most > c.most {
		t.Errorf("%s: %v from mouth to ear in one half second, want %v at most in each", w.name, w.most, c.most)
	}
	if settled := w.delays[len(w.delays)-1]; ms(settled) < last.MouthMS-4 || ms(settled) > last.MouthMS+4 {
		t.Errorf("%s: %v from mouth to ear, the record says %.1f ms", w.name, settled, last.MouthMS)
	}
}
