package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"

	"peerphone/firmware/lab/child"
)

// floorBed is the cheapest relay that there can be with one system call for
// each packet in and out: a process of this program.
type floorBed struct {
	group   *child.Group
	program string
	log     string
	child   *child.Child
	addr    netip.AddrPort
	before  int64
}

// relayPayload is what each packet carries, in bytes; relayAround what relays
// put before it, ChannelData's header (RFC 8656, section 12.4) and ours alike.
const relayPayload, relayAround = 80, 4

func (b *floorBed) start(ctx context.Context) (err error) {
	b.child, err = b.group.Start(child.Spec{Name: "the floor", Path: b.program, Args: []string{"floor"}, Log: b.log})
	if err != nil {
		return err
	}
	var line struct{ Listening netip.AddrPort }
	err = await(ctx, b.child, &line, func() bool { return line.Listening.IsValid() })
	b.addr = line.Listening
	return err
}

// open tells the floor which ports belong together.
func (b *floorBed) open(ctx context.Context, legs int) (flows []flow, err error) {
	before, err := b.usage()
	if err != nil {
		return nil, err
	}
	b.before = before.memory
	packet := make([]byte, relayAround+relayPayload)
	for range legs / 2 {
		var pair [2]udpSocket
		for i := range pair {
			if pair[i], err = listenLoopback(); err != nil {
				return nil, err
			}
			if err := pair[i].connect(b.addr); err != nil {
				return nil, err
			}
		}
		for i, s := range pair {
			other := pair[1-i].addr.Port()
			request := append([]byte(floorRequest), byte(other>>8), byte(other))
			if err := s.ask(ctx, request, func(answer []byte) bool { return bytes.Equal(answer, request) }); err != nil {
				return nil, err
			}
			flows = append(flows, flow{s, pair[1-i], packet})
		}
	}
	return flows, nil
}

func (b *floorBed) tend() error { return nil }

func (b *floorBed) stop() error { return nil } // the group does

func (b *floorBed) usage() (procUsage, error) { return usageOf(b.child.Pid()) }

func (b *floorBed) perLeg(int) float64 { return 0 } // its table has its size from the start

func (b *floorBed) carried(datagram []byte) bool {
	return len(datagram) == relayAround+relayPayload
}

// floorRequest precedes the port to which the asker's packets are to go.
const floorRequest = "port "

// floorCommand is the floor itself.
type floorCommand struct{}

func (floorCommand) Run() error {
	s, err := listenLoopback()
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(s.fd, false); err != nil {
		return err
	}
	fmt.Printf("{\"listening\":%q}\n", s.addr)
	return floor(s.fd)
}

// floor receives and sends until it is killed. It goes around Go's scheduler,
// which costs as much as the kernel: nothing else runs here, and nothing is
// allocated.
func floor(fd int) error {
	var partner [1 << 16]uint16 // by port, both in the byte order of the network
	buf := make([]byte, 2048)
	peer := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: loopback.As4()}
	for {
		size := uint32(unix.SizeofSockaddrInet4)
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0,
			uintptr(unsafe.Pointer(&peer)), uintptr(unsafe.Pointer(&size)))
		if errno != 0 {
			return os.NewSyscallError("recvfrom", errno)
		}
		if asksFloor(buf[:n]) {
			partner[peer.Port] = *(*uint16)(unsafe.Pointer(&buf[len(floorRequest)]))
		} else if peer.Port = partner[peer.Port]; peer.Port == 0 {
			continue
		}
		unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), n, 0,
			uintptr(unsafe.Pointer(&peer)), uintptr(size))
	}
}

func asksFloor(b []byte) bool {
	return len(b) == len(floorRequest)+2 && string(b[:len(floorRequest)]) == floorRequest
}

func relayLog(dir, name string) string { return filepath.Join(dir, name+".log") }
