package sim

import (
	"math/rand/v2"
	"testing"
)

func TestEventsComeInOrder(t *testing.T) {
	var q events
	draw := rand.New(rand.NewPCG(1, 2))
	var at int64
	var last, pushed rank
	for range 20000 {
		if draw.IntN(3) > 0 || len(q.heap) == 0 {
			pushed++
			q.push(at+draw.Int64N(50), rank(pushed), happening{})
			continue
		}
		first := q.heap[0]
		got, _ := q.pop()
		if got < at || got == at && first.rank < last {
			t.Fatalf("an event of %d, rank %d comes after %d, rank %d", got, first.rank, at, last)
		}
		at, last = got, first.rank
	}
}

func TestEventsAllocateNothing(t *testing.T) {
	var q events
	for i := range int64(1000) {
		q.push(i, rank(i), happening{})
	}
	i := int64(1000)
	if n := testing.AllocsPerRun(1000, func() {
		q.push(i, rank(i), happening{kind: ring})
		q.pop()
		i++
	}); n > 0 {
		t.Errorf("an event allocates %v times", n)
	}
}

func BenchmarkEvent(b *testing.B) {
	var q events
	draw := rand.New(rand.NewPCG(1, 2))
	for range 100000 {
		q.push(draw.Int64N(1e9), 0, happening{})
	}
	b.ReportAllocs()
	for b.Loop() {
		at, h := q.pop()
		q.push(at+draw.Int64N(1e9), 0, h)
	}
}
