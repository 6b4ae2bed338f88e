package main

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"

	"peerphone/firmware/lab/natlab"
	"peerphone/node/wire"
)

// hidden is where the phone of these tests lives.
var hidden = secret{addrs: []netip.Addr{netip.MustParseAddr("198.18.77.2"), netip.MustParseAddr("2001:db8:77::10")}, port: 41234}

// TestInPacket finds an address wherever a packet can show one.
func TestInPacket(t *testing.T) {
	relay := netip.MustParseAddrPort("198.18.1.2:41000")
	from := func(a netip.AddrPort, payload []byte) natlab.Packet {
		return withPayload(natlab.Packet{Src: a, Protocol: protocolUDP}, append(make([]byte, 28), payload...), 28)
	}
	v4, v6 := hidden.addrs[0], hidden.addrs[1]
	header := []byte{1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	stun := func(rest ...byte) []byte { return append(bytes.Clone(header), rest...) }
	neighbour := netip.MustParseAddr("2001:db8:78::10") // of the same provider
	sealed := append(sessionFrame(1, 40), v4.AsSlice()...)
	for _, c := range []struct {
		what   string
		packet natlab.Packet
		found  bool
	}{
		{"from the phone itself", from(netip.AddrPortFrom(v4, 1), nil), true},
		{"from a relay", from(relay, relayFrame(sessionFrame(1, 80))), false},
		{"in STUN", from(relay, stun(v4.AsSlice()...)), true},
		{"in STUN, crossed", from(relay, stun(crossed(v4, header)...)), true},
		{"in STUN, IPv6", from(relay, stun(v6.AsSlice()...)), true},
		{"in STUN, IPv6, crossed", from(relay, stun(crossed(v6, header)...)), true},
		{"a neighbour's, crossed", from(relay, stun(crossed(neighbour, header)...)), false},
		{"as text", from(relay, []byte("call me at 198.18.77.2")), true},
		{"by chance, in what is sealed", from(relay, sealed), false},
		{"another's", from(relay, stun(relay.Addr().AsSlice()...)), false},
	} {
		if got := hidden.inPacket(c.packet); (got != "") != c.found {
			t.Errorf("%s: found %q, want %v", c.what, got, c.found)
		}
	}
	to := from(relay, nil)
	to.Dst = netip.AddrPortFrom(v6, 9)
	if hidden.inPacket(to) == "" {
		t.Error("a packet to the phone was not seen")
	}
}

// keep holds what TestInMemory looks for.
var keep any

// TestInMemory finds an address in this process as soon as it is there.
func TestInMemory(t *testing.T) {
	// Its own forms of the address must not be what it finds.
	elsewhere := secret{addrs: []netip.Addr{netip.AddrFrom4([4]byte{203, byte(os.Getpid()), 113, byte(os.Getpid() >> 8)})}, port: 47111}
	before, err := elsewhere.inMemory(os.Getpid())
	if err != nil {
		t.Skip(err) // a kernel that does not let a process read itself
	}
	list := make([]netip.AddrPort, 1000)
	for i := range list {
		list[i] = netip.AddrPortFrom(elsewhere.addrs[0], elsewhere.port)
	}
	keep = list
	after, err := elsewhere.inMemory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after-before < len(list) {
		t.Errorf("%d addresses before, %d after %d were put there", before, after, len(list))
	}
}

// TestProbeVerdict: nothing may be seen, but by whom it must be.
func TestProbeVerdict(t *testing.T) {
	good := func() *probed {
		return &probed{
			Groups: []*groupProbed{{Callers: "strangers", Calls: 100, Rang: 100, Lifted: 50, Answered: 50}, {Callers: "contact", Calls: 1, Rang: 1, Lifted: 1, Answered: 1, Seen: 3, Memory: 3, wanted: true}},
			Scans:  []*scanned{{Ports: 100, Sent: 300}},
		}
	}
	if err := good().verdict(); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*probed){
		"an address in a packet":         func(r *probed) { r.Groups[0].Seen = 1 },
		"an address in memory":           func(r *probed) { r.Groups[0].Memory = 1 },
		"nobody was called":              func(r *probed) { r.Groups[0].Rang = 0 },
		"nobody answered":                func(r *probed) { r.Groups[0].Answered = 0 },
		"few who are answered are heard": func(r *probed) { r.Groups[0].Answered = 40 },
		"the search finds nothing":       func(r *probed) { r.Groups[1].Seen = 0 },
		"a port answers":                 func(r *probed) { r.Scans[0].saw("hello") },
	} {
		r := good()
		spoil(r)
		if r.verdict() == nil {
			t.Errorf("%s: it passes", what)
		}
		if told := strings.HasPrefix(what, "an address") || what == "a port answers"; r.told() != told {
			t.Errorf("%s: told %v, want %v: only what nobody learnt may be tried once more", what, r.told(), told)
		}
	}
}

// TestBaits: a scanner sends what each kind of datagram begins with.
func TestBaits(t *testing.T) {
	kinds := map[wire.FrameKind]bool{}
	for _, b := range baits() {
		kinds[wire.KindOf(b)] = true
		if len(b) > wire.MaxDatagram {
			t.Errorf("a bait of %d bytes", len(b))
		}
	}
	for _, k := range []wire.FrameKind{wire.UnknownFrame, wire.STUNFrame, wire.HandshakeFrame, wire.RelayFrame, wire.SessionFrame} {
		if !kinds[k] {
			t.Errorf("no bait of kind %d", k)
		}
	}
}
