package sim

import (
	"fmt"
	"testing"
	"time"
)

// However many workers share the nodes, the course of a world is the same.
func TestWorkersChangeNothing(t *testing.T) {
	traces := map[string]string{}
	for _, workers := range []int{1, 3} {
		c := Trial{
			Config: Config{Seed: *seed, Supernodes: 40, Phones: 120, Loss: 0.02, Workers: workers, eager: workers > 2},
			Kill:   0.4, Lookups: 200, Idle: time.Minute,
		}
		out := try(t, c)
		traces[out.TraceHash] = fmt.Sprintf("%d workers: %d events, %d found", workers, out.Events, out.Found)
	}
	if len(traces) != 1 {
		t.Errorf("seed %d: the courses differ: %v", *seed, traces)
	}
}

// A gate lets nobody pass before it is opened so often, and forgets nobody who
// sleeps before it.
func TestGate(t *testing.T) {
	const turns = 1000
	there, back := newGate(), newGate()
	count := [2]int{}
	for i := range count {
		go func() { // ends with the last turn
			for n := range uint64(turns) {
				there.pass(n + 1)
				count[i]++
				back.open()
			}
		}()
	}
	for n := range uint64(turns) {
		there.open()
		back.pass(2 * (n + 1))
		if count != [2]int{int(n + 1), int(n + 1)} {
			t.Fatalf("after %d turns they have passed %v times", n+1, count)
		}
		if n%500 == 0 {
			time.Sleep(time.Millisecond) // let them fall asleep
		}
	}
}
