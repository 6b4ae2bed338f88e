package path

import (
	"container/heap"
	"crypto/sha256"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// town is two phones and the callee's homes over a network that delays and
// loses datagrams. The session between the phones is played with the sizes of
// a real handshake: two frames of hello, two of reply, one of finish, one that
// acknowledges it, each flight repeated with back-off until the next comes.
type town struct {
	*testing.T
	now            time.Time
	seq            int
	queue          happenings
	rand           *rand.Rand
	loss           float64
	caller, callee *end
	homes          map[wire.Index]*Introducer
	down           map[wire.Index]bool // homes that are dead
	trace          hash.Hash
}

// end is one of the two phones.
type end struct {
	*Table
	name    string
	addr    netip.AddrPort
	ix      wire.Index // of the session with the other
	heard   int        // frames of the other
	moved   []Way
	failed  int
	alarm   time.Time // that is set
	far     *end
	got     map[byte]bool           // frames of the handshake, by their first byte
	flight  int                     // of ours; counts up
	blocked map[netip.AddrPort]bool // addresses to which nothing gets through
}

type happening struct {
	at  time.Time
	seq int
	do  func()
}

type happenings []happening

func (h happenings) Len() int { return len(h) }
func (h happenings) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].seq < h[j].seq
}
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *happenings) Push(x any)   { *h = append(*h, x.(happening)) }
func (h *happenings) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func newTown(t *testing.T, seed byte, loss float64) *town {
	w := &town{
		T: t, now: time.Unix(1_700_000_000, 0), rand: rand.New(rand.NewChaCha8([32]byte{seed})), loss: loss,
		homes: map[wire.Index]*Introducer{}, down: map[wire.Index]bool{}, trace: sha256.New(),
	}
	w.caller = &end{Table: New(Config{Rand: seeded(seed + 1)}), name: "caller", addr: host, ix: 71, got: map[byte]bool{}, blocked: map[netip.AddrPort]bool{}}
	w.callee = &end{Table: New(Config{Rand: seeded(seed + 2)}), name: "callee", addr: mapped, ix: 72, got: map[byte]bool{}, blocked: map[netip.AddrPort]bool{}}
	w.caller.far, w.callee.far = w.callee, w.caller
	for _, ix := range []wire.Index{homeA, homeB, homeC} {
		w.homes[ix] = NewIntroducer(Config{Rand: seeded(seed + 10 + byte(ix))})
	}
	return w
}

func (w *town) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, happening{w.now.Add(d), w.seq, do})
}

// send carries one datagram.
func (w *town) send(arrive func()) {
	if w.rand.Float64() >= w.loss {
		w.after(10*time.Millisecond+time.Duration(w.rand.Int64N(int64(20*time.Millisecond))), arrive)
	}
}

func (w *town) run(d time.Duration) {
	stop := w.now.Add(d)
	for len(w.queue) > 0 && !w.queue[0].at.After(stop) {
		x := heap.Pop(&w.queue).(happening)
		w.now = x.at
		x.do()
		w.settle(w.caller)
		w.settle(w.callee)
	}
	w.now = stop
}

// settle carries out what an end asks and arms its timer.
func (w *town) settle(e *end) {
	for _, x := range e.Take() {
		fmt.Fprintf(w.trace, "%d %s %v\n", w.now.UnixNano(), e.name, x)
		switch x := x.(type) {
		case UDP:
			w.direct(e, x.Addr, func(from Way) { w.frame(e.far, from, x.Frame) })
		case Probe:
			w.direct(e, x.Addr, func(from Way) {
				e.far.Payload(w.now, e.far.ix, from, x.Payload)
			})
		case LanePayload:
			w.send(func() { w.atHome(e, x) })
		case Inner:
			w.frame(e, x.Way, x.Frame)
		case Moved:
			e.moved = append(e.moved, x.Way)
		case Unreachable:
			e.failed++
		}
	}
	if next := e.Next(); !next.IsZero() && !next.Equal(e.alarm) {
		e.alarm = next
		w.after(max(next.Sub(w.now), time.Millisecond), func() {
			if e.alarm.Equal(next) { // else it was set anew
				e.alarm = time.Time{}
				e.Advance(w.now)
			}
		})
	}
}

func (w *town) direct(e *end, to netip.AddrPort, arrive func(Way)) {
	if to == e.far.addr && !e.blocked[to] {
		w.send(func() { arrive(Way{Addr: e.addr}) })
	}
}

// atHome is a lane payload that has reached its home. Session 100+home is the
// home's with the caller, 200+home the one with the callee.
func (w *town) atHome(e *end, p LanePayload) {
	in := w.homes[p.Home]
	l, ok := wire.ParseLane(p.Payload)
	if !ok || w.down[p.Home] {
		return
	}
	from, node := 100+p.Home, caller
	if e == w.callee {
		from, node = 200+p.Home, callee
	}
	in.Lane(w.now, from, node, l, func(id identity.ID) (wire.Index, bool) { return 200 + p.Home, id == callee })
	for _, x := range in.Take() {
		x := x.(LanePayload)
		to := w.caller
		if x.Home >= 200 {
			to = w.callee
		}
		w.send(func() {
			if l, ok := wire.ParseLane(x.Payload); ok {
				to.Lane(w.now, p.Home, l)
			}
		})
	}
}

// flights are the frames of the handshake: the caller sends 0 and 2, the callee
// 1 and 3.
var flights = [][]struct {
	name byte
	size int
}{
	{{'a', 1120}, {'b', 351}},
	{{'c', 1120}, {'d', 869}},
	{{'e', 678}},
	{{'f', 60}},
}

// fly sends a flight, and again until a later one is due.
func (w *town) fly(e *end, n int, rto time.Duration) {
	if e.flight != n {
		return
	}
	for _, f := range flights[n] {
		frame := make([]byte, f.size)
		frame[0] = f.name
		e.Send(w.now, e.ix, frame)
	}
	if n < 3 {
		w.after(rto, func() { w.fly(e, n, min(2*rto, 2*time.Second)) })
	}
}

// has reports whether e has all of flight n.
func (e *end) has(n int) bool {
	for _, f := range flights[n] {
		if !e.got[f.name] {
			return false
		}
	}
	return true
}

// frame is a frame of the other's that has come.
func (w *town) frame(e *end, from Way, frame []byte) {
	e.heard++
	e.got[frame[0]] = true
	if _, known := e.Way(e.ix); !known {
		e.Open(w.now, e.ix, from)
	}
	e.Heard(w.now, e.ix, from, wire.SessionHeader+len(frame)+wire.Tag)
	next := e.flight
	switch {
	case e == w.callee && e.has(2):
		e.flight = 3
		w.fly(e, 3, 0) // an acknowledgement is said whenever it is asked for
		return
	case e == w.callee && e.has(0):
		e.flight = 1
	case e == w.caller && e.has(3):
		e.flight = 4
	case e == w.caller && e.has(1):
		e.flight = 2
	}
	if e.flight != next && e.flight < 3 {
		w.fly(e, e.flight, 200*time.Millisecond)
	}
}

// exchange tells both ends where the other is, as after ringing.
func (w *town) exchange() {
	w.after(0, func() { w.caller.Candidates(w.now, w.caller.ix, []netip.AddrPort{other, w.callee.addr}) })
	w.after(30*time.Millisecond, func() { w.callee.Candidates(w.now, w.callee.ix, []netip.AddrPort{w.caller.addr}) })
}

func (w *town) dial(homes ...wire.Index) {
	w.after(0, func() {
		w.caller.OpenLanes(w.now, w.caller.ix, callee, homes)
		w.callee.flight = -1
		w.fly(w.caller, 0, 200*time.Millisecond)
	})
}

// directs counts how often e moved to an address.
func (e *end) directs() int {
	n := 0
	for _, w := range e.moved {
		if w.Direct() {
			n++
		}
	}
	return n
}

func TestFromTheLaneToADirectPath(t *testing.T) {
	w := newTown(t, 1, 0)
	w.dial(homeA, homeB, homeC)
	w.run(time.Second)
	if w.caller.flight != 4 || w.callee.flight != 3 {
		t.Fatal("no hands were shaken")
	}
	w.exchange()
	w.run(time.Second)
	for _, e := range []*end{w.caller, w.callee} {
		if e.directs() != 1 {
			t.Errorf("%s moved %v, want once to an address", e.name, e.moved)
		}
		if way, _ := e.Way(e.ix); way != (Way{Addr: e.far.addr}) {
			t.Errorf("%s sends by %v", e.name, way)
		}
	}
	w.run(time.Hour) // the homes end the attempt meanwhile
	for _, e := range []*end{w.caller, w.callee} {
		if e.directs() != 1 || e.failed != 0 {
			t.Errorf("%s later: moved %v, failed %d", e.name, e.moved, e.failed)
		}
	}
}

func TestLossAndDeadHomes(t *testing.T) {
	for _, test := range []struct {
		loss   float64
		within time.Duration
		want   int // of a hundred
	}{{0, time.Second, 100}, {0.05, 2 * time.Second, 97}, {0.1, 5 * time.Second, 97}, {0.2, 10 * time.Second, 97}} {
		reached, direct := 0, 0
		for seed := range byte(100) {
			w := newTown(t, seed, test.loss)
			w.down[homeA] = true
			w.dial(homeA, homeB, homeC)
			w.run(test.within)
			if w.caller.flight == 4 {
				reached++
				w.exchange()
				w.run(3 * time.Second)
				if w.caller.directs() == 1 && w.callee.directs() == 1 {
					direct++
				}
			}
			if w.caller.directs() > 1 || w.callee.directs() > 1 {
				t.Errorf("seed %d: moved %v and %v", seed, w.caller.moved, w.callee.moved)
			}
		}
		t.Logf("%.0f %% loss a hop, the best home dead: %d of 100 shake hands in %v, %d of these are direct 3 s later",
			100*test.loss, reached, test.within, direct)
		if reached < test.want || direct < reached-3 {
			t.Errorf("want %d", test.want)
		}
	}
}

func TestNoHomeAnswers(t *testing.T) {
	w := newTown(t, 3, 0)
	w.down[homeA], w.down[homeB] = true, true
	w.dial(homeA, homeB)
	w.run(laneWait + time.Second)
	if w.caller.failed != 1 {
		t.Errorf("unreachable was told %d times", w.caller.failed)
	}
}

func TestABlockedPathStaysOnTheLane(t *testing.T) {
	w := newTown(t, 4, 0)
	w.caller.blocked[mapped], w.callee.blocked[host] = true, true
	w.dial(homeA)
	w.run(time.Second)
	w.exchange()
	w.run(time.Minute)
	if w.caller.directs() != 0 || w.callee.directs() != 0 {
		t.Error("moved where nothing gets through")
	}
	w.caller.blocked = map[netip.AddrPort]bool{} // one direction only: no challenge is answered
	w.exchange()
	w.run(time.Minute)
	if w.caller.directs() != 0 || w.callee.directs() != 0 {
		t.Error("moved where nothing comes back")
	}
}

func TestTheSameSeedGivesTheSameTrace(t *testing.T) {
	play := func(seed byte) string {
		w := newTown(t, seed, 0.3)
		w.dial(homeA, homeB, homeC)
		w.run(time.Second)
		w.exchange()
		w.run(10 * time.Second)
		return fmt.Sprintf("%x", w.trace.Sum(nil))
	}
	if a, b := play(5), play(5); a != b {
		t.Errorf("two runs of one seed differ: %s and %s", a, b)
	}
	if a, b := play(5), play(6); a == b {
		t.Error("the seed does not matter")
	}
}
