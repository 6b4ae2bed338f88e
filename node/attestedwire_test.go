package node_test

import (
	"encoding/binary"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// seen is a datagram, or the first segment of a TCP connection, on the loopback
// interface.
type seen struct {
	from, to netip.AddrPort
	tcp      bool
}

// recorder records what goes over the loopback interface, whoever sends it.
type recorder struct {
	fd   int
	done chan struct{}

	mu   sync.Mutex
	list []seen // in order; guarded by mu
}

// record begins to record; it needs the right to.
func record(t *testing.T) *recorder {
	t.Helper()
	all := int(binary.NativeEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff})) // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, all)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no packets can be recorded: %v", err)
		}
		t.Skipf("no packets can be recorded: %v", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
	r := &recorder{fd: fd, done: make(chan struct{})}
	stop := make(chan struct{})
	go r.read(stop) // owner: the test, by Cleanup
	t.Cleanup(func() {
		close(stop)
		<-r.done
		unix.Close(fd)
	})
	return r
}

func (r *recorder) read(stop <-chan struct{}) {
	defer close(r.done)
	b := make([]byte, 128)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, from, err := unix.Recvfrom(r.fd, b, 0)
		if l, ok := from.(*unix.SockaddrLinklayer); err != nil || !ok || l.Pkttype == unix.PACKET_OUTGOING {
			continue // loopback shows each packet twice
		}
		if s, ok := parseSeen(b[:n]); ok {
			r.mu.Lock()
			r.list = append(r.list, s)
			r.mu.Unlock()
		}
	}
}

// parseSeen reads the headers of IPv4 and of UDP or TCP.
func parseSeen(b []byte) (s seen, ok bool) {
	if len(b) < 20 || b[0]>>4 != 4 || len(b) < int(b[0]&15)*4+14 {
		return s, false
	}
	rest := b[int(b[0]&15)*4:]
	port := func(at int) uint16 { return binary.BigEndian.Uint16(rest[at:]) }
	s.from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:])), port(0))
	s.to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[16:])), port(2))
	const syn, ack = 0x02, 0x10
	s.tcp = b[9] == unix.IPPROTO_TCP
	return s, b[9] == unix.IPPROTO_UDP || s.tcp && rest[13]&(syn|ack) == syn
}

// wantUncontacted waits until it has recorded that helper's address has sent a
// datagram to the candidate, and checks that until then the candidate had sent none
// to any port there, and nobody had made a TCP connection there.
func (r *recorder) wantUncontacted(t *testing.T, candidate, helper netip.AddrPort) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		r.mu.Lock()
		list := r.list
		r.mu.Unlock()
		for _, s := range list {
			switch {
			case s.to.Addr() == helper.Addr() && (s.tcp || s.from == candidate):
				t.Errorf("%v has attested, to which went a packet from %v before (TCP %v)", helper, s.from, s.tcp)
				return
			case s.from.Addr() == helper.Addr() && s.to == candidate && !s.tcp:
				return
			}
		}
		if time.Since(begun) > 20*time.Second {
			t.Errorf("%v has attested, of which no packet came to %v", helper, candidate)
			return
		}
	}
}
