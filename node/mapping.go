package node

import (
	"context"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"

	"peerphone/node/path"
	"peerphone/node/path/portmap"
)

// openMapper makes what asks the router for a port. A node that listens at one
// address has been placed by its owner and needs none.
func (n *Node) openMapper(ctx context.Context, wanted bool) {
	if !wanted || !n.Addr().Addr().IsUnspecified() {
		return
	}
	n.mapper = portmap.New(n.Addr().Port(), gateway, func(m portmap.Mapping, err error) {
		if err != nil {
			n.log.Info("the router opens no port for us", "error", err)
		} else {
			n.log.Info("the router has opened a port for us", "at", m.Addr, "by", m.By, "lease", m.Lease)
		}
		n.enter(ctx, func(c *Core, now time.Time) { c.PortMapped(now, m.Addr) })
	})
}

// holdMapping keeps the router from being asked while UDP is known not to pass: a
// port of ours would let nobody in. Who knows nothing yet asks at once, for the
// first supernode of a network has nobody who could tell it.
func (n *Node) holdMapping(known path.NAT) {
	n.unblocked = make(chan struct{})
	n.mapWhenUDP(known)
}

// mapWhenUDP lets the router be asked from now on, unless UDP does not pass.
func (n *Node) mapWhenUDP(known path.NAT) {
	select {
	case <-n.unblocked:
	default:
		if known.UDP != path.No {
			close(n.unblocked)
		}
	}
}

// keepMapping asks the router for a port until ctx is done.
func (n *Node) keepMapping(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-n.unblocked:
		n.mapper.Run(ctx)
	}
}

// gateway returns the router towards the outside, over IPv4: where there is
// IPv6 nothing has to be mapped.
func gateway() (netip.Addr, bool) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return netip.Addr{}, false
	}
	best := -1
	for i, r := range routes {
		if isDefault(r) && r.Gw != nil && (best < 0 || r.Priority < routes[best].Priority) {
			best = i
		}
	}
	if best < 0 {
		return netip.Addr{}, false
	}
	gw, ok := netip.AddrFromSlice(routes[best].Gw)
	return gw.Unmap(), ok
}
