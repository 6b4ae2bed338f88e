package sim

import (
	"slices"
	"time"

	"peerphone/node/directory"
)

// ask makes lookups and waits for their answers.
func (t *trial) ask(n int, window time.Duration) {
	if window == 0 {
		window = max(5*time.Second, time.Duration(n)*time.Millisecond)
	}
	end := t.now.Add(window)
	t.askUntil(n, end)
	for last, said := end.Add(answerTime), t.now; t.now.Before(last) && (len(t.asked) > 0 || t.now.Before(end)); {
		t.pass(time.Second)
		if t.now.Sub(said) >= max(window/50, 10*time.Second) {
			said = t.now
			t.say("%d found, %d wrong, %d cannot tell so far", t.out.Found, t.out.Wrong, t.out.CannotTell)
		}
	}
	slices.Sort(t.elapsed)
	t.out.P50, t.out.P95 = percentile(t.elapsed, 0.5), percentile(t.elapsed, 0.95)
	t.say("%d found, %d wrong, %d cannot tell, p50 %.0f ms, p95 %.0f ms", t.out.Found, t.out.Wrong, t.out.CannotTell, t.out.P50, t.out.P95)
}

// healthy makes a tenth of the lookups before anything happens.
func (t *trial) healthy() {
	out, before := t.out, t.countHops()
	t.ask(t.Lookups/10, 0)
	h := &out.Healthy
	h.Lookups, h.Found, h.P50, h.P95 = t.Lookups/10, t.out.Found, t.out.P50, t.out.P95
	h.HomeP50, h.HomeP95 = t.sinceHops(before).percentiles()
	t.out, t.elapsed = out, nil
}

// percentiles returns the median, in milliseconds, and in how many 95 in 100 ended.
func (h hops) percentiles() (p50, p95 float64) {
	return float64(h.took.Percentile(0.5).Milliseconds()), float64(h.took.Percentile(0.95).Milliseconds())
}

// answerTime is more than a lookup takes.
const answerTime = 10 * time.Second

// askUntil schedules lookups evenly until end: each schedules the next, so that a
// million of them take no room.
func (t *trial) askUntil(n int, end time.Time) {
	if n == 0 {
		return
	}
	t.after(end.Sub(t.now)/time.Duration(n), func(now time.Time) {
		t.lookUp(now)
		t.askUntil(n-1, end)
	})
}

// pass lets time pass and looks how the network heals.
func (t *trial) pass(d time.Duration) {
	for range d / step {
		if t.hurt == nil {
			t.World.Run(step)
			continue
		}
		t.watch(step)
		t.load.look(t)
	}
}

// watch lets time pass after a disaster.
func (t *trial) watch(d time.Duration) {
	if len(t.hurt.orphans) == 0 {
		t.World.Run(d)
		t.hurt.look(t)
		return
	}
	for range d / glance {
		t.World.Run(glance)
		t.hurt.look(t)
	}
}

const (
	step   = 250 * time.Millisecond // how often a trial looks at its world
	glance = 50 * time.Millisecond  // while homes are missing: it is measured how long that takes
)

// triesOfOne bounds the search for a phone that can look for another.
const triesOfOne = 1000

// lookUp lets a phone that has a living home look for another.
func (t *trial) lookUp(now time.Time) {
	phones := t.phones()
	for range triesOfOne {
		n, other := phones[t.draw.IntN(len(phones))], phones[t.draw.IntN(len(phones))]
		if n != other && n.on && len(t.liveHomes(n)) > 0 {
			id := n.core.Find(now, t.network.LookupNumber(other.dial))
			t.asked[lookup{n, id}] = other
			n.flush(now)
			return
		}
	}
}

// liveHomes returns the homes of a phone that are there.
func (t *trial) liveHomes(n *Node) []*Node {
	if !n.on {
		return nil
	}
	var live []*Node
	for _, h := range n.core.Homes() {
		if s := t.nodeAt(h.Addr); s != nil && s.on {
			live = append(live, s)
		}
	}
	return live
}

// looked takes the answer to a lookup.
func (t *trial) looked(n *Node, r directory.Result) {
	who := t.asked[lookup{n, r.Query}]
	delete(t.asked, lookup{n, r.Query})
	if who == nil {
		return
	}
	if t.counted {
		t.calls++
		if t.reaches(who, r) {
			t.reached++
		}
		return
	}
	switch r.Outcome {
	case directory.Located:
		t.out.Found++
		t.elapsed = append(t.elapsed, r.Elapsed)
		if r.Name.Number != who.dial || r.Name.Subject != who.account.ID() {
			t.out.Forged++
		}
	case directory.Absent:
		t.out.Wrong++
	default:
		t.out.CannotTell++
	}
}

// reaches reports whether a listing names a home at which who is attached now.
func (t *trial) reaches(who *Node, r directory.Result) bool {
	if r.Outcome != directory.Located {
		return false
	}
	live := t.liveHomes(who)
	for _, d := range r.Listing.Devices {
		for _, h := range d.Homes {
			if slices.Contains(live, t.nodeAt(h.Addr)) {
				return true
			}
		}
	}
	return false
}

// reachable asks who can be reached.
func (t *trial) reachable() {
	t.counted = true
	t.ask(min(max(1000, t.Lookups/10), t.Lookups), 2*time.Second)
	t.counted = false
	t.out.Reachable = float64(t.reached) / float64(max(t.calls, 1))
	t.say("%d of %d can be reached", t.reached, t.calls)
}

// hops are how many searches of a supernode have found, and how many others they
// asked one after the other.
type hops struct {
	located, hops uint64
	took          directory.Times
}

func (n *Node) hops() (h hops) {
	if n.on {
		c := n.core.IndexCounters()
		h = hops{c.Located, c.Hops, c.Took}
	}
	return h
}

// countHops returns the hops of each supernode.
func (t *trial) countHops() []hops {
	list := make([]hops, t.Supernodes)
	for i, n := range t.supernodes() {
		list[i] = n.hops()
	}
	return list
}

// sinceHops returns the hops of all since countHops returned before. Who has
// restarted counts from then.
func (t *trial) sinceHops(before []hops) (sum hops) {
	for i, now := range t.countHops() {
		if now.located >= before[i].located && now.hops >= before[i].hops {
			now.located -= before[i].located
			now.hops -= before[i].hops
			now.took = now.took.Minus(before[i].took)
		}
		sum.located += now.located
		sum.hops += now.hops
		sum.took = sum.took.Plus(now.took)
	}
	return sum
}

// mean returns how many supernodes were asked one after the other, in the mean.
func (h hops) mean() float64 { return float64(h.hops) / float64(max(h.located, 1)) }
