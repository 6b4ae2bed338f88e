package node

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"peerphone/hal"
)

// The kernel notes when a datagram has come (SO_TIMESTAMPNS of socket(7)). A reader
// that is woken late, on a busy board or machine, does not take its own lateness for
// the network's silence.

// arrivalSize is that of a struct __kernel_timespec: two integers of 64 bits on any
// processor.
const arrivalSize = 16

// mostLate is how late a datagram may be read: an arrival that is longer ago is one
// by a wall clock that was set since.
const mostLate = 2 * time.Second

// control is room for what the kernel says of a datagram besides its address.
type control [64]byte

// stampArrivals lets the kernel tell when datagrams come, or no longer: a relay's
// socket does without while its owner does not talk.
func stampArrivals(fd int, on bool) (stamped bool) {
	value := 0
	if on {
		value = 1
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, value) == nil && on
}

// arrival is when a datagram has come, of which the kernel says so in the control
// messages b; it is now if the kernel does not.
func arrival(b []byte) hal.Instant {
	now := hal.Now()
	wall, ok := parseArrival(b)
	if !ok {
		return now
	}
	if late := time.Since(wall); late > 0 && late < mostLate {
		return now.Add(-late)
	}
	return now
}

// parseArrival finds the time in a datagram's control messages (cmsg(3)).
func parseArrival(b []byte) (t time.Time, ok bool) {
	header := unix.CmsgLen(0)
	for len(b) >= header+arrivalSize {
		size, level, kind := cmsg(b)
		switch {
		case size < header || size > len(b):
			return time.Time{}, false
		case level == unix.SOL_SOCKET && kind == unix.SO_TIMESTAMPNS_NEW && size >= header+arrivalSize:
			seconds, nanos := binary.NativeEndian.Uint64(b[header:]), binary.NativeEndian.Uint64(b[header+8:])
			return time.Unix(int64(seconds), int64(nanos)), true
		}
		b = b[min(unix.CmsgSpace(size-header), len(b)):]
	}
	return time.Time{}, false
}

// cmsg reads a struct cmsghdr, whose length is as long as a pointer.
func cmsg(b []byte) (size, level, kind int) {
	long := unix.SizeofPtr
	if long == 8 {
		size = int(min(binary.NativeEndian.Uint64(b), 1<<20))
	} else {
		size = int(min(binary.NativeEndian.Uint32(b), 1<<20))
	}
	return size, int(binary.NativeEndian.Uint32(b[long:])), int(binary.NativeEndian.Uint32(b[long+4:]))
}
