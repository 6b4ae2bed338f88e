package node

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Uplink is an interface by which there is a way out.
type Uplink struct {
	Device string
	Addrs  []netip.Addr // its own
}

// maxUplinks bounds the uplinks that are used besides the kernel's choice.
const maxUplinks = 4

// changePause gathers what one change of the network is made of: a cable that
// is pulled takes addresses and routes with it, one after the other.
const changePause = 10 * time.Millisecond

// watchNetwork tells the loop the uplinks, now and after each change: a cable,
// another network, a new address. Its owner is Run.
func (n *Node) watchNetwork(ctx context.Context) {
	changed, err := subscribe(ctx)
	if err != nil {
		n.log.Warn("changes of the network are found out by silence only", "error", err)
	}
	last := n.readUplinks()
	n.enter(ctx, func(c *Core, now time.Time) { c.Uplinks(now, last) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(changePause):
		}
		uplinks := n.readUplinks()
		if sameUplinks(last, uplinks) {
			continue
		}
		last = uplinks
		n.enter(ctx, func(c *Core, now time.Time) { c.NetworkChanged(now, uplinks) })
		if n.mapper != nil {
			n.mapper.Changed()
		}
	}
}

// subscribe returns a channel that holds a token when addresses, routes or
// links have changed.
func subscribe(ctx context.Context) (<-chan struct{}, error) {
	changed := make(chan struct{}, 1)
	addrs, routes, links := make(chan netlink.AddrUpdate, 16), make(chan netlink.RouteUpdate, 16), make(chan netlink.LinkUpdate, 16)
	if err := netlink.AddrSubscribe(addrs, ctx.Done()); err != nil {
		return changed, err
	}
	if err := netlink.RouteSubscribe(routes, ctx.Done()); err != nil {
		return changed, err
	}
	if err := netlink.LinkSubscribe(links, ctx.Done()); err != nil {
		return changed, err
	}
	// Owner: watchNetwork, through ctx. The three channels are closed by the
	// library when it ends or fails.
	go forward(addrs, changed)
	go forward(routes, changed)
	go forward(links, changed)
	return changed, nil
}

func forward[T any](from <-chan T, changed chan<- struct{}) {
	for range from {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

// sameUplinks reports whether nothing has changed that matters to us.
func sameUplinks(a, b []Uplink) bool {
	return slices.EqualFunc(a, b, func(a, b Uplink) bool {
		return a.Device == b.Device && slices.Equal(a.Addrs, b.Addrs)
	})
}

// readUplinks returns the interfaces with a default route and a carrier, the
// one that the kernel prefers first. A node that listens at one address has no
// choice.
func (n *Node) readUplinks() []Uplink {
	var uplinks []Uplink
	if !n.Addr().Addr().IsUnspecified() {
		return nil
	}
	for _, index := range defaultLinks() {
		link, err := netlink.LinkByIndex(index)
		if err != nil || link.Attrs().Flags&net.FlagRunning == 0 {
			continue
		}
		if addrs := addrsOf(link); len(addrs) > 0 && len(uplinks) < maxUplinks {
			uplinks = append(uplinks, Uplink{link.Attrs().Name, addrs})
		}
	}
	return uplinks
}

// defaultLinks returns the indices of the interfaces with default routes, the
// smallest metric first; IPv4 counts before IPv6, which most routers copy.
func defaultLinks() []int {
	var links []int
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := netlink.RouteList(nil, family)
		if err != nil {
			continue
		}
		slices.SortStableFunc(routes, func(a, b netlink.Route) int { return cmp.Compare(a.Priority, b.Priority) })
		for _, r := range routes {
			if isDefault(r) && !slices.Contains(links, r.LinkIndex) {
				links = append(links, r.LinkIndex)
			}
		}
	}
	return links
}

func isDefault(r netlink.Route) bool {
	if r.Dst == nil {
		return true
	}
	ones, _ := r.Dst.Mask.Size()
	return ones == 0
}

// addrsOf returns the addresses of an interface that can be candidates: of IPv6
// the temporary ones where there are any (RFC 8981), as the kernel uses them.
func addrsOf(link netlink.Link) []netip.Addr {
	list, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil
	}
	var four, temporary, stable []netip.Addr
	for _, a := range list {
		ip, ok := netip.AddrFromSlice(a.IP)
		ip = ip.Unmap()
		switch {
		case !ok || !usable(ip) || a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DEPRECATED|unix.IFA_F_DADFAILED) != 0:
		case ip.Is4():
			four = append(four, ip)
		case a.Flags&unix.IFA_F_TEMPORARY != 0:
			temporary = append(temporary, ip)
		default:
			stable = append(stable, ip)
		}
	}
	if len(temporary) > 0 {
		stable = nil
	}
	return slices.Concat(temporary, stable, four)
}

// ownAddrs returns the addresses of all interfaces that are up, loopback aside.
func ownAddrs() []netip.Addr {
	links, err := netlink.LinkList()
	if err != nil {
		return nil
	}
	var all []netip.Addr
	for _, link := range links {
		if link.Attrs().Flags&net.FlagUp != 0 && link.Attrs().Flags&net.FlagLoopback == 0 {
			all = append(all, addrsOf(link)...)
		}
	}
	return all
}
