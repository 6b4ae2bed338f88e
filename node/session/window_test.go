package session

import (
	"math/rand/v2"
	"testing"
)

// TestWindow compares the ring of bits with a set that forgets nothing.
func TestWindow(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		var w window
		seen := make(map[uint64]bool)
		newest := uint64(0)
		for range 3000 {
			n := newest + uint64(r.IntN(100))
			if r.IntN(3) > 0 {
				n -= min(n, uint64(r.IntN(windowSize+300)))
			}
			if r.IntN(200) == 0 {
				n += uint64(r.IntN(5 * windowSize))
			}
			fresh := !seen[n] && (len(seen) == 0 || n > newest || newest-n < windowSize)
			if got := w.fresh(n); got != fresh {
				t.Fatalf("seed %d: fresh(%d) is %v with newest %d, want %v", seed, n, got, newest, fresh)
			}
			if fresh {
				w.mark(n)
				seen[n] = true
				newest = max(newest, n)
			}
		}
	}
}

func TestFullCounter(t *testing.T) {
	for _, c := range []struct{ newest, want uint64 }{
		{0, 1}, {0, 32768}, {65535, 65536}, {65536, 65535}, {70000, 69000}, {0xffffff, 0x1000000},
		{1 << 40, 1<<40 + 32767}, {1 << 40, 1<<40 - 32766}, {1000, 3}, {40000, 65540}, {131000, 131080},
	} {
		w := window{newest: c.newest, any: true}
		if got := w.full(uint16(c.want)); got != c.want {
			t.Errorf("after %d, low bits of %d mean %d", c.newest, c.want, got)
		}
	}
	if got := new(window).full(7); got != 7 {
		t.Errorf("the first packet is %d, want 7", got)
	}
}
