package path

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// reunion is two Tables whose direct ways the test plays: each way has a delay,
// or is dead.
type reunion struct {
	*testing.T
	now   time.Time
	ends  [2]*meeter // 0 has opened the session
	mail  []parcel
	lines map[line]time.Duration // one way; missing: dead
	asked int                    // payloads that went by mobi
}

// meeter is one phone.
type meeter struct {
	*Table
	ix   wire.Index
	ways []Ways
	got  int // frames of the other
}

// line is a way of end 0, and the way of end 1 that leads back by it.
type line struct{ there, back Way }

type parcel struct {
	at      time.Time
	to      int
	by      Way
	payload []byte // nil: a frame
}

func newReunion(t *testing.T) *reunion {
	m := &reunion{T: t, now: time.Unix(1_700_000_000, 0), lines: map[line]time.Duration{}}
	for i := range m.ends {
		table := New(Config{Rand: seeded(byte(i + 40))})
		m.ends[i] = &meeter{Table: table, ix: wire.Index(100 + i)}
		table.Open(m.now, m.ends[i].ix, Way{Home: homeA, Attempt: 7 | homeBit})
		table.Permit(m.now, m.ends[i].ix)
	}
	m.ends[0].routes[100].target = callee
	return m
}

var (
	six4 = line{Way{Addr: netip.MustParseAddrPort("[2001:db8::2]:4")}, Way{Addr: netip.MustParseAddrPort("[2001:db8::1]:4")}}
	four = line{Way{Addr: netip.MustParseAddrPort("198.51.100.2:4")}, Way{Addr: netip.MustParseAddrPort("198.51.100.1:4")}}
	mobi = line{Way{Addr: netip.MustParseAddrPort("198.51.100.2:4"), Socket: 1}, Way{Addr: netip.MustParseAddrPort("100.64.7.7:9")}}
)

// meet lets both try what the lines allow.
func (m *reunion) meet(lines ...line) {
	for _, l := range lines {
		m.ends[0].probe(m.now, m.ends[0].routes[100], l.there, credit{free: true}, 0)
		m.ends[1].probe(m.now, m.ends[1].routes[101], l.back, credit{free: true}, 0)
	}
	m.settle()
}

func (m *reunion) settle() {
	for i, e := range m.ends {
		for _, x := range e.Take() {
			switch x := x.(type) {
			case Probe:
				m.post(i, Way{Addr: x.Addr, Socket: x.Socket}, x.Payload)
			case UDP:
				m.post(i, Way{Addr: x.Addr, Socket: x.Socket}, nil)
			case Ways:
				e.ways = append(e.ways, x)
			}
		}
	}
}

func (m *reunion) post(from int, w Way, payload []byte) {
	if payload != nil && (w == mobi.there || w == mobi.back) {
		m.asked++
	}
	for l, delay := range m.lines {
		by, ok := l.back, l.there == w
		if from == 1 {
			by, ok = l.there, l.back == w
		}
		if ok {
			m.mail = append(m.mail, parcel{m.now.Add(delay), 1 - from, by, payload})
		}
	}
}

func (m *reunion) advance(d time.Duration) {
	for range d / time.Millisecond {
		m.now = m.now.Add(time.Millisecond)
		var later []parcel
		due := m.mail
		m.mail = nil
		for _, p := range due {
			if p.at.After(m.now) {
				later = append(later, p)
				continue
			}
			e := m.ends[p.to]
			if p.payload == nil {
				e.got++
				e.Heard(m.now, e.ix, p.by, 100)
			} else {
				e.Payload(m.now, e.ix, p.by, p.payload)
			}
			m.settle()
		}
		m.mail = append(later, m.mail...)
		for _, e := range m.ends {
			if next := e.Next(); !next.IsZero() && !next.After(m.now) {
				e.Advance(m.now)
			}
		}
		m.settle()
	}
}

func (m *reunion) wantAt(l line) {
	m.Helper()
	for i, want := range []Way{l.there, l.back} {
		if got := m.ends[i].routes[m.ends[i].ix].at; got != want {
			m.Errorf("at %v end %d sends by %v, want %v", m.now, i, got, want)
		}
	}
}

func (m *reunion) standby(i int) []Way {
	w := m.ends[i].ways
	if len(w) == 0 {
		return nil
	}
	return w[len(w)-1].Standby
}

func TestIPv6IsPreferredWhenBothProbe(t *testing.T) {
	m := newReunion(t)
	m.lines[four], m.lines[six4] = 20*time.Millisecond, 22*time.Millisecond
	m.meet(four, six4)
	m.advance(500 * time.Millisecond)
	m.wantAt(six4)
	for i, want := range []Way{four.there, four.back} {
		if got := m.standby(i); !slices.Equal(got, []Way{want}) {
			t.Errorf("end %d keeps %v, want %v", i, got, want)
		}
	}
}

func TestBothEndsUseTheOpenersChoice(t *testing.T) {
	m := newReunion(t)
	m.lines[four], m.lines[mobi] = 60*time.Millisecond, 10*time.Millisecond
	m.meet(four, mobi)
	m.advance(time.Second)
	m.wantAt(mobi)
	m.lines[four], m.lines[mobi] = 5*time.Millisecond, 100*time.Millisecond
	m.advance(20 * time.Second) // measured by checks
	m.wantAt(four)
}

func TestADeadWayGivesPlaceWithinTwoSeconds(t *testing.T) {
	m := newReunion(t)
	m.lines[four], m.lines[mobi] = 10*time.Millisecond, 30*time.Millisecond
	m.meet(four, mobi)
	m.advance(3 * time.Second)
	m.wantAt(four)
	delete(m.lines, four)
	m.advance(1600 * time.Millisecond)
	m.wantAt(mobi)
}

func TestTheStandbyIsByTheOtherUplink(t *testing.T) {
	m := newReunion(t)
	m.lines[four], m.lines[six4], m.lines[mobi] = 10*time.Millisecond, 10*time.Millisecond, 80*time.Millisecond
	m.meet(four, six4, mobi)
	m.advance(2 * time.Second)
	m.wantAt(six4)
	if got := m.standby(0); len(got) != 2 || got[0] != mobi.there {
		t.Errorf("standby %v, want %v first", got, mobi.there)
	}
}

func TestConsentLapsesAfterFiveSeconds(t *testing.T) {
	m := newReunion(t)
	m.lines[four] = 10 * time.Millisecond
	m.meet(four)
	m.advance(3 * time.Second)
	m.wantAt(four)
	m.lines = nil
	m.advance(3900 * time.Millisecond) // the last answer came within the second before
	if s, _ := m.ends[0].State(100); s != Direct {
		t.Errorf("%v after 4 s of silence", s)
	}
	m.advance(2200 * time.Millisecond)
	for i, e := range m.ends {
		if s, _ := e.State(e.ix); s != Laned {
			t.Errorf("end %d is %v after 6 s of silence, want %v", i, s, Laned)
		}
	}
}

// A standby that was dead for longer than its consent lasts is one again soon after
// it works again, and meanwhile little is sent there; a silence asks it at once.
func TestALapsedStandbyIsRecalled(t *testing.T) {
	m := newReunion(t)
	m.lines[four], m.lines[mobi] = 10*time.Millisecond, 80*time.Millisecond
	m.meet(four, mobi)
	for _, c := range []struct {
		away, wait time.Duration
		stir       bool
	}{{3 * time.Second, recallEvery, false}, {20 * time.Second, recallEvery, false}, {100 * time.Second, 0, true}} {
		m.advance(10 * time.Second)
		m.wantAt(four)
		for i, want := range []Way{mobi.there, mobi.back} {
			if got := m.standby(i); !slices.Equal(got, []Way{want}) {
				t.Fatalf("end %d keeps %v, want %v", i, got, want)
			}
		}
		delete(m.lines, mobi)
		m.advance(7 * time.Second)
		m.asked = 0
		m.advance(c.away)
		if limit := 2 * (1 + int(c.away/recallEvery)); m.asked > limit {
			t.Errorf("asked %d times in %v, want %d at most", m.asked, c.away, limit)
		}
		m.lines[mobi] = 80 * time.Millisecond
		if c.stir {
			m.ends[0].StirAll(m.now)
			m.settle()
		}
		m.advance(c.wait + 500*time.Millisecond)
	}
	if got := m.standby(0); !slices.Equal(got, []Way{mobi.there}) {
		t.Errorf("end 0 keeps %v after a silence, want %v", got, mobi.there)
	}
	delete(m.lines, mobi)
	m.advance(recallFor + 10*time.Second)
	m.asked = 0
	if m.advance(time.Minute); m.asked > 0 {
		t.Errorf("asked %d times when it was long gone", m.asked)
	}
}

// However often a peer moves, few of the ways that it has left are recalled.
func TestFewWaysAreRecalled(t *testing.T) {
	m := newReunion(t)
	m.lines[four] = 10 * time.Millisecond
	m.meet(four)
	for n := range 20 {
		moved := line{four.there, Way{Addr: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), uint16(100+n))}}
		m.lines = map[line]time.Duration{moved: 10 * time.Millisecond}
		m.ends[0].StirAll(m.now)
		m.settle()
		m.advance(2 * time.Second)
	}
	recalled := 0
	for _, q := range m.ends[1].routes[101].prober.probes {
		if q.recalled() {
			recalled++
		}
	}
	if recalled == 0 || recalled > maxRecalled {
		t.Errorf("%d ways are recalled, want some, %d at most", recalled, maxRecalled)
	}
}

// The address of end 0 changes: its next frame comes from elsewhere. Until end 1
// knows for sure it sends to both.
func TestAFrameFromElsewhereNominates(t *testing.T) {
	m := newReunion(t)
	m.lines[four] = 25 * time.Millisecond
	m.meet(four)
	m.advance(time.Second)
	moved := line{four.there, Way{Addr: netip.MustParseAddrPort("198.51.100.1:77")}}
	delete(m.lines, four)
	m.lines[moved] = 25 * time.Millisecond
	m.ends[0].Send(m.now, 100, []byte("frame"))
	m.settle()
	m.advance(25 * time.Millisecond)
	last := m.ends[1].ways[len(m.ends[1].ways)-1]
	if last.Trial != moved.back || last.Active != four.back {
		t.Errorf("told %+v, want %v besides", last, moved.back)
	}
	before := m.ends[0].got
	m.ends[1].Send(m.now, 101, []byte("frame"))
	m.settle()
	m.advance(26 * time.Millisecond)
	if m.ends[0].got != before+1 {
		t.Error("a frame sent meanwhile does not arrive")
	}
	m.advance(50 * time.Millisecond)
	m.wantAt(moved)
	if last = m.ends[1].ways[len(m.ends[1].ways)-1]; last.Active != moved.back || !last.Trial.IsZero() {
		t.Errorf("told %+v", last)
	}
}

// The network of end 0 changes, and it says so before it has anything to send.
func TestStirMovesThePeer(t *testing.T) {
	m := newReunion(t)
	m.lines[four] = 25 * time.Millisecond
	m.meet(four)
	m.advance(time.Second)
	moved := line{four.there, Way{Addr: netip.MustParseAddrPort("198.51.100.1:77")}}
	m.lines = map[line]time.Duration{moved: 25 * time.Millisecond}
	m.ends[0].StirAll(m.now)
	m.settle()
	m.advance(80 * time.Millisecond)
	m.wantAt(moved)
}

// A session with a supernode follows in the same way.
func TestStirMovesASupernode(t *testing.T) {
	m := newReunion(t)
	for i, w := range []Way{four.there, four.back} {
		m.ends[i].Open(m.now, m.ends[i].ix, w)
	}
	moved := line{four.there, Way{Addr: netip.MustParseAddrPort("198.51.100.1:77")}}
	m.lines[moved] = 25 * time.Millisecond
	m.ends[0].StirAll(m.now)
	m.settle()
	m.advance(80 * time.Millisecond)
	m.wantAt(moved)
	m.advance(10 * time.Second)
	if n := len(m.ends[0].routes[100].prober.probes) + len(m.ends[1].routes[101].prober.probes); n != 0 {
		t.Errorf("%d probes are left", n)
	}
}

// A network that is away for eight seconds, longer than the consent lasts, finds
// the call again: both ends go on trying each other's candidates.
func TestANetworkThatComesBackFindsTheCall(t *testing.T) {
	m := newReunion(t)
	m.lines[four] = 20 * time.Millisecond
	m.ends[0].Candidates(m.now, 100, []netip.AddrPort{four.there.Addr})
	m.ends[1].Candidates(m.now, 101, []netip.AddrPort{four.back.Addr})
	for i, e := range m.ends {
		e.Lost(m.now, homeA) // no lane is left
		if s, _ := e.State(e.ix); s != Stranded {
			t.Fatalf("end %d: %v", i, s)
		}
	}
	m.settle()
	m.advance(2 * time.Second)
	m.wantAt(four)
	m.lines = map[line]time.Duration{}
	m.advance(8 * time.Second)
	for i, e := range m.ends {
		if s, _ := e.State(e.ix); s != Stranded {
			t.Errorf("end %d: %v after 8 s", i, s)
		}
	}
	m.lines[four] = 20 * time.Millisecond
	m.advance(2 * time.Second)
	m.wantAt(four)
}
