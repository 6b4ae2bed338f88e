package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"peerphone/node/path"
)

// extras are the sockets besides the main one: bound to one uplink each, opened
// for a while to get through a NAT, or from which a home calls.
type extras struct {
	list    [256]atomic.Pointer[net.UDPConn] // by path.Socket
	readers sync.WaitGroup                   // owner: Node.Run, which waits for them
	mu      sync.Mutex
	over    bool // guarded by mu
}

// extraSocket says how a further socket is opened. The zero value: on a random
// port, by whatever uplink the kernel chooses.
type extraSocket struct {
	Device string // interface to which it is bound; "": any
}

// openExtra opens socket id; one that is open stays.
func (s *socket) openExtra(id path.Socket, how extraSocket) error {
	x := &s.more
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.list[id].Load() != nil {
		return nil
	}
	conn, err := listenExtra(how)
	if err != nil {
		return err
	}
	x.list[id].Store(conn)
	x.readers.Go(func() { s.readExtra(id, conn) }) // owner: Run
	return nil
}

func listenExtra(how extraSocket) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if e := raw.Control(func(fd uintptr) {
			stampArrivals(int(fd), true)
			if how.Device != "" {
				err = unix.BindToDevice(int(fd), how.Device)
			}
		}); e != nil {
			return e
		}
		return err
	}}
	conn, err := lc.ListenPacket(context.Background(), "udp", ":0")
	if err != nil {
		return nil, fmt.Errorf("node: a further socket: %w", err)
	}
	return conn.(*net.UDPConn), nil
}

// openUplink opens the socket of an uplink, and tells its port.
func (n *Node) openUplink(ctx context.Context, e OpenSocket) {
	if err := n.socket.openExtra(e.Socket, extraSocket{Device: e.Device}); err != nil {
		n.log.Warn("an uplink is not used", "device", e.Device, "error", err)
		return
	}
	port := n.socket.portOf(e.Socket)
	n.workers.Go(func() { // owner: Run
		n.enter(ctx, func(c *Core, now time.Time) { c.SocketOpened(now, e.Socket, port) })
	})
}

// openMany opens sockets as long as the system lets us; each that is missing
// lowers the hope a little.
func (n *Node) openMany(e OpenSockets) {
	for i := range e.Count {
		if err := n.socket.openExtra(e.First+path.Socket(i), extraSocket{}); err != nil {
			n.log.Warn("fewer sockets than wished", "open", i, "wished", e.Count, "error", err)
			return
		}
	}
}

func (n *Node) closeMany(e CloseSockets) {
	for i := range e.Count {
		if s := e.First + path.Socket(i); s != e.But {
			n.socket.closeExtra(s)
		}
	}
}

// closeExtra closes socket id.
func (s *socket) closeExtra(id path.Socket) {
	if conn := s.more.list[id].Swap(nil); conn != nil {
		conn.Close()
	}
}

// portOf returns the port of socket id, 0 when it is closed.
func (s *socket) portOf(id path.Socket) uint16 {
	if conn := s.more.list[id].Load(); conn != nil {
		return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	}
	return 0
}

// readExtra reads a further socket until it is closed.
func (s *socket) readExtra(id path.Socket, conn *net.UDPConn) {
	buf := make([]byte, 2048)
	plain := make([]byte, 0, 2048)
	var said control
	for {
		n, more, _, from, err := conn.ReadMsgUDPAddrPort(buf, said[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of an earlier send
		}
		s.count.datagramsIn.Add(1)
		s.count.bytesIn.Add(uint64(n + ipUDP))
		s.take(arrival(said[:more]), path.Way{Addr: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), Socket: id}, buf[:n], plain)
	}
}

// sendExtra sends one datagram by a further socket, and reports what send does;
// one that is closed has no way.
func (s *socket) sendExtra(w path.Way, frame []byte) (routed bool) {
	conn := s.more.list[w.Socket].Load()
	if conn == nil {
		return false
	}
	s.count.datagramsOut.Add(1)
	s.sent(len(frame) + ipUDP)
	_, err := conn.WriteToUDPAddrPort(frame, w.Addr)
	return err == nil || !unroutable(err)
}

// close ends all readers, and lets no further socket be opened.
func (x *extras) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	for i := range x.list {
		if conn := x.list[i].Swap(nil); conn != nil {
			conn.Close()
		}
	}
}

// connectTime is how long a TCP connection may take that only shows whether it
// can be made: less than a survey.
const connectTime = 1300 * time.Millisecond

// tryTCP connects and hangs up.
func (n *Node) tryTCP(ctx context.Context, e TryTCP) {
	n.workers.Go(func() { // owner: Run
		ok := connects(ctx, e.Addr)
		n.enter(ctx, func(c *Core, now time.Time) { c.TriedTCP(now, e, ok) })
	})
}

// knock looks whether a node takes TCP at an address.
func (n *Node) knock(ctx context.Context, e Knock) {
	n.workers.Go(func() { // owner: Run
		ok := connects(ctx, e.Addr)
		n.enter(ctx, func(c *Core, now time.Time) { c.Knocked(now, e, ok) })
	})
}

func connects(ctx context.Context, addr netip.AddrPort) bool {
	d := net.Dialer{Timeout: connectTime}
	conn, err := d.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return false
	}
	conn.(*net.TCPConn).SetLinger(0) // one packet says good-bye, not three
	conn.Close()
	return true
}
