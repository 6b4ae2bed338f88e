package main

import (
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	var values []float64
	for i := range 200 {
		values = append(values, float64(i+1))
	}
	for share, want := range map[float64]figure{0.5: 100, 0.99: 198, 1: 200, 0: 1} {
		if got := quantile(values, share); got != want {
			t.Errorf("%v of 1 to 200: %v, want %v", share, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != -1 {
		t.Errorf("of nothing: %v", got)
	}
}

// TestRoamVerdict: a scene passes when 99 in 100 pauses are short enough and
// no call ended.
func TestRoamVerdict(t *testing.T) {
	for _, c := range []struct {
		short, long, ended int
		good               bool
	}{
		{200, 0, 0, true}, {198, 2, 0, true}, {197, 3, 0, false}, {199, 0, 1, false}, {150, 0, 0, false},
	} {
		r := &roamResult{LimitMS: 160, wanted: 200}
		add := func(n int, change roamChange) {
			for range n {
				r.Changes = append(r.Changes, &change)
			}
		}
		add(c.short, roamChange{HereMS: 100, ThereMS: 160})
		add(c.long, roamChange{HereMS: 161})
		add(c.ended, roamChange{Problem: "silence"})
		r.sum()
		if r.Passed != c.good {
			t.Errorf("%d short, %d long, %d ended: passed is %v", c.short, c.long, c.ended, r.Passed)
		}
	}
}

// TestLenience: in the short form a pause while the machine stood still does not
// count, but the end of a call does.
func TestLenience(t *testing.T) {
	for _, c := range []struct {
		change roamChange
		good   bool
	}{
		{roamChange{HereMS: 900, StalledMS: 12}, true}, {roamChange{HereMS: 900}, false}, {roamChange{Problem: "silence", StalledMS: 900}, false},
	} {
		r := &roamResult{LimitMS: 160, wanted: 1, lenient: true, Changes: []*roamChange{&c.change}}
		if r.sum(); r.Passed != c.good {
			t.Errorf("%+v: passed is %v", c.change, r.Passed)
		}
	}
}

// TestLimits: those of each scene, as people read them.
func TestLimits(t *testing.T) {
	help := roamCommand{}.Help()
	for _, s := range scenes {
		if !strings.Contains(help, s.name) {
			t.Errorf("--help does not name %s", s.name)
		}
		if l := s.limit(100 * time.Millisecond); l < 160*time.Millisecond || l > 500*time.Millisecond {
			t.Errorf("%s: the limit is %v", s.name, l)
		}
	}
}

// TestDisturbed: a machine that stands still excuses no more than that.
func TestDisturbed(t *testing.T) {
	for _, c := range []struct {
		pause, stalled float64
		disturbed      bool
	}{{150, 500, false}, {180, 20, true}, {180, 19, false}, {181, 20, false}} {
		change := roamChange{HereMS: c.pause, StalledMS: c.stalled}
		if got := change.disturbed(160); got != c.disturbed {
			t.Errorf("a pause of %v ms with %v ms of standstill: %v", c.pause, c.stalled, got)
		}
	}
}

// TestStalls: those that touch a time count whole.
func TestStalls(t *testing.T) {
	at := func(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }
	s := stalls{list: []stall{{at(0), at(20)}, {at(90), at(130)}, {at(500), at(600)}}}
	if got := s.within(at(100), at(200)); got != 40*time.Millisecond {
		t.Errorf("%v, want 40 ms", got)
	}
	w := watchStalls()
	w.close() // ends
}

// TestCourse: worlds go where most is left, one call's changes at least for
// each, and every change is made once.
func TestCourse(t *testing.T) {
	c := newRoamCourse([]scene{{name: "long"}, {name: "short"}}, roamCommand{Runs: 3 * perCall})
	c.results[1].left = perCall
	var entered []string
	for range 5 {
		if s, r := c.enter(); r != nil {
			entered = append(entered, s.name)
		}
	}
	if got := strings.Join(entered, " "); got != "long long long short" {
		t.Errorf("worlds went to: %s", got)
	}
	r := c.results[0]
	for n := 1; r.open(); n++ {
		if got, ok := r.begin(); got != n || !ok {
			t.Fatalf("change %d is the %dth, %v", n, got, ok)
		}
		r.add(&roamChange{})
	}
	if _, ok := r.begin(); ok || len(r.Changes) != 3*perCall {
		t.Errorf("%d changes, one more: %v", len(r.Changes), ok)
	}
	c.leave(r)
	if _, again := c.enter(); again != nil {
		t.Error("a world plays what is done")
	}
}

// TestAgain: a change that was disturbed is made once more, and one that could
// not be begun counts.
func TestAgain(t *testing.T) {
	r := newRoamCourse([]scene{{name: "hole"}}, roamCommand{Runs: 2}).results[0]
	for range 2 {
		r.begin()
		if !r.again() {
			t.Fatal("a disturbed change counts")
		}
	}
	if r.begin(); r.again() {
		t.Error("the disturbed are made once more for ever")
	}
	r.add(&roamChange{})
	if c, n := r.fail(errOtherWay); n != 2 || c.Problem == "" || r.open() {
		t.Errorf("%d changes, open: %v", n, r.open())
	}
	if r.sum(); r.Ended != 1 || r.Runs != 2 || r.Disturbed != 2 {
		t.Errorf("%+v", r)
	}
}
