package node

import (
	"crypto/rand"
	"net/netip"
	"slices"
	"testing"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A far phone that tells addresses of this host, or of everybody, does not make
// us send there.
func TestCandidatesThatAreNobodys(t *testing.T) {
	own := netip.MustParseAddrPort("192.0.2.1:4000")
	key := identity.KeyFromSeed([32]byte{1})
	c := NewCore(CoreConfig{Rand: rand.Reader, Account: key, Device: key, Candidates: func() []netip.AddrPort { return []netip.AddrPort{own} }})
	good := []netip.AddrPort{
		netip.MustParseAddrPort("192.168.7.9:4000"), netip.MustParseAddrPort("192.0.2.1:4001"), netip.MustParseAddrPort("[2001:db8::1]:4000"),
	}
	m := wire.Candidates{Addrs: slices.Clone(good), Scatter: netip.MustParseAddr("224.0.0.1")}
	for _, bad := range []string{
		"127.0.0.1:4000", "[::1]:4000", "0.0.0.0:4000", "[::]:4000", "224.0.0.1:4000", "[ff02::1]:4000", "255.255.255.255:4000",
		"169.254.1.1:4000", "[fe80::1]:4000", own.String(),
	} {
		m.Addrs = append(m.Addrs, netip.MustParseAddrPort(bad))
	}
	if got := c.sensible(m); !slices.Equal(got.Addrs, good) || got.Scatter.IsValid() {
		t.Errorf("got %v, scatter %v, want %v", got.Addrs, got.Scatter, good)
	}
	m.Scatter = netip.MustParseAddr("198.51.100.7")
	if got := c.sensible(m); got.Scatter != m.Scatter {
		t.Errorf("scatter %v, want %v", got.Scatter, m.Scatter)
	}
}
