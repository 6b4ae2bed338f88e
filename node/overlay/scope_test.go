package overlay

import (
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

var knowsAPart = wire.Digest{Live: 40000, Done: true, Partial: true}

// A newcomer believes of two fellows that they know a part only; who knows all
// does not.
func TestANewcomerHearsThatNobodyKnowsAll(t *testing.T) {
	s := supernode(t)
	s.Learn(s.now, bootstraps(1, 2, 3))
	for n := 1; n <= 2; n++ {
		ix := s.up(n)
		s.Handle(s.now, ix, joinOf(n))
		s.want("scope", s.scope, whole)
		s.Handle(s.now, ix, knowsAPart)
	}
	s.want("scope", s.scope, partial)
	s.want("looks for itself", s.routes.look.IsZero(), false)
	s.advance(2 * time.Second)
	if len(took[LookFor](s)) == 0 {
		t.Error("it does not look for its place")
	}
	s.want("synced", s.sync, unsynced)
	s.Closed(s.now, keyAt(s.place), []wire.Place{placeOfNode(1), placeOfNode(2)})
	s.want("synced", s.sync, synced)

	old := supernode(t)
	old.Learn(old.now, nil)
	old.synced()
	for n := 1; n <= 4; n++ {
		ix := old.up(n)
		old.Handle(old.now, ix, joinOf(n))
		old.Handle(old.now, ix, knowsAPart)
	}
	old.want("scope of who knows all", old.scope, whole)
}

// Who knows a part only takes a newcomer in that has come from where it says,
// names it others, says so, and keeps no session for it.
func TestAFellowOfAPartIsLetGo(t *testing.T) {
	s := narrowed(t, 100)
	took[Send](s)
	ix := s.visit(500)
	s.Handle(s.now, ix, joinOf(500))
	var kinds []string
	for _, e := range took[Send](s) {
		switch m := e.Message.(type) {
		case wire.Join:
			kinds = append(kinds, "join")
		case wire.Gossip:
			kinds = append(kinds, "names")
		case wire.Digest:
			kinds = append(kinds, "part")
			s.want("partial", m.Partial, true)
		}
	}
	if len(kinds) < 3 || kinds[0] != "join" || kinds[len(kinds)-1] != "part" {
		t.Errorf("it says %v, want join, names, part", kinds)
	}
	s.want("known", s.Knows(placeOfNode(500)) || len(s.branch(placeOfNode(500)).spare) > 0, true)
	s.want("fellows", s.countJoined(), 0)
	s.Handle(s.now, ix, wire.Gossip{News: testimony(1, 2, 0)}) // and gossip is over
	s.want("dying", len(s.table.dying), 0)
	forged := joinOf(501)
	forged.Self[len(forged.Self)-1] ^= 1
	s.Handle(s.now, s.visit(501), forged)
	s.want("forged", s.counters.Refusals.Forged, 1)
}

// The parameters have the last word, both ways.
func TestTheParametersSayWhomToKnow(t *testing.T) {
	s := narrowed(t, 200)
	s.SetLimits(Limits{Membership: identity.Whole})
	s.SetSelf(s.now, selfOf(0))
	s.want("scope", s.scope, widening)
	s.want("room for more", s.mostMembers(), maxWhole)
	s.SetLimits(Limits{Membership: identity.Kademlia})
	s.SetSelf(s.now, selfOf(0))
	s.want("scope", s.scope, partial)
}
