package node_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"peerphone/node"
	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Three supernodes in other prefixes, to which a node has not sent, reach it by
// UDP and by TCP on real sockets, and attest that; a TCP port at which nobody
// listens they do not. That it has not sent to them is seen on the wire.
func TestAttestationsOnSockets(t *testing.T) {
	packets := record(t)
	l := newLAN(t, 1)
	for i := range 7 {
		host := fmt.Sprintf("127.0.%d.1:0", 10+i)
		l.supers = append(l.supers, l.open(fmt.Sprint("far", i), fmt.Sprint(9101+i), node.Config{Listen: host, Promotion: node.Always}))
	}
	for _, s := range l.supers {
		s.wait("knows the others", 30*time.Second, func(s node.Snapshot) bool { return s.Network.Members >= 7 })
	}
	m := l.open("candidate", "1001", node.Config{Listen: "127.0.9.1:0"}, func(n *node.Node) { offerStreams(t, n) })
	m.wait("with three homes", 30*time.Second, func(s node.Snapshot) bool { return len(s.Network.Homes) == 3 })
	ask := func(ports wire.Ports) {
		if err := m.Do(context.Background(), func(c *node.Core, now time.Time) { c.SeekAttestations(now, ports) }); err != nil {
			t.Fatal(err)
		}
	}
	var words []wire.Attested
	var asked time.Time
	for begun := time.Now(); len(words) < 3 && time.Since(begun) < 3*time.Minute; time.Sleep(100 * time.Millisecond) {
		if time.Since(asked) > 12*time.Second { // a busy machine may miss one
			asked = time.Now()
			ask(wire.SamePort | wire.Port443)
		}
		_ = m.Do(context.Background(), func(c *node.Core, _ time.Time) { words = c.Attested() })
	}
	if len(words) < 3 {
		t.Fatalf("%d supernodes have attested, want 3", len(words))
	}
	for _, w := range words {
		if w.Ports != wire.SamePort || w.Addr != m.Addr() {
			t.Errorf("attested %v at ports %v, want %v at its own", w.Addr, w.Ports, m.Addr())
		}
		for _, s := range l.supers {
			if id := nodeOf(t, s); id == w.By {
				packets.wantUncontacted(t, m.Addr(), s.Addr())
			}
		}
	}
}

// nodeOf returns the key of a machine's node.
func nodeOf(t *testing.T, m *machine) (id identity.ID) {
	t.Helper()
	if err := m.Do(context.Background(), func(c *node.Core, _ time.Time) { id = c.NodeID() }); err != nil {
		t.Fatal(err)
	}
	return id
}
