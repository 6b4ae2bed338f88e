package adapt

import "testing"

// TestANewWayAtTheStartChangesNoShape tells the Pilot what a relay costs before
// anybody has reported: packets stay short, for nothing is known of the network.
func TestANewWayAtTheStartChangesNoShape(t *testing.T) {
	p := NewPilot(Limits{Most: 5000, Overhead: 54})
	before := p.Setting()
	p.Limit(Limits{Most: 5000, Overhead: 58})
	after := p.Setting()
	if after.Packet != before.Packet || after.Copies != before.Copies {
		t.Errorf("packets of %v with %d copies became %v with %d", before.Packet, before.Copies, after.Packet, after.Copies)
	}
	if after.Bitrate >= before.Bitrate {
		t.Errorf("%d bit/s became %d though each packet costs more", before.Bitrate, after.Bitrate)
	}
}
