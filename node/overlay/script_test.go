package overlay

import (
	"crypto/sha512"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func seeded(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// nodeID returns the key of the node with number n.
func nodeID(n int) identity.ID { return identity.ID{byte(n >> 8), byte(n), 0x0d} }

func addrOf(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 4000)
}

func memberOf(n int) wire.Member { return wire.Member{Node: nodeID(n), Addr: addrOf(n)} }

func bootstraps(ns ...int) []wire.Member {
	var ms []wire.Member
	for _, n := range ns {
		ms = append(ms, wire.Member{Addr: addrOf(n)})
	}
	return ms
}

// script drives one Overlay by explicit time; the test plays everybody else.
type script struct {
	*testing.T
	now, start time.Time
	*Overlay
	events    []Event
	last      wire.Index
	dead      []wire.Index    // homes that do not answer
	beating   []*metronome    // the others, since they had a Refresh
	refreshes int             // to homes that are not dead
	opens     []time.Duration // when we sent beats of our own to homes
	heardAt   []time.Duration // when beats came, answers included
	doubts    []string        // that were told, as "session node"
}

func newScript(t *testing.T, cfg Config) *script {
	cfg.Rand = seeded(7)
	start := time.Unix(1_700_000_000, 0)
	s := &script{T: t, now: start, start: start, Overlay: newOverlay(cfg)}
	s.SetSelf(start, selfOf(0))
	s.sound.state = sounded // sounding_test.go is about those
	return s
}

// newOverlay returns an Overlay that believes what sign signs.
func newOverlay(cfg Config) *Overlay {
	cfg.Verify = func(id identity.ID, msg, sig []byte) bool { return string(sig) == string(sign(id, msg)) }
	cfg.CheckNode = func(compact []byte, _ time.Time) error {
		if compact[36] != 0 {
			return identity.ErrForeign
		}
		return nil
	}
	return New(cfg)
}

// sign takes the place of a signature.
func sign(id identity.ID, msg []byte) []byte {
	sum := sha512.Sum512(append(id[:], msg...))
	return sum[:]
}

// selfOf returns as whom node n appears.
func selfOf(n int) Self {
	id := nodeID(n)
	compact := make([]byte, identity.CompactNodeSize)
	copy(compact, id[:])
	return Self{Node: id, Certificate: compact, Sign: func(msg []byte) []byte { return sign(id, msg) }}
}

// announced is the announcement of node n that started so many seconds late.
func announced(n int, late uint32) []byte {
	return Announce(selfOf(n), memberOf(n), 1_600_000_000+late)
}

func joinOf(n int) wire.Join { return wire.Join{Self: announced(n, 0)} }

func placeOfNode(n int) wire.Place { return placeOf(nodeID(n), 0, addrOf(n).Addr()) }

// testimony is witness by's word that node n is dead.
func testimony(n, by int, late uint32) []byte {
	t := wire.Testimony{Of: placeOfNode(n), Incarnation: 1_600_000_000 + late, Witness: placeOfNode(by)}
	t.Signature = sign(nodeID(by), wire.NewsMessage(t))
	return wire.AppendNews(nil, t)
}

// obituary is witness by's word that some nodes are dead.
func obituary(by int, late uint32, dead ...int) []byte {
	o := wire.Obituary{Witness: placeOfNode(by)}
	for _, n := range dead {
		o.Dead = wire.AppendDeath(o.Dead, wire.Death{Of: placeOfNode(n), Incarnation: 1_600_000_000 + late})
	}
	o.Signature = sign(nodeID(by), wire.NewsMessage(o))
	return wire.AppendNews(nil, o)
}

func phone(t *testing.T) *script { return newScript(t, Config{Homes: 3}) }

func supernode(t *testing.T) *script {
	return newScript(t, Config{Supernode: true, SelfAddr: addrOf(0)})
}

func (s *script) advance(d time.Duration) {
	s.Helper()
	end := s.now.Add(d)
	for {
		s.collect()
		next := s.Next()
		if want := earlier(s.soonest(), s.beatWake()); next != want {
			s.Fatalf("Next is %v, and something is due at %v: a verb does not clear calm", next, want)
		}
		if m := s.firstBeat(); m != nil && !m.at.After(end) && (next.IsZero() || m.at.Before(next)) {
			s.now = m.at
			m.at = m.at.Add(m.Every)
			s.beat(m)
			continue
		}
		if next.IsZero() || next.After(end) {
			break
		}
		if next.Before(s.now) {
			s.Fatalf("Next lies %v in the past", s.now.Sub(next))
		}
		s.now = next
		s.Overlay.Advance(s.now)
		if again := s.Next(); !again.IsZero() && !again.After(s.now) {
			s.Fatalf("at %v Advance leaves a timer that is due", s.now.Sub(s.start))
		}
	}
	s.now = end
}

// metronome is a home's beats to us.
type metronome struct {
	wire.Refresh
	ix wire.Index
	at time.Time // of the next
}

// firstBeat returns whose beat comes first; nil: nobody's.
func (s *script) firstBeat() (first *metronome) {
	for _, m := range s.beating {
		if m.Every > 0 && (first == nil || m.at.Before(first.at)) {
			first = m
		}
	}
	return first
}

// beat lets a beat arrive, unless its home is dead.
func (s *script) beat(m *metronome) {
	if !slices.Contains(s.dead, m.ix) {
		s.heardAt = append(s.heardAt, s.now.Sub(s.start))
		s.Beat(s.now, m.Nonce)
	}
}

// collect takes the events; homes do what a Refresh asks of them unless they are dead.
func (s *script) collect() {
	for _, e := range s.Take() {
		if b, ok := e.(Beat); ok && s.cfg.Homes > 0 && s.link(b.Index).home == home {
			s.opens = append(s.opens, s.now.Sub(s.start))
		}
		w, ok := e.(Whisper)
		if !ok {
			s.events = append(s.events, e)
			continue
		}
		if d, ok := wire.ParseDoubt(w.Payload); ok {
			s.doubts = append(s.doubts, fmt.Sprint(w.Index, " ", int(d.Of[0])<<8|int(d.Of[1])))
		}
		if r, ok := wire.ParseRefresh(w.Payload); ok && !slices.Contains(s.dead, w.Index) {
			s.refreshes++
			s.beating = slices.DeleteFunc(s.beating, func(m *metronome) bool { return m.ix == w.Index })
			m := &metronome{r, w.Index, s.now.Add(r.First)}
			s.beating = append(s.beating, m)
			if r.First == 0 {
				s.beat(m)
				m.at = m.at.Add(m.Every)
			}
		}
	}
}

// took returns the events of type E since the last call, and drops the others.
func took[E Event](s *script) []E {
	s.events = append(s.events, s.Take()...)
	var out []E
	for _, e := range s.events {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	s.events = nil
	return out
}

// dials returns the numbers of the nodes that are dialled, in ascending order.
func (s *script) dials() []int {
	var ns []int
	for _, d := range took[Dial](s) {
		b := d.Member.Addr.Addr().As4()
		ns = append(ns, int(b[1])<<16|int(b[2])<<8|int(b[3]))
	}
	slices.Sort(ns)
	return ns
}

// up lets node n answer our dial.
func (s *script) up(n int) wire.Index {
	s.last++
	s.Up(s.now, s.last, nodeID(n), addrOf(n), true)
	return s.last
}

// visit lets node n open a session with us.
func (s *script) visit(n int) wire.Index {
	s.last++
	s.Up(s.now, s.last, nodeID(n), addrOf(n), false)
	return s.last
}

// attachTo makes n a home.
func (s *script) attachTo(n int, members ...wire.Member) wire.Index {
	ix := s.up(n)
	s.Handle(s.now, ix, wire.Attached{Observed: addrOf(900), Refresh: 60, Members: members})
	return ix
}

// sent returns what was sent since the last call, as "session Type".
func (s *script) sent() []string {
	var out []string
	for _, e := range took[Send](s) {
		out = append(out, fmt.Sprintf("%d %s", e.Index, strings.TrimPrefix(fmt.Sprintf("%T", e.Message), "wire.")))
	}
	return out
}

func (s *script) want(what string, got, want any) {
	s.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Fatalf("at %v %s: got %v, want %v", s.now.Sub(s.start), what, got, want)
	}
}

func (s *script) homes() []int {
	var ns []int
	for _, h := range s.Homes() {
		ns = append(ns, int(h.Member.Node[0])<<8|int(h.Member.Node[1]))
	}
	slices.Sort(ns)
	return ns
}
