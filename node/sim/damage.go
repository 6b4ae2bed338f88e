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
	records []identity.IndexKey // that are not yet where they should be
	orphans []*Node             // that have not yet three homes again
	lost    int                 // how many had lost one
	looked  time.Time           // when the records were looked at
}

// kill lets some of the supernodes vanish at once.
func (t *trial) kill() {
	supernodes := slices.Clone(t.nodes[:t.Supernodes])
	t.draw.Shuffle(len(supernodes), func(i, j int) { supernodes[i], supernodes[j] = supernodes[j], supernodes[i] })
	dead := int(t.Kill * float64(len(supernodes)))
	for _, n := range supernodes[:dead] {
		n.switchOff()
	}
	d := &damage{at: t.now, keepers: t.keepers()}
	lost := 0
	for _, n := range t.nodes[t.Supernodes:] {
		live := len(t.liveHomes(n))
		lost += min(homesOfPhone, t.Supernodes) - live
		if live < homesOfPhone {
			d.orphans = append(d.orphans, n)
		}
		for _, key := range n.keys() {
			if t.survives(d, key) {
				d.records = append(d.records, key)
			}
		}
	}
	d.lost = len(d.orphans)
	t.out.Bound = float64(lost) / float64(len(supernodes)-dead) / admitted
	t.hurt = d
	t.say("%d of %d supernodes have vanished; %d phones have lost a home, %d of %d records are left",
		dead, t.Supernodes, d.lost, len(d.records), 2*t.Phones)
}

// homesOfPhone is how many homes a phone has.
const homesOfPhone = 3

// keys returns where the records of a phone are.
func (n *Node) keys() []identity.IndexKey {
	return []identity.IndexKey{n.w.network.LookupNumber(n.dial).Index, n.w.network.LookupName(n.name()).Index}
}

// survives reports whether some supernode has the record at key. After a kill
// its survivors are among those who are nearest now.
func (t *trial) survives(d *damage, key identity.IndexKey) bool { return t.copies(d, key) > 0 }

// copies returns at how many of the supernodes where it should be a record is.
func (t *trial) copies(d *damage, key identity.IndexKey) int {
	n := 0
	for _, m := range d.keepers.Nearest(key, overlay.Neighbourhood) {
		if s := t.nodeAt(m.Addr); s.on && s.core.Holds(t.now, key) {
			n++
		}
	}
	return n
}

// look notes what has healed.
func (d *damage) look(t *trial) {
	before := len(d.orphans)
	d.orphans = slices.DeleteFunc(d.orphans, func(n *Node) bool { return len(t.liveHomes(n)) >= min(homesOfPhone, d.keepers.Known()) })
	if limit := d.lost / 100; before > limit && len(d.orphans) <= limit {
		t.out.Reattached = t.now.Sub(d.at).Seconds()
		t.say("99 in 100 phones have three homes again")
	}
	if len(d.records) == 0 || t.now.Sub(d.looked) < time.Second {
		return
	}
	d.looked = t.now
	want := min(overlay.Neighbourhood, d.keepers.Known())
	d.records = slices.DeleteFunc(d.records, func(key identity.IndexKey) bool { return t.copies(d, key) >= want })
	if len(d.records) == 0 {
		t.out.Repaired = t.now.Sub(d.at).Seconds()
		t.say("every record is at all its places again")
	}
}

// reachWait is when those who have lost all homes should be reachable again.
const reachWait = 10 * time.Second

// heal asks who can be reached ten seconds after the kill, and waits until the
// network is whole again.
func (t *trial) heal() {
	d := t.hurt
	t.pass(max(0, d.at.Add(reachWait).Sub(t.now)))
	t.counted = true
	t.ask(max(1000, t.Lookups/10), 2*time.Second)
	t.counted = false
	t.out.Reachable = float64(t.reached) / float64(max(t.calls, 1))
	t.say("%d of %d can be reached", t.reached, t.calls)
	for end := d.at.Add(3 * time.Minute); t.now.Before(end) && (len(d.records) > 0 || t.out.Reattached == 0); {
		t.pass(5 * time.Second)
		t.say("%d records are not repaired, %d phones lack a home", len(d.records), len(d.orphans))
	}
}
