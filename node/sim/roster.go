package sim

import (
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/overlay"
	"peerphone/node/wire"
)

// prepare writes the roster that the supernodes of an old network have on their
// disks: a network of thousands has not begun all at once.
func (w *World) prepare() error {
	if !w.cfg.Old {
		return nil
	}
	var all []byte
	for _, n := range w.nodes[:w.cfg.Supernodes] {
		compact, ok := identity.CompactNode(n.saved.Granted.Node)
		if !ok {
			return identity.ErrCompact
		}
		key := login.NodeKey(n.device, identity.EpochAt(w.cfg.Birth))
		self := overlay.Self{Node: key.ID(), Certificate: compact, Sign: key.Sign}
		n.announcement = overlay.Announce(self, wire.Member{Node: key.ID(), Addr: n.addr}, uint32(w.cfg.Birth.Unix()))
		all = append(all, n.announcement...)
	}
	w.roster = overlay.ParseRoster(all)
	return nil
}

// rosterOf returns what n has on its disk.
func (w *World) rosterOf(n *Node) overlay.Roster {
	if n.phone {
		return overlay.Roster{}
	}
	return w.roster
}

// keepers returns an Overlay that knows exactly the supernodes that are on: it
// tells where records should be.
func (w *World) keepers() *overlay.Overlay {
	var live []byte
	for _, n := range w.nodes[:w.cfg.Supernodes] {
		if n.on {
			live = append(live, n.announcement...)
		}
	}
	o := overlay.New(overlay.Config{Rand: w.shake, Supernode: true})
	o.Restore(overlay.ParseRoster(live))
	return o
}
