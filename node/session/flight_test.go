package session

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestIncoming cuts a flight into pieces that overlap, come twice and in any
// order: the bytes come out whole.
func TestIncoming(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		want := make([]byte, 200+r.IntN(2000))
		for i := range want {
			want[i] = byte(r.Uint32())
		}
		var in incoming
		var got []byte
		for len(got) < len(want) {
			from := r.IntN(len(want))
			to := min(len(want), from+1+r.IntN(700))
			if r.IntN(4) == 0 { // the sender sends again from where it stands
				from, to = len(got), min(len(want), len(got)+100)
			}
			ready, ok := in.add(from, want[from:to])
			if got = append(got, ready...); !ok && len(in.waiting) < maxWaiting {
				t.Fatalf("seed %d: refused %d bytes at %d", seed, to-from, from)
			}
		}
		if !bytes.Equal(got, want) || in.ready != len(want) {
			t.Fatalf("seed %d: the bytes are not those that were sent", seed)
		}
	}
}

func TestFlightBounded(t *testing.T) {
	var in incoming
	for n := 0; n < maxFlight; n += 1024 {
		if _, ok := in.add(n, make([]byte, 1024)); !ok {
			t.Fatalf("refused at %d", n)
		}
	}
	for _, offset := range []int{maxFlight, maxFlight - 1, 65535} {
		if ready, ok := in.add(offset, make([]byte, 2)); ok || len(ready) > 0 {
			t.Errorf("took bytes at %d, beyond %d", offset, maxFlight)
		}
	}
}

func TestOutgoing(t *testing.T) {
	o := outgoing{data: make([]byte, 10)}
	for _, hostile := range []int{11, 65535, -1} {
		if o.ack(hostile); o.acked != 0 {
			t.Fatalf("acknowledged %d of 10", hostile)
		}
	}
	if at, b := o.take(4); at != 0 || len(b) != 4 {
		t.Fatal(at, len(b))
	}
	o.ack(6) // also what a sending before a rewind had covered
	if at, b := o.take(9); at != 6 || len(b) != 4 {
		t.Fatal(at, len(b))
	}
	o.ack(3)
	if o.rewind(); o.acked != 6 || o.sent != 6 {
		t.Fatal(o.acked, o.sent)
	}
}
