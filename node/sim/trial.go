package sim

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"

	"peerphone/node/directory"
)

// Trial is an experiment with the overlay and the global index: a network is
// started, left alone, hurt, and asked.
type Trial struct {
	Config
	Kill      float64       // share of the supernodes that vanish at once, before the lookups
	Storm     Storm         // Kill says how many die; 0: as many as the storm takes
	Malicious float64       // share of the supernodes that harm from the start, each in one of five ways
	Churn     time.Duration // for so long supernodes come and go, while the lookups are made
	Lookups   int           // by phones taken at random, of phones taken at random
	Window    time.Duration // in which the lookups are made; 0: a millisecond for each, after a kill five seconds
	Idle      time.Duration // how long the network is left alone to count its traffic
	Heal      time.Duration // how long to wait after a kill until the network is whole; 0: five minutes
	// Progress is told what happens; nil: nobody.
	Progress func(format string, args ...any)
}

// Outcome is what a Trial showed.
type Outcome struct {
	Mode       string  `json:"mode"`
	Supernodes int     `json:"supernodes"`
	Phones     int     `json:"phones"`
	Seed       uint64  `json:"seed"`
	Kill       float64 `json:"kill"`
	Storm      string  `json:"storm"`
	Malicious  float64 `json:"malicious"`
	Churn      float64 `json:"churn_s"`

	Lookups    int `json:"lookups"`
	Found      int `json:"found"`
	Wrong      int `json:"wrong"`       // denied though the record is there
	CannotTell int `json:"cannot_tell"` // neither found nor denied
	Forged     int `json:"forged"`      // found with somebody else's listing: a forgery was believed

	Reachable float64 `json:"reachable"` // share of the phones with a home that their record names, 10 s after the kill; without one, of all
	P50       float64 `json:"p50_ms"`    // of the lookups that found, as the phone sees them
	P95       float64 `json:"p95_ms"`
	HomeP50   float64 `json:"home_p50_ms"` // of the searches that found, as the home sees them, that asked others; to 10 ms
	HomeP95   float64 `json:"home_p95_ms"`
	Hops      float64 `json:"hops"` // supernodes asked one after the other, beyond the home

	Healthy Healthy `json:"healthy"` // before a kill

	Asks        float64 `json:"asks,omitempty"`             // with lookups only: questions for each
	LookupBytes float64 `json:"bytes_per_lookup,omitempty"` // likewise, both directions

	Repaired    float64 `json:"repaired_s"`             // until every record that survived was back at all its places
	RepairBytes float64 `json:"repair_bytes_supernode"` // that one has sent and got by then
	Reattached  float64 `json:"reattached_t99_s"`       // until 99 % of the phones that lost a home had three again
	Back        float64 `json:"reattached_s"`           // until all had
	Bound       float64 `json:"bound_s"`                // attachments lost over what the survivors may admit in a second
	Load        float64 `json:"load"`                   // guests of the fullest supernode over the most that it takes
	Rush        float64 `json:"rush"`                   // attachments that one admitted in a second, over its limit of 50
	LoginAsks   int     `json:"login_asks"`             // how often the login server was asked, in a storm

	PhoneBytes     float64 `json:"bytes_per_hour_phone"` // both directions, while nothing happens
	SupernodeBytes float64 `json:"bytes_per_hour_supernode"`
	RecordBytes    float64 `json:"bytes_per_record"` // of a supernode's memory for one record, its own bytes included
	RecordSize     float64 `json:"record_bytes"`     // of the record alone

	TraceHash string  `json:"trace_hash"`
	Events    uint64  `json:"events"`
	Virtual   float64 `json:"virtual_s"`
	Memory    uint64  `json:"memory_bytes"` // that the process held at most, as far as seen
	CPU       float64 `json:"cpu_s"`        // of the process so far
	Wall      float64 `json:"wall_s"`
}

// Healthy is what the lookups showed that were made before a kill, a tenth as many.
type Healthy struct {
	Lookups int     `json:"lookups"`
	Found   int     `json:"found"`
	P50     float64 `json:"p50_ms"`
	P95     float64 `json:"p95_ms"`
	HomeP50 float64 `json:"home_p50_ms"`
	HomeP95 float64 `json:"home_p95_ms"`
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
	load    load             // in a storm
	left    int              // sessions of supernodes that churn has ended
	hops    []hops           // of each supernode, before the lookups
}

// Check says what is wrong with a trial; nil: it can be run.
func (c Trial) Check() error {
	share := func(x float64) bool { return x >= 0 && x < 1 }
	switch {
	case c.Mode != Napster && c.Supernodes < 1, c.Mode != Gnutella && c.Phones < 2, c.Phones < 0:
		return fmt.Errorf("sim: a network has a supernode and two phones at least, not %d and %d", c.Supernodes, c.Phones)
	case c.Supernodes+c.Phones > maxNodes:
		return fmt.Errorf("sim: %d nodes are more than %d", c.Supernodes+c.Phones, maxNodes)
	case !share(c.Kill), !share(c.Malicious), !share(c.Loss):
		return fmt.Errorf("sim: kill %v, malicious %v, loss %v: each is a share, from 0 to less than 1", c.Kill, c.Malicious, c.Loss)
	case c.Churn < 0, c.Window < 0, c.Idle < 0, c.Heal < 0, c.Lookups < 0:
		return fmt.Errorf("sim: churn %v, window %v, idle %v, heal %v, %d lookups: none can be negative", c.Churn, c.Window, c.Idle, c.Heal, c.Lookups)
	case c.Churn > maxChurn:
		return fmt.Errorf("sim: a churn of %v is longer than %v, for which certificates last", c.Churn, maxChurn)
	case c.Churn > 0 && (c.Storm != Calm || c.Kill > 0):
		return fmt.Errorf("sim: either churn, or a storm or kill")
	case c.Mode == Napster && (c.Storm != Calm || c.Kill > 0 || c.Churn > 0 || c.Malicious > 0):
		return fmt.Errorf("sim: with one index there is none that could die, leave or lie beside others")
	case c.Mode == Gnutella && c.Storm != Calm:
		return fmt.Errorf("sim: storms are about phones and their supernodes; gnutella has no such phones")
	}
	return nil
}

const (
	// maxNodes is for how many there are addresses.
	maxNodes = 1 << 23
	// maxChurn is less than the node certificate of the network's birth is valid.
	maxChurn = 7 * 24 * time.Hour
)

// Run plays the trial to its end.
func (c Trial) Run() (Outcome, error) {
	if err := c.Check(); err != nil {
		return Outcome{}, err
	}
	c.Silent, c.Old = true, true
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	c.shape()
	if c.Kill == 0 {
		c.Kill = stormDead[c.Storm]
	}
	if c.Kill > 0 {
		def(&c.Window, killWindow)
		def(&c.Heal, healTime)
	}
	if c.Storm == Cascade {
		c.MaxGuests = c.peakGuests()
	}
	t := &trial{Trial: c, began: time.Now(), asked: map[lookup]*Node{}}
	t.say("certificates for %d supernodes and %d phones", c.Supernodes, c.Phones)
	w, err := New(c.Config)
	if err != nil {
		return Outcome{}, err
	}
	t.World = w
	w.looked = t.looked
	t.out = Outcome{
		Mode: strings.ToLower(c.Mode.String()), Supernodes: c.Supernodes, Phones: len(w.phones()), Seed: c.Seed, Kill: c.Kill,
		Storm: strings.ToLower(c.Storm.String()), Malicious: c.Malicious, Churn: c.Churn.Seconds(), Lookups: c.Lookups,
	}
	w.corrupt(c.Malicious)
	t.begin()
	if c.Idle > 0 {
		t.idle()
	}
	t.weigh()
	if t.Kill > 0 && t.Storm == Calm {
		t.healthy()
	}
	t.hops = t.countHops()
	t.strike()
	return t.end(), nil
}

// strike lets happen what the trial is about.
func (t *trial) strike() {
	switch {
	case t.Churn > 0:
		t.churn()
	case t.Storm == Restart:
		t.restart()
	case t.Kill > 0:
		t.kill()
		t.ask(t.Lookups, t.Window)
		t.heal()
		return
	default:
		t.ask(t.Lookups, t.Window)
	}
	t.reachable()
}

// say tells of progress.
func (t *trial) say(format string, args ...any) {
	virtual := time.Duration(0)
	events := uint64(0)
	if t.World != nil {
		virtual, events = t.now.Sub(t.World.cfg.Birth), t.counts().Events
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

// killWindow is within which all is asked that shall be asked at once.
const killWindow = 5 * time.Second

// wakeTime is within which the supernodes are switched on. They have each other on
// their disks, and it is shorter than one takes to be found dead that is not there
// yet: a network that has been there before is no storm.
const wakeTime = 2 * time.Second

// settleTime bounds how long a network may take to come about.
const settleTime = 10 * time.Minute

// begin switches the supernodes on, then the phones, and waits until everybody
// can be called; among Byzantine supernodes, until nearly everybody can.
func (t *trial) begin() {
	t.switchOn(t.supernodes(), wakeTime)
	t.World.Run(15 * time.Second)
	t.say("the supernodes are on")
	if t.Mode != Gnutella {
		t.switchOn(t.phones(), max(10*time.Second, time.Duration(t.Phones)*time.Millisecond))
	}
	enough := len(t.phones()) - int(t.Malicious*float64(len(t.phones())))/10
	for range settleTime / settleLook {
		t.World.Run(settleLook)
		ready := t.ready()
		t.say("%d of %d phones can be called", ready, len(t.phones()))
		if ready >= enough {
			return
		}
	}
}

// settleLook is how often begin looks.
const settleLook = 10 * time.Second

// switchOn switches nodes on, spread evenly over a time.
func (t *trial) switchOn(nodes []*Node, over time.Duration) {
	for _, n := range nodes {
		t.after(time.Duration(t.draw.Int64N(int64(over))), n.switchOn)
	}
}

// ready counts the phones that can be called.
func (t *trial) ready() int {
	count := 0
	for _, n := range t.phones() {
		if n.on && n.core.Ready() {
			count++
		}
	}
	return count
}

// arrival is how long phones are busy that have arrived.
const arrival = time.Minute

// idle counts the traffic of a network in which nothing happens.
func (t *trial) idle() {
	t.World.Run(arrival)
	before := make([]uint64, len(t.nodes))
	for i, n := range t.nodes {
		before[i] = n.sent + n.got
	}
	t.World.Run(t.Idle)
	var supernodes, phones uint64
	for i, n := range t.nodes {
		if n.serves {
			supernodes += n.sent + n.got - before[i]
		} else {
			phones += n.sent + n.got - before[i]
		}
	}
	hours := t.Idle.Hours()
	t.out.PhoneBytes = float64(phones) / float64(max(t.Phones, 1)) / hours
	t.out.SupernodeBytes = float64(supernodes) / float64(max(t.Supernodes, 1)) / hours
	t.say("idle for %v: %.0f kB/h a phone, %.0f kB/h a supernode", t.Idle, t.out.PhoneBytes/1000, t.out.SupernodeBytes/1000)
}

// end sums up.
func (t *trial) end() Outcome {
	h := t.sinceHops(t.hops)
	t.out.Hops = h.mean()
	t.out.HomeP50, t.out.HomeP95 = h.percentiles()
	t.out.Load, t.out.Rush = t.load.most, t.load.rush
	r := t.Report()
	t.out.TraceHash, t.out.Events, t.out.LoginAsks = r.TraceHash, r.Events, r.LoginAsks
	t.out.Virtual = t.now.Sub(t.World.cfg.Birth).Seconds()
	t.memory()
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		t.out.CPU = float64(used.Utime.Nano()+used.Stime.Nano()) / float64(time.Second)
	}
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

// lookup names a search of a phone.
type lookup struct {
	by    *Node
	query directory.QueryID
}
