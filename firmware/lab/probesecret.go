package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"peerphone/firmware/lab/natlab"
	"peerphone/node/wire"
)

// secret is where a phone lives: what nobody shall learn.
type secret struct {
	addrs []netip.Addr
	port  uint16
}

// secret asks the phone itself for its port. Routers here preserve it.
func (p place) secret(ctx context.Context) (secret, error) {
	s, err := p.now(ctx)
	if err != nil {
		return secret{}, err
	}
	listen, err := netip.ParseAddrPort(s.Network.Listen)
	return secret{p.outside(), listen.Port()}, err
}

// inPacket says where a packet shows an address; "": nowhere.
func (s secret) inPacket(p natlab.Packet) string {
	for _, a := range s.addrs {
		switch {
		case p.Src.Addr() == a:
			return fmt.Sprintf("a packet came from %v", p.Src)
		case p.Dst.Addr() == a:
			return fmt.Sprintf("a packet went to %v", p.Dst)
		}
		if clear := clearPart(p); clear != nil && (bytes.Contains(clear, a.AsSlice()) || bytes.Contains(clear, crossed(a, clear)) || bytes.Contains(clear, []byte(a.String()))) {
			return fmt.Sprintf("a packet from %v to %v holds %v", p.Src, p.Dst, a)
		}
	}
	return ""
}

// clearPart is what of a packet is not sealed. In what is, four bytes are
// those of an address by chance, once in thousands of calls.
func clearPart(p natlab.Packet) []byte {
	payload := p.Payload()
	switch {
	case p.Protocol == protocolTCP:
		return nil // TLS
	case p.Protocol != protocolUDP:
		return p.Data // ICMP quotes the packet that it is about
	case wire.KindOf(payload) == wire.STUNFrame, wire.KindOf(payload) == wire.UnknownFrame:
		return payload
	}
	return nil
}

// crossed is an address as the STUN message around it has it: exclusive or
// with the magic cookie and, if it is longer, the transaction (RFC 8489,
// section 14.2).
func crossed(a netip.Addr, message []byte) []byte {
	const cookieAt, headerSize = 4, 20
	b := a.AsSlice()
	if len(message) < headerSize {
		return b
	}
	for i := range b {
		b[i] ^= message[cookieAt+i]
	}
	return b
}

// patterns are the forms that an address with the phone's port, or by itself
// where that is long enough to be no chance, takes in the memory of a Go
// program: netip.Addr, struct sockaddr_in and sockaddr_in6, bytes as they are
// sent, and text.
func (s secret) patterns() (list [][]byte) {
	port := binary.BigEndian.AppendUint16(nil, s.port)
	for _, a := range s.addrs {
		raw := a.AsSlice()
		mapped := a.As16()
		list = append(list,
			[]byte(netip.AddrPortFrom(a, s.port).String()),
			append(bytes.Clone(raw), port...), append(bytes.Clone(port), raw...),
			native16(mapped))
		if a.Is6() {
			list = append(list, raw)
		}
	}
	return list
}

// native16 is how netip.Addr holds an address: two numbers of 64 bits.
func native16(b [16]byte) (out []byte) {
	for i := 0; i < 16; i += 8 {
		out = binary.NativeEndian.AppendUint64(out, binary.BigEndian.Uint64(b[i:]))
	}
	return out
}

// inMemory counts the forms of the addresses that a process has in memory
// that it may write to.
func (s secret) inMemory(pid int) (found int, err error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return 0, err
	}
	defer memory.Close()
	patterns := s.patterns()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uint64
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); n != 2 || !strings.Contains(lines.Text(), " rw") {
			continue
		}
		found += countIn(memory, int64(from), int64(to), patterns)
	}
	return found, nil
}

// countIn looks through a region, which is read in pieces that overlap.
func countIn(memory *os.File, from, to int64, patterns [][]byte) (found int) {
	const piece, overlap = 1 << 20, 64
	buf := make([]byte, piece)
	for at := from; at < to; at += piece - overlap {
		n, err := memory.ReadAt(buf[:min(piece, to-at)], at)
		if err != nil && n == 0 {
			return found // not there, as the kernel's own pages
		}
		for _, p := range patterns {
			found += bytes.Count(buf[:n], p)
		}
	}
	return found
}
