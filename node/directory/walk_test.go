package directory

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// contactAt is the contact at a place, at a private address of its own.
func contactAt(p wire.Place) wire.Contact {
	return wire.Contact{Place: p, Member: wire.Member{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(p >> 16), byte(p >> 8), byte(p)}), 4000)}}
}

func contactsAt(ps ...wire.Place) []wire.Contact {
	var cs []wire.Contact
	for _, p := range ps {
		cs = append(cs, contactAt(p))
	}
	return cs
}

// walkers drives a walk to place 0, so that a place is its own distance.
type walkers struct {
	*testing.T
	*walk
	now  time.Time
	open map[wire.Place]*step
}

func newWalkers(t *testing.T, seeds ...wire.Place) *walkers {
	return &walkers{T: t, walk: newWalk(0, contactsAt(seeds...), nil), now: start, open: map[wire.Place]*step{}}
}

// want compares whom the walk asks now.
func (w *walkers) want(places ...wire.Place) {
	w.Helper()
	var got []wire.Place
	for _, s := range w.next(w.now) {
		got = append(got, s.Place)
		w.open[s.Place] = s
	}
	slices.Sort(got)
	slices.Sort(places)
	if !slices.Equal(got, places) {
		w.Fatalf("asks %v, want %v", got, places)
	}
}

// says lets the one at a place deny, and name others.
func (w *walkers) says(p wire.Place, near ...wire.Place) {
	w.walk.spoke(w.open[p], nodeID(1), wire.FindNone, contactsAt(near...))
}

func (w *walkers) wantNearest(places ...wire.Place) {
	w.Helper()
	var got []wire.Place
	for _, s := range w.nearest() {
		got = append(got, s.Place)
	}
	if !slices.Equal(got, places) {
		w.Fatalf("the nearest are %v, want %v", got, places)
	}
}

// First four are asked, one on each path, and two on each from its first answer
// on; who is slow is waited for beside others.
func TestAWalkWidens(t *testing.T) {
	w := newWalkers(t, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111)
	w.want(100, 101, 102, 103)
	w.want()
	w.says(100)
	w.want(104, 108)
	w.now = w.now.Add(slowAfter)
	if !w.due().Equal(w.now) {
		t.Errorf("due after %v, want %v", w.due().Sub(start), slowAfter)
	}
	w.want(105, 106, 107)
	w.says(101)
	w.want(109)
}

// A path hears only what those say whom it has asked, and nobody serves two: a
// liar that is asked by one path captures that one.
func TestPathsAreDisjoint(t *testing.T) {
	w := newWalkers(t, 100, 101, 102, 103)
	w.want(100, 101, 102, 103)
	w.says(100, 20, 21, 22, 30) // the path of a liar: nobody but these
	w.want(20, 21)
	w.says(101, 30, 31, 20)
	w.want(30, 31)
	w.says(102, 30, 10)
	w.want(10) // 30 serves the path before
	for _, s := range w.asked {
		for _, other := range w.asked {
			if s != other && s.Place == other.Place {
				t.Errorf("%d is asked twice", s.Place)
			}
		}
	}
	for p, path := range map[wire.Place]int{20: 0, 21: 0, 30: 1, 31: 1, 10: 2} {
		if w.open[p].path != path {
			t.Errorf("%d is asked by path %d, want %d", p, w.open[p].path, path)
		}
	}
}

// Whoever is at an address serves one path, whatever place it is said to be at;
// and a place that has spoken is not asked at another address. But who has not
// proved itself does not keep the true one from being asked.
func TestFalseAddresses(t *testing.T) {
	w := newWalkers(t, 100, 101, 102, 103)
	w.want(100, 101, 102, 103)
	elsewhere := wire.Contact{Place: 10, Member: contactAt(99).Member}
	twice := wire.Contact{Place: 11, Member: contactAt(101).Member}
	w.walk.spoke(w.open[100], nodeID(100), wire.FindNone, []wire.Contact{elsewhere, twice})
	w.want(10) // where nobody is
	liar := w.open[10]
	w.says(102, 10)
	w.want() // it may be that one
	w.walk.mute(liar)
	w.want(10)
	if w.open[10] == liar || w.open[10].path != 2 {
		t.Error("the true one is not asked by the path that has heard of it")
	}
	w.says(10)
	w.says(101)
	w.says(103)
	w.want()
	w.wantNearest(10, 100, 101, 102, 103)
	if !w.done() || !w.closed() || !w.denied() {
		t.Errorf("done %v, closed %v, denied %v", w.done(), w.closed(), w.denied())
	}
}

// The set is closed when nobody names one that is nearer than the nearest sixteen
// and was not asked.
func TestAWalkClosesTheSet(t *testing.T) {
	w := newWalkers(t, 1000)
	w.want(1000)
	var near []wire.Place
	for p := wire.Place(1); p <= 30; p++ {
		near = append(near, p)
	}
	w.says(1000, near...)
	for i := 0; !w.done(); i++ {
		if i > 100 {
			t.Fatalf("after %d steps: %d asked", i, len(w.asked))
		}
		for _, s := range w.next(w.now) {
			w.open[s.Place] = s
			w.says(s.Place, near...)
		}
	}
	w.wantNearest(near[:Replicas]...)
	if n := len(w.asked); n != 1+Replicas {
		t.Errorf("%d were asked, want %d", n, 1+Replicas)
	}
	if !w.denied() {
		t.Error("all deny, and it is not denied")
	}
}

// A silent one counts when two paths name it, so that one path cannot spoil a
// denial, and the silence of those who are there does.
func TestTheSilentInTheSet(t *testing.T) {
	for _, c := range []struct {
		silent int
		named  []wire.Place // by whom
		denied bool
	}{
		{3, []wire.Place{100, 101}, true},   // 13 of 16
		{5, []wire.Place{100, 101}, false},  // 11
		{5, []wire.Place{100}, true},        // by one path alone
		{16, []wire.Place{100}, true},       // likewise
		{16, []wire.Place{102, 103}, false}, // nobody of the set has spoken
	} {
		w := newWalkers(t, 100, 101, 102, 103)
		w.want(100, 101, 102, 103)
		var near, others []wire.Place
		for p := range wire.Place(16) {
			if int(p) < c.silent {
				near = append(near, p+1)
			}
			others = append(others, p+30)
		}
		for p := range wire.Place(4) {
			named := others
			if slices.Contains(c.named, 100+p) {
				named = append(slices.Clone(near), others...)
			}
			w.says(100+p, named...)
		}
		for !w.done() {
			for _, s := range w.next(w.now) {
				if w.open[s.Place] = s; s.Place <= 16 {
					w.walk.mute(s)
				} else {
					w.says(s.Place, others...)
				}
			}
			w.now = w.now.Add(slowAfter)
		}
		if w.denied() != c.denied {
			t.Errorf("%d silent, named by %v: denied is %v", c.silent, c.named, w.denied())
		}
	}
}

// A path that is led on and on ends, and says nothing of what is near.
func TestAPathThatIsLedAstray(t *testing.T) {
	for led := range paths + 1 {
		w := newWalkers(t, 1<<40, 1<<40+1, 1<<40+2, 1<<40+3)
		next := wire.Place(1 << 39)
		for i := 0; !w.done(); i++ {
			if i > 1000 {
				t.Fatal("it goes on for ever")
			}
			for _, s := range w.next(w.now) {
				w.open[s.Place] = s
				if s.path < led {
					next -= 2
					w.says(s.Place, next, next-1)
				} else {
					w.says(s.Place)
				}
			}
		}
		if n := len(w.asked); n > paths*(pathSteps+pathWidth) {
			t.Errorf("%d were asked", n)
		}
		if got, want := w.closed(), led <= paths/2; got != want {
			t.Errorf("%d of four paths astray: closed is %v", led, got)
		}
	}
}

// Of one address prefix no more than a few count.
func TestAPrefixIsNoNeighbourhood(t *testing.T) {
	public := func(p wire.Place, net byte) wire.Contact {
		return wire.Contact{Place: p, Member: wire.Member{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, net, byte(p)}), 4000)}}
	}
	var crowd, others []wire.Contact
	for p := wire.Place(1); p <= 16; p++ {
		crowd = append(crowd, public(p, 113))
		others = append(others, public(100+p, byte(p)))
	}
	w := &walkers{T: t, walk: newWalk(0, others, nil), now: start, open: map[wire.Place]*step{}}
	for !w.done() {
		for _, s := range w.next(w.now) {
			w.walk.spoke(s, nodeID(1), wire.FindNone, append(slices.Clone(crowd), others...))
		}
	}
	n := 0
	for _, s := range w.nearest() {
		if s.Place < 100 {
			n++
		}
	}
	if n != nearQuota {
		t.Errorf("%d of one prefix are among the nearest, want %d", n, nearQuota)
	}
}

// Whatever a walk hears, it remembers no more than it must, and names nobody twice.
func TestAWalkIsBounded(t *testing.T) {
	w := newWalkers(t, 1)
	for i := range 1000 {
		w.hear(i%paths, contactAt(wire.Place(1000-i)), 1, 1)
	}
	for i := range w.paths {
		if n := len(w.paths[i].list); n > pathHeard {
			t.Errorf("path %d remembers %d", i, n)
		}
		if !slices.IsSortedFunc(w.paths[i].list, func(a, b *step) int { return int(a.Place) - int(b.Place) }) {
			t.Errorf("path %d is not sorted", i)
		}
	}
	if s := fmt.Sprint(heard, hailed, slow, spoke, mute, finding); s != "heard hailed slow spoke mute finding" {
		t.Errorf("states are %s", s)
	}
}
