package path

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// natted is a phone behind a NAT that the test plays.
type natted struct {
	*Table
	ix      wire.Index
	outside netip.Addr
	random  bool                              // symmetric: a random port for each socket and destination
	next    uint16                            // with random, not 0: no random one, but this, and then the one after it
	ports   map[[2]netip.AddrPort]uint16      // socket (by port) and destination: ours outside
	sockets map[uint16]map[netip.AddrPort]int // port outside: who may come in, to which socket
	sent    []time.Time
	gates   int
	answers bool                       // strangers
	strays  map[[2]netip.AddrPort]bool // answered: from where, to which of our ports
	moved   map[Socket]uint16          // sockets whose port has been changed by such a stray: to which
}

func newNatted(seed byte, outside string, random bool) *natted {
	n := &natted{
		Table: New(Config{Rand: seeded(seed)}), ix: 9, outside: netip.MustParseAddr(outside), random: random,
		ports: map[[2]netip.AddrPort]uint16{}, sockets: map[uint16]map[netip.AddrPort]int{}, strays: map[[2]netip.AddrPort]bool{},
		moved: map[Socket]uint16{},
	}
	now := time.Unix(1_700_000_000, 0)
	n.Open(now, n.ix, Way{Home: homeA, Attempt: 7 | homeBit})
	n.Permit(now, n.ix)
	return n
}

// out returns from which address outside a datagram of a socket goes.
func (n *natted) out(rng *rand.Rand, s Socket, to netip.AddrPort) netip.AddrPort {
	key := [2]netip.AddrPort{netip.AddrPortFrom(n.outside, uint16(s)), to}
	port, ok := n.ports[key]
	switch {
	case ok:
	case n.random && n.next != 0:
		port = n.next
		n.next++
	case n.random:
		port = uint16(portFirst + rng.IntN(65536-portFirst))
	default:
		if port = 4000 + uint16(s); n.moved[s] != 0 {
			port = n.moved[s]
		}
		if n.strays[[2]netip.AddrPort{to, netip.AddrPortFrom(n.outside, port)}] {
			port += 1_000
			n.moved[s] = port // for other destinations too, as Linux has it
		}
	}
	n.ports[key] = port
	if n.sockets[port] == nil {
		n.sockets[port] = map[netip.AddrPort]int{}
	}
	n.sockets[port][to] = int(s)
	return netip.AddrPortFrom(n.outside, port)
}

// shut forgets the sockets of gates.
func (n *natted) shut(c CloseGates) {
	for key := range n.ports {
		if s := Socket(key[0].Port()); s >= c.First && int(s) < int(c.First)+c.Count && s != c.But {
			delete(n.ports, key)
		}
	}
}

// told is when the port-restricted phone has told of its further sockets.
var told = []time.Duration{150 * time.Millisecond, 1700 * time.Millisecond, 4500 * time.Millisecond}

// search lets a symmetric phone and a port-restricted one look for each other,
// and returns how long that took; 0: in vain. answers: whether the latter's router
// answers strangers; first: of the former's ports, if they are in sequence.
func search(t *testing.T, seed byte, answers bool, first uint16) time.Duration {
	rng := rand.New(rand.NewChaCha8([32]byte{seed}))
	sym, cone := newNatted(seed, "203.0.113.5", true), newNatted(seed+100, "198.51.100.6", false)
	cone.answers, sym.next = answers, first
	var in Sequence
	if first != 0 {
		in = Sequence{Next: first - 40, Step: 1} // other programs have used some since
	}
	ends := []*natted{sym, cone}
	begun := time.Unix(1_700_000_000, 0)
	now := begun
	sym.Spray(now, sym.ix, netip.AddrPortFrom(cone.outside, 4000))
	cone.Seek(now, cone.ix, sym.outside, in)
	type packet struct {
		at      time.Time
		to      int
		from    Way
		payload []byte
	}
	var mail []packet
	for now.Sub(begun) < 30*time.Second {
		now = now.Add(time.Millisecond)
		for i, at := range told {
			if fresh := FirstFresh + Socket(i); now.Sub(begun) == at {
				cone.SeekBy(cone.ix, fresh)
				sym.SprayTo(sym.ix, netip.AddrPortFrom(cone.outside, 4000+uint16(fresh)))
			}
		}
		for len(mail) > 0 && !mail[0].at.After(now) {
			p := mail[0]
			mail = mail[1:]
			ends[p.to].Payload(now, ends[p.to].ix, p.from, p.payload)
		}
		for i, e := range ends {
			if next := e.Next(); !next.IsZero() && !next.After(now) {
				e.Advance(now)
			}
			for _, x := range e.Take() {
				switch x := x.(type) {
				case Probe:
					e.sent = append(e.sent, now)
					from, far := e.out(rng, x.Socket, x.Addr), ends[1-i]
					s, ok := far.sockets[x.Addr.Port()][from]
					if !ok && far.answers {
						far.strays[[2]netip.AddrPort{from, x.Addr}] = true
					}
					if ok && x.Addr.Addr() == far.outside {
						mail = append(mail, packet{now.Add(30 * time.Millisecond), 1 - i, Way{Addr: from, Socket: Socket(s)}, x.Payload})
					}
				case OpenGates:
					e.gates += x.Count
				case CloseGates:
					e.gates -= x.Count
					e.shut(x)
					if x.But != 0 {
						e.gates++
					}
				}
			}
		}
		a, _ := sym.State(sym.ix)
		b, _ := cone.State(cone.ix)
		if a == Direct && b == Direct {
			checkPace(t, ends)
			if sym.gates != 1 {
				t.Errorf("%d gates are open after they met", sym.gates)
			}
			sym.Shut(now, sym.ix)
			for _, x := range sym.Take() {
				if _, ok := x.(CloseGates); ok {
					sym.gates = 0
				}
			}
			if sym.gates != 0 {
				t.Error("the gate stays open after the call")
			}
			return now.Sub(begun)
		}
	}
	checkPace(t, ends)
	if sym.gates != 0 {
		t.Errorf("%d gates are left", sym.gates)
	}
	return 0
}

// checkPace holds both to 100 probes in any second; the few that follow a
// meeting are no search.
func checkPace(t *testing.T, ends []*natted) {
	t.Helper()
	for _, e := range ends {
		for i := range e.sent {
			if j := i + 100; j < len(e.sent)-12 && e.sent[j].Sub(e.sent[i]) < time.Second {
				t.Fatalf("more than 100 probes within a second, from %v", e.sent[i])
			}
		}
	}
}

// TestSprayInSequence: ports that a NAT gives out one after the other are found
// at once, also where routers answer strangers.
func TestSprayInSequence(t *testing.T) {
	for _, answers := range []bool{false, true} {
		for seed := range byte(30) {
			if took := search(t, seed, answers, 40000); took == 0 || took > 3*time.Second {
				t.Errorf("a router that answers strangers %v, seed %d: met after %v", answers, seed, took)
			}
		}
	}
}

// TestSpray: endpoint-independent with symmetric, direct within 20 s in at least
// 95 of 100.
func TestSpray(t *testing.T) {
	for _, answers := range []bool{false, true} {
		met, longest := 0, time.Duration(0)
		var all []time.Duration
		for seed := range byte(100) {
			if took := search(t, seed, answers, 0); took > 0 && took <= 20*time.Second {
				met++
				all = append(all, took)
				longest = max(longest, took)
			}
		}
		slices.Sort(all)
		t.Logf("a router that answers strangers %v: %d of 100 within 20 s, half within %v, the longest took %v", answers, met, all[len(all)/2], longest)
		if met < 95 {
			t.Errorf("a router that answers strangers %v: %d of 100 met within 20 s, want 95", answers, met)
		}
	}
}

// Who hangs up and calls somebody else at once is found too, though the last
// words of the call before still go by a gate of its.
func TestTheNextCallSprays(t *testing.T) {
	s := newScript(t)
	now := s.now
	for ix := wire.Index(1); ix <= 2; ix++ {
		s.table.Open(now, ix, Way{Home: homeA, Attempt: uint32(ix) | homeBit})
		s.table.Permit(now, ix)
		s.table.Spray(now, ix, mapped)
		now = now.Add(sprayAfter)
		s.table.Advance(now)
		if s.table.gates != ix || !slices.ContainsFunc(s.table.Take(), func(e Event) bool { _, opens := e.(OpenGates); return opens }) {
			t.Fatalf("session %d does not open gates, but %d", ix, s.table.gates)
		}
		s.table.heardDirect(now, s.table.routes[ix], Way{Addr: mapped, Socket: FirstGate}, 100)
		s.table.use(now, s.table.routes[ix], Way{Addr: mapped, Socket: FirstGate})
		s.table.Rest(ix)
	}
}

// TestSprayNeverExceedsAHundredProbesASecond: both ends of a spray that finds
// nobody, from its first probe to its last, also where the loop is late by up to
// 80 ms and has to catch up. Every window of a second is counted.
func TestSprayNeverExceedsAHundredProbesASecond(t *testing.T) {
	for seed := range byte(20) {
		for _, late := range []time.Duration{0, 80 * time.Millisecond} {
			for name, begin := range map[string]func(*Table, time.Time){
				"seeking": func(x *Table, now time.Time) { x.Seek(now, 9, mapped.Addr(), Sequence{}) },
				"opening": func(x *Table, now time.Time) { x.Spray(now, 9, mapped) },
			} {
				sent := lonelySpray(seed, late, begin)
				if want := int(sprayLife / sprayPause / 4); len(sent) < min(want, 2*sprayGates) {
					t.Fatalf("%s, seed %d, late %v: %d probes in all, so this shows nothing", name, seed, late, len(sent))
				}
				if most := busiest(sent, time.Second); most > 100 {
					t.Errorf("%s, seed %d, late by up to %v: %d probes in a second", name, seed, late, most)
				}
			}
		}
	}
}

// lonelySpray returns when the probes of a spray go out that nobody answers, and
// whose timer fires late.
func lonelySpray(seed byte, late time.Duration, begin func(*Table, time.Time)) (sent []time.Time) {
	n := newNatted(seed, "203.0.113.20", true)
	rng := rand.New(rand.NewPCG(uint64(seed), 7))
	now := time.Unix(1_700_000_000, 0)
	begin(n.Table, now)
	for end := now.Add(sprayAfter + sprayLife + time.Second); now.Before(end); {
		for _, e := range n.Take() {
			if _, ok := e.(Probe); ok {
				sent = append(sent, now)
			}
		}
		next := n.Next()
		if next.IsZero() {
			break
		}
		if next.After(now) {
			now = next
		}
		now = now.Add(time.Duration(rng.Int64N(int64(late) + 1)))
		n.Advance(now)
	}
	return sent
}

// busiest returns the most that fell into one window, wherever it begins. The
// times are in order.
func busiest(sent []time.Time, window time.Duration) (most int) {
	first := 0
	for i, at := range sent {
		for at.Sub(sent[first]) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
