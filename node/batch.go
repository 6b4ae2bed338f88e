package node

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"peerphone/hal"
)

// batchSize is how many datagrams one system call takes.
const batchSize = 64

// relayRoom is the receive buffer of a supernode, in bytes as the kernel counts
// them: about a thousand small packets, 50 ms of 400 legs.
const relayRoom = 1 << 20

// maxRead is the room for a datagram that comes; ours have wire.MaxDatagram
// bytes at most.
const maxRead = 2048

// batch reads the datagrams that wait at a socket in one system call, and sends
// those that are to be passed on in another (recvmmsg(2), sendmmsg(2)). It
// allocates nothing after newBatch. One goroutine, the socket's reader, uses
// it.
//
// Its calls do not block, so they bypass Go's scheduler (RawSyscall): it would
// take the processor away and wake another thread for each, at twice the cost
// of a frame.
type batch struct {
	conn *udpConn

	in       [batchSize]message
	inNames  [batchSize]sockaddr
	inParts  [batchSize]unix.Iovec
	buffers  [batchSize][maxRead]byte
	controls [batchSize]control
	out      [batchSize]message
	outNames [batchSize]sockaddr
	outParts [batchSize]unix.Iovec
	queued   int // in out
	set      [2]unix.PollFd
}

// message is struct mmsghdr of recvmmsg(2).
type message struct {
	unix.Msghdr
	size uint32
}

// sockaddr is struct sockaddr_in or sockaddr_in6.
type sockaddr [unix.SizeofSockaddrInet6]byte

// newBatch makes the batch of a socket; readable is false from when quit can be
// read.
func newBatch(conn *udpConn, quit uintptr) *batch {
	b := &batch{conn: conn}
	for i := range b.in {
		link(&b.in[i], &b.inNames[i], &b.inParts[i])
		b.inParts[i].Base = &b.buffers[i][0]
		b.inParts[i].SetLen(maxRead)
		link(&b.out[i], &b.outNames[i], &b.outParts[i])
	}
	b.set = [2]unix.PollFd{{Fd: int32(quit), Events: unix.POLLIN}, {Fd: int32(conn.fd), Events: unix.POLLIN}}
	return b
}

func link(m *message, name *sockaddr, part *unix.Iovec) {
	m.Name, m.Iov = &name[0], part
	m.SetIovlen(1)
}

// receive reads what waits, and returns how many datagrams there are.
func (b *batch) receive() int {
	stamped := b.conn.stamped.Load()
	for i := range b.in {
		b.in[i].Namelen = uint32(len(b.inNames[i]))
		b.in[i].SetControllen(0)
		if stamped {
			b.in[i].Control = &b.controls[i][0]
			b.in[i].SetControllen(len(b.controls[i]))
		}
	}
	n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(b.conn.fd),
		uintptr(unsafe.Pointer(&b.in[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
	if err != 0 {
		return 0 // nothing there, or an ICMP error of an earlier send; the socket is well
	}
	return int(n)
}

// datagram returns the i-th of those that receive has read; it is good until
// the next receive.
func (b *batch) datagram(i int) (from netip.AddrPort, data []byte) {
	return b.inNames[i].addrPort(), b.buffers[i][:min(int(b.in[i].size), maxRead)]
}

// came is when the i-th of those came to this host, as near as the kernel tells.
func (b *batch) came(i int) hal.Instant {
	if b.in[i].Controllen == 0 {
		return hal.Now()
	}
	return arrival(b.controls[i][:b.in[i].Controllen])
}

// pass sends data, a datagram of this batch, on to another address; flush does
// it. The queue has room for every datagram of the batch once.
func (b *batch) pass(to netip.AddrPort, data []byte) {
	i := b.queued
	b.out[i].Namelen = b.outNames[i].set(to, b.conn.inet)
	b.outParts[i].Base = &data[0]
	b.outParts[i].SetLen(len(data))
	b.queued++
}

// flush sends what is queued and returns how many datagrams the kernel did not
// take.
func (b *batch) flush() (failed int) {
	for sent := 0; sent < b.queued; {
		n, _, err := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(b.conn.fd),
			uintptr(unsafe.Pointer(&b.out[sent])), uintptr(b.queued-sent), unix.MSG_DONTWAIT, 0, 0)
		if err == unix.EINTR {
			continue
		}
		if err != 0 { // of the first: leave it out
			failed++
			n = 1
		}
		sent += int(n)
	}
	b.queued = 0
	return failed
}

// readable waits until the socket has something to read; false: it is over.
func (b *batch) readable() bool {
	for {
		_, err := unix.Poll(b.set[:], -1)
		if err != unix.EINTR {
			return err == nil && b.set[0].Revents == 0
		}
	}
}

// rest lets datagrams gather; false: it is over. It keeps the processor: a
// collection may have to wait for gatherRest.
func (b *batch) rest() bool {
	b.set[0].Revents = 0
	pause := unix.NsecToTimespec(int64(gatherRest))
	unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&b.set[0])), 1, uintptr(unsafe.Pointer(&pause)), 0, 0, 0)
	return b.set[0].Revents == 0
}

// addrPort reads an address that the kernel has written. IPv4 in IPv6 comes
// out as IPv4.
func (s *sockaddr) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(s[2:])
	if binary.NativeEndian.Uint16(s[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:])), port)
	}
	addr := netip.AddrFrom16([16]byte(s[8:])).Unmap()
	if scope := binary.NativeEndian.Uint32(s[24:]); scope != 0 && addr.IsLinkLocalUnicast() {
		addr = addr.WithZone(strconv.Itoa(int(scope)))
	}
	return netip.AddrPortFrom(addr, port)
}

// set writes an address for the kernel and returns its length.
func (s *sockaddr) set(to netip.AddrPort, inet bool) uint32 {
	*s = sockaddr{}
	binary.BigEndian.PutUint16(s[2:], to.Port())
	if inet {
		binary.NativeEndian.PutUint16(s[:], unix.AF_INET)
		if to.Addr().Is4() {
			*(*[4]byte)(s[4:]) = to.Addr().As4()
		}
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(s[:], unix.AF_INET6)
	*(*[16]byte)(s[8:]) = to.Addr().As16()
	return unix.SizeofSockaddrInet6
}
