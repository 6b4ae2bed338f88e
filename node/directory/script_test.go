package directory

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func seeded(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func key(label string) identity.Key {
	var seed [32]byte
	copy(seed[:], label)
	return identity.KeyFromSeed(seed)
}

var (
	issuing = key("issuing")
	network = identity.NetworkOf(key("root").ID())
	start   = time.Unix(1_700_000_000, 0)
)

func config(seed byte) Config {
	return Config{Rand: seeded(seed), Network: network, Issuing: issuing.ID}
}

// grant is the login server's placement of key at l.
func grant(l identity.Lookup, key identity.Key, until time.Time) wire.Placement {
	p := wire.Placement{Index: l.Index, RecordKey: key.ID(), NotAfter: until.Unix()}
	p.Signature = issuing.Sign(wire.PlacementMessage(p))
	return p
}

// owner is an account with all that it needs to publish.
type owner struct {
	number identity.Number
	name   identity.Name
	keys   [2]identity.Key
	own    Own
}

func newOwner(t *testing.T, number identity.Number, name identity.Name) *owner {
	t.Helper()
	account := key("account " + string(name))
	certificate, err := identity.IssueName(issuing, account.ID(), name, number, start)
	if err != nil {
		t.Fatal(err)
	}
	o := &owner{number: number, name: name, keys: [2]identity.Key{account.Derive("number"), account.Derive("name")}}
	o.own = Own{
		Certificate: certificate.DER, Number: number, Name: name, RecordKeys: o.keys,
		Device:     wire.Device{Device: account.Derive("device").ID(), Node: account.Derive("node").ID(), Homes: homes(1, 2, 3)},
		Placements: [2]wire.Placement{grant(o.lookup(), o.keys[0], start.Add(identity.NameValidity)), grant(network.LookupName(name), o.keys[1], start.Add(identity.NameValidity))},
	}
	return o
}

func (o *owner) lookup() identity.Lookup { return network.LookupNumber(o.number) }

// record returns the owner's record under its number.
func (o *owner) record(t *testing.T, sequence uint64, expires time.Time) []byte {
	t.Helper()
	b, err := BuildRecord(seeded(9), o.lookup(), o.own.Placements[0], o.keys[0], sequence, expires,
		wire.Listing{Name: o.own.Certificate, Devices: []wire.Device{o.own.Device}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// homes returns supernodes by their numbers.
func homes(ns ...int) []wire.Member {
	var ms []wire.Member
	for _, n := range ns {
		ms = append(ms, wire.Member{Node: nodeID(n), Addr: addrOf(n)})
	}
	return ms
}

func addrOf(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 4000)
}

// nodeKeys are the keys of supernodes, by number; nodeNumbers the numbers by key.
var (
	nodeKeys    []identity.Key
	nodeNumbers = map[identity.ID]int{}
)

func nodeKey(n int) identity.Key {
	for i := len(nodeKeys); i <= n; i++ {
		k := key(fmt.Sprint("node ", i))
		nodeKeys = append(nodeKeys, k)
		nodeNumbers[k.ID()] = i
	}
	return nodeKeys[n]
}

func nodeID(n int) identity.ID { return nodeKey(n).ID() }

func signAs(n int) func([]byte) []byte { return nodeKey(n).Sign }

func numberOf(id identity.ID) int { return nodeNumbers[id] }

// timed is what both cores have in common.
type timed interface {
	Take() []Event
	Next() time.Time
	Advance(time.Time)
}

// script drives one core by explicit time.
type script struct {
	*testing.T
	now    time.Time
	core   timed
	events []Event
}

func (s *script) advance(d time.Duration) {
	s.Helper()
	end := s.now.Add(d)
	for {
		s.events = append(s.events, s.core.Take()...)
		next := s.core.Next()
		if next.IsZero() || next.After(end) {
			break
		}
		if next.Before(s.now) {
			s.Fatalf("Next lies %v in the past", s.now.Sub(next))
		}
		s.now = next
		s.core.Advance(s.now)
		if again := s.core.Next(); !again.IsZero() && !again.After(s.now) {
			s.Fatalf("after %v Advance leaves a timer that is due", s.now.Sub(start))
		}
	}
	s.now = end
}

// take returns all events since the last call.
func (s *script) take() []Event {
	out := append(s.events, s.core.Take()...)
	s.events = nil
	return out
}

func took[E Event](s *script) []E {
	var out []E
	for _, e := range s.take() {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// want compares all events since the last call but AtWork in the words of say.
func (s *script) want(want ...string) []Event {
	s.Helper()
	events := s.take()
	var got []string
	for _, e := range events {
		if _, ok := e.(AtWork); !ok {
			got = append(got, say(e))
		}
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		s.Fatalf("after %v\n got %s\nwant %s", s.now.Sub(start), strings.Join(got, "; "), strings.Join(want, "; "))
	}
	return events
}

func say(e Event) string {
	switch e := e.(type) {
	case Send:
		return fmt.Sprintf("to %d %s", e.Index, sayMessage(e.Message))
	case Ask:
		return fmt.Sprintf("ask %d %s", numberOf(e.To.Node), sayMessage(e.Message))
	case Mute:
		return fmt.Sprintf("mute %d", e.Index)
	case Result:
		return fmt.Sprintf("result %d %v", e.Query, e.Outcome)
	case Published:
		if e.Err != nil {
			return "error " + e.Err.Error()
		}
		return fmt.Sprintf("published at %d", e.Copies)
	}
	return fmt.Sprintf("%T", e)
}

func sayMessage(m wire.Message) string {
	switch m := m.(type) {
	case wire.Find:
		return "find"
	case wire.Publish:
		return "publish"
	case wire.Who:
		return "who"
	case wire.Found:
		return map[wire.FindCode]string{1: "record", 2: "none", 3: "not synced", 4: "unsure"}[m.Code]
	case wire.Stored:
		return fmt.Sprintf("%s %d", map[wire.StoreCode]string{1: "ok", 2: "forged", 3: "expired", 4: "older", 5: "far", 6: "full"}[m.Code], m.Copies)
	}
	return fmt.Sprintf("%T", m)
}
