package overlay

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// thinned makes a supernode that knows n others, some of whom have died.
func thinned(t *testing.T, n int) *script {
	s := acquainted(t, n)
	for i := 7; i < n; i += 7 {
		s.table.kill(s.now, placeOfNode(i))
	}
	return s
}

// What is asked often says the same as what it stands for.
func TestShortCutsOfNearest(t *testing.T) {
	for _, n := range []int{3, 15, 16, 40, 700} {
		s := thinned(t, n)
		draw := rand.New(rand.NewPCG(1, uint64(n)))
		prints := map[uint32][]identity.ID{}
		for range 300 {
			p := wire.Place(draw.Uint64())
			if draw.IntN(2) == 0 { // near us
				p = s.place ^ p>>(4+draw.IntN(50))
			}
			near := s.table.nearest(nil, p, inquirers)
			own, _ := s.table.search(s.place)
			if got, want := s.table.among(s.place, p, inquirers), slices.Contains(near, own); got != want {
				t.Fatalf("%d others: among the nearest to %x: %v, want %v", n, p, got, want)
			}
			var key identity.IndexKey
			binary.BigEndian.PutUint64(key[:], uint64(p))
			var ids []identity.ID
			for _, m := range s.Nearest(key, Neighbourhood) {
				ids = append(ids, m.Node)
			}
			print, rank := s.Keepers(key)
			if want := slices.Index(ids, s.self.Node); rank != want {
				t.Fatalf("%d others: rank %d at %x, want %d", n, rank, p, want)
			}
			slices.SortFunc(ids, func(a, b identity.ID) int { return slices.Compare(a[:], b[:]) })
			if before, ok := prints[print]; ok && !slices.Equal(before, ids) {
				t.Fatalf("%d others: two neighbourhoods have one fingerprint", n)
			}
			prints[print] = ids
		}
	}
}

func TestSomeAndHasMember(t *testing.T) {
	s := thinned(t, 700)
	for i := 1; i < 700; i++ {
		if got, want := s.HasMember(nodeID(i)), i%7 != 0; got != want {
			t.Errorf("node %d is a member: %v, want %v", i, got, want)
		}
	}
	some := s.Some(64)
	if len(some) != 64 {
		t.Errorf("%d members drawn, want 64", len(some))
	}
	seen := map[identity.ID]bool{}
	for _, m := range some {
		if seen[m.Node] || m.Node == s.self.Node || !s.HasMember(m.Node) {
			t.Errorf("drawn %v", m)
		}
		seen[m.Node] = true
	}
}
