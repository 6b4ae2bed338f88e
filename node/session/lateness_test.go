package session

import (
	"testing"
	"time"
)

// On a line that makes every answer late a phone asks nobody again before the answer
// can have come, though it has been quick so far.
func TestLateAnswersAreWaitedForInAllSessions(t *testing.T) {
	var table Table
	now := time.Unix(1e9, 0)
	quick, slow := &session{}, &session{}
	for range 20 {
		table.sampled(now, quick, 100*time.Millisecond)
		table.sampled(now, slow, 100*time.Millisecond)
	}
	if d := table.timeout(now, quick); d > 200*time.Millisecond {
		t.Fatalf("%v until a message is sent again where answers take 100 ms", d)
	}
	table.sampled(now, slow, 900*time.Millisecond)
	if d := table.timeout(now, quick); d < 900*time.Millisecond {
		t.Errorf("%v until a message is sent again just after an answer took 900 ms", d)
	}
	if d := table.timeout(now.Add(4*time.Second), quick); d > 200*time.Millisecond {
		t.Errorf("%v until a message is sent again four seconds after that", d)
	}
	table.sampled(now, quick, 100*time.Millisecond)
	if d := table.timeout(now, quick); d > 200*time.Millisecond {
		t.Errorf("%v until a message is sent again once answers are quick", d)
	}
	table.SetPublic(true)
	table.sampled(now, slow, 900*time.Millisecond)
	if d := table.timeout(now, quick); d > 200*time.Millisecond {
		t.Errorf("a supernode waits %v for others as one guest has a slow line", d)
	}
}

// A phone is reached through two supernodes: its answer takes two round trips, and
// with a queue of our own longer. Nothing goes twice before.
func TestAPhonesAnswerIsWaitedFor(t *testing.T) {
	const far = 150 * time.Millisecond
	w := newWorld(t, 1)
	a, b, home := w.join("kitchen"), w.join("workshop"), w.join("cellar")
	flights := 0
	w.carry = func(from, to *testNode, _ []byte) []time.Duration {
		if to == b || from == b {
			flights++
			return []time.Duration{far}
		}
		return []time.Duration{far / 3}
	}
	a.table.SetPublic(false)
	b.table.SetPublic(false)
	ia, _ := w.connect(a, home, AsNode)
	w.connect(b, home, AsNode)
	for range 3 {
		a.say(ia, "here")
		w.run(time.Second)
	}
	flights = 0
	ix := a.dial(b, AsPhone)
	w.run(3 * time.Second)
	if st := a.table.State(ix); st != Live {
		t.Fatalf("the call's session is %v", st)
	}
	if flights > 8 {
		t.Errorf("%d frames to shake hands and say so, want 8 where nothing is lost", flights)
	}
	if a.table.Patience(w.now) < far {
		t.Errorf("another home is tried after %v", a.table.Patience(w.now))
	}
}
