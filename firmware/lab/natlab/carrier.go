package natlab

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A carrier that has come is not yet one that carries: the kernel makes an
// interface ready to send, and a switch's port ready to forward, in work of
// its own, at times a second later, and drops packets until then. In the same
// work it tells programs and routes that a carrier has gone. Asking for that
// one interface has the work done at once (Linux 6.8), and shows whether it
// was.

// awaitUp waits until an interface whose other end is up is ready.
func (s *space) awaitUp(end string) error {
	return s.awaitState(end, func(state byte) bool { return state == operUp })
}

// awaitDown waits until an interface whose other end is down is known to be.
func (s *space) awaitDown(end string) error {
	return s.awaitState(end, func(state byte) bool { return state != operUp })
}

func (s *space) awaitState(end string, done func(state byte) bool) error {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		state, err := s.operState(end)
		if err != nil {
			return fmt.Errorf("natlab: %s: %s: %w", s.name, end, err)
		}
		if done(state) {
			return nil
		}
		if time.Since(start) > patience {
			return fmt.Errorf("natlab: %s: %s stays in state %d (RFC 2863)", s.name, end, state)
		}
	}
}

// operUp is IF_OPER_UP of linux/if.h.
const operUp = 6

// operState asks rtnetlink(7) for the state of one interface (RFC 2863).
func (s *space) operState(end string) (state byte, err error) {
	var fd int
	err = s.do(func() error {
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, linkRequest(end), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, os.NewSyscallError("sendto", err)
	}
	b := make([]byte, 1<<15)
	n, _, err := unix.Recvfrom(fd, b, 0)
	if err != nil {
		return 0, os.NewSyscallError("recvfrom", err)
	}
	return parseLink(b[:n])
}

// linkRequest is an RTM_GETLINK by name.
func linkRequest(end string) []byte {
	attr := unix.SizeofRtAttr + len(end) + 1
	padded := (attr + 3) &^ 3
	b := make([]byte, unix.SizeofNlMsghdr+unix.SizeofIfInfomsg+padded)
	native.PutUint32(b, uint32(len(b)))
	native.PutUint16(b[4:], unix.RTM_GETLINK)
	native.PutUint16(b[6:], unix.NLM_F_REQUEST)
	a := b[unix.SizeofNlMsghdr+unix.SizeofIfInfomsg:]
	native.PutUint16(a, uint16(attr))
	native.PutUint16(a[2:], unix.IFLA_IFNAME)
	copy(a[unix.SizeofRtAttr:], end)
	return b
}

// parseLink finds IFLA_OPERSTATE in the answer.
func parseLink(b []byte) (state byte, err error) {
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4 {
			return 0, syscall.Errno(-int32(native.Uint32(m.Data)))
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			return 0, err
		}
		for _, a := range attrs {
			if a.Attr.Type == unix.IFLA_OPERSTATE && len(a.Value) == 1 {
				return a.Value[0], nil
			}
		}
	}
	return 0, nil
}
