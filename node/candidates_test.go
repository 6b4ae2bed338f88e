package node

import (
	"net/netip"
	"testing"
	"time"

	"peerphone/node/path"
	"peerphone/node/wire"
)

// A search begins with what its own far end has told: nothing goes to the
// addresses of the call before.
func TestACallForgetsTheAddressesOfTheLast(t *testing.T) {
	c := bareCore(t, path.NAT{})
	c.attempts.heard = wire.Candidates{Addrs: []netip.AddrPort{netip.MustParseAddrPort("203.0.113.9:4000")}}
	c.attempts.phones[7] = farPhone{asked: true}
	c.tellCandidates(time.Unix(1_700_000_000, 0), 7)
	if got := c.attempts.heard; len(got.Addrs) != 0 || got.Scatter.IsValid() {
		t.Errorf("still looks for %v", got)
	}
}
