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

	"peerphone/hal"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// The life of a TLS connection of this node. Dialled: dialStream, then as
// accepted. Accepted: Accept, shake hands, StreamUp, read until it ends,
// StreamDown. One goroutine reads it, one of session.Stream's writes; both end
// with it, and it ends with its session or the node.

// Our own choices for connections.
const (
	streamTimeout = 10 * time.Second // for connecting and shaking hands
	// unsent is how much the kernel holds that it has not sent, in bytes: a
	// control message, or 100 ms of sound. What else waits can go stale in the
	// stream's queue.
	unsent = 1024
	// sendBuffer bounds what is on its way, in bytes: 16 kB/s for a second,
	// with the kernel's own overhead.
	sendBuffer = 64 << 10
	// ipTLS is what IPv4, TCP with its time stamps, TLS and the frame's length
	// add to a frame on the wire, in bytes.
	ipTLS = 20 + 32 + 22 + 2
)

// tcpAlive finds a dead connection that a session does not watch any more; it
// says nothing while a session does. Go's own choice is a probe each 15 s.
var tcpAlive = net.KeepAliveConfig{Enable: true, Idle: 2 * time.Minute, Interval: 15 * time.Second, Count: 4}

// connections are the TLS connections of a running node.
type connections struct {
	tls  *session.TLS
	open sync.Map // path.StreamID -> *connection
}

// connection is one of them, from the dialling on.
type connection struct {
	stop   context.CancelFunc
	stream atomic.Pointer[session.Stream] // nil before the handshake is over
}

// send queues a frame in a stream. It neither blocks nor allocates.
func (c *connections) send(id path.StreamID, frame []byte, expires time.Time) bool {
	found, ok := c.open.Load(id)
	if !ok {
		return false
	}
	s := found.(*connection).stream.Load()
	return s != nil && s.Send(time.Now(), frame, expires) == nil
}

// end lets what was sent in a stream be written and closes it.
func (c *connections) end(id path.StreamID) {
	found, ok := c.open.LoadAndDelete(id)
	if !ok {
		return
	}
	x := found.(*connection)
	if s := x.stream.Load(); s != nil {
		s.End()
		return
	}
	x.stop()
}

// endAll ends every stream; what was sent in it before is written.
func (c *connections) endAll() {
	c.open.Range(func(id, _ any) bool {
		c.end(id.(path.StreamID))
		return true
	})
}

// tune makes the kernel hold little: what waits there cannot be dropped. And it
// has acknowledgements wait for what is said anyway, from the first packet on.
func tune(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		// Without these the stream works, only later, and at the start for more bytes.
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent)
	})
}

// keepQuiet sets tcpAlive for a connection that was accepted.
func keepQuiet(raw syscall.RawConn) {
	raw.Control(func(fd uintptr) {
		// Without these there is a probe each 15 s.
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(tcpAlive.Idle/time.Second))
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(tcpAlive.Interval/time.Second))
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPCNT, tcpAlive.Count)
	})
}

// dialStream dials a stream on a goroutine of its own.
func (n *Node) dialStream(ctx context.Context, e DialStream) {
	ctx, stop := context.WithCancel(ctx)
	c := &connection{stop: stop}
	n.socket.streams.open.Store(e.Stream, c)
	n.workers.Go(func() { // owner: Run; ended by CloseStream too
		defer stop()
		s, err := n.shakeStream(ctx, e)
		if err != nil {
			n.streamFailed(ctx, e.Stream, err)
			return
		}
		n.carryStream(ctx, e.Stream, c, s)
	})
}

func (n *Node) shakeStream(ctx context.Context, e DialStream) (*session.Stream, error) {
	ctx, done := context.WithTimeout(ctx, streamTimeout)
	defer done()
	dialer := net.Dialer{Control: tune, KeepAliveConfig: tcpAlive}
	conn, err := dialer.DialContext(ctx, "tcp", e.Addr.String())
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	n.enter(ctx, func(c *Core, now time.Time) { c.StreamReached(now, e.Stream) })
	return n.socket.streams.tls.DialStream(ctx, conn, e.Index, e.Want)
}

func (n *Node) streamFailed(ctx context.Context, id path.StreamID, err error) {
	n.socket.streams.open.Delete(id)
	n.enter(ctx, func(c *Core, now time.Time) { c.StreamFailed(now, id, err, unroutable(err)) })
}

// ErrFull says that there is no room for another session.
var ErrFull = errors.New("node: no room for another session")

// Accept shakes hands with a peer that has dialled conn, a TCP connection that
// begins with a TLS ClientHello; conn is closed if that fails. Then serve
// carries the stream until it ends, which is at the latest when the node does.
// ctx is that of Run.
func (n *Node) Accept(ctx context.Context, conn net.Conn) (serve func(), err error) {
	remote, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	var id path.StreamID
	var ix wire.Index
	err = n.Do(ctx, func(c *Core, now time.Time) { id, ix = c.ExpectStream(now, remote) })
	if err == nil && id == 0 {
		err = ErrFull
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	if raw, ok := conn.(syscall.Conn); ok {
		if r, err := raw.SyscallConn(); err == nil {
			tune("", "", r)
			keepQuiet(r)
		}
	}
	c := &connection{stop: func() { conn.Close() }}
	n.socket.streams.open.Store(id, c)
	shaking, done := context.WithTimeout(ctx, streamTimeout)
	defer done()
	s, err := n.socket.streams.tls.AcceptStream(shaking, conn, ix, session.AsNode)
	if err != nil {
		n.streamFailed(ctx, id, err)
		return nil, err
	}
	return func() { n.carryStream(ctx, id, c, s) }, nil
}

// carryStream reads a stream that has come up until it ends.
func (n *Node) carryStream(ctx context.Context, id path.StreamID, c *connection, s *session.Stream) {
	defer s.Close()
	c.stream.Store(s)
	adoption := s.Adoption()
	n.enter(ctx, func(c *Core, now time.Time) { c.StreamUp(now, id, adoption) })
	// The first frame waits until the session's channel is in place, which is
	// so when the loop takes its next input.
	if n.Do(ctx, func(*Core, time.Time) {}) == nil {
		n.readStream(id, s)
	}
	n.socket.streams.open.Delete(id)
	n.enter(ctx, func(c *Core, now time.Time) { c.StreamDown(now, id) })
}

func (n *Node) readStream(id path.StreamID, s *session.Stream) {
	w := path.Way{Stream: id}
	buf, plain := make([]byte, wire.MaxDatagram), make([]byte, 0, wire.MaxDatagram)
	for {
		frame, err := s.Receive(buf)
		if err != nil {
			return
		}
		n.socket.count.datagramsIn.Add(1)
		n.socket.count.bytesIn.Add(uint64(len(frame) + ipTLS))
		n.socket.take(hal.Now(), w, frame, plain)
	}
}

// ticketPause is how long a new ticket of a stream waits to be written to disk:
// a phone that starts has three, and disks wear out.
const ticketPause = 2 * time.Second

// keepTickets writes the tickets of streams to disk until ctx is done. What was not
// written costs a handshake with certificates at the next start.
func (n *Node) keepTickets(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.tickets.Changed():
		}
		select {
		case <-ctx.Done():
		case <-time.After(ticketPause):
		}
		b, err := n.tickets.Save()
		if err == nil {
			err = n.state.write(ticketFile, b)
		}
		if err != nil {
			n.log.Error("state not kept", "error", err)
		}
	}
}

// OfferStreams says at which TCP ports connections of others lead to Accept. It
// comes before Run.
func (n *Node) OfferStreams(p wire.Ports) { n.core.overlay.SetPorts(p) }
