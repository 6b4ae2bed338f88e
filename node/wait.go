package node

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// waiter waits for datagrams in the kernel. Go's own poller would wake some
// thread, of ordinary priority, which would then wake the reader's: on a busy
// board that costs tens of milliseconds of a call.
type waiter struct {
	socket syscall.RawConn
	quit   *os.File // readable when the waiting is over
	end    *os.File // closing it makes quit readable
}

func newWaiter(conn *net.UDPConn) (waiter, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return waiter{}, fmt.Errorf("node: %w", err)
	}
	quit, end, err := os.Pipe()
	if err != nil {
		return waiter{}, fmt.Errorf("node: %w", err)
	}
	return waiter{raw, quit, end}, nil
}

// during runs read with the socket's descriptor, which stays open meanwhile,
// and with one that can be read when it is over.
func (w *waiter) during(read func(fd, quit uintptr)) {
	w.socket.Control(func(fd uintptr) { read(fd, w.quit.Fd()) })
}

func (w *waiter) close() { w.end.Close() }
