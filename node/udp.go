package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// udpConn is a UDP socket that Go's poller does not know. The poller would be
// woken by each datagram, although nobody waits there: that costs a relay half
// of its time again, and on a busy board some thread of ordinary priority would
// have to wake the reader's, which costs a call tens of milliseconds.
type udpConn struct {
	// Constant after construction.
	fd   int
	inet bool // speaks IPv4 only
	addr netip.AddrPort

	quit *os.File // readable when the reading is over
	end  *os.File // closing it makes quit readable

	stamped atomic.Bool // datagrams come with the time of their arrival

	reading sync.WaitGroup // during
	mu      sync.RWMutex   // held for reading by who sends
	closed  bool           // guarded by mu
}

// newUDPConn takes the socket from conn, which it closes.
func newUDPConn(conn *net.UDPConn) (*udpConn, error) {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	u := &udpConn{addr: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	var dup error
	if err := raw.Control(func(fd uintptr) { u.fd, dup = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || dup != nil {
		return nil, fmt.Errorf("node: %w", errors.Join(err, dup))
	}
	domain, err := unix.GetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	u.inet = err == nil && domain == unix.AF_INET
	if u.quit, u.end, err = os.Pipe(); err != nil {
		unix.Close(u.fd)
		return nil, fmt.Errorf("node: %w", err)
	}
	return u, nil
}

// makeRoom asks for a receive buffer of so many bytes: a relay's holds what
// comes while the reader does not run. More than the system grants, it takes as
// root.
func (u *udpConn) makeRoom(bytes int) {
	if unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) != nil {
		unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
	}
}

// stamp lets the kernel tell when datagrams come, or no longer.
func (u *udpConn) stamp(on bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if !u.closed {
		u.stamped.Store(stampArrivals(u.fd, on))
	}
}

// during runs read with the socket's descriptor, which stays open meanwhile,
// and with one that can be read when it is over.
func (u *udpConn) during(read func(u *udpConn, quit uintptr)) {
	u.mu.RLock()
	closed := u.closed
	if !closed {
		u.reading.Add(1)
	}
	u.mu.RUnlock()
	if !closed {
		defer u.reading.Done()
		read(u, u.quit.Fd())
	}
}

// send sends one datagram. It neither blocks nor allocates.
func (u *udpConn) send(to netip.AddrPort, frame []byte) error {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.closed {
		return net.ErrClosed
	}
	switch {
	case len(frame) == 0:
		return nil
	case u.inet && !to.Addr().Is4():
		return unix.EAFNOSUPPORT
	}
	var name sockaddr
	size := name.set(to, u.inet)
	_, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(u.fd), uintptr(unsafe.Pointer(&frame[0])), uintptr(len(frame)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&name)), uintptr(size))
	if err != 0 {
		return syscall.Errno(err)
	}
	return nil
}

// close ends the reading, waits for it, and closes the socket.
func (u *udpConn) close() {
	u.mu.Lock()
	was := u.closed
	u.closed = true
	u.mu.Unlock()
	if was {
		return
	}
	u.end.Close()
	u.reading.Wait()
	unix.Close(u.fd)
	u.quit.Close()
}
