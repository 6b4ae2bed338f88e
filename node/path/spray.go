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
// A router that answers strangers remembers each gate by that answer. It then
// gives what its phone sends to the right port a port outside that no gate lets
// in (conntrack clash), and so everything that goes from the same socket to new
// ports. There a gate only counts if the far phone has sent to its port before
// it opened. So the far phone searches from a further socket (SeekBy), whose
// address it tells the other one (SprayTo), and after sprayTurn from a second
// one, for which the gates are opened anew after sprayAgain.
const (
	sprayGates = 240
	// FirstGate is the number of the first socket of a spray; they go up to
	// CallSocket.
	FirstGate Socket = 10
	// sprayPause keeps below 100 probes a second.
	sprayPause = 10400 * time.Microsecond
	// sprayAfter is how long the candidates are tried before, sprayLife how long
	// the spray lasts, sprayTurn after how much of it the search goes on from the
	// second socket, sprayAgain after how much the gates are opened anew, and
	// sprayMore how long after that once more.
	sprayAfter = 700 * time.Millisecond
	sprayTurn  = 5 * time.Second
	sprayAgain = 13 * time.Second
	sprayMore  = 3 * time.Second
	sprayLife  = 25 * time.Second
	// sprayLead is how far ahead ports in sequence are tried as well. Less than
	// sprayGates, for other programs use some, too.
	sprayLead = sprayGates / 2
	// sprayBurst is how many probes go out at a time when the loop was late.
	sprayBurst = 3
	// portFirst is the lowest port that a NAT gives to an unprivileged one.
	portFirst = 1024
	// reopenings is how often all gates are opened anew: each takes as many of the
	// mappings that a router has.
	reopenings = 2
)

// sprayState says what a spray does.
//
//	Seek
//	-----> seeking -------------------------------------+ met, or sprayLife is over
//	Spray                                               +----> (ended)
//	-----> opening -------------------------> waiting --+
//	               all gates have been sent from
//	                 ^                          |
//	                 +--- sprayAgain, twice ----+
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
	first Sequence       // seeking: from where each socket begins
	in    Sequence       // seeking: what remains of it
	count uint8          // seeking: ports chosen
	by    [2]Socket      // seeking: from which socket, before and after turn; 0: the main one
	turn  time.Time      // seeking
	then  netip.AddrPort // opening, waiting: to, after again; not valid: the same
	told  int            // opening, waiting: by SprayTo
	gate  int            // opening: the next
	again time.Time      // when all gates are opened anew
	opens uint8          // opening, waiting: how often they were
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

// Sequence is what is known of the ports that a symmetric NAT gives out one after
// the other. The zero Sequence is nothing.
type Sequence struct {
	Next uint16 // the first that nobody has tried
	Step int    // from one to the next
}

// Seek looks for the peer of session ix, which is behind a symmetric NAT, at the
// ports of addr: at random, and where there is a sequence, every other time in
// that. It does nothing once there is a direct way.
func (t *Table) Seek(now time.Time, ix wire.Index, addr netip.Addr, in Sequence) {
	t.beginSpray(now, ix, spray{state: seeking, to: netip.AddrPortFrom(addr, portFirst), first: in, in: in})
}

// Spray lets the peer of session ix find us behind our symmetric NAT: to is its
// address as the outside sees it. One session at a time can; one that rests (see
// Rest) gives way.
func (t *Table) Spray(now time.Time, ix wire.Index, to netip.AddrPort) {
	if before := t.routes[t.gates]; before != nil && before.prober == nil {
		t.shutGates(t.gates)
	}
	if t.gates == 0 {
		t.beginSpray(now, ix, spray{state: opening, to: to})
	}
}

// SeekBy tells of a further socket from which session ix is to search, while it
// does: the first one is used at once, the second after sprayTurn.
func (t *Table) SeekBy(ix wire.Index, s Socket) {
	q := t.spray(ix, seeking)
	switch {
	case q == nil:
	case q.by[0] == 0:
		q.by = [2]Socket{s, s}
	case q.by[1] == q.by[0]:
		q.by[1] = s
	}
}

// SprayTo tells at which address the outside sees a further socket of the peer
// of session ix: the gates open for the first one, if it comes in time, and for
// the second when they open anew.
func (t *Table) SprayTo(ix wire.Index, to netip.AddrPort) {
	q := t.spray(ix, opening)
	if q == nil || !probable(to) || q.told == len(q.by) {
		return
	}
	q.told++
	q.then = to
	if q.told == 1 && q.gate == 0 {
		q.to = to
	}
}

// spray returns what session ix searches in a state, with opening also in
// waiting; nil: it does not.
func (t *Table) spray(ix wire.Index, state sprayState) *spray {
	r := t.routes[ix]
	if r == nil || r.prober == nil || r.prober.spray == nil || (r.prober.spray.state == seeking) != (state == seeking) {
		return nil
	}
	return r.prober.spray
}

func (t *Table) beginSpray(now time.Time, ix wire.Index, s spray) {
	r := t.routes[ix]
	if r == nil || r.prober == nil || r.prober.spray != nil || r.state == Direct || !probable(s.to) {
		return
	}
	s.at, s.end = now.Add(sprayAfter), now.Add(sprayAfter+sprayLife)
	s.turn = s.at.Add(sprayTurn)
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
			t.seek(now, r)
		case s.state == opening:
			t.openGate(now, r)
		case s.opens == reopenings:
			s.at = s.end
		case s.again.After(now):
			s.at = s.again
		default:
			t.emit(CloseGates{First: FirstGate, Count: sprayGates})
			s.state, s.gate, s.again = opening, 0, now.Add(sprayMore)
			s.opens++
			if s.then.IsValid() {
				s.to = s.then
			}
		}
	}
}

// seek tries a port that has not been tried from the same socket.
func (t *Table) seek(now time.Time, r *route) {
	s := r.prober.spray
	s.at = s.at.Add(sprayPause)
	if s.by[0] != s.by[1] && !s.turn.After(now) {
		s.by[0], s.ports, s.in = s.by[1], [len(s.ports)]byte{}, s.first
	}
	for range 64 {
		port := s.port(t)
		if port < portFirst || s.ports[port>>3]&(1<<(port&7)) != 0 {
			continue
		}
		s.ports[port>>3] |= 1 << (port & 7)
		to := netip.AddrPortFrom(s.to.Addr(), port)
		t.emit(Probe{Index: r.ix, Socket: s.by[0], Addr: to, Payload: appendProbe(nil, challengeOp, s.token)})
		return
	}
}

// port chooses a port: where there is a sequence, each other time one in it, now
// the next and now one ahead.
func (s *spray) port(t *Table) uint16 {
	s.count++
	switch {
	case s.in.Step == 0 || s.count%2 == 0:
		return uint16(draw32(t.rand))
	case s.count%4 == 1:
		return s.in.Next + uint16(sprayLead*s.in.Step)
	}
	port := s.in.Next
	s.in.Next += uint16(s.in.Step)
	return port
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
