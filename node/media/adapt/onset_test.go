package adapt

import (
	"testing"
	"time"
)

// The third packet tells, and how much comes through; what is chance does not.
func TestOnset(t *testing.T) {
	steps := func(list ...time.Duration) (o onset) {
		at := newCall(t).now
		o.first = at
		for _, longer := range list {
			at = at.Add(20*ms + longer)
			o.hear(at, longer, 100, true)
		}
		return o
	}
	for what, test := range map[string]struct {
		list []time.Duration
		want int
	}{
		"a line of 2,000 bytes a second": {[]time.Duration{30 * ms, 30 * ms}, 2000},
		"one of 3,000":                   {[]time.Duration{13 * ms, 13 * ms, 14 * ms}, 3000},
		"two packets":                    {[]time.Duration{50 * ms}, 0},
		"a stall":                        {[]time.Duration{60 * ms, -20 * ms, -20 * ms}, 0},
		"a little slower":                {[]time.Duration{5 * ms, 5 * ms, 5 * ms, 5 * ms, 5 * ms, 5 * ms, 5 * ms, 5 * ms, 5 * ms}, 0},
		"slower after a while":           {[]time.Duration{0, 30 * ms, 30 * ms, 30 * ms}, 0},
	} {
		if got := steps(test.list...).through; got != test.want {
			t.Errorf("%s: %d bytes a second come through, want %d", what, got, test.want)
		}
	}
}
