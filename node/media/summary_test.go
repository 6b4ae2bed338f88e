package media

import "testing"

// TestSummary: a call's means are those of the seconds in which something was
// heard, and its worst second is told.
func TestSummary(t *testing.T) {
	var m Summary
	second := func(at, mouth, score float64, concealed uint64) {
		m.add(Second{At: at, Concealed: concealed, Lost: concealed / 2, Now: Now{MouthMS: mouth, Score: score, MOS: 4}})
	}
	second(1, 0, 0, 0) // nothing has come yet
	second(2, 80, 110, 0)
	second(3, 100, 90, 6)
	second(4, 90, 100, 0)
	want := Summary{Seconds: 3, Score: 100, MOS: 4, MouthMS: 90, Worst: 90, WorstAt: 3, Concealed: 6, Lost: 3}
	if got := m.mean(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := (Summary{}).mean(); got != (Summary{}) {
		t.Errorf("of nothing: %+v", got)
	}
}
