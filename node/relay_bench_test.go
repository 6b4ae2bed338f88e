package node

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"peerphone/node/identity"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// relayPost is a relay on a loopback socket, with open legs.
type relayPost struct {
	socket *socket
	addr   netip.AddrPort
	legs   []*net.UDPConn
	frames [][]byte // that each leg sends
}

func newRelayPost(tb testing.TB, legs int) *relayPost {
	tb.Helper()
	listen := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { c.Close() })
		return c
	}
	self := identity.ID{1}
	relay := path.NewRelay(path.RelayConfig{
		Rand: zeros{}, Line: 1 << 40, Verify: func(identity.ID, []byte, []byte) bool { return true },
	})
	now := time.Now()
	relay.SetSelf(now, self)
	p := &relayPost{}
	conn, err := newUDPConn(listen())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(conn.close)
	p.addr, p.socket = conn.addr, &socket{conn: conn}
	p.socket.legs.Store(relay.Legs())
	sound := append(wire.AppendHeader(nil, wire.Header{To: 1}), make([]byte, 80-wire.RelayHeader-wire.SessionHeader)...)
	for i := range legs {
		c := listen()
		// Any phone is in one pair.
		caller, callee := identity.ID{2, byte(i / 2), byte(i >> 9)}, identity.ID{3, byte(i / 2), byte(i >> 9)}
		asker := caller
		if i%2 == 1 {
			asker = callee
		}
		relay.Open(now, wire.Index(10+i), asker, path.Way{Addr: netip.MustParseAddrPort(c.LocalAddr().String())}, wire.RelayOpen{Ticket: wire.Ticket{
			Relay: wire.Member{Node: self}, Caller: caller, Callee: callee, Serial: uint64(i / 2),
			Expiry: now.Add(time.Hour).Unix(), Budget: 1 << 40,
		}})
		opened, ok := relay.Take()[0].(path.RelayReply).Message.(wire.RelayOpened)
		if !ok {
			tb.Fatalf("leg %d is refused", i)
		}
		p.legs = append(p.legs, c)
		p.frames = append(p.frames, wire.AppendRelay(nil, opened.Channel, sound))
	}
	return p
}

// zeros counts, for channels that differ.
type zeros struct{}

var drawn uint32

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		drawn = drawn*1664525 + 1013904223
		b[i] = byte(drawn >> 24)
	}
	return len(b), nil
}

// cpu is what this thread has used.
func cpu(tb testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRelay passes 80 bytes on, for 400 legs, as many at once as come in a
// pause of the reader. It reports the CPU of the relay's thread alone.
func BenchmarkRelay(b *testing.B) {
	for _, burst := range []int{1, 20, 64} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			p := newRelayPost(b, 400)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			p.socket.conn.during(func(conn *udpConn, quit uintptr) {
				batch, plain := newBatch(conn, quit), make([]byte, 0, maxRead)
				var used time.Duration
				passed, leg := 0, 0
				for passed < b.N {
					for range burst {
						p.legs[leg].WriteToUDPAddrPort(p.frames[leg], p.addr)
						leg = (leg + 1) % len(p.legs)
					}
					before := cpu(b)
					passed += p.socket.readBatch(batch, plain)
					used += cpu(b) - before
				}
				b.ReportMetric(float64(used.Nanoseconds())/float64(passed), "cpu-ns/frame")
			})
		})
	}
}

// BenchmarkRelayFloor is what the kernel takes for the same: a call to receive
// and one to send for each packet.
func BenchmarkRelayFloor(b *testing.B) {
	p := newRelayPost(b, 400)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p.socket.conn.during(func(conn *udpConn, _ uintptr) {
		var used time.Duration
		buf := make([]byte, maxRead)
		for n := range b.N {
			leg := n % len(p.legs)
			p.legs[leg].WriteToUDPAddrPort(p.frames[leg], p.addr)
			to := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: p.legs[leg^1].LocalAddr().(*net.UDPAddr).Port}
			before := cpu(b)
			n, _, err := unix.Recvfrom(conn.fd, buf, 0)
			if err == nil {
				err = unix.Sendto(conn.fd, buf[:n], 0, to)
			}
			used += cpu(b) - before
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/frame")
	})
}
