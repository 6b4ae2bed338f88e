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
			n.cache = w.pack(w.acquaintances(n))
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
		k := overlay.Kept{Member: wire.Member{Node: s.born, Addr: s.addr}, Reached: w.cfg.Birth.Add(-time.Hour)}
		if s != n && !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	return list
}

// disk is a host cache as a world keeps it: 24 bytes for an entry in the place of
// 136. What does not fit is kept as it is.
type disk struct {
	entries []packed
	others  []overlay.Kept
}

// packed is an entry that names a node of the world by the key that it was born
// with.
type packed struct {
	node    int32
	ports   wire.Ports
	reached int64 // nanoseconds since the year 1970; 0: never
	rtt     time.Duration
}

// pack returns what is kept of a host cache. Its order is lost only between the
// two parts.
func (w *World) pack(cache []overlay.Kept) disk {
	d := disk{entries: make([]packed, 0, len(cache))}
	for _, k := range cache {
		n := w.nodeAt(k.Addr)
		p := packed{ports: k.Ports, rtt: k.RTT}
		if n != nil {
			p.node = int32(n.number)
		}
		if !k.Reached.IsZero() {
			p.reached = k.Reached.UnixNano()
		}
		if n != nil && w.unpack(p) == k {
			d.entries = append(d.entries, p)
		} else {
			d.others = append(d.others, k)
		}
	}
	return d
}

// unpack returns an entry as it was.
func (w *World) unpack(p packed) overlay.Kept {
	n := w.nodes[p.node]
	k := overlay.Kept{Member: wire.Member{Node: n.born, Addr: n.addr, Ports: p.ports}, RTT: p.rtt}
	if p.reached != 0 {
		k.Reached = time.Unix(0, p.reached).UTC()
	}
	return k
}

// cacheOf returns the host cache that n has on its disk.
func (w *World) cacheOf(n *Node) []overlay.Kept {
	list := make([]overlay.Kept, 0, len(n.cache.entries)+len(n.cache.others))
	for _, p := range n.cache.entries {
		list = append(list, w.unpack(p))
	}
	return append(list, n.cache.others...)
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
	o := overlay.New(overlay.Config{Rand: w.rng, Supernode: true})
	o.Restore(overlay.ParseRoster(live))
	return o
}
