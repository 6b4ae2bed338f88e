package directory

import (
	"runtime"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

func nobody(identity.IndexKey, int) []wire.Place { return nil }

// BenchmarkFind answers from the store.
func BenchmarkFind(b *testing.B) {
	o := newOwner(&testing.T{}, "1001", "kitchen")
	x := NewIndex(config(1))
	x.Answer(start, 1, wire.Publish{Record: o.record(&testing.T{}, 1, start.Add(time.Hour))}, nobody)
	now := start
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		x.Answer(now, 1, wire.Find{Key: o.lookup().Index}, nobody)
	}
}

// BenchmarkPublish checks both signatures and stores.
func BenchmarkPublish(b *testing.B) {
	o := newOwner(&testing.T{}, "1001", "kitchen")
	records := make([][]byte, 1000)
	for i := range records {
		records[i] = o.record(&testing.T{}, uint64(i+1), start.Add(time.Hour))
	}
	i := 0
	for b.Loop() {
		x := NewIndex(config(1))
		x.Answer(start, 1, wire.Publish{Record: records[i%1000]}, nobody)
		i++
	}
}

// BenchmarkStore reports what a record takes beyond its own bytes.
func BenchmarkStore(b *testing.B) {
	var before, after runtime.MemStats
	const records, size = 20000, 640
	body := make([]byte, size)
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := newStore(records, nil)
		for n := range records {
			key := identity.IndexKey{byte(n), byte(n >> 8)}
			copy(body, key[:])
			s.put(wire.Record{Placement: wire.Placement{Index: key}, Expires: int64(n)}, body)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(s)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/records-size, "index-bytes/record")
}
