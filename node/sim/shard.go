package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"peerphone/node/directory"
	"peerphone/node/wire"
)

// shard is a part of the nodes with their own time and events. Shards meet after
// each window of time, which is no longer than a datagram takes at least: within
// it no node can feel what another one does. So one worker may see to all shards
// or each have its own.
type shard struct {
	w       *World
	now     time.Time
	events  events
	sent    [2]post // to nodes of other shards, in this window and the one before
	report  Report
	answers []answer // to lookups in this window
}

// post is what a shard sends to others in a window.
type post struct {
	parcels []parcel
	first   int64 // when the first of them arrives; there may be none
}

// add takes a parcel.
func (o *post) add(p parcel) {
	if len(o.parcels) == 0 || p.at < o.first {
		o.first = p.at
	}
	o.parcels = append(o.parcels, p)
}

// next returns when the first parcel arrives, never if there is none.
func (o *post) next() int64 {
	if len(o.parcels) == 0 {
		return never
	}
	return o.first
}

// forget makes room for those of another window.
func (o *post) forget() {
	clear(o.parcels)
	o.parcels = o.parcels[:0]
}

// parcel is an event for another shard.
type parcel struct {
	at   int64
	rank rank
	happening
}

// answer is what a lookup of n has brought.
type answer struct {
	at     time.Time
	n      *Node
	result directory.Result
}

// luck is a source of random numbers that takes sixteen bytes: each node has its
// own, so that what one draws does not depend on when another one does.
type luck struct{ rand.PCG }

func newLuck(seed uint64, purpose string, node int) luck {
	s := seedOf(seed, purpose, node)
	return luck{*rand.NewPCG(binary.BigEndian.Uint64(s[:]), binary.BigEndian.Uint64(s[8:]))}
}

// Read implements io.Reader.
func (l *luck) Read(b []byte) (int, error) {
	for i := 0; i < len(b); i += 8 {
		var room [8]byte
		binary.BigEndian.PutUint64(room[:], l.Uint64())
		copy(b[i:], room[:])
	}
	return len(b), nil
}

// share makes the shards, one for each worker.
func (w *World) share() {
	if w.cfg.Workers == 0 {
		w.cfg.Workers = runtime.GOMAXPROCS(0)
	}
	for range w.cfg.Workers {
		w.shards = append(w.shards, &shard{w: w, now: w.now})
	}
}

// nearest is how long a datagram is under way at least, and so the longest
// window.
const nearest = time.Millisecond

// now returns the time of the node.
func (n *Node) now() time.Time { return n.in.now }

// schedule lets something happen at the node to, which may be n.
func (n *Node) schedule(t time.Time, to *Node, h happening) {
	n.scheduled++
	at, r := int64(max(t.Sub(n.w.cfg.Birth), n.now().Sub(n.w.cfg.Birth))), rankOf(n.number, n.scheduled)
	if to.in == n.in || !n.w.crew.busy {
		to.in.events.push(at, r, h)
		return
	}
	n.in.sent[n.w.crew.turn&1].add(parcel{at, r, h})
}

// after lets the node do something later.
func (n *Node) after(d time.Duration, do func(now time.Time)) {
	n.schedule(n.now().Add(d), n, happening{kind: rare, call: do})
}

// send takes a datagram over the network.
func (n *Node) send(to netip.AddrPort, frame []byte) {
	w := n.w
	if w.forge != nil {
		n = w.forge(n, to, frame)
	}
	r := &n.in.report
	r.Datagrams++
	r.Bytes += uint64(len(frame) + ipUDP)
	n.sent += uint64(len(frame) + ipUDP)
	size := len(frame)
	if wire.KindOf(frame) == wire.HandshakeFrame {
		size = 0
	}
	n.trace.record(n.now().Sub(w.cfg.Birth), n.number, to, size)
	target := w.nodeAt(to)
	if target == nil || w.cfg.Loss > 0 && n.draw.Float64() < w.cfg.Loss {
		return
	}
	delay := max(w.cfg.Latencies.Between(n.number, target.number, n.place, target.place), nearest)
	delay += time.Duration(n.draw.ExpFloat64() * float64(w.cfg.Jitter))
	n.schedule(n.now().Add(delay), target, happening{kind: arrive, node: target, from: n, frame: frame})
}

// ipUDP is what IPv4 and UDP add to a datagram, in bytes.
const ipUDP = 28

// receive takes what other shards have sent in the window before.
func (s *shard) receive(turn uint64) {
	for _, from := range s.w.shards {
		for _, p := range from.sent[turn&1].parcels {
			if p.node.in == s {
				s.events.push(p.at, p.rank, p.happening)
			}
		}
	}
}

// work lets everything happen that is before end.
func (s *shard) work(end int64) {
	for s.events.next() < end {
		at, h := s.events.pop()
		s.now = s.w.cfg.Birth.Add(time.Duration(at))
		s.report.Events++
		switch h.kind {
		case arrive:
			h.node.receive(s.now, h.from.addr, h.frame)
		case ring:
			h.node.ring(s.now)
		default:
			h.call(s.now)
		}
	}
}

// tell hands on the answers to lookups, in the order of time.
func (w *World) tell() {
	var all []answer
	for _, s := range w.shards {
		all = append(all, s.answers...)
		clear(s.answers)
		s.answers = s.answers[:0]
	}
	if w.looked == nil || len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b answer) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return a.n.number - b.n.number
	})
	for _, a := range all {
		w.looked(a.n, a.result)
	}
}
