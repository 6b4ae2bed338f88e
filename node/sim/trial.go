package sim

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"peerphone/node/directory"
)

// Trial is an experiment with the overlay and the global index: a network is
// started, left alone, hurt, and asked.
type Trial struct {
	Config
	Kill    float64       // share of the supernodes that vanish at once, before the lookups
	Lookups int           // by phones taken at random, of phones taken at random
	Window  time.Duration // in which the lookups are made; 0: as long as a thousandth of them needs a second
	Idle    time.Duration // how long the network is left alone to count its traffic
	// Progress is told what happens; nil: nobody.
	Progress func(format string, args ...any)
}

// Outcome is what a Trial showed.
type Outcome struct {
	Supernodes int     `json:"supernodes"`
	Phones     int     `json:"phones"`
	Seed       uint64  `json:"seed"`
	Kill       float64 `json:"kill"`

	Lookups    int `json:"lookups"`
	Found      int `json:"found"`
	Wrong      int `json:"wrong"`       // denied though the record is there
	CannotTell int `json:"cannot_tell"` // neither found nor denied

	Reachable float64 `json:"reachable"` // share of the phones with a home that their record names, 10 s after the kill
	P50       float64 `json:"p50_ms"`    // of the lookups that found, as the phone sees them
	P95       float64 `json:"p95_ms"`
	Hops      float64 `json:"hops"` // supernodes asked one after the other, beyond the home

	Repaired   float64 `json:"repaired_s"`       // until every record that survived was back at all its places
	Reattached float64 `json:"reattached_t99_s"` // until 99 % of the phones that lost a home had three again
	Bound      float64 `json:"bound_s"`          // attachments lost over what the survivors may admit in a second

	PhoneBytes     float64 `json:"bytes_per_hour_phone"` // both directions, while nothing happens
	SupernodeBytes float64 `json:"bytes_per_hour_supernode"`
	RecordBytes    float64 `json:"bytes_per_record"` // in the store of a supernode, all included

	TraceHash string  `json:"trace_hash"`
	Events    uint64  `json:"events"`
	Virtual   float64 `json:"virtual_s"`
	Memory    uint64  `json:"memory_bytes"` // that the process held at most, as far as seen
	Wall      float64 `json:"wall_s"`
}

// trial is one under way.
type trial struct {
	Trial
	*World
	began   time.Time // of the wall
	out     Outcome
	elapsed []time.Duration
	asked   map[lookup]*Node // who is looked for
	counted bool             // of the lookups under way, only who can be reached is counted
	reached int              // of these, who was
	calls   int              // of these, all
	hurt    *damage          // after the kill
}

// lookup names a search of a phone.
type lookup struct {
	by    *Node
	query directory.QueryID
}

// Run plays the trial to its end.
func (c Trial) Run() (Outcome, error) {
	c.Silent, c.Old = true, true
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	t := &trial{Trial: c, began: time.Now(), asked: map[lookup]*Node{}}
	t.say("certificates for %d supernodes and %d phones", c.Supernodes, c.Phones)
	w, err := New(c.Config)
	if err != nil {
		return Outcome{}, err
	}
	t.World = w
	w.looked = t.looked
	t.out = Outcome{Supernodes: c.Supernodes, Phones: c.Phones, Seed: c.Seed, Kill: c.Kill, Lookups: c.Lookups}
	t.begin()
	if c.Idle > 0 {
		t.idle()
	}
	if c.Kill > 0 {
		t.kill()
	}
	t.ask(t.Lookups, t.Window)
	if t.hurt != nil {
		t.heal()
	}
	return t.end(), nil
}

// say tells of progress.
func (t *trial) say(format string, args ...any) {
	virtual := time.Duration(0)
	events := uint64(0)
	if t.World != nil {
		virtual, events = t.now.Sub(t.World.cfg.Birth), t.report.Events
	}
	t.Progress("%7.1f s  %9s  %4d MB  %10d events  %s", time.Since(t.began).Seconds(), virtual.Round(time.Millisecond),
		t.memory()>>20, events, fmt.Sprintf(format, args...))
}

// memory returns what the process holds, and remembers the most.
func (t *trial) memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.out.Memory = max(t.out.Memory, m.Sys-m.HeapReleased)
	return m.Sys - m.HeapReleased
}

// settleTime bounds how long a network may take to come about.
const settleTime = 10 * time.Minute

// begin switches the supernodes on, then the phones, and waits until everybody
// can be called.
func (t *trial) begin() {
	t.switchOn(t.nodes[:t.Supernodes], 5*time.Second)
	t.World.Run(15 * time.Second)
	t.say("the supernodes are on")
	t.switchOn(t.nodes[t.Supernodes:], max(10*time.Second, time.Duration(t.Phones)*time.Millisecond))
	for range settleTime / (10 * time.Second) {
		t.World.Run(10 * time.Second)
		ready := t.ready()
		t.say("%d of %d phones can be called", ready, t.Phones)
		if ready == t.Phones {
			return
		}
	}
}

// switchOn switches nodes on, spread evenly over a time.
func (t *trial) switchOn(nodes []*Node, over time.Duration) {
	for _, n := range nodes {
		t.after(time.Duration(t.draw.Int64N(int64(over))), n.switchOn)
	}
}

// ready counts the phones that can be called.
func (t *trial) ready() int {
	count := 0
	for _, n := range t.nodes[t.Supernodes:] {
		if n.on && n.core.Ready() {
			count++
		}
	}
	return count
}

// idle counts the traffic of a network in which nothing happens.
func (t *trial) idle() {
	before := make([]uint64, len(t.nodes))
	for i, n := range t.nodes {
		before[i] = n.sent + n.got
	}
	t.World.Run(t.Idle)
	var supernodes, phones uint64
	for i, n := range t.nodes {
		if n.phone {
			phones += n.sent + n.got - before[i]
		} else {
			supernodes += n.sent + n.got - before[i]
		}
	}
	hours := t.Idle.Hours()
	t.out.PhoneBytes = float64(phones) / float64(max(t.Phones, 1)) / hours
	t.out.SupernodeBytes = float64(supernodes) / float64(max(t.Supernodes, 1)) / hours
	t.say("idle for %v: %.0f kB/h a phone, %.0f kB/h a supernode", t.Idle, t.out.PhoneBytes/1000, t.out.SupernodeBytes/1000)
}

// ask makes lookups and waits for their answers.
func (t *trial) ask(n int, window time.Duration) {
	if window == 0 {
		window = max(5*time.Second, time.Duration(n)*time.Millisecond)
	}
	for range n {
		t.after(time.Duration(t.draw.Int64N(int64(window))), t.lookUp)
	}
	for end := t.now.Add(window + 10*time.Second); t.now.Before(end) && (len(t.asked) > 0 || t.now.Before(end.Add(-10*time.Second))); {
		t.pass(time.Second)
	}
	t.say("%d found, %d wrong, %d cannot tell", t.out.Found, t.out.Wrong, t.out.CannotTell)
}

// pass lets time pass and looks how the network heals.
func (t *trial) pass(d time.Duration) {
	for range d / step {
		t.World.Run(step)
		if t.hurt != nil {
			t.hurt.look(t)
		}
	}
}

// step is how often a trial looks at its world.
const step = 250 * time.Millisecond

// lookUp lets a phone that has a living home look for another.
func (t *trial) lookUp(now time.Time) {
	phones := t.nodes[t.Supernodes:]
	for {
		n, other := phones[t.draw.IntN(len(phones))], phones[t.draw.IntN(len(phones))]
		if n != other && len(t.liveHomes(n)) > 0 {
			id := n.core.Find(now, t.network.LookupNumber(other.dial))
			t.asked[lookup{n, id}] = other
			n.flush(now)
			return
		}
	}
}

// liveHomes returns the homes of a phone that are there.
func (t *trial) liveHomes(n *Node) []*Node {
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
	if t.counted {
		t.calls++
		if who != nil && t.reaches(who, r) {
			t.reached++
		}
		return
	}
	switch r.Outcome {
	case directory.Located:
		t.out.Found++
		t.elapsed = append(t.elapsed, r.Elapsed)
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

// end sums up.
func (t *trial) end() Outcome {
	slices.Sort(t.elapsed)
	t.out.P50, t.out.P95 = percentile(t.elapsed, 0.5), percentile(t.elapsed, 0.95)
	r := t.Report()
	t.out.TraceHash, t.out.Events = r.TraceHash, r.Events
	t.out.Virtual = t.now.Sub(t.World.cfg.Birth).Seconds()
	t.memory()
	t.out.Wall = time.Since(t.began).Seconds()
	return t.out
}

// percentile returns a percentile of sorted durations in milliseconds.
func percentile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]) / float64(time.Millisecond)
}
