package sim

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/path"
)

// A phone that seeks attestations is called by supernodes in three prefixes that
// it has not sent to, and has their signed words of where they have reached it.
func TestAttestations(t *testing.T) {
	w, err := New(Config{Seed: *seed, Supernodes: 12, Phones: 2, Silent: true, MediaEvery: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w.Start()
	w.Run(20 * time.Minute)
	phone := w.nodes[12]
	homes := phone.core.Snapshot(w.now).Network.Homes
	phone.core.SeekAttestations(w.now, 0)
	phone.flush(w.now)
	w.Run(10 * time.Second)
	by, prefixes := map[identity.ID]bool{}, map[netip.Prefix]bool{}
	for _, a := range phone.core.Attested() {
		by[a.By] = true
		if a.Addr != phone.addr || a.Node != phone.badge.node.Peer.ID {
			t.Errorf("attested %v at %v", a.Node, a.Addr)
		}
		if slices.Contains(homes, a.By.String()) {
			t.Error("attested by a home, to which the phone sends")
		}
		for _, n := range w.nodes[:12] {
			if n.badge.node.Peer.ID == a.By {
				prefixes[path.PrefixOf(n.addr.Addr())] = true
			}
		}
	}
	if len(by) != 3 || len(prefixes) != 3 {
		t.Errorf("attested by %d supernodes in %d prefixes, want 3 in 3", len(by), len(prefixes))
	}
	w.Run(time.Minute)
	if n := len(phone.core.Attested()); n != 3 {
		t.Errorf("%d attestations later, want 3", n)
	}
}
