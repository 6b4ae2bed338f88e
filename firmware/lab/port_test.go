package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

func taken(t *testing.T) (port uint16) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

// TestTakenPort: the message says which port, who has it, and what to do.
func TestTakenPort(t *testing.T) {
	port := taken(t)
	err := checkPort(kitchen, port, "--kitchen-port")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{fmt.Sprintf("port %d", port), "the kitchen's page", fmt.Sprintf("(process %d)", os.Getpid()), "--kitchen-port"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if err := checkPort(kitchen, 0, ""); err != nil {
		t.Errorf("port 0: %v", err)
	}
}

func TestListeners(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:1F91 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:1F92 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1
   3: short
`
	if got := listeners(table, 8081); !slices.Equal(got, []string{"111"}) {
		t.Errorf("got %q, want 111", got)
	}
}

func TestFreePorts(t *testing.T) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	busy := c.LocalAddr().(*net.UDPAddr).AddrPort()
	if got, err := freeUDP(busy); err != nil || got == busy {
		t.Errorf("a busy UDP port was given: %v, %v", got, err)
	}
	c.Close()
	if got, err := freeUDP(busy); err != nil || got != busy {
		t.Errorf("the wanted UDP port is %v, got %v, %v", busy, got, err)
	}
	busy = netip.AddrPortFrom(loopback, taken(t))
	if got, err := freeTCP(busy); err != nil || got == busy {
		t.Errorf("a busy TCP port was given: %v, %v", got, err)
	}
	if got, err := freeTCP(netip.AddrPort{}); err != nil || got.Port() == 0 {
		t.Errorf("any TCP port: %v, %v", got, err)
	}
}
