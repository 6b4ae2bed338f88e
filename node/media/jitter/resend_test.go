package jitter

import (
	"testing"
	"time"
)

// insertNext inserts a packet whose number follows that of the one before.
func (l *link) insertNext(a flight) {
	l.pullUntil(a.at)
	l.b.InsertNext(l.begin.Add(a.at), l.start+uint16(a.seq*l.units), packet(a.seq%50, l.units))
}

// insertCopy inserts a copy of packet seq that came with the packet of a.
func (l *link) insertCopy(a flight, seq int) Fate {
	return l.b.InsertCopy(l.begin.Add(a.at), l.start+uint16(seq*l.units), packet((seq%50+50)%50, l.units))
}

// The sender is silent for a while again and again: nothing of that is missing.
func TestPausesOfTheSenderAreNotMissing(t *testing.T) {
	for _, pause := range []int{2, 10, 50, 400} {
		l := newLink(t)
		as := l.steady(20, 3000, 5*time.Millisecond, 0)
		for i, a := range as {
			if i > 100 && i/pause%2 == 1 {
				continue
			}
			l.insertNext(a)
		}
		c := l.b.Counters()
		l.want("lost", c.Lost, 0)
		if c.Concealed > 12 { // before it is known that the sender is silent
			t.Errorf("pauses of %d packets: %d units count as concealed", pause, c.Concealed)
		}
	}
}

// After a loss the number does not follow: that is missing.
func TestLossBesidesPausesIsMissing(t *testing.T) {
	l := newLink(t)
	as := l.steady(21, 1000, 5*time.Millisecond, 0)
	lost := 0
	for i, a := range as {
		l.pullUntil(a.at)
		switch {
		case i%50 == 49:
			lost++
		case i%50 == 0:
			l.insert(a)
		case i%50 < 40:
			l.insertNext(a)
		}
	}
	c := l.b.Counters()
	if c.Lost+2 < uint64(lost) || c.Lost > uint64(lost)*11 {
		t.Errorf("%d packets count as lost of %d", c.Lost, lost)
	}
	if c.Concealed == 0 {
		t.Error("nothing was concealed")
	}
}

// A fifth of the packets is lost, and comes as a copy three packets later: the
// buffer learns to wait for that.
func TestCopiesAreWaitedFor(t *testing.T) {
	l := newLink(t)
	as := l.steady(22, 3000, 5*time.Millisecond, time.Millisecond)
	lost := func(i int) bool { return i%5 == 2 }
	for i, a := range as {
		if lost(i) {
			continue
		}
		l.pullUntil(a.at)
		l.insert(a)
		if i >= 3 {
			fate := l.insertCopy(a, i-3)
			if want := lost(i - 3); i > 500 && (fate == Kept) != want {
				t.Fatalf("copy of packet %d: %v, lost %v", i-3, fate, want)
			}
		}
	}
	c := l.b.Counters()
	l.want("lost", c.Lost, 0)
	if c.Concealed > 100 || c.Restored < 1000 {
		t.Errorf("%d units concealed, %d restored; want at most 100 and at least 1000 of 1200", c.Concealed, c.Restored)
	}
	if w := l.waits[len(l.waits)-1]; w < 20*time.Millisecond || w > 100*time.Millisecond {
		t.Errorf("sound waits %v for copies that are 60 ms late", w)
	}
}

// Nothing is lost yet, but copies come: the buffer waits for them before the
// first is needed.
func TestCopiesAreWaitedForBeforeOneIsNeeded(t *testing.T) {
	l := newLink(t)
	as := l.steady(24, 400, 5*time.Millisecond, time.Millisecond)
	for i, a := range as {
		l.pullUntil(a.at)
		if lost := i == 399-8; lost {
			continue
		}
		l.insert(a)
		if i >= 8 {
			if f := l.insertCopy(a, i-8); i == 399 && f != Kept {
				t.Errorf("the copy of the one that was lost: %v", f)
			}
		}
	}
	if w := l.waits[len(l.waits)-1]; w < 150*time.Millisecond || w > 230*time.Millisecond {
		t.Errorf("sound waits %v for copies that are 160 ms late", w)
	}
}

// Copies of nonsense change nothing.
func TestHostileCopies(t *testing.T) {
	l := newLink(t)
	if f := l.insertCopy(flight{}, 5); f != Strange {
		t.Errorf("a copy before any packet: %v", f)
	}
	as := l.steady(23, 300, 5*time.Millisecond, 0)
	for _, a := range as {
		l.pullUntil(a.at)
		l.insert(a)
		for _, back := range []int{-1, 0, 1, 100, 10000, 32768} {
			l.insertCopy(a, a.seq-back)
		}
		l.b.InsertCopy(l.begin.Add(a.at), l.start, nil)
		l.b.InsertCopy(l.begin.Add(a.at), l.start, make([]byte, 320*13))
	}
	c := l.b.Counters()
	l.want("concealed", c.Concealed, 0)
	l.want("restored", c.Restored, 0)
	l.want("late", c.Late, 0)
	if d := l.meanDelay(); d > 50*time.Millisecond {
		t.Errorf("sound waits %v", d)
	}
}
