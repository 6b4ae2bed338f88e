package node

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"

	"peerphone/node/contacts"
	"peerphone/node/identity"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// A stream that has reached a supernode shows that TCP gets through to ports of its
// kind; one that is dialled or was accepted shows nothing.
func TestStreamsShowWhatGetsThrough(t *testing.T) {
	at := netip.MustParseAddrPort
	for _, c := range []struct {
		what       string
		x          stream
		web, other bool
	}{
		{"dialled", stream{udp: at("192.0.2.1:4000"), remote: at("192.0.2.1:443")}, false, false},
		{"443", stream{udp: at("192.0.2.1:4000"), remote: at("192.0.2.1:443"), reached: true}, true, false},
		{"80", stream{udp: at("192.0.2.1:4000"), remote: at("192.0.2.1:80"), reached: true}, true, false},
		{"its own port", stream{udp: at("192.0.2.1:4000"), remote: at("192.0.2.1:4000"), reached: true}, false, true},
		{"accepted", stream{remote: at("192.0.2.1:443"), reached: true}, false, false},
	} {
		s := newStreams()
		s.add(c.x)
		if web, other := s.reach(true), s.reach(false); web != c.web || other != c.other {
			t.Errorf("%s: the web %v, other ports %v, want %v and %v", c.what, web, other, c.web, c.other)
		}
	}
}

// Where UDP was found blocked flights over it are held back, so that only streams
// show that this host has no way to an address: then the dial is over, and another
// supernode's turn.
func TestADialWithoutAWayIsOver(t *testing.T) {
	for unroutable, left := range map[bool]int{true: 0, false: 1} {
		c := bareCore(t, path.NAT{UDP: path.No, TCP: path.Yes})
		d := c.startDial(noon, wire.Member{Node: identity.KeyFromSeed([32]byte{3}).ID(), Addr: netip.MustParseAddrPort("[2001:db8::1]:4000")})
		if !c.heldBack(noon, d.race) {
			t.Fatal("the flight is not held back")
		}
		c.settle(noon)
		streams := 0
		for _, e := range c.Take() {
			if e, ok := e.(DialStream); ok {
				streams++
				c.StreamFailed(noon, e.Stream, errors.New("no way"), unroutable)
			}
		}
		if races := c.dialsOf(d); streams != 1 || races != left {
			t.Errorf("%d streams failed, without a way %v: %d attempts by UDP are left, want %d", streams, unroutable, races, left)
		}
	}
}

// dialsOf counts the attempts by UDP of a dial.
func (c *Core) dialsOf(d *dial) (n int) {
	if c.peers.dials[d.race] == d {
		n++
	}
	return n
}

// A flight that would be repeated is held back, too, and no second stream is tried
// beside the one that is under way.
func TestAFlightHeldBackTriesOneStream(t *testing.T) {
	for streams := range 2 {
		c := bareCore(t, path.NAT{UDP: path.No, TCP: path.Yes})
		d := c.startDial(noon, wire.Member{Node: identity.KeyFromSeed([32]byte{3}).ID(), Addr: netip.MustParseAddrPort("203.0.113.1:4000")})
		for range streams {
			c.tryStream(noon, path.TryStream{Index: d.race, Addr: netip.MustParseAddrPort("203.0.113.1:443")})
		}
		for range 3 {
			if !c.heldBack(noon, d.race) {
				t.Errorf("with %d streams under way the flight goes", streams)
			}
		}
		c.settle(noon)
		if n := len(d.attempts) - 1; n != 1 {
			t.Errorf("%d streams were under way, and now %d, want 1", streams, n)
		}
	}
}

// bareCore is the core of a phone that knows its way to the outside, and nobody.
func bareCore(t *testing.T, nat path.NAT) *Core {
	t.Helper()
	key := identity.KeyFromSeed([32]byte{1})
	book, err := contacts.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := contacts.NewLog(nil)
	if err != nil {
		t.Fatal(err)
	}
	return NewCore(CoreConfig{
		Rand: rand.NewChaCha8([32]byte{2}), Account: key, Device: key, Phone: true, Contacts: book, Log: log, NAT: nat,
		Candidates: func() []netip.AddrPort { return nil },
	})
}

// In a network that is not known further supernodes are dialled by streams first
// once one has got through while nobody has answered by UDP.
func TestSilenceBesideAStreamHoldsFlightsBack(t *testing.T) {
	at := netip.MustParseAddrPort
	for _, c := range []struct {
		what            string
		udp             path.Finding
		asked, streamed bool
		held            bool
	}{
		{"nothing known", path.Unknown, false, false, false},
		{"asked", path.Unknown, true, false, false},
		{"a stream, and nobody asked", path.Unknown, false, true, false},
		{"asked, and a stream", path.Unknown, true, true, true},
		{"UDP passed before", path.Yes, true, true, false},
		{"UDP did not pass before", path.No, false, false, true},
	} {
		x := bareCore(t, path.NAT{UDP: c.udp})
		if c.asked {
			x.outside.survey.Begin(noon, path.Here{Helpers: []netip.AddrPort{at("192.0.2.1:4000"), at("198.51.100.1:4000")}})
		}
		x.streams.add(stream{index: 77, udp: at("192.0.2.1:4000"), remote: at("192.0.2.1:443"), reached: c.streamed})
		d := x.startDial(noon, wire.Member{Node: identity.KeyFromSeed([32]byte{3}).ID(), Addr: at("203.0.113.1:4000")})
		if held := x.heldBack(noon, d.race); held != c.held {
			t.Errorf("%s: the flight is held back %v, want %v", c.what, held, c.held)
		}
		if x.heldBack(noon.Add(streamsFirst), d.race) {
			t.Errorf("%s: held back for longer than %v", c.what, streamsFirst)
		}
	}
}
