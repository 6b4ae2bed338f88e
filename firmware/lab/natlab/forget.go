package natlab

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// strangers are addresses of the internet whose flows are to be forgotten.
type strangers []netip.Addr

// MatchConntrackFlow implements netlink.CustomConntrackFilter: whoever began the
// flow, a stranger is at one end of it.
func (s strangers) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	src, _ := netip.AddrFromSlice(f.Forward.SrcIP)
	dst, _ := netip.AddrFromSlice(f.Forward.DstIP)
	return slices.Contains(s, src.Unmap()) || slices.Contains(s, dst.Unmap())
}

// Forget drops the flows and mappings that the site has with some addresses of
// the internet, and only those, as if its hosts had never met them.
func (s *Site) Forget(remotes ...netip.Addr) error {
	if s.brought {
		if err := s.carrier.Forget(remotes...); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.router.space.forget(remotes); err != nil {
		return err
	}
	if (rules{kind: s.kind}).learns() {
		return s.router.space.nft("flush set inet natlab met\n")
	}
	return nil
}

// forgetTries is how often a table is read that changes meanwhile.
const forgetTries = 5

// forget deletes by netlink: conntrack(8) fails when a flow ends by itself
// between being listed and being deleted.
func (s *space) forget(remotes strangers) error {
	return s.do(func() (err error) {
		for range forgetTries {
			err = nil
			for _, family := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
				if _, failed := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, family, remotes); failed != nil {
					err = fmt.Errorf("natlab: %s: %w", s.name, failed)
				}
			}
			if err == nil {
				return nil
			}
		}
		return err
	})
}
