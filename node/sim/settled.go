package sim

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/directory"
	"peerphone/node/identity"
	"peerphone/node/overlay"
	"peerphone/node/wire"
)

// Settled is an experiment with lookups alone, in a network of up to a million
// supernodes in which each knows a few hundred others. Who asks runs
// directory.Index, and whoever is asked answers by it, from the routing table that
// overlay.Chart draws for it: the very search and table of a node. What is left
// out is all that makes a network come about and keeps it together: tables are as
// they are when it has been there for long, nobody repairs anything, and records
// lie at the sixteen that were nearest before the Kill. Signatures are hashes of
// their size.
type Settled struct {
	Config            // Seed, Supernodes, Latencies, Jitter, Loss
	Kill      float64 // share of the supernodes that have just vanished
	Malicious float64 // share that harms, each in one of five ways
	Lookups   int
	Absent    bool // of keys at which nobody has published
	Progress  func(format string, args ...any)
}

// Check says what is wrong with it; nil: it can be run.
func (c Settled) Check() error {
	share := func(x float64) bool { return x >= 0 && x < 1 }
	switch {
	case c.Supernodes < 2 || c.Supernodes > maxNodes:
		return fmt.Errorf("sim: %d supernodes: from 2 to %d can be looked among", c.Supernodes, maxNodes)
	case !share(c.Kill), !share(c.Malicious), !share(c.Loss), c.Lookups < 0:
		return fmt.Errorf("sim: kill %v, malicious %v, loss %v: each is a share, from 0 to less than 1; %d lookups", c.Kill, c.Malicious, c.Loss, c.Lookups)
	}
	return nil
}

// settled is one under way.
type settled struct {
	Settled
	chart    *overlay.Chart
	dead     []bool
	malice   []malice
	plot     []wire.Place // sorted, of those that eclipse
	draw     *rand.Rand
	events   events
	sequence uint64 // of what was scheduled
	now      time.Time
	answer   *directory.Index // of whoever is asked
	asked    int              // whom answer answers for
	table    overlay.Excerpt  // of asked
	home     excerpt          // of who looks
	key      identity.IndexKey
	record   []byte
	kept     []int // where record is
	issuer   identity.ID
	trace    trace
	out      Outcome
	took     []time.Duration
	asks     uint64
	bytes    uint64
}

// Run makes the lookups, one after the other.
func (c Settled) Run() (Outcome, error) {
	if err := c.Check(); err != nil {
		return Outcome{}, err
	}
	c.setDefaults()
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	began := time.Now()
	s := &settled{Settled: c, now: c.Birth, draw: rand.New(rand.NewChaCha8(seedOf(c.Seed, "settled", 0))), issuer: identity.ID{1}}
	s.found()
	c.Progress("%7.1f s  %d supernodes, %d of them dead", time.Since(began).Seconds(), c.Supernodes, count(s.dead))
	s.out = Outcome{Mode: "kademlia, lookups only", Supernodes: c.Supernodes, Seed: c.Seed, Kill: c.Kill, Malicious: c.Malicious, Lookups: c.Lookups}
	hops, located := uint64(0), uint64(0)
	for i := range c.Lookups {
		counters := s.lookUp(uint64(i))
		hops, located = hops+counters.Hops, located+counters.Located
		if (i+1)%max(c.Lookups/10, 1) == 0 {
			c.Progress("%7.1f s  %d found, %d wrong, %d cannot tell so far", time.Since(began).Seconds(), s.out.Found, s.out.Wrong, s.out.CannotTell)
		}
	}
	slices.Sort(s.took)
	s.out.P50, s.out.P95 = percentile(s.took, 0.5), percentile(s.took, 0.95)
	s.out.Hops = float64(hops) / float64(max(located, 1))
	s.out.Asks, s.out.LookupBytes = float64(s.asks)/float64(max(c.Lookups, 1)), float64(s.bytes)/float64(max(c.Lookups, 1))
	s.out.TraceHash, s.out.Events = hashOf([]trace{s.trace}), s.sequence
	s.out.Virtual, s.out.Wall = s.now.Sub(c.Birth).Seconds(), time.Since(began).Seconds()
	return s.out, nil
}

func count(list []bool) (n int) {
	for _, x := range list {
		if x {
			n++
		}
	}
	return n
}

// found makes the supernodes: their places, and what becomes of them.
func (s *settled) found() {
	places := make([]wire.Place, s.Supernodes)
	for i := range places {
		places[i] = wire.Place(s.draw.Uint64())
	}
	slices.Sort(places)
	places = slices.Compact(places)
	s.Supernodes = len(places)
	s.chart = overlay.NewChart(places)
	s.dead, s.malice = make([]bool, len(places)), make([]malice, len(places))
	order := s.draw.Perm(len(places))
	for i, n := range order[:int(s.Malicious*float64(len(places)))] {
		if s.malice[n] = malice(1 + i%malices); s.malice[n] == eclipses {
			s.plot = append(s.plot, places[n])
		}
	}
	slices.Sort(s.plot)
	for _, n := range s.draw.Perm(len(places))[:int(s.Kill*float64(len(places)))] {
		s.dead[n] = true
	}
	s.answer = s.index(answers{s})
	s.answer.Synced(s.now)
}

// index returns the Index of a supernode that knows what r knows.
func (s *settled) index(r directory.Routing) *directory.Index {
	return directory.NewIndex(directory.Config{
		Rand: rand.NewChaCha8(seedOf(s.Seed, "index", int(s.draw.Uint32()))), Issuing: func() identity.ID { return s.issuer },
		Verify: signedBy, Routing: r, MaxRecords: 1 << 10,
	})
}

// contact is where the supernode with a number is.
func (s *settled) contact(n int) wire.Contact {
	p := s.chart.Place(n)
	return wire.Contact{Place: p, Member: wire.Member{Node: idAt(p), Addr: address(n)}}
}

// numberAt returns the number of the supernode at an address.
func numberAt(a netip.AddrPort) int {
	b := a.Addr().As4()
	return (int(b[0])-40)<<16 | int(b[1])<<8 | int(b[2])
}

// tableOf draws the table of a supernode, the same each time.
func (s *settled) tableOf(n int, e *overlay.Excerpt) {
	seeded := rand.New(rand.NewPCG(s.Seed, uint64(n)))
	s.chart.Draw(e, s.chart.Place(n), seeded.IntN)
}

// toward names whom a table has nearest to a key.
func (s *settled) toward(e *overlay.Excerpt, key identity.IndexKey, n int) []wire.Contact {
	var cs []wire.Contact
	for _, p := range e.Toward(placeOfKey(key), n) {
		cs = append(cs, s.contact(s.chart.Number(p)))
	}
	return cs
}

func placeOfKey(key identity.IndexKey) wire.Place { return wire.Place(binary.BigEndian.Uint64(key[:])) }

// living draws one that can look: neither dead nor malicious.
func (s *settled) living() int {
	for {
		if n := s.draw.IntN(s.Supernodes); !s.dead[n] && s.malice[n] == honest {
			return n
		}
	}
}

// publish puts a record at a random key to those who were nearest to it.
func (s *settled) publish(sequence uint64) {
	for i := 0; i < len(s.key); i += 8 {
		binary.BigEndian.PutUint64(s.key[i:], s.draw.Uint64())
	}
	owner := identity.ID(s.key)
	r := wire.Record{
		Placement: wire.Placement{Index: s.key, RecordKey: owner, NotAfter: s.now.Add(identity.NameValidity).Unix()},
		Sequence:  sequence, Expires: s.now.Add(directory.Lifetime).Unix(), Inner: make([]byte, innerSize),
	}
	r.Placement.Signature = signAs(s.issuer, wire.PlacementMessage(r.Placement))
	r.Signature = signAs(owner, wire.RecordMessage(r))
	s.record, s.kept = wire.AppendRecord(nil, r), s.chart.Nearest(placeOfKey(s.key), directory.Replicas)
}

// innerSize is that of a listing of one phone, sealed, in bytes.
const innerSize = 360
