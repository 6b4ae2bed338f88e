package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// loopback is the address of everything in the lab.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// checkPort says whether a page can be served on a port, and if not, who has
// it and what to do.
func checkPort(phone string, port uint16, flag string) error {
	if port == 0 {
		return nil // any free one
	}
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(loopback, port)))
	if err == nil {
		return l.Close()
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("the %s's page cannot have port %d: %w; choose another one with %s", phone, port, err, flag)
	}
	return fmt.Errorf("port %d, for the %s's page, is taken%s; end what uses it, or choose another port with %s", port, phone, holder(port), flag)
}

// holder names the process that listens on a port of the loopback interface,
// as far as the kernel tells: " by NAME (process ID)".
func holder(port uint16) string {
	var inodes []string
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		inodes = append(inodes, listeners(string(text), port)...)
	}
	for _, inode := range inodes {
		links, err := filepath.Glob("/proc/[0-9]*/fd/*")
		if err != nil {
			return ""
		}
		for _, link := range links {
			if to, err := os.Readlink(link); err == nil && to == "socket:["+inode+"]" {
				return process(strings.Split(link, "/")[2])
			}
		}
	}
	return ""
}

// listeners returns the sockets that listen on a port, of a table as in
// proc(5): sl, local address, remote address, state, ..., inode as the tenth.
func listeners(table string, port uint16) (inodes []string) {
	const listening = "0A"
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) && f[3] == listening {
			inodes = append(inodes, f[9])
		}
	}
	return inodes
}

func process(pid string) string {
	name, err := os.ReadFile("/proc/" + pid + "/comm")
	if err != nil {
		return " by process " + pid
	}
	return fmt.Sprintf(" by %s (process %s)", strings.TrimSpace(string(name)), pid)
}

// freeUDP returns a UDP address that was free a moment ago: the one wanted if
// it is, else any.
func freeUDP(wanted netip.AddrPort) (netip.AddrPort, error) {
	for _, a := range candidates(wanted) {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
		if err == nil {
			return c.LocalAddr().(*net.UDPAddr).AddrPort(), c.Close()
		}
	}
	return netip.AddrPort{}, errors.New("no free UDP port on the loopback interface")
}

// freeTCP is the same for TCP.
func freeTCP(wanted netip.AddrPort) (netip.AddrPort, error) {
	for _, a := range candidates(wanted) {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(a))
		if err == nil {
			return l.Addr().(*net.TCPAddr).AddrPort(), l.Close()
		}
	}
	return netip.AddrPort{}, errors.New("no free TCP port on the loopback interface")
}

func candidates(wanted netip.AddrPort) []netip.AddrPort {
	any := netip.AddrPortFrom(loopback, 0)
	if wanted.Addr() == loopback {
		return []netip.AddrPort{wanted, any}
	}
	return []netip.AddrPort{any}
}
