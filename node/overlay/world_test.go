package overlay

import (
	"container/heap"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// world runs many Overlays over sessions with delay. Whoever is killed answers
// no dial, and its sessions end at the others after a while.
type world struct {
	*testing.T
	now, start time.Time
	seed       byte
	nodes      []*resident
	byAddr     map[netip.AddrPort]*resident
	queue      happenings
	seq        int
	rand       *rand.Rand
	trace      hash.Hash
	split      func(a, b *resident) bool // whether a and b cannot reach each other
	deadEnds   time.Duration             // when a session with the dead ends
	carried    int                       // bytes of messages and payloads, to the living and the dead
}

const (
	oneWay   = 30 * time.Millisecond
	dialEnds = 2 * time.Second // a dial to the dead
)

var (
	errDead  = errors.New("dead")
	errGlare = errors.New("glare")
)

type resident struct {
	*Overlay
	n        int
	dead     bool
	sessions map[wire.Index]*tie
	last     wire.Index
	synced   time.Duration // -1: not yet
	wake     time.Time
}

// tie is one end of a session.
type tie struct {
	peer *resident
	far  wire.Index
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

func newWorld(t *testing.T, seed byte) *world {
	start := time.Unix(1_700_000_000, 0)
	return &world{
		T: t, now: start, start: start, seed: seed, byAddr: map[netip.AddrPort]*resident{},
		rand: rand.New(rand.NewChaCha8([32]byte{seed})), trace: sha256.New(), deadEnds: 3 * time.Second,
	}
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, happening{w.now.Add(d), w.seq, do})
}

// add lets node n begin with bootstrap addresses.
func (w *world) add(n int, cfg Config, bootstrap ...int) *resident {
	cfg.Rand = rand.NewChaCha8([32]byte{w.seed, byte(n >> 8), byte(n)})
	if cfg.Supernode {
		cfg.SelfAddr = addrOf(n)
	}
	r := &resident{Overlay: newOverlay(cfg), n: n, sessions: map[wire.Index]*tie{}, synced: -1}
	w.nodes = append(w.nodes, r)
	w.byAddr[addrOf(n)] = r
	w.after(0, func() {
		r.SetSelf(w.now, selfOf(n))
		r.Learn(w.now, bootstraps(bootstrap...))
		w.settle(r)
	})
	return r
}

// settle carries out what r asks and arms its timer.
func (w *world) settle(r *resident) {
	for _, e := range r.Take() {
		fmt.Fprintf(w.trace, "%d %d %T %v\n", w.now.Sub(w.start), r.n, e, e)
		switch e := e.(type) {
		case Dial:
			w.dial(r, e.Member)
		case Send:
			w.carry(r, e)
		case Drop:
			w.end(r, e.Index, oneWay)
		case Abandon:
			w.end(r, e.Index, oneWay)
		case Whisper:
			w.whisper(r, e)
		case Beat:
			w.beat(r, e)
		case Ping:
			w.ping(r, e)
		case Synced:
			r.synced = w.now.Sub(w.start)
		}
	}
	if next, want := r.Next(), earlier(r.soonest(), r.beatWake()); next != want {
		panic(fmt.Sprintf("%d wants to be called at %v, and something is due at %v: a verb does not clear calm", r.n, next, want))
	}
	if next := r.Next(); !next.IsZero() && next != r.wake {
		r.wake = next
		w.after(max(next.Sub(w.now), 0), func() {
			if !r.dead && !r.Next().IsZero() && !r.Next().After(w.now) {
				r.wake = time.Time{}
				r.Overlay.Advance(w.now)
				w.settle(r)
			}
		})
	}
}

func (w *world) delay() time.Duration { return oneWay + time.Duration(w.rand.Int64N(int64(oneWay))) }

// apart reports whether a and b cannot reach each other.
func (w *world) apart(a, b *resident) bool {
	return a.dead || b.dead || w.split != nil && w.split(a, b)
}

func (w *world) dial(r *resident, m wire.Member) {
	far := w.byAddr[m.Addr]
	if far == nil || w.apart(r, far) || !m.Node.IsZero() && m.Node != nodeID(far.n) {
		w.after(dialEnds, func() { w.fail(r, m, errDead) })
		return
	}
	w.after(2*w.delay(), func() {
		switch {
		case w.apart(r, far):
			w.after(dialEnds, func() { w.fail(r, m, errDead) })
		case slices.ContainsFunc(w.ties(r), func(t *tie) bool { return t.peer == far }) && nodeID(far.n).Less(nodeID(r.n)):
			w.fail(r, m, errGlare) // the other's session stays
		default:
			w.join(r, far)
		}
	})
}

// ping asks whoever is at an address.
func (w *world) ping(r *resident, e Ping) {
	far := w.byAddr[e.Member.Addr]
	w.after(w.delay()+w.delay(), func() {
		if far != nil && !w.apart(r, far) {
			r.Pong(w.now, e.Member.Addr, e.Nonce, 0)
			w.settle(r)
		}
	})
}

// whisper carries a payload, and beat a home's beat.
func (w *world) whisper(r *resident, e Whisper) {
	t := r.sessions[e.Index]
	if t == nil {
		return
	}
	w.carried += len(e.Payload)
	w.after(w.delay(), func() {
		if t.peer.sessions[t.far] == nil || w.apart(r, t.peer) {
			return
		}
		if refresh, ok := wire.ParseRefresh(e.Payload); ok {
			t.peer.Refreshed(w.now, t.far, refresh)
		}
		if doubt, ok := wire.ParseDoubt(e.Payload); ok {
			t.peer.Doubted(w.now, t.far, doubt)
		}
		if ids, ok := wire.ParseOffer(e.Payload); ok {
			t.peer.Offered(w.now, t.far, ids)
		}
		w.settle(t.peer)
	})
}

func (w *world) beat(r *resident, e Beat) {
	t := r.sessions[e.Index]
	if t == nil {
		return
	}
	w.after(w.delay(), func() {
		if !w.apart(r, t.peer) {
			t.peer.Beat(w.now, e.Nonce)
			w.settle(t.peer)
		}
	})
}

func (w *world) ties(r *resident) []*tie {
	var ts []*tie
	for ix := range r.last {
		if t := r.sessions[ix+1]; t != nil {
			ts = append(ts, t)
		}
	}
	return ts
}

func (w *world) fail(r *resident, m wire.Member, err error) {
	if !r.dead {
		r.Failed(w.now, m, err)
		w.settle(r)
	}
}

func (w *world) join(r, far *resident) {
	r.last++
	far.last++
	a, b := r.last, far.last
	r.sessions[a], far.sessions[b] = &tie{far, b}, &tie{r, a}
	far.Up(w.now, b, nodeID(r.n), addrOf(r.n), false)
	w.settle(far)
	r.Up(w.now, a, nodeID(far.n), addrOf(far.n), true)
	w.settle(r)
}

func (w *world) carry(r *resident, e Send) {
	t := r.sessions[e.Index]
	if t == nil {
		return
	}
	m, err := wire.Parse(wire.Append(nil, e.Message))
	if err != nil {
		w.Fatalf("node %d sent %+v: %v", r.n, e.Message, err)
	}
	w.carried += len(wire.Append(nil, e.Message))
	// In order, as the session delivers: every message takes the same time.
	w.after(oneWay, func() {
		if t.peer.sessions[t.far] != nil && !w.apart(r, t.peer) {
			t.peer.Handle(w.now, t.far, m)
			w.settle(t.peer)
		}
	})
}

// end ends r's session; the other end hears of it after d.
func (w *world) end(r *resident, ix wire.Index, d time.Duration) {
	t := r.sessions[ix]
	if t == nil {
		return
	}
	delete(r.sessions, ix)
	w.after(d, func() {
		if t.peer.sessions[t.far] != nil && !t.peer.dead {
			delete(t.peer.sessions, t.far)
			t.peer.Down(w.now, t.far, errDead)
			w.settle(t.peer)
		}
	})
}

// kill lets r vanish.
func (w *world) kill(r *resident) {
	r.dead = true
	for ix := range r.last {
		w.end(r, ix+1, w.deadEnds)
	}
}

// run passes time.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.queue) > 0 && !w.queue[0].at.After(end) {
		x := heap.Pop(&w.queue).(happening)
		w.now = x.at
		x.do()
	}
	w.now = end
}

// runUntil passes time until ok, and returns how long that took.
func (w *world) runUntil(limit time.Duration, ok func() bool) time.Duration {
	began := w.now
	for !ok() {
		if w.now.Sub(began) > limit {
			w.Helper()
			w.Fatalf("seed %d: not within %v", w.seed, limit)
		}
		w.run(50 * time.Millisecond)
	}
	return w.now.Sub(began)
}

// agreed reports whether every living supernode knows exactly the living.
func (w *world) agreed() bool {
	var live []identity.ID
	for _, r := range w.nodes {
		if !r.dead && r.cfg.Supernode {
			live = append(live, nodeID(r.n))
		}
	}
	for _, r := range w.nodes {
		if r.dead || !r.cfg.Supernode {
			continue
		}
		ms := r.Members()
		if len(ms) != len(live) {
			return false
		}
		for _, m := range ms {
			if !slices.Contains(live, m.Node) {
				return false
			}
		}
	}
	return true
}

func (w *world) sum() string { return fmt.Sprintf("%x", w.trace.Sum(nil)) }

func chain(w *world, n int) {
	for i := 1; i <= n; i++ {
		if i == 1 {
			w.add(i, Config{Supernode: true})
		} else {
			w.add(i, Config{Supernode: true}, i-1)
		}
	}
}
