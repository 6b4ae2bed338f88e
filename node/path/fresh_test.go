package path

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// household is a phone behind a router that keeps its ports for everybody and
// lets in only who was sent to. One that answers strangers remembers them.
type household struct {
	*Table
	ix      wire.Index
	outside netip.Addr
	answers bool
	ports   map[flow]uint16 // of the phone's flows, outside
	latest  map[Socket]uint16
	fresh   *Fresh
	told    netip.AddrPort  // of the caller's further socket
	owners  map[flow]Socket // the same, by the port outside
	strays  map[flow]bool   // answered, by the port outside
	open    []Socket
	rests   bool // nothing may be sent any more
}

// flow is a port and a remote address.
type flow struct {
	port   uint16
	remote netip.AddrPort
}

func newHousehold(seed byte, outside string, answers bool) *household {
	h := &household{
		Table: New(Config{Rand: seeded(seed)}), ix: 9, outside: netip.MustParseAddr(outside), answers: answers,
		ports: map[flow]uint16{}, latest: map[Socket]uint16{}, fresh: NewFresh(Config{Rand: seeded(seed + 7)}), owners: map[flow]Socket{}, strays: map[flow]bool{}, open: []Socket{0},
	}
	h.Open(time.Unix(1_700_000_000, 0), h.ix, Way{Home: homeA, Attempt: 7 | homeBit})
	return h
}

func (h *household) addr() netip.AddrPort { return netip.AddrPortFrom(h.outside, 4000) }

// out returns from where a datagram of a socket seems to come. As Linux does, a
// router prefers the port that it has given the socket last.
func (h *household) out(s Socket, to netip.AddrPort) netip.AddrPort {
	inside := flow{uint16(s), to}
	port, known := h.ports[inside]
	if !known {
		if port = h.latest[s]; port == 0 {
			port = 4000 + uint16(s)
		}
		for h.strays[flow{port, to}] {
			port += 1000
		}
		h.ports[inside], h.owners[flow{port, to}], h.latest[s] = port, s, port
	}
	return netip.AddrPortFrom(h.outside, port)
}

// in returns to which socket a datagram goes.
func (h *household) in(from netip.AddrPort, port uint16) (Socket, bool) {
	s, ok := h.owners[flow{port, from}]
	if !ok && h.answers {
		h.strays[flow{port, from}] = true
	}
	return s, ok && slices.Contains(h.open, s)
}

// street is two households; the first has dialled. A datagram takes oneWay,
// directly and through the supernode between them.
type street struct {
	*testing.T
	now  time.Time
	ends [2]*household
	todo []errand
}

type errand struct {
	at time.Time
	do func()
}

const oneWay = 50 * time.Millisecond

func newStreet(t *testing.T, caller, callee bool) *street {
	w := &street{T: t, now: time.Unix(1_700_000_000, 0)}
	w.ends = [2]*household{newHousehold(1, "198.51.100.1", caller), newHousehold(2, "203.0.113.2", callee)}
	w.ends[0].routes[9].target = identity.ID{1}
	return w
}

func (w *street) after(d time.Duration, do func()) {
	w.todo = append(w.todo, errand{w.now.Add(d), do})
}

// run lets time pass.
func (w *street) run(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(time.Millisecond) {
		due := w.todo
		w.todo = nil
		for _, x := range due {
			if x.at.After(w.now) {
				w.todo = append(w.todo, x)
			} else {
				x.do()
			}
		}
		for i, e := range w.ends {
			if next := e.Next(); !next.IsZero() && !next.After(w.now) {
				e.Advance(w.now)
			}
			e.fresh.Advance(w.now)
			w.carry(i, append(e.Take(), e.fresh.Take()...))
		}
	}
}

// carry does what end i asks.
func (w *street) carry(i int, events []Event) {
	near, far := w.ends[i], w.ends[1-i]
	for _, e := range events {
		switch e := e.(type) {
		case Probe:
			w.datagram(near, far, e)
		case UDP:
			seen := near.out(e.Socket, e.Addr)
			w.after(oneWay, func() {
				near.fresh.Heard(w.now, Way{Addr: e.Addr, Socket: e.Socket}, AnswerSTUN(nil, e.Frame, seen))
			})
		case OpenGates:
			near.open = append(near.open, e.First)
		case CloseGates:
			near.open = slices.DeleteFunc(near.open, func(s Socket) bool { return s >= e.First && s != e.But })
		case Refreshed:
			w.refreshed(i, e)
		case Moved:
			if e.Way.Direct() {
				near.fresh.Settle(near.ix, e.Way.Socket)
			}
		}
	}
}

// helpers is the supernode between the two.
var helpers = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:41000")}

// refreshed tells the other end of a further socket: it follows, or challenges it
// at once.
func (w *street) refreshed(i int, e Refreshed) {
	near, far := w.ends[i], w.ends[1-i]
	w.after(oneWay, func() {
		if i == 0 {
			far.told = e.Addr
			far.fresh.Follow(w.now, far.ix, helpers)
		} else if s, ok := far.fresh.Socket(far.ix); ok {
			far.CandidatesBy(w.now, far.ix, s, e.Addr, 0)
		}
	})
	if i == 1 {
		near.CandidatesBy(w.now, near.ix, e.Socket, near.told, oneWay)
	}
}

func (w *street) datagram(near, far *household, e Probe) {
	if near.rests {
		w.Errorf("%v challenges %v although its call is over", near.outside, e.Addr)
	}
	from := near.out(e.Socket, e.Addr)
	w.after(oneWay, func() {
		if s, ok := far.in(from, e.Addr.Port()); ok && e.Addr.Addr() == far.outside {
			far.Payload(w.now, far.ix, Way{Addr: from, Socket: s}, e.Payload)
		}
	})
}

// meet tells both where the other is; the challenges of the late one come when
// the other's have arrived, as those of a board that was busy.
func (w *street) meet(late int) {
	for i, e := range w.ends {
		wait := time.Duration(0)
		if i == late {
			wait = 3 * oneWay
		}
		e.CandidatesAfter(w.now, e.ix, []netip.AddrPort{w.ends[1-i].addr()}, wait)
	}
	w.ends[0].fresh.Begin(w.now, 9, helpers)
}

func (w *street) direct() bool {
	a, _ := w.ends[0].State(9)
	b, _ := w.ends[1].State(9)
	return a == Direct && b == Direct
}

// A router that has answered the other end's challenge spoils the port that the
// other knows. A further socket gets through.
func TestAFreshSocketAfterAClash(t *testing.T) {
	for _, c := range []struct {
		name           string
		caller, callee bool // whose router answers
		late           int
	}{
		{"callee's, callee late", false, true, 1},
		{"caller's, caller late", true, false, 0},
		{"both, callee late", true, true, 1},
		{"both, caller late", true, true, 0},
	} {
		w := newStreet(t, c.caller, c.callee)
		w.meet(c.late)
		w.run(freshAfter)
		if w.direct() {
			t.Errorf("%s: direct at once: there was no clash", c.name)
		}
		w.run(10 * oneWay)
		if !w.direct() {
			t.Errorf("%s: not direct", c.name)
		}
		for i, e := range w.ends {
			e.fresh.Shut(9)
			w.carry(i, e.fresh.Take())
			if len(e.open) != 1 {
				t.Errorf("%s: sockets %v stay open", c.name, e.open)
			}
		}
	}
}

// Where nobody is late no further socket is opened.
func TestNoFreshSocketWithoutNeed(t *testing.T) {
	w := newStreet(t, true, true)
	w.meet(2)
	w.run(4 * oneWay)
	if !w.direct() {
		t.Error("not direct")
	}
	w.run(time.Minute)
	if len(w.ends[0].open) != 1 {
		t.Errorf("sockets %v", w.ends[0].open)
	}
}

// When nobody answers the tries end, and what they opened is closed.
func TestFreshSocketsAreFew(t *testing.T) {
	f := NewFresh(Config{Rand: seeded(1)})
	now := time.Unix(1_700_000_000, 0)
	f.Begin(now, 9, helpers)
	f.Begin(now, 9, helpers)
	opened, asked := Socket(0), 0
	for !f.Next().IsZero() {
		now = f.Next()
		f.Advance(now)
		for _, e := range f.Take() {
			switch e.(type) {
			case OpenGates:
				opened++
			case UDP:
				asked++
			}
		}
	}
	if opened != freshTries || asked != int(freshTries)*len(helpers) {
		t.Errorf("%d sockets were opened and %d questions asked", opened, asked)
	}
	if f.Heard(now, Way{Addr: mapped}, nil) {
		t.Error("the main socket's answers are taken")
	}
	f.Shut(9)
	if got := f.Take(); !slices.Equal(got, []Event{CloseGates{First: FirstFresh, Count: int(freshTries)}}) {
		t.Errorf("at the end %v", got)
	}
}

// A session whose call is over challenges nobody any more, found or searching.
func TestNothingStraysAfterACall(t *testing.T) {
	for _, blocked := range []bool{false, true} {
		w := newStreet(t, blocked, blocked)
		w.meet(1)
		w.run(20 * time.Millisecond)
		if !blocked {
			w.run(time.Second)
		}
		for _, e := range w.ends {
			e.Rest(e.ix)
			e.rests = true
		}
		w.ends[0].Send(w.now, 9, []byte("bye"))
		w.ends[0].fresh.Settle(9, 0)
		w.run(time.Minute)
		if w.direct() == blocked {
			t.Errorf("blocked %v: direct %v; last words go by the way in use", blocked, w.direct())
		}
	}
}
