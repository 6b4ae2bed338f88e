package natlab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
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
	device int // nonblocking
	stop   int // event that Close raises
	plan   plan
	done   chan struct{} // closed when run has ended

	once sync.Once
	err  error // of Close, after once

	delay, jitter atomic.Int64 // nanoseconds

	// owned by run
	up   way // from the line
	down way // to the line
}

// way is the packets under way in one direction, oldest first.
type way struct {
	held []held
	last time.Time // when the latest goes on
}

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
	l := &lag{plan: p, done: make(chan struct{})}
	err := s.do(func() (err error) { l.device, err = openTUN(name); return err })
	if err != nil {
		return nil, err
	}
	if l.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return nil, errors.Join(fmt.Errorf("natlab: %w", err), unix.Close(l.device))
	}
	go l.run() // owned by l; ends in Close
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
	l.once.Do(func() {
		if _, err := unix.Write(l.stop, []byte{7: 1}); err != nil {
			l.err = fmt.Errorf("natlab: %w", err)
			return
		}
		<-l.done
		l.err = errors.Join(unix.Close(l.device), unix.Close(l.stop))
	})
	return l.err
}

// mostUrgent is the niceness of a lag's thread: a packet that waits for the
// CPU behind the programs that are measured would make the line a worse one.
const mostUrgent = -20

// run takes packets and gives them back in time. It has a thread of its own,
// which ends with it, and waits in the kernel: Go's timers and poller would
// wake it by way of threads that are not urgent.
func (l *lag) run() {
	defer close(l.done)
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), mostUrgent) // or it is not
	buffer := make([]byte, mtu)
	for l.wait() {
		l.take(buffer)
		now := time.Now()
		l.give(&l.up, now)
		l.give(&l.down, now)
	}
}

// wait returns when there is something to do, and false after Close.
func (l *lag) wait() bool {
	fds := []unix.PollFd{{Fd: int32(l.stop), Events: unix.POLLIN}, {Fd: int32(l.device), Events: unix.POLLIN}}
	_, err := unix.Ppoll(fds, l.timeout(), nil)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false
	}
	if fds[1].Revents&unix.POLLERR != 0 { // the device is down, before detour or at the end
		time.Sleep(time.Millisecond)
	}
	return fds[0].Revents == 0
}

// timeout is until the next packet goes on; nil: none is under way.
func (l *lag) timeout() *unix.Timespec {
	var next time.Time
	for _, w := range []*way{&l.up, &l.down} {
		if len(w.held) > 0 && (next.IsZero() || w.held[0].at.Before(next)) {
			next = w.held[0].at
		}
	}
	if next.IsZero() {
		return nil
	}
	ts := unix.NsecToTimespec(int64(max(0, time.Until(next))))
	return &ts
}

// take holds what the kernel has.
func (l *lag) take(buffer []byte) {
	for range underWay {
		n, err := unix.Read(l.device, buffer)
		if err != nil {
			return
		}
		packet := append([]byte(nil), buffer[:n]...)
		w := &l.up
		if l.forLine(packet) {
			w = &l.down
		}
		w.last = l.due(w.last)
		if len(w.held) < underWay {
			w.held = append(w.held, held{w.last, packet})
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

// give writes back what is due. A packet that the kernel refuses is lost, as
// on a wire.
func (l *lag) give(w *way, now time.Time) {
	n := 0
	for ; n < len(w.held) && !w.held[n].at.After(now); n++ {
		_, _ = unix.Write(l.device, w.held[n].packet)
		w.held[n].packet = nil
	}
	w.held = w.held[n:]
}
