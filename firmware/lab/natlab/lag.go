package natlab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lag delays the packets of one line: the internet routes them into a TUN
// device, and lag writes each back when its time has come. (The kernel's own
// delay, sch_netem, is a module that many machines have not.)
type lag struct {
	// constant after construction
	file *os.File
	plan plan
	up   chan held // from the line
	down chan held // to the line
	done chan struct{}
	all  sync.WaitGroup

	delay, jitter atomic.Int64 // nanoseconds
}

// held is a packet under way.
type held struct {
	at     time.Time // when to go on
	packet []byte
}

const (
	maxDelay = 10 * time.Second
	// underWay bounds the packets in one direction: 4 s of 1,000 a second.
	// Further ones are dropped.
	underWay = 4096
	mtu      = 1500
)

// newLag makes the device, which is down.
func newLag(s *space, name string, p plan) (*lag, error) {
	var fd int
	err := s.do(func() (err error) { fd, err = openTUN(name); return err })
	if err != nil {
		return nil, err
	}
	l := &lag{
		file: os.NewFile(uintptr(fd), name), plan: p, done: make(chan struct{}),
		up: make(chan held, underWay), down: make(chan held, underWay),
	}
	// Owned by l; they end in Close.
	l.all.Go(l.read)
	l.all.Go(func() { l.write(l.up) })
	l.all.Go(func() { l.write(l.down) })
	return l, nil
}

func openTUN(name string) (int, error) {
	const device = "/dev/net/tun"
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, fmt.Errorf("%w: a delay needs %s: %w (modprobe tun, or give the container that device)", ErrUnavailable, device, err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("natlab: %w", err), unix.Close(fd))
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return 0, errors.Join(fmt.Errorf("natlab: %s: %w", name, err), unix.Close(fd))
	}
	return fd, nil
}

func (l *lag) set(delay, jitter time.Duration) {
	l.delay.Store(int64(delay))
	l.jitter.Store(int64(jitter))
}

// Close drops what is under way and removes the device.
func (l *lag) Close() error {
	close(l.done)
	err := l.file.Close()
	l.all.Wait()
	return err
}

// read takes packets from the kernel.
func (l *lag) read() {
	var lastUp, lastDown time.Time
	buffer := make([]byte, mtu)
	for {
		n, err := l.file.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil { // the device is down: when the lab ends, or before detour
			select {
			case <-l.done:
				return
			case <-time.After(time.Millisecond):
			}
			continue
		}
		packet := append([]byte(nil), buffer[:n]...)
		queue, last := l.up, &lastUp
		if l.forLine(packet) {
			queue, last = l.down, &lastDown
		}
		*last = l.due(*last)
		select {
		case queue <- held{*last, packet}:
		default: // full: dropped
		}
	}
}

// due is when a packet that comes now goes on, not before the one before it.
func (l *lag) due(last time.Time) time.Time {
	at := time.Now().Add(time.Duration(l.delay.Load()))
	if j := l.jitter.Load(); j > 0 {
		at = at.Add(time.Duration(rand.Int64N(2*j+1) - j))
	}
	if at.Before(last) {
		return last
	}
	return at
}

// forLine reports whether the packet goes to the line, else it comes from it.
func (l *lag) forLine(packet []byte) bool {
	if len(packet) >= 20 && packet[0]>>4 == 4 {
		return l.plan.v4.Contains(netip.AddrFrom4([4]byte(packet[16:20])))
	}
	if len(packet) >= 40 && packet[0]>>4 == 6 {
		return l.plan.v6.Contains(netip.AddrFrom16([16]byte(packet[24:40])))
	}
	return false
}

// write gives packets back to the kernel.
func (l *lag) write(queue <-chan held) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.done:
			return
		case h := <-queue:
			timer.Reset(time.Until(h.at))
			select {
			case <-l.done:
				return
			case <-timer.C:
			}
			// A packet that the kernel refuses is lost, as on a wire.
			_, _ = l.file.Write(h.packet)
		}
	}
}
