package node

import (
	"net/netip"
	"testing"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A supernode with two addresses is reached by the version of IP that this host
// has.
func TestTheVersionThatWeHave(t *testing.T) {
	four, six := netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("[2001:db8::1]:4000")
	dual := wire.MemberAt(identity.ID{1}, four, six, 0)
	for _, test := range []struct {
		own  []netip.AddrPort
		want netip.AddrPort
	}{
		{[]netip.AddrPort{six}, six}, {[]netip.AddrPort{four}, four}, {[]netip.AddrPort{six, four}, four}, {nil, four},
	} {
		var c Core
		c.outside.families(test.own)
		if got := c.addrOf(dual); got != test.want {
			t.Errorf("with %v: %v, want %v", test.own, got, test.want)
		}
	}
}
