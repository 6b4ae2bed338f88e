package path

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func BenchmarkAnswerSTUN(b *testing.B) {
	request := []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	limiter := NewPrefixLimiter(LimiterConfig{Rate: 1e9, Burst: 1 << 30, AllRate: 1e9})
	now := time.Unix(1_700_000_000, 0)
	answer := make([]byte, 0, 100)
	b.ReportAllocs()
	for b.Loop() {
		if limiter.Allow(now, other.Addr()) {
			answer = AnswerSTUN(answer[:0], request, other)
		}
	}
}

// BenchmarkIntroduction carries one frame of 1,100 bytes in a home that has a
// thousand attempts under way.
func BenchmarkIntroduction(b *testing.B) {
	h := NewIntroducer(Config{Rand: seeded(1)})
	now := time.Unix(1_700_000_000, 0)
	attached := func(id identity.ID) (wire.Index, bool) { return wire.Index(id[1])<<8 | wire.Index(id[0]) + 1, true }
	frame := make([]byte, 1100)
	open := func(n int, frame []byte) {
		id := identity.ID{byte(n), byte(n >> 8), 1}
		h.Lane(now, wire.Index(n+100000), id, wire.Lane{Op: wire.LaneOpen, Attempt: 7, Target: identity.ID{byte(n), byte(n >> 8)}, Frame: frame}, attached)
	}
	for n := range 1000 {
		open(n, frame[:1])
	}
	for _, a := range h.byAge {
		a.left = 1 << 60 // without the limit there is something to measure
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		now = now.Add(time.Millisecond)
		open(n%1000, frame)
		h.Take()
	}
}

// BenchmarkRoute reports what a supernode keeps for each session with a phone.
func BenchmarkRoute(b *testing.B) {
	var before, after runtime.MemStats
	const routes = 10000
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		t := New(Config{Rand: seeded(1)})
		for n := range routes {
			t.Open(time.Unix(1_700_000_000, 0), wire.Index(n+1), Way{Addr: netip.AddrPortFrom(host.Addr(), uint16(n))})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(t)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/routes, "bytes/route")
}
