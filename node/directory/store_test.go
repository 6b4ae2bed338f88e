package directory

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// entered counts the records that the table of s leads to.
func entered(s *store) (n int) {
	for _, at := range s.table {
		if at != 0 {
			n++
		}
	}
	return n
}

// TestStoreAgainstMap lets records come, be replaced and expire, and compares with
// a map what is there.
func TestStoreAgainstMap(t *testing.T) {
	for _, shared := range []func([]byte) []byte{nil, bytes.Clone} {
		const keys = 400
		draw := rand.New(rand.NewPCG(1, 2))
		s, want := newStore(keys, shared), map[identity.IndexKey][]byte{}
		ends := map[identity.IndexKey]int64{}
		now := start
		held := map[string][]byte{} // what was in somebody's hands stays as it was
		for step := range 20000 {
			key := identity.IndexKey{31: byte(draw.IntN(keys) / 2), 0: byte(draw.IntN(2))}
			r := wire.Record{Placement: wire.Placement{Index: key}, Sequence: uint64(step), Expires: now.Unix() + 1 + draw.Int64N(300)}
			b := fmt.Appendf(key[:], "%0*d", 400+draw.IntN(400), step)
			if err := s.put(r, b); err != nil {
				t.Fatal(err)
			}
			want[key], ends[key] = b, r.Expires
			if x := s.find(now, key); step%50 == 0 {
				held[string(x)] = x
			}
			now = now.Add(time.Duration(draw.IntN(2000)) * time.Millisecond)
			s.expire(now)
			for k, end := range ends {
				if end <= now.Unix() {
					delete(want, k)
					delete(ends, k)
				}
			}
			if len(s.list) != len(want) || entered(s) != len(want) {
				t.Fatalf("step %d: %d records, %d in the table, want %d", step, len(s.list), entered(s), len(want))
			}
			if step%100 > 0 {
				continue
			}
			for k, b := range want {
				if !bytes.Equal(s.find(now, k), b) {
					t.Fatalf("step %d: at %x is %.60q, want %.60q", step, k, s.find(now, k), b)
				}
			}
		}
		for was, is := range held {
			if was != string(is) {
				t.Fatal("a record has changed in somebody's hands")
			}
		}
		if s.slab.used > 2*maxPiece+2*s.slab.live {
			t.Errorf("the slab takes %d bytes for %d", s.slab.used, s.slab.live)
		}
	}
}
