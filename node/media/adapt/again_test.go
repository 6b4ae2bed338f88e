package adapt

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/wire"
)

// asker is a sender of packets of 40 ms and a far end that says what it lacks,
// over a way that loses packets in bursts, there and back.
type asker struct {
	again  again
	ear    Ear
	shape  shape
	lose   [2]func(*rand.Rand) bool
	r      *rand.Rand
	copies int
	had    []bool
}

// say sends packet n and lets the far end answer it within a packet's time.
func (a *asker) say(n int) {
	now := hal.Instant(1e12).Add(time.Duration(n) * a.shape.packet)
	seq := uint8(n)
	a.again.sent(seq)
	a.had = append(a.had, false)
	var due []uint8
	if n > a.shape.copies*a.shape.spread {
		due = a.again.due(due, now, seq, a.shape)
		due = due[:min(len(due), wire.MaxCopies)]
	}
	for _, old := range due {
		a.again.carries(now, seq, old, a.shape.copies*a.shape.spread)
	}
	a.copies += len(due)
	if !a.lose[0](a.r) {
		a.had[n] = true
		a.ear.Heard(now.Add(20*ms), seq, uint16(4*n), 4, 200)
		for _, old := range due {
			a.had[n-int(seq-old)] = true
			a.ear.Restored(old)
		}
	}
	if m, wanted := a.ear.Missing(now.Add(30 * ms)); wanted && !a.lose[1](a.r) {
		sent := hal.Instant(1e12).Add(time.Duration(n-int(seq-m.Newest)) * a.shape.packet)
		a.again.told(now.Add(70*ms), m, sent) // before the next but one
	}
}

// TestWhatIsMissingComesAgain: nearly all that is lost in bursts comes again, for
// half a copy of each packet, though answers are lost too.
func TestWhatIsMissingComesAgain(t *testing.T) {
	for seed := range uint64(4) {
		a := asker{
			shape: shape{packet: 40 * ms, copies: 4, spread: 3, asked: true}, r: rand.New(rand.NewPCG(seed, 1)),
			lose: [2]func(*rand.Rand) bool{gilbert(.2, 3), gilbert(.2, 3)},
		}
		const packets = 4000
		for n := range packets {
			a.say(n)
		}
		missing := 0
		for _, had := range a.had[100 : packets-20] {
			if !had {
				missing++
			}
		}
		if missing > packets/100 || a.copies > packets*6/10 {
			t.Errorf("seed %d: %d of %d packets are missing after %d copies, want 40 after 2400", seed, missing, packets, a.copies)
		}
	}
}

// TestNothingComesAgainThatIsThere, but what reminds the far end to wait.
func TestNothingComesAgainThatIsThere(t *testing.T) {
	never := func(*rand.Rand) bool { return false }
	a := asker{shape: shape{packet: 40 * ms, copies: 4, spread: 3, asked: true}, lose: [2]func(*rand.Rand) bool{never, never}}
	for n := range 20 {
		if n == 3 || n == 5 {
			a.again.sent(uint8(n)) // lost, so that the far end begins to tell
			a.had = append(a.had, false)
			continue
		}
		a.say(n)
	}
	if !a.had[3] || !a.had[5] {
		t.Error("what was missing has not come again")
	}
	a.copies = 0
	for n := 20; n < 70; n++ { // two seconds
		a.say(n)
	}
	if a.copies > 2 {
		t.Errorf("%d copies of what is there", a.copies)
	}
}

// TestDeafFarEnd: while nothing arrives no copies are spent on it, but at the last
// moment.
func TestDeafFarEnd(t *testing.T) {
	s := shape{packet: 40 * ms, copies: 4, spread: 3, asked: true}
	var a again
	for n := range 30 {
		a.sent(uint8(n))
	}
	at := hal.Instant(1e12)
	a.told(at, wire.Missing{Newest: 20}, at.Add(-60*ms))
	a.reminded = at
	if got, want := a.due(nil, at, 30, s), []uint8{}; !slices.Equal(got, want) {
		t.Errorf("%v go again, want %v", got, want)
	}
	for seq := range uint8(3) {
		a.sent(30 + seq)
	}
	if got, want := a.due(nil, at, 33, s), []uint8{21, 22}; !slices.Equal(got, want) {
		t.Errorf("%v go again at last, want %v", got, want)
	}
	if got, want := a.due(nil, at.Add(time.Second), 33, s), []uint8{21, 22, 23, 24, 25, 26, 27, 28, 29, 30}; !slices.Equal(got, want) {
		t.Errorf("no answers come: %v go again, want %v", got, want)
	}
}

// TestAskingIsChosen where the far end says what it lacks, and leaves more for the
// sound than copies of all.
func TestAskingIsChosen(t *testing.T) {
	r := road{allowed: 5000, overhead: overhead, loss: Loss{.2, 3}, delay: 20 * ms}
	blind := choose(shape{packet: 20 * ms}, r)
	r.answers = 60 * ms
	asked := choose(blind, r)
	before, _ := blind.bitrate(r)
	after, _ := asked.bitrate(r)
	if blind.asked || !asked.asked || after < before*5/4 || asked.missing(r.loss) > blind.missing(r.loss) {
		t.Errorf("%+v of %d bit/s, %+v of %d", blind, before, asked, after)
	}
	r.answers = 50 * time.Millisecond // before a burst is over
	if soon := choose(blind, r); !soon.asked || float64(soon.spread) < r.loss.apart() {
		t.Errorf("%+v: one burst takes what is sent once more with its copy", soon)
	}
	if r.answers = 0; choose(asked, r).asked {
		t.Error("nobody answers, and copies are asked for")
	}
	if r.answers = 2 * time.Second; choose(asked, r).asked {
		t.Error("answers come after two seconds, and copies are asked for")
	}
}

// TestMissingOfNonsense: words on packets that were never sent change nothing.
func TestMissingOfNonsense(t *testing.T) {
	c := newCall(t)
	c.run(time.Second)
	for n := range 256 {
		if seq := uint8(n); c.pilot.next-seq > history {
			c.pilot.Missing(c.now, wire.Missing{Newest: seq, Before: 1<<wire.MissingSpan - 1})
		}
	}
	if c.pilot.again.heeds(c.now) {
		t.Error("it was believed")
	}
}
