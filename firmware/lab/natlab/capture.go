package natlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Packet is one IP packet that was on the wire.
type Packet struct {
	At       time.Time      // by the kernel, when it passed the interface
	Link     string         // interface
	Out      bool           // sent by this host, else received
	Length   int            // bytes, IP header included and the link's not
	Protocol uint8          // IANA's number, behind IPv6 extension headers: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6
	Src, Dst netip.AddrPort // port 0 where there is none, and in later fragments
	Data     []byte         // its first bytes, from the IP header on
	payload  int            // offset in Data
}

// Payload is what follows the UDP or TCP header, as far as Data has it, and
// nil for other packets.
func (p Packet) Payload() []byte {
	if p.payload == 0 || p.payload > len(p.Data) {
		return nil
	}
	return p.Data[p.payload:]
}

const (
	snap       = 1500    // bytes of a packet that are kept
	maxPackets = 1 << 20 // of a capture; further ones are counted in Lost
)

// Capture records every IP packet that passes the interfaces of a host or
// router, loopback excepted.
type Capture struct {
	// constant after construction
	lab   *Lab
	space *space
	file  *os.File
	done  chan struct{} // closed when follow has ended

	once sync.Once
	err  error // of Close, after once

	mu      sync.Mutex
	packets []Packet       // guarded by mu
	lost    int            // guarded by mu
	links   map[int]string // names of interfaces by index, guarded by mu
}

// Capture begins to record at a host. Whoever begins one closes it; closing
// the lab does too.
func (l *Lab) Capture(h *Host) (*Capture, error) {
	c := &Capture{lab: l, space: h.space, done: make(chan struct{}), links: map[int]string{}}
	fd, err := c.socket()
	if err != nil {
		return nil, err
	}
	c.file = os.NewFile(uintptr(fd), "capture at "+h.name)
	go c.follow() // owned by c; ends in Close
	if err := l.keep(c); err != nil {
		return nil, err
	}
	return c, nil
}

// bufferSize holds what comes while this process has no CPU.
const bufferSize = 16 << 20

// socket opens a packet socket (packet(7)) that leaves the link's header out.
func (c *Capture) socket() (fd int, err error) {
	err = c.space.do(func() error {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("natlab: capture: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSize),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL)})) // begins here
	if err != nil {
		return 0, errors.Join(fmt.Errorf("natlab: capture: %w", err), unix.Close(fd))
	}
	return fd, nil
}

func bigEndian(v uint16) uint16 { return v<<8 | v>>8 }

// Packets returns what was recorded until now, in order.
func (c *Capture) Packets() []Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.packets)
}

// Bytes sums the lengths of those packets that match accepts; nil accepts all.
func (c *Capture) Bytes(match func(Packet) bool) (bytes, packets int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.packets {
		if match == nil || match(p) {
			bytes += p.Length
			packets++
		}
	}
	return bytes, packets
}

// Lost is how many packets were not recorded, because there were too many. It
// is final after Close.
func (c *Capture) Lost() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// Close ends the recording. Packets that were sent or received before are in
// it.
func (c *Capture) Close() error {
	c.once.Do(func() {
		c.lab.forget(c)
		// Wakes follow, which reads what is there before it ends.
		c.err = c.file.SetReadDeadline(time.Now())
		<-c.done
		c.err = errors.Join(c.err, c.file.Close())
	})
	return c.err
}

// follow reads packets until the deadline that Close sets.
func (c *Capture) follow() {
	defer close(c.done)
	conn, err := c.file.SyscallConn()
	if err != nil {
		return
	}
	r := reader{capture: c, packet: make([]byte, 1<<16), control: make([]byte, 128)}
	for {
		err := conn.Read(func(fd uintptr) bool { return r.drain(int(fd)) })
		if err != nil {
			_ = conn.Control(func(fd uintptr) { r.drain(int(fd)); c.dropped(int(fd)) })
			return
		}
	}
}

// dropped counts what the kernel could not hold.
func (c *Capture) dropped(fd int) {
	stats, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost += int(stats.Drops)
}

// reader is what follow reads with.
type reader struct {
	capture         *Capture
	packet, control []byte
}

// drain records what the socket holds. It returns false when that was nothing,
// so that the caller waits.
func (r *reader) drain(fd int) (some bool) {
	for {
		n, controls, _, from, err := unix.Recvmsg(fd, r.packet, r.control, 0)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return some
		}
		some = true
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || link.Hatype == unix.ARPHRD_LOOPBACK {
			continue
		}
		p, ok := ParsePacket(r.packet[:n])
		if !ok {
			continue // ARP and the like
		}
		p.At = stamp(r.control[:controls])
		p.Out = link.Pkttype == unix.PACKET_OUTGOING
		r.capture.add(p, link.Ifindex)
	}
}

// stamp finds the kernel's time of arrival.
func stamp(control []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Now()
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(native.Uint64(m.Data)), int64(native.Uint64(m.Data[8:])))
		}
	}
	return time.Now()
}

func (c *Capture) add(p Packet, link int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.packets) >= maxPackets {
		c.lost++
		return
	}
	p.Link = c.linkLocked(link)
	c.packets = append(c.packets, p)
}

func (c *Capture) linkLocked(index int) string {
	if name, ok := c.links[index]; ok {
		return name
	}
	var name string
	_ = c.space.do(func() error { // an interface that is gone has no name
		i, err := net.InterfaceByIndex(index)
		if err == nil {
			name = i.Name
		}
		return err
	})
	c.links[index] = name
	return name
}
