package main

import (
	"testing"
	"time"
)

// TestABusyMachineExcusesWhatItSpoils: and nothing else, nor for ever.
func TestABusyMachineExcusesWhatItSpoils(t *testing.T) {
	const stood = 30 * time.Millisecond
	var (
		good     = trial{stood: stood}
		spoilt   = trial{problems: []string{"a hole"}, stood: stood}
		bad      = trial{problems: []string{"a hole"}}
		silenced = trial{problems: []string{"silence"}, faults: []string{"silence"}, stood: stood}
		silent   = trial{problems: []string{"silence"}, faults: []string{"silence"}}
	)
	for _, c := range []struct {
		about  string
		calls  trials
		again  bool
		judged bool
		fails  bool
	}{
		{"a good call", trials{good}, false, true, false},
		{"a hole", trials{bad}, true, true, true},
		{"a hole, then a good call", trials{bad, good}, false, true, false},
		{"a hole in each call", trials{bad, bad, bad}, false, true, true},
		{"a hole while the machine stood still", trials{spoilt}, true, false, false},
		{"one in each call", trials{spoilt, spoilt, spoilt}, false, false, false},
		{"one in each call, once though it did not", trials{spoilt, bad, spoilt}, false, true, true},
		{"silence", trials{silent}, false, true, true},
		{"silence after a hole", trials{spoilt, silent}, false, true, true},
		{"silence while the machine stood still", trials{silenced}, true, false, true},
		{"in each call", trials{silenced, silenced, silenced}, false, false, true},
		{"in two of three", trials{silenced, spoilt, silenced}, false, false, false},
	} {
		if got := c.calls.again(); got != c.again {
			t.Errorf("%s: again %v, want %v", c.about, got, c.again)
		}
		if got := c.calls.judged(); got != c.judged {
			t.Errorf("%s: judged %v, want %v", c.about, got, c.judged)
		}
		if err := c.calls.err(); (err != nil) != c.fails {
			t.Errorf("%s: %v, want an error: %v", c.about, err, c.fails)
		}
	}
}
