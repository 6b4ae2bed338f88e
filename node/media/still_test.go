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
	held := conversations
	if testing.Short() {
		held = held[3:4]
	}
	for _, c := range held {
		t.Run(c.name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, w := range c.talk(t, sim.Config{Clock: sim.GoTime{}}, 4*time.Second) {
					w.check(t)
					w.stages(t, c)
				}
			})
		})
	}
}

// check holds one direction to what was said, all of it and nothing else.
func (w way) check(t *testing.T) {
	t.Helper()
	t.Logf("%s: %+v", w.name, w.stats)
	if len(w.pieces) < 3 {
		t.Fatalf("%s: only %d pieces could be placed", w.name, len(w.pieces))
	}
	if w.stats.Concealed != 0 {
		t.Errorf("%s: %d frames concealed, want 0", w.name, w.stats.Concealed)
	}
	for i, p := range w.pieces {
		if p.match < sameWords {
			t.Errorf("%s: half second %d matches what was said by %.3f only", w.name, i+1, p.match)
		}
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
	for i, p := range w.pieces {
		t.Logf("%s, half second %d after the first second: %v, match %.3f", w.name, i+1, p.delay, p.match)
		if p.delay > c.most {
			t.Errorf("%s: %v from mouth to ear in one half second, want %v at most in each", w.name, p.delay, c.most)
		}
	}
	if settled := w.pieces[len(w.pieces)-1].delay; ms(settled) < last.MouthMS-4 || ms(settled) > last.MouthMS+4 {
		t.Errorf("%s: %v from mouth to ear, the record says %.1f ms", w.name, settled, last.MouthMS)
	}
}
