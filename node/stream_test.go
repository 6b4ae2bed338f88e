package node_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"peerphone/node"
	"peerphone/node/wire"
)

// newStreamLAN is newLAN whose supernodes take streams.
func newStreamLAN(t *testing.T, supernodes int) *lan {
	return newLANWith(t, supernodes, func(n *node.Node) { offerStreams(t, n) })
}

// offerStreams accepts connections at the number of a supernode's UDP port,
// until the test ends.
func offerStreams(t *testing.T, n *node.Node) {
	t.Helper()
	listener, err := net.Listen("tcp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n.OfferStreams(wire.SamePort)
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); listener.Close() })
	go func() { // owner: the test, by closing the listener
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // owner: ctx
				if serve, err := n.Accept(ctx, conn); err == nil {
					serve()
				}
			}()
		}
	}()
}

// blocked starts a phone whose UDP gets nowhere.
func (l *lan) blocked(name, number string, friends ...string) *machine {
	l.t.Helper()
	m := l.open(name, number, node.Config{Contacts: knows(friends)}, (*node.Node).Cut)
	m.wait("published, with three homes", 10*time.Second, func(s node.Snapshot) bool {
		return s.Timing.Login > 0 && len(s.Network.Homes) == min(3, len(l.supers))
	})
	return m
}

// A phone without UDP attaches, publishes, searches, calls and is called.
func TestStreamsCarryAPhoneWithoutUDP(t *testing.T) {
	l := newStreamLAN(t, 3)
	blocked, workshop := l.blocked("kitchen", "1001", "1002"), l.phone("workshop", "1002", "1001")
	t.Logf("login without UDP took %.0f ms", blocked.Snapshot().Timing.Login)
	blocked.findsNobody("4711")
	for _, c := range []struct{ from, to *machine }{{blocked, workshop}, {workshop, blocked}} {
		c.from.lift()
		c.from.dial(c.to.Snapshot().Self.Number)
		c.to.wantCall("ringing here")
		c.to.lift()
		c.from.wantCall("talking")
		c.to.wantCall("talking")
		c.from.end(c.to)
	}
}

// findsNobody dials a number that nobody has. A supernode that does not know the
// others yet cannot tell: as long as there may be one the call is made again.
func (m *machine) findsNobody(number string) {
	m.t.Helper()
	for begun := time.Now(); ; {
		m.lift()
		m.dial(number)
		reason := m.wantCall("ended").Call.Reason
		m.putBack()
		m.wait("on the hook", time.Second, func(s node.Snapshot) bool { return !s.Face.Lifted })
		switch {
		case reason == "not found":
			return
		case reason != "unreachable" || time.Since(begun) > 2*time.Minute:
			m.t.Fatalf("a call to nobody ends with %q", reason)
		}
	}
}

// A phone that has found UDP blocked does not spend its flights on that when it
// starts anew.
func TestABlockedPhoneBeginsWithStreams(t *testing.T) {
	l := newStreamLAN(t, 3)
	state := newState(t)
	var spent [2]uint64
	for i := range spent {
		m := l.open("kitchen", "1001", node.Config{State: state}, (*node.Node).Cut)
		s := m.wait("published, with three homes, and sure that UDP is blocked", 20*time.Second, func(s node.Snapshot) bool {
			return s.Timing.Login > 0 && len(s.Network.Homes) == 3 && s.Network.NAT.Kind == "UDP blocked"
		})
		spent[i] = s.Counts.BytesOut
		m.off()
	}
	if spent[1]+4000 > spent[0] {
		t.Errorf("%d bytes sent at first, %d the second time", spent[0], spent[1])
	}
}

// Everything ends with the node: no goroutine of a stream is left at either end.
func TestStreamsEndWithTheNode(t *testing.T) {
	l := newStreamLAN(t, 3)
	blocked := l.blocked("kitchen", "1001")
	if n := goroutines("(*Node).readStream"); n != 6 {
		t.Fatalf("%d streams are read, want 3 at each end", n)
	}
	blocked.off()
	for _, s := range l.supers {
		s.wait("without guests and their streams", 2*time.Second, func(s node.Snapshot) bool {
			return s.Network.Attached == 0 && goroutines("(*Node).readStream", "session.(*Stream)") == 0
		})
	}
}

// goroutines counts those whose stack holds any of the words.
func goroutines(words ...string) int {
	buf := make([]byte, 4<<20)
	n := 0
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		for _, w := range words {
			if strings.Contains(stack, w) {
				n++
				break
			}
		}
	}
	return n
}

// A supernode to which this host has no way, as an address of IPv6 without
// IPv6, delays nothing: others are dialled at once.
func TestUnroutableSupernodes(t *testing.T) {
	l := newLAN(t, 3)
	before := l.quickestLogin(1001)
	for i := range uint16(6) { // the phone's socket is one of IPv4
		l.params.Bootstrap = append(l.params.Bootstrap, netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), 1+i))
	}
	l.params.Sequence++
	// A phone that waits for the next try needs a second more, each time; on a busy
	// machine one may do so without.
	after := math.Inf(1)
	for first := 2001; first < 2016 && after > 900 && after > 2*before; first += 3 {
		after = min(after, l.quickestLogin(first))
	}
	if after > 900 && after > 2*before {
		t.Errorf("the login took %.0f ms, before %.0f: it waited for the next try", after, before)
	}
}

// quickestLogin starts three phones in turn, and returns the least time that a
// login took, in ms.
func (l *lan) quickestLogin(number int) float64 {
	least := math.Inf(1)
	for n := number; n < number+3; n++ {
		least = min(least, l.phone(fmt.Sprint("phone", n), fmt.Sprint(n)).Snapshot().Timing.Login)
	}
	return least
}
