package sim

import (
	"testing"
	"time"
)

// A supernode that ends says so: the others know within seconds, its guests have
// another home at once, and nobody is called in vain.
func TestASupernodeTakesItsLeave(t *testing.T) {
	w := town(t, Config{Seed: *seed, Supernodes: 6, Phones: 6, Silent: true}, 2*time.Minute)
	leaver, guests := w.nodes[0], 0
	for _, n := range w.nodes[:6] {
		if g := n.core.Snapshot(w.now).Network.Attached; g > guests {
			leaver, guests = n, g
		}
	}
	if guests == 0 {
		t.Fatal("nobody is attached to any supernode")
	}
	leaver.core.Leave(w.now)
	leaver.flush(w.now)
	w.Run(300 * time.Millisecond)
	if !leaver.core.Left() {
		t.Error("the good-bye has not arrived within 300 ms")
	}
	leaver.switchOff()
	w.Run(3 * time.Second)
	for _, n := range w.nodes {
		if n == leaver {
			continue
		}
		s := n.core.Snapshot(w.now).Network
		if !n.phone && s.Members != 5 {
			t.Errorf("supernode %d knows %d supernodes, want 5", n.number, s.Members)
		}
		if n.phone && len(n.core.Homes()) != 3 {
			t.Errorf("phone %d has %d homes, want 3", n.number, len(n.core.Homes()))
		}
	}
}
