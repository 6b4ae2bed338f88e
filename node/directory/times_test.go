package directory

import (
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	var before, more Times
	before.add(time.Second)
	times := before
	for ms := range 100 {
		more.add(time.Duration(ms+1) * time.Millisecond)
	}
	times = times.Plus(more).Minus(before)
	for _, test := range []struct {
		share float64
		want  time.Duration
	}{{0.5, 50 * time.Millisecond}, {0.95, 100 * time.Millisecond}, {0.01, 10 * time.Millisecond}} {
		if got := times.Percentile(test.share); got != test.want {
			t.Errorf("%v of 1 to 100 ms are within %v, want %v", test.share, got, test.want)
		}
	}
	if got := before.Percentile(0.5); got != time.Duration(len(before))*timesStep {
		t.Errorf("a second counts as %v", got)
	}
	if got := (Times{}).Percentile(0.5); got != 0 {
		t.Errorf("nothing counts as %v", got)
	}
}
