package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/pion/stun/v3"

	"peerphone/firmware/lab/natlab"
	"peerphone/node/wire"
)

// scanned is what a phone's ports gave away.
type scanned struct {
	Phone   string   `json:"phone"`
	Ports   int      `json:"ports"`
	Sent    int      `json:"sent"`    // datagrams and connections
	Answers int      `json:"answers"` // anything but the kernel's word that nobody is there
	First   []string `json:"first"`
}

func (s *scanned) String() string {
	text := fmt.Sprintf("%s: %d datagrams and connections to %d ports, %d answers", s.Phone, s.Sent, s.Ports, s.Answers)
	for _, f := range s.First {
		text += "; " + f
	}
	return text
}

func (s *scanned) saw(text string) {
	s.Answers++
	if len(s.First) < maxFirst {
		s.First = append(s.First, text)
	}
}

// scan tries a phone's ports from a host of its own.
func (p probeCommand) scan(ctx context.Context, t *town, phone place) (s *scanned, err error) {
	where, err := phone.secret(ctx)
	if err != nil {
		return nil, err
	}
	scanner, err := t.lab.Public("scanner-of-" + phone.residence)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scanner.Close()) }()
	capture, err := t.lab.Capture(scanner.Host)
	if err != nil {
		return nil, err
	}
	s = &scanned{Phone: phone.residence, Ports: p.Ports}
	for _, a := range []netip.Addr{phone.host.Addr4(), phone.host.Addr6()} {
		if err := p.scanUDP(scanner.Host, s, a, where.port); err != nil {
			return nil, err
		}
		p.scanTCP(ctx, scanner.Host, s, a, where.port)
	}
	if err := pause(ctx, time.Second); err != nil {
		return nil, err
	}
	if err := capture.Close(); err != nil {
		return nil, err
	}
	for _, packet := range capture.Packets() {
		if !packet.Out && packet.Protocol == protocolUDP {
			s.saw(fmt.Sprintf("a datagram of %d bytes from %v", packet.Length, packet.Src))
		}
	}
	return s, nil
}

// scanUDP sends one byte to many ports, and everything that might be answered
// to the phone's own.
func (p probeCommand) scanUDP(scanner *natlab.Host, s *scanned, to netip.Addr, own uint16) error {
	c, err := scanner.ListenUDP(netip.AddrPort{})
	if err != nil {
		return err
	}
	defer c.Close()
	send := func(port uint16, b []byte) {
		_, _ = c.WriteToUDPAddrPort(b, netip.AddrPortFrom(to, port)) // ICMP says no, which is allowed
		s.Sent++
	}
	for port := range p.Ports {
		send(uint16(port+1), []byte{0})
	}
	for _, b := range baits() {
		for range 3 {
			send(own, b)
		}
	}
	return nil
}

// baits are datagrams that some program would answer.
func baits() [][]byte {
	noise := make([]byte, 600)
	_, _ = rand.Read(noise) // never fails
	kinds := []byte{0x00, 0x01, wire.HandshakeByte, wire.HandshakeByte | 1, wire.HandshakeByte | 2, wire.HandshakeByte | 3, wire.RelayByte, wire.SessionByte, wire.SessionByte | 1, 0xc3, 0x16}
	list := [][]byte{nil, noise, []byte("GET / HTTP/1.1\r\n\r\n"), stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw,
		stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint).Raw}
	for _, k := range kinds {
		for _, size := range []int{23, 64, 600, wire.MaxInner, wire.MaxDatagram} {
			b := make([]byte, size)
			_, _ = rand.Read(b)
			b[0] = k
			if k >= wire.HandshakeByte && k < wire.RelayByte {
				clear(b[1:4]) // a first flight: to nobody yet
			}
			list = append(list, b)
		}
	}
	return list
}

// scanners is how many connections are tried at a time.
const scanners = 64

// scanTCP connects to many ports, and sends something where it can.
func (p probeCommand) scanTCP(ctx context.Context, scanner *natlab.Host, s *scanned, to netip.Addr, own uint16) {
	ports := make(chan uint16)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range scanners {
		workers.Go(func() { // owner: scanTCP
			for port := range ports {
				what := connects(ctx, scanner, netip.AddrPortFrom(to, port))
				mu.Lock()
				s.Sent++
				if what != "" {
					s.saw(what)
				}
				mu.Unlock()
			}
		})
	}
	for port := range p.Ports {
		ports <- uint16(port + 1)
	}
	ports <- own
	close(ports)
	workers.Wait()
}

// connects says what a port does that is open; "": it is not.
func connects(ctx context.Context, scanner *natlab.Host, to netip.AddrPort) string {
	limited, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := scanner.Dial(limited, "tcp", to.String())
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return ""
	case err != nil:
		return fmt.Sprintf("TCP to %v: %v", to, err)
	}
	defer c.Close()
	return fmt.Sprintf("TCP port %v is open%s", to, says(c))
}

func says(c net.Conn) string {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	b, _ := io.ReadAll(io.LimitReader(c, 100))
	if len(b) == 0 {
		return ""
	}
	return fmt.Sprintf(" and says %q", b)
}
