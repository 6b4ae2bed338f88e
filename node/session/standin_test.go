package session

import (
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
)

// standIn replaces the handshaker of n by a stand-in for its certificates.
func (n *testNode) standIn() *testNode {
	n.port = NewStandIn(StandInConfig{
		Rand: reader{mathrand.New(mathrand.NewPCG(uint64(len(n.name)), 3))}, Network: n.w.trust.Network, Now: func() time.Time { return n.w.now },
		Badge: func(r Role) Badge {
			b := Badge{Peer: Peer{Role: r, ID: n.id(r)}, Network: n.w.trust.Network, NotAfter: n.w.now.Add(time.Hour)}
			if r == AsPhone {
				b.Peer.Phone = identity.Phone{Account: n.account.ID(), Name: identity.Name(n.name), Number: "1001"}
			}
			for _, der := range n.creds[r].Chain {
				b.Chain += len(der)
			}
			return b
		},
	})
	return n
}

// traceOf returns the trace of a fixed script with or without stand-ins.
func traceOf(t *testing.T, standIn bool) string {
	w := newWorld(t, 7)
	w.now = w.now.Add(3 * month) // as dates usually are: those of the new year are packed less well
	a, b := w.join("kitchen"), w.join("workshop")
	if standIn {
		a.standIn()
		b.standIn()
	}
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration {
		if w.rand.IntN(4) == 0 {
			return nil
		}
		return []time.Duration{time.Duration(w.rand.IntN(30)) * time.Millisecond}
	}
	for _, r := range []Role{AsNode, AsPhone} {
		ix := a.dial(b, r)
		if r == AsNode {
			b.dial(a, r)
		}
		w.run(5 * time.Second)
		a.table.Send(w.now, a.wantUp(b, r), []byte("hello"))
		a.drain()
		w.run(5 * time.Second)
		a.table.Close(w.now, ix)
		a.drain()
		w.run(5 * time.Second)
	}
	return strings.Join(w.trace, "\n")
}

// TestStandInSizes holds the stand-in to TLS: the same frames at the same
// times, through loss and reordering.
func TestStandInSizes(t *testing.T) {
	first, second := traceOf(t, true), traceOf(t, true)
	if first != second {
		t.Fatal("the same seed gives two traces")
	}
	if tls := traceOf(t, false); tls != first {
		t.Fatalf("stand-in:\n%s\n\nTLS:\n%s", first, tls)
	}
}
