package node

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/overlay"
	"peerphone/node/wire"
)

// A roster comes back from the disk while it is of use, and never as garbage.
func TestTheRosterIsKept(t *testing.T) {
	s, err := OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key := identity.KeyFromSeed([32]byte{1})
	id := key.ID()
	certificate := append(id[:], make([]byte, identity.CompactNodeSize-len(id))...)
	self := overlay.Self{Node: key.ID(), Certificate: certificate, Sign: key.Sign}
	news := overlay.Announce(self, wire.Member{Node: key.ID(), Addr: netip.MustParseAddrPort("192.0.2.1:4000")}, 1)
	now := time.Unix(1_800_000_000, 0)
	if err := s.keepRoster(now, overlay.ParseRoster(news)); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]bool{
		0: true, overlay.RosterLife: true, overlay.RosterLife + time.Second: false, -time.Hour: false,
	} {
		r, err := s.roster(now.Add(at))
		if got := bytes.Equal(r.Append(nil), news); err != nil || got != want {
			t.Errorf("after %v: comes back %v, %v, want %v", at, got, err, want)
		}
	}
	for _, b := range [][]byte{nil, {1, 2, 3}, make([]byte, 100)} {
		if err := s.write(rosterFile, b); err != nil {
			t.Fatal(err)
		}
		if r, err := s.roster(time.Unix(0, 0)); err != nil || len(r.Append(nil)) > 0 {
			t.Errorf("of %d bytes of garbage comes %v, %v", len(b), r, err)
		}
	}
}
