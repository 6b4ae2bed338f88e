package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Storm is a disaster that strikes many nodes at once.
type Storm uint8

// The storms.
const (
	Calm    Storm = iota
	Restart       // everybody restarts at once, and some supernodes do not come back
	Half          // half of the supernodes vanish
	Cascade       // supernodes of one version die while all are nearly full
)

// stormDead is the share of the supernodes that die, unless the trial says
// otherwise.
var stormDead = [...]float64{Restart: 0.3, Half: 0.5, Cascade: 0.3}

// ParseStorm reads "restart", "half" or "cascade"; "" is Calm.
func ParseStorm(s string) (Storm, error) {
	for storm := Restart; storm <= Cascade; storm++ {
		if strings.EqualFold(s, storm.String()) {
			return storm, nil
		}
	}
	if s == "" {
		return Calm, nil
	}
	return Calm, fmt.Errorf("sim: %q is no storm: restart, half or cascade", s)
}

const (
	// peak is how full supernodes are when the cascade begins: what is left after
	// it is nearly full.
	peak = 0.62
	// bootSpread is within which boards come up that get their power back at the
	// same moment.
	bootSpread = 5 * time.Second
)

// peakGuests returns the limit of guests that makes supernodes as full as peak.
func (t *Trial) peakGuests() int {
	return int(float64(t.Phones*homesOfPhone)/float64(t.Supernodes)/peak) + 1
}

// restart switches everybody off, and all on again that are not dead.
func (t *trial) restart() {
	dead := t.doomed()
	for _, n := range t.nodes {
		n.switchOff()
	}
	alive := slices.DeleteFunc(slices.Clone(t.supernodes()), func(n *Node) bool { return slices.Contains(dead, n) })
	t.forgetLogins()
	d := &damage{at: t.now, keepers: t.keepers(alive), orphans: slices.Clone(t.phones()), lost: len(t.phones())}
	t.switchOn(alive, bootSpread)
	t.switchOn(t.phones(), bootSpread)
	t.hurt = d
	t.out.Bound = float64(len(t.phones())*min(homesOfPhone, len(alive))) / float64(len(alive)) / admitted
	t.say("all restart, but for %d of %d supernodes", len(dead), t.Supernodes)
	t.await(10*time.Minute, func() bool { return len(d.orphans) == 0 })
	t.ask(t.Lookups, t.Window)
}

// doomed returns the supernodes that die.
func (t *trial) doomed() []*Node {
	supernodes := slices.Clone(t.supernodes())
	t.draw.Shuffle(len(supernodes), func(i, j int) { supernodes[i], supernodes[j] = supernodes[j], supernodes[i] })
	return supernodes[:int(t.Kill*float64(len(supernodes)))]
}

// await lets time pass until something is so, at most for long.
func (t *trial) await(long time.Duration, so func() bool) {
	for end, said := t.now.Add(long), t.now; t.now.Before(end) && !so(); {
		t.pass(step)
		if t.now.Sub(said) >= 5*time.Second {
			said = t.now
			t.say("%d records are not repaired, %d phones lack a home", len(t.hurt.records), len(t.hurt.orphans))
		}
	}
}

// load is how near to their limits supernodes have come.
type load struct {
	admitted []uint64 // by each supernode, when last looked at
	at       time.Time
	most     float64 // guests of one over the most that it takes
	rush     float64 // attachments that one admitted in a second, over its limit
}

// look notes what each supernode bears, once a second.
func (l *load) look(t *trial) {
	if t.now.Sub(l.at) < time.Second {
		return
	}
	first := l.admitted == nil
	if first {
		l.admitted = make([]uint64, len(t.supernodes()))
	}
	seconds := t.now.Sub(l.at).Seconds()
	l.at = t.now
	for i, n := range t.supernodes() {
		if !n.on {
			continue
		}
		guests, all := n.core.Guests()
		l.most = max(l.most, float64(guests)/float64(t.World.cfg.maxGuests()))
		if !first && all >= l.admitted[i] {
			l.rush = max(l.rush, float64(all-l.admitted[i])/seconds/admitted)
		}
		l.admitted[i] = all
	}
}
