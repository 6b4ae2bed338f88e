package path

import (
	"sync/atomic"

	"peerphone/node/wire"
)

// A relay's data plane. The reader of a socket or stream gives each relay frame
// to Legs.Forward, which says where it goes; the control loop opens, binds and
// closes legs. No frame allocates, locks, or passes through the loop.
//
// A frame on its way: Forward (whose leg?), from where it is bound?, is the
// other leg bound?, charge (bytes of ticket, of sender, of month).

// maxLegs bounds the legs of a relay: what a fast line of 200 Mbit/s carries.
const maxLegs = 4096

// Legs are the open legs of a relay, found by their channels. The zero value
// has none and may be used.
type Legs struct {
	slots  atomic.Pointer[slots] // nil before the first pair
	month  atomic.Int64          // bytes that may be carried this month
	counts legCounts
}

// slots hold the legs by channel % maxLegs.
type slots [maxLegs]atomic.Pointer[Leg]

// legCounts count frames. They only grow.
type legCounts struct {
	carried, bytes, unbound, lonely, limited, failed atomic.Uint64
}

// LegCounts say what became of the relay frames that came.
type LegCounts struct {
	Carried uint64 // sent on
	Bytes   uint64 // of those, in and out, with IP and UDP headers
	Unbound uint64 // dropped: not from where its leg is bound
	Lonely  uint64 // dropped: the other leg is not open
	Limited uint64 // dropped: beyond the ticket's bytes, the sender's share, or the month's cap
	Failed  uint64 // dropped by the kernel: our line is full
}

// Leg is one side of a pair. Its memory, with its share of the pair, stays
// below 1 kB.
type Leg struct {
	// Constant after construction.
	channel uint32
	other   *Leg
	left    *atomic.Int64 // bytes of the ticket, shared by both legs
	purse   *atomic.Int64 // bytes that the leg's owner may send now, over all its legs

	// Where its frames come from and go to, nil while it is not open, and
	// another way that has proven itself in the owner's session: a frame from
	// there makes it the bound one, and opens the leg. What they point to never changes.
	bound, proven atomic.Pointer[Way]
}

// Bound returns where the frames of the leg come from and go to.
func (l *Leg) Bound() (Way, bool) {
	if w := l.bound.Load(); w != nil {
		return *w, true
	}
	return Way{}, false
}

// Forward takes a datagram that came by from. If it is a relay frame of a leg
// that is bound there, it gives the frame the other leg's channel and returns
// where it goes; ok is false when it is to be dropped. ours is false when the
// relay has no such leg: the frame may be one for this node itself.
func (l *Legs) Forward(from Way, frame []byte) (to Way, ok bool) {
	channel, _, parsed := wire.ParseRelay(frame)
	if !parsed {
		return Way{}, false
	}
	leg := l.leg(channel)
	if leg == nil {
		return Way{}, false
	}
	if !leg.binds(from) {
		l.counts.unbound.Add(1)
		return Way{}, false
	}
	far := leg.other.bound.Load()
	if far == nil {
		l.counts.lonely.Add(1)
		return Way{}, false
	}
	if !l.charge(leg, int64(len(frame))) {
		l.counts.limited.Add(1)
		return Way{}, false
	}
	wire.SetChannel(frame, leg.other.channel)
	return *far, true
}

// binds reports whether frames from w are the leg's.
func (l *Leg) binds(w Way) bool {
	b := l.bound.Load()
	if b != nil && *b == w {
		return true
	}
	p := l.proven.Load()
	if p == nil || *p != w {
		return false
	}
	l.bound.Store(p)
	l.proven.Store(b)
	return true
}

// bind opens the leg at w, which replaces all that was before.
func (l *Leg) bind(w Way) {
	l.proven.Store(nil)
	l.bound.Store(&w)
}

// unbind closes it.
func (l *Leg) unbind() {
	l.bound.Store(nil)
	l.proven.Store(nil)
}

// prove lets the leg move to w.
func (l *Leg) prove(w Way) {
	if b := l.bound.Load(); b != nil && *b != w {
		l.proven.Store(&w)
	}
}

// expect lets a frame from w open the leg.
func (l *Leg) expect(w Way) {
	if l.bound.Load() == nil {
		l.proven.Store(&w)
	}
}

// leg returns the leg of a channel, nil for none.
func (l *Legs) leg(channel uint32) *Leg {
	s := l.slots.Load()
	if s == nil {
		return nil
	}
	if leg := s[channel%maxLegs].Load(); leg != nil && leg.channel == channel {
		return leg
	}
	return nil
}

// headers is what IPv4 and UDP add to a datagram.
const headers = 28

// charge takes a frame of n bytes from all that bound it.
func (l *Legs) charge(leg *Leg, n int64) bool {
	cost := 2 * (n + headers)
	if leg.purse.Load() < n || leg.left.Load() < n || l.month.Load() < cost {
		return false
	}
	leg.purse.Add(-n)
	leg.left.Add(-n)
	l.month.Add(-cost)
	l.counts.carried.Add(1)
	l.counts.bytes.Add(uint64(cost))
	return true
}

// Failed notes that frames that Forward let through were not taken by the
// kernel.
func (l *Legs) Failed(frames int) { l.counts.failed.Add(uint64(frames)) }

// Counts returns the counts so far.
func (l *Legs) Counts() LegCounts {
	c := &l.counts
	return LegCounts{
		Carried: c.carried.Load(), Bytes: c.bytes.Load(), Unbound: c.unbound.Load(),
		Lonely: c.lonely.Load(), Limited: c.limited.Load(), Failed: c.failed.Load(),
	}
}

// pair makes two legs at channels that draw gives, and that nobody uses.
func (l *Legs) pair(draw func() uint32, left *atomic.Int64, purses [2]*atomic.Int64) [2]*Leg {
	s := l.slots.Load()
	if s == nil {
		s = new(slots)
		l.slots.Store(s)
	}
	legs := [2]*Leg{{left: left, purse: purses[0]}, {left: left, purse: purses[1]}}
	legs[0].other, legs[1].other = legs[1], legs[0]
	for _, leg := range legs {
		for leg.channel == 0 || s[leg.channel%maxLegs].Load() != nil {
			leg.channel = draw() & wire.MaxChannel
		}
		s[leg.channel%maxLegs].Store(leg)
	}
	return legs
}

// drop forgets a leg.
func (l *Legs) drop(leg *Leg) {
	leg.unbind()
	l.slots.Load()[leg.channel%maxLegs].Store(nil)
}
