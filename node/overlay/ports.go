package overlay

import (
	"time"

	"peerphone/node/wire"
)

// SetPorts tells at which TCP ports this node takes streams. It comes before
// Learn.
func (o *Overlay) SetPorts(p wire.Ports) { o.ports = p }

// hearPorts notes at which ports the node of l takes streams, by its own word.
func (o *Overlay) hearPorts(now time.Time, l *link, p wire.Ports) {
	l.ports = p
	if e := o.cache.find(wire.Member{Node: l.node, Addr: l.addr}); e != nil && e.m.Node == l.node && e.m.Ports != p {
		e.m.Ports = p
		o.cache.changed(now)
	}
}
