package sim

import (
	"testing"
	"time"
)

// Phones that others can reach become supernodes after a while, are known to all,
// and find each other's users as before.
func TestReachablePhonesArePromoted(t *testing.T) {
	w := town(t, Config{Seed: *seed, Supernodes: 24, Phones: 6, Silent: true, Candidates: true}, 75*time.Minute)
	promoted := 0
	for _, n := range w.nodes[24:] {
		s := n.core.Snapshot(w.now).Network
		if s.Supernode {
			promoted++
		}
		if len(n.core.Homes()) != 3 {
			t.Errorf("phone %d has %d homes", n.number, len(n.core.Homes()))
		}
	}
	if promoted == 0 {
		t.Error("no phone has been promoted")
	}
	for _, n := range w.nodes[:24] {
		if m := n.core.Snapshot(w.now).Network.Members; m != 24+promoted {
			t.Errorf("supernode %d knows %d supernodes, want 24 and %d", n.number, m, promoted)
		}
	}
	t.Logf("%d of 6 phones are supernodes", promoted)
	for _, n := range w.nodes[24:] {
		n.core.Able(w.now, false) // the memory is needed for something else
		n.flush(w.now)
	}
	w.Run(10 * time.Minute)
	for _, n := range w.nodes {
		s := n.core.Snapshot(w.now).Network
		if n.phone && (s.Supernode || len(n.core.Homes()) != 3) {
			t.Errorf("phone %d: supernode %v, %d homes", n.number, s.Supernode, len(n.core.Homes()))
		}
		if !n.phone && s.Members != 24 {
			t.Errorf("supernode %d knows %d supernodes, want 24", n.number, s.Members)
		}
	}
}
