package path

import (
	"io"
	"net/netip"
	"time"

	"peerphone/node/wire"
)

// Before a symmetric NAT every destination has a port of its own, drawn at
// random. Its phone opens sprayGates sockets, each of which makes the NAT let in
// what comes from the far phone's address; the far phone sends to one random
// port after the other. After n probes none has met with
//
//	(1 - sprayGates/64512)^n
//
// which is 0.1 % after 20 s.
//
// A router that answers strangers remembers each gate by that answer, and then
// keeps to itself what its phone sends to the right port. There a gate only
// counts if the far phone has sent to its port before it opened: so all are
// opened anew after sprayAgain, when the far phone has tried a thousand ports,
// and again 99 in 100 searches end in time.
const (
	sprayGates = 240
	// FirstGate is the number of the first socket of a spray; they go up to
	// CallSocket.
	FirstGate Socket = 10
	// sprayPause keeps below 100 probes a second.
	sprayPause = 11 * time.Millisecond
	// sprayAfter is how long the candidates are tried before, sprayLife how long
	// the spray lasts, sprayAgain after how much of it the gates are opened anew.
	sprayAfter = 700 * time.Millisecond
	sprayAgain = 13 * time.Second
	sprayLife  = 25 * time.Second
	// sprayBurst is how many probes go out at a time when the loop was late.
	sprayBurst = 3
	// portFirst is the lowest port that a NAT gives to an unprivileged one.
	portFirst = 1024
)

// sprayState says what a spray does.
//
//	Seek
//	-----> seeking -------------------------------------+ met, or sprayLife is over
//	Spray                                               +----> (ended)
//	-----> opening -------------------------> waiting --+
//	               all gates have been sent from
//	                 ^                          |
//	                 +--- sprayAgain, once -----+
type sprayState uint8

const (
	seeking sprayState = iota // we send to random ports of the peer's address
	opening                   // we send from one socket after the other
	waiting                   // all have sent
)

// spray is the search of one route.
type spray struct {
	state sprayState
	at    time.Time // when the next probe goes out; never zero
	end   time.Time
	to    netip.AddrPort // seeking: its address counts
	gate  int            // opening: the next
	again time.Time      // when all gates are opened anew; zero: they were
	token token
	ports [1 << 13]byte // seeking: which have been tried, a bit each
}

// OpenGates asks for the sockets of a spray.
type OpenGates struct {
	First Socket
	Count int
}

// CloseGates asks to close the sockets of a spray, but for those in use.
type CloseGates struct {
	First Socket
	Count int
	But   Socket // 0: none
}

func (OpenGates) event()  {}
func (CloseGates) event() {}

// Seek looks for the peer of session ix, which is behind a symmetric NAT, at the
// ports of addr. It does nothing once there is a direct way.
func (t *Table) Seek(now time.Time, ix wire.Index, addr netip.Addr) {
	t.beginSpray(now, ix, spray{state: seeking, to: netip.AddrPortFrom(addr, portFirst)})
}

// Spray lets the peer of session ix find us behind our symmetric NAT: to is its
// address as the outside sees it. One session at a time can.
func (t *Table) Spray(now time.Time, ix wire.Index, to netip.AddrPort) {
	if t.gates == 0 {
		t.beginSpray(now, ix, spray{state: opening, to: to})
	}
}

func (t *Table) beginSpray(now time.Time, ix wire.Index, s spray) {
	r := t.routes[ix]
	if r == nil || r.prober == nil || r.prober.spray != nil || r.state == Direct || !probable(s.to) {
		return
	}
	s.at, s.end = now.Add(sprayAfter), now.Add(sprayAfter+sprayLife)
	io.ReadFull(t.rand, s.token[:])
	r.prober.spray = &s
	if s.state == opening {
		t.gates, s.again = ix, s.at.Add(sprayAgain)
	}
	t.arm(r)
}

// advanceSpray sends what is due.
func (t *Table) advanceSpray(now time.Time, r *route) {
	s := r.prober.spray
	for n := 0; s != nil && !s.at.After(now); n++ {
		switch {
		case r.state == Direct || !s.end.After(now):
			t.endSpray(r)
			return
		case n == sprayBurst:
			s.at = now.Add(sprayPause)
			return
		case s.state == seeking:
			t.seek(r)
		case s.state == opening:
			t.openGate(now, r)
		case s.again.IsZero():
			s.at = s.end
		case s.again.After(now):
			s.at = s.again
		default:
			t.emit(CloseGates{First: FirstGate, Count: sprayGates})
			s.state, s.gate, s.again = opening, 0, time.Time{}
		}
	}
}

// seek tries a port that has not been tried.
func (t *Table) seek(r *route) {
	s := r.prober.spray
	s.at = s.at.Add(sprayPause)
	for range 64 {
		port := uint16(draw32(t.rand))
		if port < portFirst || s.ports[port>>3]&(1<<(port&7)) != 0 {
			continue
		}
		s.ports[port>>3] |= 1 << (port & 7)
		t.emit(Probe{Index: r.ix, Addr: netip.AddrPortFrom(s.to.Addr(), port), Payload: appendProbe(nil, challengeOp, s.token)})
		return
	}
}

// openGate sends from the next socket.
func (t *Table) openGate(now time.Time, r *route) {
	s := r.prober.spray
	if s.gate == 0 {
		t.emit(OpenGates{First: FirstGate, Count: sprayGates})
	}
	t.emit(Probe{Index: r.ix, Socket: FirstGate + Socket(s.gate), Addr: s.to, Payload: appendProbe(nil, challengeOp, s.token)})
	s.gate++
	s.at = s.at.Add(sprayPause)
	if s.gate == sprayGates {
		s.state = waiting
	}
}

// endSpray ends the search; the socket that was met stays until the route ends.
func (t *Table) endSpray(r *route) {
	s := r.prober.spray
	if s != nil && s.state != seeking {
		but := Socket(0)
		if r.at.Socket >= FirstGate {
			but = r.at.Socket
		}
		t.emit(CloseGates{First: FirstGate, Count: sprayGates, But: but})
		if but == 0 {
			t.gates = 0
		}
	}
	r.prober.spray = nil
}

// shutGates closes what a spray of the route has left open.
func (t *Table) shutGates(ix wire.Index) {
	if t.gates == ix && ix != 0 {
		t.emit(CloseGates{First: FirstGate, Count: sprayGates})
		t.gates = 0
	}
}
