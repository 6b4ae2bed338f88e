package session

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"peerphone/node/wire"
)

// BenchmarkStreamMemory brings up streams as a supernode accepts them, lets
// each carry frames, and reports what one costs at rest, with the goroutine
// that reads it, in kB. Both ends are counted and halved.
func BenchmarkStreamMemory(b *testing.B) {
	const streams = 1000
	w := newWorld(b, 1)
	one, other := w.join("kitchen"), w.join("workshop")
	for b.Loop() {
		before := inUse()
		open, readers := openStreams(b, one, other, streams)
		b.ReportMetric(float64(inUse()-before)/(2*streams)/1000, "kB/stream")
		for _, s := range open {
			s.Close()
		}
		readers.Wait()
	}
}

// inUse returns the heap and the stacks, in bytes.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

const frames = 10 // that each end sends

func openStreams(b *testing.B, one, other *testNode, n int) (open []*Stream, readers *sync.WaitGroup) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	defer listener.Close()
	readers = new(sync.WaitGroup)
	var carried sync.WaitGroup
	for range n {
		dialled, err := net.Dial("tcp", listener.Addr().String())
		must(b, err)
		accepted, err := listener.Accept()
		must(b, err)
		sa, sb, ea, eb := streams(one, other, dialled, accepted, 1, 2, Want{Role: AsNode, Peer: other.node.ID()})
		must(b, errors.Join(ea, eb))
		for _, s := range []*Stream{sa, sb} {
			carried.Add(frames)
			readers.Go(func() { // ends with the stream
				buf := make([]byte, wire.MaxDatagram)
				for {
					if _, err := s.Receive(buf); err != nil {
						return
					}
					carried.Done()
				}
			})
			for range frames {
				must(b, s.Send(time.Now(), make([]byte, 1000), time.Time{}))
			}
			open = append(open, s)
		}
	}
	carried.Wait()
	return open, readers
}
