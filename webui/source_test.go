package webui

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestWhoIsNear(t *testing.T) {
	n := &Neighbours{read: time.Now(), onLink: []netip.Prefix{
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:7::/64"),
	}}
	for _, c := range []struct {
		addr string
		near bool
	}{
		{"127.0.0.1", true}, {"::1", true}, {"::ffff:127.0.0.1", true},
		{"10.1.2.3", true}, {"172.16.0.1", true}, {"192.168.1.9", true}, {"::ffff:192.168.1.9", true},
		{"169.254.3.4", true}, {"fe80::1%eth0", true}, {"fd00::7", true},
		{"198.51.100.77", true}, {"2001:db8:7::9", true}, // on our own networks
		{"198.51.101.1", false}, {"203.0.113.5", false}, {"::ffff:203.0.113.5", false},
		{"2001:db8:8::9", false}, {"172.32.0.1", false}, {"100.64.0.1", false}, {"0.0.0.0", false},
	} {
		if got := n.Near(netip.MustParseAddr(c.addr)); got != c.near {
			t.Errorf("%s is near: %v, want %v", c.addr, got, c.near)
		}
	}
	if n.Near(netip.Addr{}) {
		t.Error("an unknown source is near")
	}
}

// stranger is a connection from far away.
type stranger struct {
	net.Conn
	closed chan struct{}
}

func (s stranger) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 5), Port: 1} }
func (s stranger) Close() error         { close(s.closed); return nil }

// visitors is a listener of prepared connections.
type visitors struct {
	net.Listener
	queue chan net.Conn
}

func (v visitors) Accept() (net.Conn, error) { return <-v.queue, nil }

func TestStrangersAreClosedWithoutAWord(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	closed := make(chan struct{})
	v := visitors{queue: make(chan net.Conn, 2)}
	v.queue <- stranger{here, closed}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	v.queue <- near
	if got, err := new(Neighbours).Listen(v).Accept(); err != nil || got != near {
		t.Errorf("accepted %v, %v, want the near one", got, err)
	}
	select {
	case <-closed:
	default:
		t.Error("the stranger's connection is open")
	}
}
