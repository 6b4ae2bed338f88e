package sim

import (
	"sync"
	"sync/atomic"
	"time"
)

// crew works on a world's shards, window by window. The one that calls World.Run
// works on the first shard; each other shard has a worker while Run lasts.
type crew struct {
	busy  bool    // the workers are at it, each on its own shard
	turn  uint64  // of the window
	end   int64   // of the window
	load  int     // events in a window, smoothed, times 16
	start *gate   // opened for each window
	done  []*gate // opened by each worker
}

// worthwhile is from how many events in a window on, times 16, the workers are
// called: waking them takes as long as some events do.
const worthwhile = 16 * 24

// gate lets others wait until it was opened so often.
type gate struct {
	opened atomic.Uint64 // how often
	asleep atomic.Int32  // how many sleep before it
	mu     sync.Mutex
	wake   *sync.Cond // on mu
}

func newGate() *gate {
	g := new(gate)
	g.wake = sync.NewCond(&g.mu)
	return g
}

// open lets pass who waits.
func (g *gate) open() {
	g.opened.Add(1)
	if g.asleep.Load() > 0 {
		g.mu.Lock() // whoever is about to sleep sleeps now
		g.wake.Broadcast()
		g.mu.Unlock()
	}
}

// patience is how often one looks at a gate before one sleeps: some
// microseconds.
const patience = 2000

// pass waits until a gate was opened n times.
func (g *gate) pass(n uint64) {
	for range patience {
		if g.opened.Load() >= n {
			return
		}
	}
	g.mu.Lock()
	g.asleep.Add(1)
	for g.opened.Load() < n {
		g.wake.Wait()
	}
	g.asleep.Add(-1)
	g.mu.Unlock()
}

// call hires the workers; the function returned sends them home and waits until
// they are.
func (w *World) call() (dismiss func()) {
	c := &w.crew
	others := len(w.shards) - 1
	if others == 0 {
		return func() {}
	}
	c.start = newGate()
	c.done = make([]*gate, others)
	home := make(chan struct{})
	for i := range others {
		c.done[i] = newGate()
		go w.worker(i+1, home) // owner: the function returned
	}
	return func() {
		c.end = 0
		c.start.open()
		for range others {
			<-home
		}
	}
}

// worker works on shard i in each window; one that ends at 0 is the last.
func (w *World) worker(i int, home chan<- struct{}) {
	c, s := &w.crew, w.shards[i]
	for n := uint64(1); ; n++ {
		c.start.pass(n)
		if c.end == 0 {
			break
		}
		s.receive(c.turn - 1)
		s.work(c.end)
		c.done[i-1].open()
	}
	home <- struct{}{}
}

// window lets everything happen that is before end.
func (w *World) window(end int64) {
	before := w.happened()
	c := &w.crew
	if len(w.shards) > 1 && (c.load >= worthwhile || w.cfg.eager) {
		w.together(end)
	} else {
		w.collect()
		for _, s := range w.shards {
			s.work(end)
		}
	}
	c.load += int(w.happened()-before) - c.load/16
	w.tell()
}

// together is a window with all workers.
func (w *World) together(end int64) {
	c := &w.crew
	c.busy, c.end = true, end
	c.turn++
	c.start.open()
	w.shards[0].receive(c.turn - 1)
	w.shards[0].work(end)
	n := c.start.opened.Load()
	for i := range c.done {
		c.done[i].pass(n)
	}
	c.busy = false
	for _, s := range w.shards { // what was sent before has been received
		s.sent[(c.turn-1)&1].forget()
	}
}

// collect gives every shard what the others have sent in the last window.
func (w *World) collect() {
	for _, s := range w.shards {
		s.receive(w.crew.turn)
	}
	for _, s := range w.shards {
		s.sent[w.crew.turn&1].forget()
	}
}

// at lets something happen that is no node's: every node waits for it.
func (w *World) at(t time.Time, do func(now time.Time)) {
	w.ranks++
	w.events.push(int64(max(t.Sub(w.cfg.Birth), w.now.Sub(w.cfg.Birth))), rank(w.ranks), happening{kind: rare, call: do})
}

func (w *World) after(d time.Duration, do func(now time.Time)) { w.at(w.now.Add(d), do) }

// next returns when the first event of a node is.
func (w *World) next() int64 {
	first := int64(never)
	for _, s := range w.shards {
		first = min(first, s.events.next(), s.sent[w.crew.turn&1].next())
	}
	return first
}

// setNow sets the time of all.
func (w *World) setNow(t time.Time) {
	w.now = t
	for _, s := range w.shards {
		s.now = t
	}
}

// Run lets d of virtual time pass.
func (w *World) Run(d time.Duration) {
	defer w.call()()
	end := w.now.Add(d)
	last := int64(end.Sub(w.cfg.Birth))
	for {
		own, first := w.events.next(), w.next()
		if min(own, first) > last {
			break
		}
		if own > first {
			w.now = w.cfg.Birth.Add(time.Duration(first))
			w.window(min(first+int64(nearest), own, last+1))
			continue
		}
		w.collect()
		at, h := w.events.pop()
		w.setNow(w.cfg.Birth.Add(time.Duration(at)))
		w.shards[0].report.Events++
		h.call(w.now)
		w.tell()
	}
	w.collect()
	w.setNow(end)
}

// happened counts the events of the nodes so far.
func (w *World) happened() (n uint64) {
	for _, s := range w.shards {
		n += s.report.Events
	}
	return n
}

// forgetLogins begins to count anew how often the login server was asked.
func (w *World) forgetLogins() {
	for _, s := range w.shards {
		s.report.LoginAsks = 0
	}
}

// counts sums up what the shards have counted.
func (w *World) counts() Report {
	sum := Report{Seed: w.cfg.Seed}
	for _, s := range w.shards {
		sum.add(s.report)
	}
	return sum
}
