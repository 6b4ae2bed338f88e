package trace

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// ErrKind means that Make does not know the kind.
var ErrKind = errors.New("trace: no such kind")

// lost is what a kind's delay returns for a packet that never comes.
const lost = -1

// A way is one network: it delays and loses packets. Times are in milliseconds
// since the first packet.
type way struct {
	r    *rand.Rand
	sent float64 // of the packet that is asked for
	last float64 // the latest arrival so far
	free bool    // packets may overtake each other

	base  float64 // the least delay
	skew  float64 // of the receiver's clock
	bad   bool    // which of two states a process is in
	pulse float64 // what an impulse still delays by
	stall float64 // until when nothing comes through
	next  float64 // when something happens next
	queue float64 // what waits, or what another way takes longer
}

// kind makes ways: begin draws the parameters of one.
type kind struct {
	name  string
	about string
	begin func(w *way)
	delay func(w *way) float64
}

// Kinds lists what Make knows.
func Kinds() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// Make returns a trace of this kind and length; equal seeds give equal traces.
// The error wraps ErrKind.
func Make(name string, seed uint64, length time.Duration) (Trace, error) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return Trace{}, fmt.Errorf("%w: %q; there are %v", ErrKind, name, Kinds())
	}
	k := kinds[i]
	w := &way{r: rand.New(rand.NewPCG(seed, uint64(i)+1))}
	k.begin(w)
	t := Trace{About: fmt.Sprintf("made: %s, seed %d: %s", name, seed, k.about)}
	for seq := range int(length / Frame) {
		t.Packets = append(t.Packets, w.packet(seq, k.delay))
	}
	return t, nil
}

func (w *way) packet(seq int, delay func(*way) float64) Packet {
	w.sent = float64(seq) * ms(Frame)
	p := Packet{Seq: seq, Sent: time.Duration(seq) * Frame}
	d := delay(w)
	if d < 0 {
		p.Lost = true
		return p
	}
	at := w.sent + d
	if !w.free {
		at = max(at, w.last+.05)
	}
	w.last = max(w.last, at)
	at *= 1 + w.skew
	p.Arrived = time.Duration(math.Round(at*1e3)) * time.Microsecond
	return p
}

func (w *way) exp(mean float64) float64 { return w.r.ExpFloat64() * mean }

func (w *way) between(low, high float64) float64 { return low + (high-low)*w.r.Float64() }

func (w *way) chance(p float64) bool { return w.r.Float64() < p }

// or loses the packet with probability p.
func (w *way) or(p, delay float64) float64 {
	if w.chance(p) {
		return lost
	}
	return delay
}

// gilbert loses packets in bursts: good turns bad with p, bad turns good with
// q, and in bad a packet is lost with loss.
func (w *way) gilbert(p, q, loss float64) bool {
	if w.bad {
		w.bad = !w.chance(q)
	} else {
		w.bad = w.chance(p)
	}
	return w.bad && w.chance(loss)
}

// stalls hold everything up, perSecond often, for low to high.
func (w *way) stalls(perSecond, low, high float64) float64 {
	if w.next == 0 {
		w.next = w.exp(1e3 / perSecond)
	}
	for w.sent >= w.next {
		w.stall = max(w.stall, w.next+w.between(low, high))
		w.next += w.exp(1e3 / perSecond)
	}
	return max(0, w.stall-w.sent)
}

// impulses delay a packet with probability p, and those behind it by less and
// less.
func (w *way) impulses(p, mean, decay float64) float64 {
	w.pulse *= decay
	if w.chance(p) {
		w.pulse += w.exp(mean)
	}
	return w.pulse
}
