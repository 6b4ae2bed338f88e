package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// flow is packets from one socket, through a relay, to another.
type flow struct {
	from, to udpSocket
	packet   []byte // what is sent
}

// udpSocket is a UDP socket of the loopback interface that does not block.
// The Go runtime does not know it: a load of 20,000 packets a second is to
// leave the CPU to the relay.
type udpSocket struct {
	fd   int
	addr netip.AddrPort // its own
}

// listenLoopback opens a socket at any port.
func listenLoopback() (s udpSocket, err error) {
	if s.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return s, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(s.fd, &unix.SockaddrInet4{Addr: loopback.As4()}); err != nil {
		return s, errors.Join(os.NewSyscallError("bind", err), unix.Close(s.fd))
	}
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return s, errors.Join(os.NewSyscallError("getsockname", err), unix.Close(s.fd))
	}
	s.addr = netip.AddrPortFrom(loopback, uint16(name.(*unix.SockaddrInet4).Port))
	return s, nil
}

// connect has the socket send to an address, and hear nobody else.
func (s udpSocket) connect(to netip.AddrPort) error {
	return os.NewSyscallError("connect", unix.Connect(s.fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}))
}

// send sends a datagram to whom the socket is connected to.
func (s udpSocket) send(datagram []byte) error {
	_, err := unix.Write(s.fd, datagram)
	return os.NewSyscallError("write", err)
}

// ask sends a datagram until one that match accepts comes back.
func (s udpSocket) ask(ctx context.Context, datagram []byte, match func([]byte) bool) error {
	buf := make([]byte, 2048)
	for try := 0; try < 20; try++ {
		if err := s.send(datagram); err != nil {
			return err
		}
		for deadline := time.Now().Add(500 * time.Millisecond); time.Now().Before(deadline); {
			n, ok := s.await(buf, 50*time.Millisecond)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if ok && match(buf[:n]) {
				return nil
			}
		}
	}
	return fmt.Errorf("no answer to a request at %v", s.addr)
}

// await reads the next datagram.
func (s udpSocket) await(buf []byte, limit time.Duration) (n int, ok bool) {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, int(limit/time.Millisecond)); err != nil {
		return 0, false
	}
	n, err := unix.Read(s.fd, buf)
	return n, err == nil
}

// load sends the packets of many flows at their times, and counts what comes
// out.
type load struct {
	flows   []flow
	carried func([]byte) bool
	poll    int
	next    int // flow

	sent, received uint64
}

// packetEvery is the pause between two packets of a flow.
const packetEvery = 20 * time.Millisecond

func newLoad(flows []flow, carried func([]byte) bool) (*load, error) {
	l := &load{flows: flows, carried: carried}
	var err error
	if l.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	for _, f := range flows {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(f.to.fd)}
		if err := unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, f.to.fd, &event); err != nil {
			return nil, errors.Join(os.NewSyscallError("epoll_ctl", err), unix.Close(l.poll))
		}
	}
	return l, nil
}

func (l *load) close() {
	_ = unix.Close(l.poll)
	for _, f := range l.flows {
		_ = unix.Close(f.from.fd)
		_ = unix.Close(f.to.fd) // where it is the same, it is closed already
	}
}

// run sends for a while. Packets are spread evenly, as those of many phones
// are, and waits until the last ones have come out.
func (l *load) run(ctx context.Context, length time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events := make([]unix.EpollEvent, 512)
	buf := make([]byte, 2048)
	begun, sent := time.Now(), 0
	for time.Since(begun) < length {
		due := int(int64(len(l.flows)) * int64(time.Since(begun)) / int64(packetEvery))
		for ; sent < due; sent++ {
			l.send()
		}
		l.drain(events, buf, 0)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		time.Sleep(time.Millisecond)
	}
	for last := time.Now(); time.Since(last) < 20*time.Millisecond; {
		if l.drain(events, buf, 5) > 0 {
			last = time.Now()
		}
	}
	return nil
}

// send sends the next flow's packet. One that the kernel refuses counts as
// lost.
func (l *load) send() {
	f := l.flows[l.next]
	l.next = (l.next + 1) % len(l.flows)
	_ = f.from.send(f.packet)
	l.sent++
}

// drain reads what has come out, after at most so many milliseconds.
func (l *load) drain(events []unix.EpollEvent, buf []byte, wait int) (count int) {
	n, err := unix.EpollWait(l.poll, events, wait)
	for i := 0; err == nil && i < n; i++ {
		for {
			size, err := unix.Read(int(events[i].Fd), buf)
			if err != nil {
				break
			}
			if l.carried(buf[:size]) {
				l.received++
				count++
			}
		}
	}
	return count
}
