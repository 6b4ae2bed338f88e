package overlay

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"peerphone/node/wire"
)

// publicJoin is the announcement of node n at a public address.
func publicJoin(n int, addr string) []byte {
	return Announce(selfOf(n), public(n, addr), 1_600_000_000)
}

// A flood of joins from one prefix fills its quota and no more, whatever keys it
// has, and costs no signature beyond that.
func TestAFloodOfJoinsFromOnePrefix(t *testing.T) {
	s := supernode(t)
	verified := 0
	verify := s.cfg.CheckNode
	s.cfg.CheckNode = func(b []byte, now time.Time) error { verified++; return verify(b, now) }
	s.Learn(s.now, nil)
	s.SetLimits(Limits{Quota: 5, Exempt: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	for n := 1; n <= 500; n++ {
		addr := fmt.Sprintf("192.0.2.%d:4000", 1+n%250)
		s.last++
		s.Up(s.now, s.last, nodeID(n), netip.MustParseAddrPort(addr), false)
		s.Handle(s.now, s.last, wire.Join{Self: publicJoin(n, addr)})
	}
	s.want("members", len(s.Members()), 6)
	s.want("refused", s.Counters().Refusals.Quota, 495)
	s.want("certificates that were looked at", verified, 5)
	for n := 1001; n <= 1030; n++ {
		s.take(s.now, mustCut(t, publicJoin(n, fmt.Sprintf("203.0.113.%d:4000", n-1000))), publicJoin(n, fmt.Sprintf("203.0.113.%d:4000", n-1000)))
	}
	s.want("of an exempt network", len(s.Members()), 36)
	s.Handle(s.now, 1, wire.Gossip{News: farewellAt(1, "192.0.2.2:4000")})
	s.want("after one has left", len(s.Members()), 35)
	s.Handle(s.now, 2, wire.Gossip{News: publicJoin(400, "192.0.2.77:4000")})
	s.want("there is room for one", len(s.Members()), 36)
	s.Handle(s.now, 2, wire.Gossip{News: Announce(selfOf(1), public(1, "192.0.2.2:4000"), 1_600_000_001)})
	s.want("and not for who has left", len(s.Members()), 36)
}

func mustCut(t *testing.T, b []byte) wire.News {
	n, _, ok := wire.CutNews(b)
	if !ok {
		t.Fatal("not news")
	}
	return n
}

func farewellAt(n int, addr string) []byte {
	a := mustCut(&testing.T{}, publicJoin(n, addr)).(wire.Announcement)
	f := wire.Farewell{Of: PlaceOf(a), Incarnation: a.Incarnation}
	f.Signature = sign(nodeID(n), wire.NewsMessage(f))
	return wire.AppendNews(nil, f)
}

// Who announces an address of another prefix than it speaks from wants a place
// that is not its.
func TestAPlaceFollowsFromWhereOneSpeaks(t *testing.T) {
	for from, welcome := range map[string]bool{
		"192.0.2.9:5": true, "198.51.100.9:4000": false, "10.1.2.3:4000": true, "[2001:db8::1]:4000": true,
	} {
		s := supernode(t)
		s.Learn(s.now, nil)
		s.Up(s.now, 1, nodeID(1), netip.MustParseAddrPort(from), false)
		s.Handle(s.now, 1, wire.Join{Self: publicJoin(1, "192.0.2.1:4000")})
		s.want("members by a Join from "+from, len(s.Members()), map[bool]int{true: 2, false: 1}[welcome])
		s.want("counted", s.Counters().Refusals.Astray, map[bool]int{true: 0, false: 1}[welcome])
	}
}

// A newcomer is tried out at its address by those who are nearest to it, and so is
// whoever had the address before.
func TestNewcomersAreTriedOut(t *testing.T) {
	s := acquainted(t, 3)
	s.sync, s.audit = synced, time.Time{}
	s.Handle(s.now, 1, wire.Gossip{News: announced(9, 0)})
	s.advance(inquiryWait)
	asked := took[Ping](s)
	if len(asked) == 0 || asked[0].Member != memberOf(9) {
		t.Fatalf("asked %v, want the newcomer", asked)
	}
	s.advance(10 * time.Second)
	s.want("testified against who is not there", s.Counters().Testified, 1)
	heir := wire.Member{Node: nodeID(10), Addr: addrOf(2)}
	s.Down(s.now, 2, nil)
	s.forgetSuspicion(placeOfNode(2))
	took[Event](s)
	s.Handle(s.now, 1, wire.Gossip{News: Announce(selfOf(10), heir, 1_600_000_000)})
	s.advance(inquiryWait + 10*time.Millisecond)
	of := map[wire.Member]bool{}
	for _, p := range took[Ping](s) {
		of[p.Member] = true
	}
	if !of[heir] || !of[memberOf(2)] {
		t.Errorf("asked %v, want the heir and whose address it was", of)
	}
}
