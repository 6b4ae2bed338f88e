package sim

import (
	"slices"
	"time"

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
	for _, n := range w.supernodes() {
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
	for _, n := range w.nodes {
		if n.phone {
			n.cache = w.acquaintances(n)
		}
	}
	return nil
}

// acquainted is how many supernodes the phones of an old network have in their
// host caches. They may have two hundred; so many are as good for what we look
// at, and take less room.
const acquainted = 20

// acquaintances returns what a phone of an old network has in its host cache.
func (w *World) acquaintances(n *Node) []overlay.Kept {
	var list []overlay.Kept
	for range min(acquainted, w.cfg.Supernodes) {
		s := w.nodes[w.draw.IntN(w.cfg.Supernodes)]
		k := overlay.Kept{Member: wire.Member{Node: s.badge.node.Peer.ID, Addr: s.addr}, Reached: w.cfg.Birth.Add(-time.Hour)}
		if s != n && !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	return list
}

// rosterOf returns what n has on its disk.
func (w *World) rosterOf(n *Node) overlay.Roster {
	if !n.serves {
		return overlay.Roster{}
	}
	return w.roster
}

// keepers returns an Overlay that knows exactly these supernodes: it tells where
// records should be.
func (w *World) keepers(alive []*Node) *overlay.Overlay {
	var live []byte
	for _, n := range alive {
		live = append(live, n.announcement...)
	}
	o := overlay.New(overlay.Config{Rand: w.shake, Supernode: true})
	o.Restore(overlay.ParseRoster(live))
	return o
}
