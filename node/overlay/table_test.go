package overlay

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// What the table keeps beside its rows says the same as the rows.
func TestTableKeepsCount(t *testing.T) {
	s := acquaintedWith(t, 600)
	draw := rand.New(rand.NewPCG(1, 1))
	late := uint32(0)
	for step := range 4000 {
		n := 1 + draw.IntN(600)
		if r := s.table.alive(placeOfNode(n)); r != nil && draw.IntN(5) < 3 {
			s.table.kill(s.now, r.place)
		} else {
			late++
			s.takeRaw(announced(n, late))
		}
		if step%7 == 0 {
			s.now = s.now.Add(time.Minute)
			s.table.purge(s.now)
		}
		if step%100 == 0 {
			s.wantTable()
		}
	}
}

// takeRaw takes a piece of news as if a fellow had told it.
func (s *script) takeRaw(raw []byte) bool {
	n, _, _ := wire.CutNews(raw)
	return s.take(s.now, n, raw)
}

// wantTable counts the rows.
func (s *script) wantTable() {
	s.Helper()
	var ids [wire.Buckets]uint32
	live, vacant, prefixes := 0, 0, map[uint16]int{}
	for i := range s.table.rows {
		switch r, died := &s.table.rows[i], s.table.died(i); died {
		case 0:
			live++
			ids[bucketOf(r.place)] ^= r.id
			prefixes[r.prefix]++
		case vacancy:
			vacant++
		default:
			if since := s.table.since(s.now, died); since > graveTime+time.Minute {
				s.Fatalf("a tombstone is %v old", since)
			}
		}
	}
	s.want("live", s.table.live, live)
	s.want("vacant", s.table.vacant, vacant)
	s.want("sums", s.table.sums.ids == ids, true)
	if vacant > fewVacant && vacant*manyVacant > len(s.table.rows)+manyVacant {
		s.Fatalf("%d of %d rows are vacant", vacant, len(s.table.rows))
	}
	for prefix, n := range prefixes {
		if !s.table.atLeastOf(prefix, n) || s.table.atLeastOf(prefix, n+1) {
			s.Fatalf("prefix %x has not just %d members", prefix, n)
		}
	}
}

// A supernode that is up for longer than the minutes count forgets the dead as well.
func TestTombstonesOfAnOldTable(t *testing.T) {
	s := acquaintedWith(t, 3)
	for _, age := range []time.Duration{44 * 24 * time.Hour, 45*24*time.Hour + 12*time.Hour + 8*time.Minute, 200 * 24 * time.Hour} {
		s.now = s.start.Add(age)
		s.table.put(*s.table.find(s.place))
		s.takeRaw(announced(1, uint32(age/time.Second)))
		s.table.kill(s.now, placeOfNode(1))
		s.now = s.now.Add(graveTime)
		s.table.purge(s.now)
		s.want(fmt.Sprintf("after %v: remembered", age), s.Knows(placeOfNode(1)), true)
		s.now = s.now.Add(2 * time.Minute)
		s.table.purge(s.now)
		s.want(fmt.Sprintf("after %v: forgotten", age), s.Knows(placeOfNode(1)), false)
	}
}

// Whoever may have us among its nearest is in our vicinity.
func TestVicinity(t *testing.T) {
	for _, n := range []int{3, 20, 40, 700} {
		s := thinned(t, n)
		lo, hi := s.table.vicinity(s.place, inquirers)
		for i := range s.table.rows {
			if s.table.among(s.place, s.table.rows[i].place, inquirers) && (i < lo || i >= hi) {
				t.Fatalf("%d others: row %d is outside of %d to %d", n, i, lo, hi)
			}
		}
		if n == 700 && hi-lo > 200 {
			t.Fatalf("%d of %d rows are near", hi-lo, len(s.table.rows))
		}
	}
}

// manyMembers is a network in which every supernode still knows all.
const manyMembers = 10000

// crowd makes a supernode that knows manyMembers others.
func crowd() *script {
	s := &script{now: time.Unix(1_700_000_000, 0), Overlay: newOverlay(Config{Rand: seeded(7), Supernode: true, SelfAddr: addrOf(0)})}
	s.cfg.Verify = func(identity.ID, []byte, []byte) bool { return true }
	s.Restore(rosterOf(manyMembers))
	s.SetSelf(s.now, selfOf(0))
	s.sync = synced
	return s
}

// BenchmarkJoin takes the word of a member of 10,000 that has come back: what each
// join costs every supernode, but for the signature.
func BenchmarkJoin(b *testing.B) {
	s := crowd()
	var news [1000][]byte
	for i := range news {
		news[i] = announced(i+1, 0)
	}
	late, i := uint32(1_600_000_000), 0
	b.ReportAllocs()
	for b.Loop() {
		if i = (i + 1) % len(news); i == 0 {
			late++
			s.gossip = gossip{}
		}
		binary.BigEndian.PutUint32(news[i][1:], late)
		if r := s.table.alive(placeOfNode(i + 1)); r != nil {
			s.table.kill(s.now, r.place)
		}
		s.takeRaw(news[i])
		s.table.graves = s.table.graves[:0]
	}
}

// BenchmarkTestimony takes the word of a witness.
func BenchmarkTestimony(b *testing.B) {
	s := crowd()
	var news [1000][]byte
	for i := range news {
		news[i] = testimony(i+1, i+1001, 0)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if i = (i + 1) % len(news); i == 0 {
			s.gossip, s.suspicions = gossip{}, nil
			s.table.acquitAll()
		}
		s.takeRaw(news[i])
	}
}
