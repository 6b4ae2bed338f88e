package overlay

import (
	"net/netip"
	"time"

	"peerphone/node/wire"
)

// SetPorts tells at which TCP ports this node takes streams. It comes before
// Learn.
func (o *Overlay) SetPorts(p wire.Ports) { o.ports = p }

// hearPlaces notes by its own word where else the node of l is reached, and at
// which ports it takes streams.
func (o *Overlay) hearPlaces(now time.Time, l *link, other netip.AddrPort, p wire.Ports) {
	l.other, l.ports = other, p
	if !other.IsValid() || !dialable(other) || other.Addr().Is4() == l.addr.Addr().Is4() {
		l.other = netip.AddrPort{}
	}
	m := l.member()
	e := o.cache.find(m)
	if e == nil || e.m.Node != l.node {
		return
	}
	was := e.m
	if e.m.Ports = p; m.At(e.m.Addr) {
		e.m = m
	}
	if e.m != was {
		o.cache.changed(now)
	}
}
