package portmap

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// olderRouter answers as a router that knows NAT-PMP (RFC 6886) and not PCP.
func olderRouter(t *testing.T) netip.Addr {
	t.Helper()
	at := netip.MustParseAddrPort("127.77.0.1:5351") // the protocol's port, at an address of this host that nobody uses
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { socket.Close(); <-done })
	go func() { // owner: the test
		defer close(done)
		b := make([]byte, 100)
		for {
			n, from, err := socket.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			socket.WriteToUDPAddrPort(olderAnswer(b[:n]), from)
		}
	}()
	return at.Addr()
}

// olderAnswer is the answer of sections 3.2, 3.3 and 3.5.
func olderAnswer(b []byte) []byte {
	switch {
	case b[0] != 0:
		return []byte{0, 0x80 | b[1], 0, 1, 0, 0, 0, 9} // unsupported version
	case b[1] == 0:
		return []byte{0, 0x80, 0, 0, 0, 0, 0, 9, 203, 0, 113, 9}
	}
	return append([]byte{0, 0x80 | b[1], 0, 0, 0, 0, 0, 9}, b[4:12]...)
}

func TestAnOlderRouterIsAskedByNATPMP(t *testing.T) {
	m := New(4000, none, nil)
	got, err := m.find(t.Context(), olderRouter(t))
	if want := (Mapping{Addr: netip.MustParseAddrPort("203.0.113.9:4000"), Lease: time.Hour, By: "NAT-PMP"}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	m.giveBack()
}
