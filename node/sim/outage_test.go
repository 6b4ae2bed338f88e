package sim

import (
	"testing"
	"time"

	"peerphone/node/identity"
)

// The login server is away for a week, in which an epoch ends and the power fails
// everywhere: everyone who was logged in still searches, by numbers and by words, and
// calls. In the short form all are switched off for most of the week.
func TestAWeekWithoutLoginServer(t *testing.T) {
	boundary := identity.EpochStart(identity.EpochAt(birth) + 1)
	w, err := New(Config{
		Seed: *seed, Supernodes: 5, Phones: 8, MediaEvery: time.Second, Quiet: 20 * time.Minute, Birth: boundary.Add(-3 * 24 * time.Hour),
		Searchable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	const week, last = 7 * 24 * time.Hour, 2 * time.Hour
	if *long {
		w.Start()
		w.Run(week - last)
		for _, n := range w.nodes {
			n.switchOff()
		}
	} else {
		w.Run(week - last)
	}
	for _, n := range w.nodes {
		n.switchOn(w.now)
	}
	before := w.Report()
	w.Run(last + 3*time.Hour)
	r := w.Report()
	dialled, failed := r.Dialled-before.Dialled, r.Failed-before.Failed
	t.Logf("seed %d: %d calls dialled, %d failed, the login server was asked %d times in vain", r.Seed, dialled, failed, r.LoginAsks)
	if dialled < 40 || failed > 0 {
		t.Errorf("%d calls were dialled and %d failed", dialled, failed)
	}
	for _, n := range w.nodes {
		s := n.core.Snapshot(w.now)
		if s.Login.State != "in" || n.granted.Node.Epoch != identity.EpochAt(w.now) {
			t.Errorf("node %d is %s, in epoch %d", n.number, s.Login.State, n.granted.Node.Epoch)
		}
		if n.phone && (len(n.core.Homes()) != 3 || s.Network.Published == 0) {
			t.Errorf("phone %d has %d homes, its record %d copies", n.number, len(n.core.Homes()), s.Network.Published)
		}
		for _, other := range w.nodes[w.cfg.Supernodes:] {
			if !n.phone && !n.core.Holds(w.now, w.network.LookupNumber(other.dial).Index) {
				t.Errorf("supernode %d does not hold the record of phone %d", n.number, other.number)
			}
		}
	}
	w.wantFoundByWords(t)
}
