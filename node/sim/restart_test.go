package sim

import (
	"testing"
	"time"
)

// All supernodes are given an update at once. They restart one after the other:
// never are more than a tenth of them away, no record is ever at few of them, and
// every phone has a home all the time.
func TestRestartsAreStaged(t *testing.T) {
	const supernodes, phones, copies = 40, 20, 12
	w := town(t, Config{Seed: *seed, Supernodes: supernodes, Phones: phones, Silent: true}, 3*time.Minute)
	waiting := map[*Node]bool{}
	for _, n := range w.supernodes() {
		waiting[n] = true
		n.core.WishRestart(w.now)
		n.flush(w.now)
	}
	begun := w.now
	mostAway, fewest, lonely := 0, 16, 0
	for len(waiting) > 0 && w.now.Before(begun.Add(2*time.Hour)) {
		w.Run(time.Second)
		away := 0
		for _, n := range w.supernodes() {
			if !n.on {
				away++
				delete(waiting, n)
			}
		}
		mostAway = max(mostAway, away)
		for _, n := range w.nodes[supernodes:] {
			held, key := 0, w.network.LookupNumber(n.dial).Index
			for _, s := range w.supernodes() {
				if s.on && s.core.Holds(w.now, key) {
					held++
				}
			}
			fewest = min(fewest, held)
			if len(n.core.Homes()) == 0 {
				lonely++
			}
		}
	}
	took := w.now.Sub(begun)
	t.Logf("seed %d: all %d have restarted after %v; at most %d away at once, no record at fewer than %d", *seed, supernodes, took, mostAway, fewest)
	if len(waiting) > 0 {
		t.Errorf("%d have not had their turn after %v", len(waiting), took)
	}
	if mostAway > supernodes/10 {
		t.Errorf("%d of %d were away at once", mostAway, supernodes)
	}
	if fewest < copies || lonely > 0 {
		t.Errorf("a record was at %d supernodes, phones were without a home for %d s", fewest, lonely)
	}
	w.Run(2 * time.Minute)
	for _, n := range w.nodes {
		if n.phone && len(n.core.Homes()) != 3 || !n.phone && n.core.Snapshot(w.now).Network.Members != supernodes {
			t.Errorf("node %d has %d homes and knows %d supernodes", n.number, len(n.core.Homes()), n.core.Snapshot(w.now).Network.Members)
		}
	}
}
