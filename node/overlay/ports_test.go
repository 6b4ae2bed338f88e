package overlay

import (
	"testing"

	"peerphone/node/wire"
)

// A home says itself at which ports it takes streams: its guests remember it,
// name it so in their record, and dial it so the next time.
func TestAHomeTellsItsPorts(t *testing.T) {
	const ports = wire.SamePort | wire.Port443
	s := newScript(t, Config{Homes: 1})
	s.Learn(s.now, bootstraps(1))
	s.dials()
	ix := s.up(1)
	s.Handle(s.now, ix, wire.Attached{Observed: addrOf(900), Refresh: 60, Ports: ports})
	want := memberOf(1)
	want.Ports = ports
	s.want("the home", s.Homes()[0].Member, want)
	s.want("the cache", s.Cache(), []wire.Member{want})
	s.Down(s.now, ix, nil)
	s.advance(2e9)
	s.want("dialled again", took[Dial](s), []Dial{{want}})
	s.Failed(s.now, want, errDial)
	s.advance(3e9)
	s.want("somebody else may be there, with other ports", took[Dial](s), []Dial{{wire.Member{Addr: addrOf(1)}}})
}

// Fellow supernodes learn the ports by Join and tell them on.
func TestPortsAreToldOn(t *testing.T) {
	s := supernode(t)
	s.SetPorts(wire.Port80)
	s.Learn(s.now, nil)
	m := memberOf(1)
	m.Ports = wire.Port443
	s.Handle(s.now, s.visit(1), wire.Join{Self: Announce(selfOf(1), m, 1_600_000_000)})
	s.want("known", s.someMembers(nodeID(5), 3), []wire.Member{m})
	for _, e := range took[Send](s) {
		if j, ok := e.Message.(wire.Join); ok && wire.MemberOf(string(j.Self)).Ports != wire.Port80 {
			t.Errorf("joined as %+v", wire.MemberOf(string(j.Self)))
		}
	}
}
