package media

import (
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/hal"
)

// deck is a playout thread and the buffer of a card in virtual time.
type deck struct {
	room  room
	depth time.Duration // of the card's buffer
	now   hal.Instant
	dry   hal.Instant // when the card will have played all it has
	runs  int         // how often it had
}

func newDeck(depth, full time.Duration) *deck {
	return &deck{depth: depth, now: 1e9, dry: hal.Instant(1e9).Add(full)}
}

// play lets a period be made and written by a thread that wakes up late by that
// much, and returns from when it was begun until it sounds.
func (d *deck) play(late time.Duration) time.Duration {
	d.sleep(d.room.begin, late)
	pulled := d.now
	d.now = d.now.Add(300 * time.Microsecond) // the making
	if d.now >= d.dry {
		d.runs++
		d.room.ahead = peak{}
		d.dry = d.now.Add(d.depth - unit)
	}
	began := d.now
	d.sleep(d.dry.Add(unit-d.depth), late)
	sounds := d.dry
	d.dry = d.dry.Add(unit)
	d.room.written(began, d.now, sounds)
	return sounds.Sub(pulled)
}

func (d *deck) sleep(until hal.Instant, late time.Duration) {
	if until > d.now {
		d.now = until.Add(late)
	}
}

func TestSoundIsPulledShortlyBeforeThereIsRoom(t *testing.T) {
	for _, empty := range []bool{false, true} {
		for _, depth := range []time.Duration{20, 30, 40, 80} {
			depth *= time.Millisecond
			full := depth - unit
			if empty {
				full = time.Millisecond
			}
			d := newDeck(depth, full)
			for range 20 {
				d.play(50 * time.Microsecond)
			}
			if got, want := d.play(50*time.Microsecond), depth-unit+leastMargin; got > want {
				t.Errorf("a card of %v, empty at first %v: pulled %v before it sounds, want %v", depth, empty, got, want)
			}
			if d.runs > 0 {
				t.Errorf("a card of %v, empty at first %v: ran dry %d times", depth, empty, d.runs)
			}
		}
	}
}

func TestBusyMachineIsGivenTime(t *testing.T) {
	d := newDeck(30*time.Millisecond, 20*time.Millisecond)
	for range 100 {
		d.play(50 * time.Microsecond)
	}
	for _, step := range []struct{ late, want time.Duration }{
		{8 * time.Millisecond, leastMargin},
		{12 * time.Millisecond, 4 * time.Millisecond},
		{19 * time.Millisecond, unit},
	} {
		d.play(step.late)
		d.play(0)
		if got := d.room.margin(); got < step.want || got > step.want+2*time.Millisecond {
			t.Errorf("%v late: the next is begun %v before there is room, want %v", step.late, got, step.want)
		}
	}
	for range 2 * peakSpan / unit {
		d.play(50 * time.Microsecond)
	}
	if got := d.room.margin(); got != leastMargin {
		t.Errorf("%v later it is begun %v before, want %v", 2*peakSpan, got, leastMargin)
	}
}

// A card runs dry no more often than if each period were made as early as the
// card takes it.
func TestWaitingDoesNotStarveTheCard(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	d, eager := newDeck(30*time.Millisecond, 20*time.Millisecond), newDeck(30*time.Millisecond, 20*time.Millisecond)
	for range 100000 {
		late := time.Duration(r.ExpFloat64() * float64(3*time.Millisecond))
		d.play(late)
		eager.room = room{}
		eager.play(late)
	}
	if d.runs > eager.runs+1 {
		t.Errorf("ran dry %d times, %d if it is made as early as can be", d.runs, eager.runs)
	}
	t.Logf("ran dry %d times, %d if it is made as early as can be", d.runs, eager.runs)
}
