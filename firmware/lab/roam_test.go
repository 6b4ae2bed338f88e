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
