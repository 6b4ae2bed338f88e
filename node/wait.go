package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
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

// readable waits until the socket has something to read; false: it is over.
func (w *waiter) readable() bool {
	over := false
	err := w.socket.Control(func(fd uintptr) {
		over = !poll(int(fd), int(w.quit.Fd()))
	})
	return err == nil && !over
}

// poll waits until fd is readable, or quit is: false.
func poll(fd, quit int) bool {
	set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(quit), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(set, -1)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && set[1].Revents == 0
		}
	}
}

func (w *waiter) close() { w.end.Close() }
