package node

import (
	"net/netip"
	"testing"
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
