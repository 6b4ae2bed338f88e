package node

import "testing"

// However many wishes come while a driver is slow, the last one counts.
func TestLatestWishCounts(t *testing.T) {
	box := make(latest[int], 1)
	for i := range 100 {
		box.put(i)
	}
	if got := <-box; got != 99 || len(box) != 0 {
		t.Errorf("the box holds %d and %d more, want 99 alone", got, len(box))
	}
}
