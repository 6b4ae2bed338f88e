package overlay

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Promote makes this node serve others from now on, who reach it at addr. It keeps
// its homes, and joins the other supernodes by them.
func (o *Overlay) Promote(now time.Time, addr netip.AddrPort) {
	if o.cfg.Supernode || o.self.Node.IsZero() {
		return
	}
	o.cfg.Supernode, o.cfg.SelfAddr = true, addr
	o.table.birth = now
	o.place = placeOf(o.self.Node, identity.EpochOfCompact(o.self.Certificate), addr.Addr())
	o.announce(now)
	o.weighScope(now)
	o.begin(now)
	for _, l := range slices.Clone(o.links) {
		if l.dir == ours {
			o.meet(now, l)
		}
	}
	o.pump(now)
}

// Demote ends that: the others are told, guests are sent elsewhere a few at a time,
// and this node is a phone again, with supernodes that it knew in its host cache.
func (o *Overlay) Demote(now time.Time) {
	if !o.cfg.Supernode {
		return
	}
	o.farewell(now)
	for _, m := range o.someMembers(o.self.Node, maxCache) {
		o.hearEntry(now, m)
	}
	o.cfg.Supernode, o.cfg.SelfAddr = false, netip.AddrPort{}
	for _, l := range slices.Clone(o.links) {
		if l.guest == guest {
			o.send(l, wire.Refused{After: uint16((minTurnAway + o.jitter(maxTurnAway-minTurnAway)) / time.Second)})
			o.leaveGuest(l)
		}
		l.join, l.place, l.joinEnd = notJoined, 0, time.Time{}
		o.release(now, l)
	}
	o.place, o.table, o.gossip = 0, table{birth: now}, gossip{}
	o.strikes, o.suspicions, o.findings = map[wire.Place]uint8{}, nil, findings{}
	o.scope, o.routes = whole, routes{}
	o.sync, o.nearChanged = unsynced, false
	o.syncBy, o.exchange, o.audit, o.burial, o.roster = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	o.calm = false
	o.pump(now)
}
