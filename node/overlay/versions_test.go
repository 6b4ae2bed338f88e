package overlay

import (
	"net/netip"
	"testing"

	"peerphone/node/wire"
)

// sixOf is the IPv6 address of node n.
func sixOf(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0xd, 0xb8, 14: byte(n >> 8), 15: byte(n)}), 4000)
}

func dualOf(n int) wire.Member {
	return wire.Member{Node: nodeID(n), Addr: addrOf(n), Addr6: sixOf(n)}
}

// upBy lets node n answer our dial from one of its addresses.
func (s *script) upBy(n int, at netip.AddrPort) wire.Index {
	s.last++
	s.Up(s.now, s.last, nodeID(n), at, true)
	return s.last
}

// A home tells where it is by the version of IP that its guest does not use: the
// guest names it so to others, who may have only that, and needs not dial it
// there as if it were another.
func TestAHomeTellsItsOtherAddress(t *testing.T) {
	for _, test := range []struct{ at, other netip.AddrPort }{{addrOf(1), sixOf(1)}, {sixOf(1), addrOf(1)}} {
		s := newScript(t, Config{Homes: 2})
		s.Learn(s.now, []wire.Member{{Addr: test.at}})
		took[Dial](s)
		ix := s.upBy(1, test.at)
		s.Handle(s.now, ix, wire.Attached{Observed: addrOf(900), Refresh: 60, Other: test.other})
		s.want("the home", s.Homes()[0].Member, dualOf(1))
		s.want("the cache", s.Cache(), []wire.Member{dualOf(1)})
		s.Learn(s.now, []wire.Member{{Addr: test.other}})
		s.want("dialled by its other address", took[Dial](s), []Dial(nil))
		s.Down(s.now, ix, nil)
		s.advance(2e9)
		s.want("dialled again", took[Dial](s)[0], Dial{dualOf(1)})
		s.upBy(1, test.other)
		s.want("known by both", s.Cache()[0], dualOf(1))
	}
}

// What a home says of its other address is of the other version, or nothing.
func TestAnImpossibleOtherAddress(t *testing.T) {
	for _, other := range []netip.AddrPort{addrOf(2), netip.MustParseAddrPort("[ff02::1]:4000"), netip.MustParseAddrPort("[::]:4000")} {
		s := newScript(t, Config{Homes: 1})
		s.Learn(s.now, bootstraps(1))
		s.Handle(s.now, s.up(1), wire.Attached{Observed: addrOf(900), Refresh: 60, Other: other})
		s.want("the home", s.Homes()[0].Member, memberOf(1))
	}
}

// A supernode tells its guests of others as they need them.
func TestGuestsAreToldBothAddresses(t *testing.T) {
	for _, test := range []struct {
		at, other netip.AddrPort
		member    wire.Member
	}{{addrOf(5), sixOf(0), memberOf(1)}, {sixOf(5), addrOf(0), dualOf(1)}} {
		s := newScript(t, Config{Supernode: true, SelfAddr: addrOf(0), SelfAddr6: sixOf(0)})
		s.Learn(s.now, nil)
		s.Handle(s.now, s.visit(1), wire.Join{Self: Announce(selfOf(1), dualOf(1), 1_600_000_000)})
		took[Send](s)
		s.last++
		s.Up(s.now, s.last, nodeID(5), test.at, false)
		s.Handle(s.now, s.last, wire.Attach{})
		for _, e := range took[Send](s) {
			a, ok := e.Message.(wire.Attached)
			if !ok {
				continue
			}
			s.want("where we are else", a.Other, test.other)
			s.want("of others", a.Members, []wire.Member{test.member})
		}
	}
}

// A member is asked for at an address that it has announced, and at no other.
func TestAMembersAddresses(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, nil)
	s.Handle(s.now, s.visit(1), wire.Join{Self: Announce(selfOf(1), dualOf(1), 1_600_000_000)})
	lying := dualOf(1)
	lying.Addr6 = sixOf(2)
	if !s.IsMember(dualOf(1)) || !s.IsMember(memberOf(1)) || s.IsMember(lying) {
		t.Errorf("both %v, one %v, another %v", s.IsMember(dualOf(1)), s.IsMember(memberOf(1)), s.IsMember(lying))
	}
}

// A bootstrap address that turns out to be the other address of a fellow is not
// dialled again and again, until that fellow is gone.
func TestAFellowIsNotDialledByItsOtherAddress(t *testing.T) {
	s := newScript(t, Config{Supernode: true, SelfAddr: addrOf(0), SelfAddr6: sixOf(0)})
	s.Learn(s.now, []wire.Member{{Addr: addrOf(1)}, {Addr: sixOf(1)}})
	took[Dial](s)
	join := wire.Join{Self: Announce(selfOf(1), dualOf(1), 1_600_000_000)}
	first := s.upBy(1, addrOf(1))
	s.Handle(s.now, first, join)
	dials := 0
	for range 20 {
		second := s.upBy(1, sixOf(1))
		s.Down(s.now, second, nil) // the one that stands is enough
		s.advance(1e9)
		dials += len(took[Dial](s))
	}
	if dials > 1 {
		t.Errorf("it is dialled %d times in 20 s", dials)
	}
	s.Down(s.now, first, nil)
	s.advance(2e9)
	if len(took[Dial](s)) == 0 {
		t.Error("when it is gone it is not dialled again")
	}
}
