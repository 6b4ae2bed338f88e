package sim

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/overlay"
)

// admitted is how many attachments a supernode admits in a second.
const admitted = 50

// damage follows how a network heals after some of its supernodes have vanished.
type damage struct {
	at      time.Time
	keepers *overlay.Overlay
	records []where // that are not yet where they should be
	orphans []*Node // that have not yet three homes again
	lost    int     // how many had lost one
	alive   []*Node // supernodes
	traffic uint64  // theirs before, in bytes
	looked  time.Time
}

// where is a record and the supernodes where it should be.
type where struct {
	key  identity.IndexKey
	kept []*Node
}

// kill lets some of the supernodes vanish at once.
func (t *trial) kill() {
	dead := t.doomed()
	for _, n := range dead {
		n.switchOff()
	}
	alive := slices.DeleteFunc(slices.Clone(t.supernodes()), func(n *Node) bool { return !n.on })
	d := &damage{at: t.now, keepers: t.keepers(alive), alive: alive, traffic: traffic(alive)}
	lost := 0
	for _, n := range t.phones() {
		if !n.on {
			continue
		}
		live := len(t.liveHomes(n))
		lost += min(homesOfPhone, t.Supernodes) - live
		if live < homesOfPhone {
			d.orphans = append(d.orphans, n)
		}
		for _, key := range n.keys() {
			if w := t.where(d, key); w.copies(t.now) > 0 {
				d.records = append(d.records, w)
			}
		}
	}
	d.lost = len(d.orphans)
	t.out.Bound = float64(lost) / float64(len(alive)) / admitted
	t.hurt = d
	t.say("%d of %d supernodes have vanished; %d phones have lost a home, %d of %d records are left",
		len(dead), t.Supernodes, d.lost, len(d.records), 2*len(t.phones()))
}

// homesOfPhone is how many homes a phone has.
const homesOfPhone = 3

// keys returns where the records of a phone are.
func (n *Node) keys() []identity.IndexKey {
	return []identity.IndexKey{n.w.network.LookupNumber(n.dial).Index, n.w.network.LookupName(n.name()).Index}
}

// where returns where the record at a key should be. After a kill those who have
// it are among them.
func (t *trial) where(d *damage, key identity.IndexKey) where {
	w := where{key: key}
	for _, m := range d.keepers.Nearest(key, overlay.Neighbourhood) {
		w.kept = append(w.kept, t.nodeAt(m.Addr))
	}
	return w
}

// copies returns at how many of its places a record is.
func (w where) copies(now time.Time) (count int) {
	for _, n := range w.kept {
		if n.on && n.core.Holds(now, w.key) {
			count++
		}
	}
	return count
}

// whole reports whether a record is at all its places. A Byzantine supernode says
// that it has it, and nobody can do anything about that.
func (w where) whole(now time.Time) bool {
	return !slices.ContainsFunc(w.kept, func(n *Node) bool {
		return n.malice == honest && !(n.on && n.core.Holds(now, w.key))
	})
}

// look notes what has healed.
func (d *damage) look(t *trial) {
	before := len(d.orphans)
	want := min(homesOfPhone, d.keepers.Known())
	d.orphans = slices.DeleteFunc(d.orphans, func(n *Node) bool { return len(t.liveHomes(n)) >= want })
	if limit := d.lost / 100; before > limit && len(d.orphans) <= limit {
		t.out.Reattached = t.now.Sub(d.at).Seconds()
		t.say("99 in 100 phones have three homes again")
	}
	if before > 0 && len(d.orphans) == 0 {
		t.out.Back = t.now.Sub(d.at).Seconds()
	}
	if len(d.records) == 0 || t.now.Sub(d.looked) < time.Second {
		return
	}
	d.looked = t.now
	d.records = slices.DeleteFunc(d.records, func(w where) bool { return w.whole(t.now) })
	if len(d.records) == 0 {
		t.out.Repaired = t.now.Sub(d.at).Seconds()
		t.out.RepairBytes = float64(traffic(d.alive)-d.traffic) / float64(len(d.alive))
		t.say("every record is at all its places again; %.0f kB a supernode", t.out.RepairBytes/1000)
	}
}

// traffic returns how many bytes nodes have sent and got.
func traffic(nodes []*Node) (bytes uint64) {
	for _, n := range nodes {
		bytes += n.sent + n.got
	}
	return bytes
}

// reachWait is when those who have lost all homes should be reachable again.
const reachWait = 10 * time.Second

// healTime bounds how long a trial waits for a network to heal.
const healTime = 5 * time.Minute

// heal asks who can be reached ten seconds after the kill, and waits until the
// network is whole again.
func (t *trial) heal() {
	d := t.hurt
	t.pass(max(0, d.at.Add(reachWait).Sub(t.now)))
	t.reachable()
	t.await(max(step, d.at.Add(t.Heal).Sub(t.now)), func() bool { return len(d.records) == 0 && len(d.orphans) == 0 })
}
