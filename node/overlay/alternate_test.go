package overlay

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// kept returns the supernodes from first to last as a host cache of a month ago.
func kept(now time.Time, first, last int) []Kept {
	var list []Kept
	for n := first; n <= last; n++ {
		list = append(list, Kept{Member: memberOf(n), Reached: now.AddDate(0, -1, 0).Add(-time.Duration(n) * time.Minute)})
	}
	return list
}

// probes returns the entries that were asked whether they are there.
func (s *script) probes() []Ping { return took[Ping](s) }

// A phone that was off for a month finds a home within three seconds at 100 ms of
// round trip, though half of its host cache is gone.
func TestAMonthLaterHalfOfTheCacheIsStale(t *testing.T) {
	const phones = 300
	w := newWorld(t, 8)
	for n := 1; n <= 100; n++ {
		w.add(n, Config{Supernode: true})
	}
	w.run(10 * time.Second)
	var slowest, slowestThree time.Duration
	for p := range phones {
		r := w.add(1000+p, Config{Homes: 3})
		list := append(kept(w.now, 1, 100), kept(w.now, 101, 200)...)
		w.rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		r.Recall(w.now, list)
		slowest = max(slowest, w.runUntil(3*time.Second, func() bool { return len(r.Homes()) > 0 }))
		slowestThree = max(slowestThree, w.runUntil(6*time.Second, func() bool { return len(r.Homes()) == 3 }))
	}
	t.Logf("of %d phones the slowest had a home after %v, three after %v more", phones, slowest, slowestThree)
}

// When who is dialled keeps silent twenty others are asked at once, and who
// answers is dialled, whoever else is being dialled.
func TestManyAreAskedAtOnceWhenHomesAreMissing(t *testing.T) {
	s := phone(t)
	s.Recall(s.now, kept(s.now, 1, 200))
	s.Learn(s.now, nil)
	s.want("dials", len(s.dials()), 3)
	s.advance(rushAfter)
	events := s.events
	asked := s.probes()
	s.want("asked at once", len(asked), maxProbes)
	s.events = events
	dialled := len(s.dials())
	s.want("and one more is dialled", dialled, 1)
	for _, p := range asked[:4] {
		s.Pong(s.now, p.Member.Addr, p.Nonce, 0)
	}
	s.Pong(s.now, addrOf(900), asked[5].Nonce, 0) // not whom we asked
	s.Pong(s.now, asked[6].Member.Addr, asked[6].Nonce+1, 0)
	s.want("unasked", s.Counters().Unasked, 2)
	for _, d := range took[Dial](s) {
		if !slices.ContainsFunc(asked[:4], func(p Ping) bool { return p.Member.Addr == d.Member.Addr }) {
			t.Errorf("dials %v, which has not answered", d.Member.Addr)
		}
		dialled++
	}
	s.want("dials beyond the first three", dialled, 4)
	s.advance(rushEvery)
	for _, p := range s.probes() {
		if slices.ContainsFunc(asked, func(q Ping) bool { return p.Member.Addr == q.Member.Addr }) {
			t.Errorf("%v is asked again at once", p.Member.Addr)
		}
	}
}

// Soon after the arrival about twenty are asked, one after the other; when a home
// is lost those who have answered come first.
func TestAlternatesTakeTheirPlace(t *testing.T) {
	s := phone(t)
	s.Recall(s.now, kept(s.now, 1, 100))
	s.Learn(s.now, nil)
	for _, n := range s.dials() {
		s.attachTo(n)
	}
	lives := map[netip.AddrPort]bool{}
	asked := 0
	for range 120 {
		s.advance(time.Second)
		for _, p := range s.probes() {
			asked++
			if asked%2 == 0 {
				lives[p.Member.Addr] = true
				s.now = s.now.Add(40 * time.Millisecond)
				s.Pong(s.now, p.Member.Addr, p.Nonce, 0)
			}
		}
	}
	s.want("asked", asked, maxProbes)
	s.want("alternates", s.Alternates(s.now), maxProbes/2)
	s.advance(30 * time.Minute)
	s.want("asked again soon", len(s.probes()), 0)
	s.Down(s.now, s.Homes()[0].Index, errDial)
	next := took[Dial](s)
	if len(next) != 1 || !lives[next[0].Member.Addr] {
		t.Errorf("dials %v, want one of those who have answered", next)
	}
}

// An alternate that is much nearer takes the place of the farthest home; nobody is
// given up before.
func TestAFarHomeIsExchangedForANearOne(t *testing.T) {
	for _, near := range []bool{true, false} {
		s := phone(t)
		s.Recall(s.now, kept(s.now, 1, 20))
		s.Learn(s.now, nil)
		for i, n := range s.dials() {
			ix := s.up(n)
			s.now = s.now.Add(time.Duration(100*(i+1)) * time.Millisecond)
			s.Handle(s.now, ix, wire.Attached{Refresh: 60})
		}
		far := s.Homes()[2]
		took[Event](s)
		rtt := 30 * time.Millisecond
		if !near {
			rtt = 170 * time.Millisecond
		}
		var dialled []Dial
		open := map[time.Time]Ping{} // by when they are answered
		for end := s.now.Add(40 * time.Minute); s.now.Before(end) && len(dialled) == 0; {
			s.advance(10 * time.Millisecond)
			if p, ok := open[s.now]; ok {
				s.Pong(s.now, p.Member.Addr, p.Nonce, 0)
			}
			for _, e := range append(s.events, s.Take()...) {
				switch e := e.(type) {
				case Ping:
					open[s.now.Add(rtt)] = e
				case Dial:
					dialled = append(dialled, e)
				}
			}
			s.events = nil
		}
		if !near {
			s.want("dials for little", len(dialled), 0)
			continue
		}
		s.want("dials", len(dialled), 1)
		s.want("homes meanwhile", len(s.Homes()), 3)
		s.last++
		s.Up(s.now, s.last, dialled[0].Member.Node, dialled[0].Member.Addr, true)
		s.now = s.now.Add(rtt)
		s.Handle(s.now, s.last, wire.Attached{Refresh: 60})
		s.want("homes", len(s.Homes()), 3)
		s.want("the nearest", s.Homes()[0].Member.Node, dialled[0].Member.Node)
		for _, h := range s.Homes() {
			if h.Index == far.Index {
				t.Error("the farthest is a home yet")
			}
		}
	}
}

func public(n int, addr string) wire.Member {
	return wire.Member{Node: nodeID(n), Addr: netip.MustParseAddrPort(addr)}
}

// Who rents a network does not fill the host cache; and homes are of different
// networks while there are others.
func TestTheHostCacheIsDiverse(t *testing.T) {
	s := phone(t)
	for n := range 150 {
		s.hear(s.now, public(n+1, netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(n), 1}), 4000).String()))
		s.hear(s.now, public(n+1001, netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(n), 15: 1}), 4000).String()))
	}
	s.want("entries of two networks", s.Known(), 2*maxOfNetwork)
	if s.Counters().Crowded == 0 {
		t.Error("not counted")
	}
	for n := range 20 {
		s.hear(s.now, public(n+2001, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, byte(n), 0, 1}), 4000).String()))
	}
	s.Learn(s.now, nil)
	var seen []netip.Prefix
	for range 2 {
		for _, d := range took[Dial](s) {
			seen = append(seen, networkOf(d.Member.Addr.Addr()))
			s.Failed(s.now, d.Member, errDial)
		}
	}
	s.want("dials", len(seen), 6)
	slices.SortFunc(seen[:3], netip.Prefix.Compare)
	s.want("networks of the first three", len(slices.Compact(seen[:3])), 3)
}

// When nobody answers the phone says so, again with growing pauses, and takes what
// the login server names.
func TestADeadCacheIsToldAndReplaced(t *testing.T) {
	s := phone(t)
	s.Recall(s.now, kept(s.now, 1, 60))
	s.Learn(s.now, bootstraps(101, 102))
	told := 0
	var first time.Duration
	pass := func(d time.Duration) {
		for end := s.now.Add(d); s.now.Before(end); {
			s.advance(200 * time.Millisecond)
			for _, e := range append(s.events, s.Take()...) {
				switch e := e.(type) {
				case Dial:
					s.Failed(s.now, e.Member, errDial)
				case Stranded:
					told++
					if told == 1 {
						first = s.now.Sub(s.start)
					}
				}
			}
			s.events = nil
		}
	}
	pass(30 * time.Second)
	s.want("told", told, 1)
	if first < strandedAfter || first > 3*strandedAfter {
		t.Errorf("told after %v", first)
	}
	pass(6 * time.Hour)
	if told < 5 || told > 16 {
		t.Errorf("told %d times in six hours", told)
	}
	s.Learn(s.now, bootstraps(201)) // the login server's
	s.advance(0)
	if !slices.ContainsFunc(took[Dial](s), func(d Dial) bool { return d.Member.Addr == addrOf(201) }) {
		t.Error("the new one is not dialled at once")
	}
	s.attachTo(201)
	told = 0
	pass(time.Hour)
	s.want("told with a home", told, 0)
}

func TestTheCacheKeepsItsAges(t *testing.T) {
	s := phone(t)
	s.Recall(s.now, kept(s.now, 1, 3))
	s.Learn(s.now, nil)
	s.dials()
	ix := s.up(2)
	s.now = s.now.Add(30 * time.Millisecond)
	s.Handle(s.now, ix, wire.Attached{Refresh: 60})
	list := s.Keep()
	s.want("first", list[0].Member, memberOf(2))
	s.want("its round trip", list[0].RTT, 30*time.Millisecond)
	s.want("a month old", list[2].Reached, kept(s.start, 3, 3)[0].Reached)
	again := phone(t)
	again.Recall(again.start, append(list, Kept{}, Kept{Member: wire.Member{Node: nodeID(7)}}, Kept{Member: memberOf(8), Reached: again.start.AddDate(1, 0, 0), RTT: -1}))
	s.want("recalled", len(again.Keep()), 4)
	s.want("ours from the future", again.Keep()[0].Reached, again.start)
}
