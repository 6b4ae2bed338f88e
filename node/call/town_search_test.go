package call

import (
	"flag"
	"testing"
)

var long = flag.Bool("long", false, "also search two sessions with two calls of each user: 2.2 million states, minutes")

// everything is all that a town can do; a search bounds it by the sessions and
// the number of times that each user dials.
var everything = faults{hangUps: true, timeouts: true, breaks: true, absent: true, late: true}

// TestTown proves, over every distinct state of two phones, their sessions and
// messages under way:
//   - no orphan call: whatever has happened, when time passes and messages
//     arrive both phones come to rest, or talk with each other in one call;
//   - nothing goes on for ever by itself;
//   - a microphone is open only in a call that both users have asked for;
//   - StartMedia and StopMedia are paired, and media is open exactly in Talking;
//   - every session is released, once, and none is used after its end;
//   - no event is about a call that has ended;
//   - two phones never ring for one call;
//   - who hangs up has no call.
func TestTown(t *testing.T) {
	if raceDetector {
		t.Skip("one goroutine: nothing to race with")
	}
	again, atOnce := everything, everything
	again.sessions, again.queue = 1, 3
	atOnce.sessions, atOnce.queue, atOnce.dials = 3, 4, 1
	if testing.Short() {
		again.dials = 1
	}
	t.Run("one session, calls without end", func(t *testing.T) { searchTown(t, &again) })
	t.Run("three sessions, both dial", func(t *testing.T) { searchTown(t, &atOnce) })
}

// TestTownLong is TestTown where each user calls a second time while sessions of
// the first are still there.
func TestTownLong(t *testing.T) {
	if !*long {
		t.Skip("only with -long")
	}
	twice := everything
	twice.absent, twice.late = false, false
	twice.sessions, twice.queue, twice.dials = 2, 3, 2
	searchTown(t, &twice)
}

func searchTown(t *testing.T, with *faults) {
	states, moves, wrong := explore(newTown(&standard, with), 4_000_000)
	t.Logf("%d distinct states, %d moves", states, moves)
	if wrong != "" {
		t.Fatal(wrong)
	}
	if states < 1000 {
		t.Fatalf("only %d states: the search does not see enough", states)
	}
}

// TestGlare proves that two users who dial each other at once talk, in whatever
// order things arrive and whichever of two sessions stays.
func TestGlare(t *testing.T) {
	town := newTown(&standard, &faults{nobody: true, sessions: 2, queue: 6})
	town.dial(0)
	town.dial(1)
	states, moves, wrong := explore(town, 100_000)
	t.Logf("%d distinct states, %d moves", states, moves)
	if wrong != "" {
		t.Fatal(wrong)
	}
}
