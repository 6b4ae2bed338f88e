package main

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"peerphone/firmware/lab/natlab"
)

// aStart is what a phone's interface sees of its start.
type aStart []natlab.Packet

var starter = netip.MustParseAddr("10.0.10.10")

// homeAt is the address of a supernode.
func homeAt(number byte) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 1, number}) }

func servesAtStart(a netip.Addr) bool { return a.As4()[2] == 1 }

// sees adds a packet of so many bytes behind its headers, which begins with a byte;
// port is the phone's.
func (s *aStart) sees(ms int, out bool, protocol uint8, port uint16, home byte, first byte, size int) *natlab.Packet {
	near, far := netip.AddrPortFrom(starter, port), netip.AddrPortFrom(homeAt(home), 443)
	header := 28
	if protocol == protocolTCP {
		header = 52
	}
	p := natlab.Packet{Src: far, Protocol: protocol, At: epoch.Add(time.Duration(ms) * time.Millisecond)}
	to := near
	if out {
		p.Src, to = near, far
	}
	data := make([]byte, header+size)
	copy(data[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(data[22:], to.Port())
	if size > 0 {
		data[header] = first
	}
	q := withPayload(p, data, header)
	q.Out = out
	*s = append(*s, q)
	return &(*s)[len(*s)-1]
}

func (s *aStart) segment(ms int, out bool, port uint16, home, record byte, size int) {
	s.sees(ms, out, protocolTCP, port, home, record, size)
}

func (s *aStart) begins(ms int, port uint16, home byte) {
	headerTCP(*s.sees(ms, true, protocolTCP, port, home, 0, 0))[13] = 0x02
}

// TestFirstHomeWithoutUDP: while one supernode makes the phone its guest, others
// confirm a connection, shake hands or exchange prefaces. None of that is an
// attachment.
func TestFirstHomeWithoutUDP(t *testing.T) {
	var s aStart
	s.segment(0, false, 5000, 3, 0, 0) // the end of the life before
	for i, home := range []byte{1, 2} {
		port, later := uint16(6000+i), i*90
		s.begins(1+later, port, home)
		s.segment(101+later, false, port, home, 0, 0)
		s.segment(102+later, true, port, home, tlsHandshake, 1425)
		s.segment(203+later, false, port, home, tlsHandshake, 1448)
		s.segment(204+later, false, port, home, tlsSealed, 334) // the midst of a record that looks so
		s.segment(205+later, true, port, home, tlsChange, 461)
		s.segment(307+later, false, port, home, tlsSealed, 27)
		s.segment(308+later, true, port, home, tlsSealed, 57)
	}
	s.begins(400, 6002, 3)
	s.segment(408, false, 6000, 1, tlsSealed, 230)
	s.segment(409, false, 6002, 3, 0, 0)
	home, at := firstHome(s, servesAtStart)
	if home != homeAt(1) || at != epoch.Add(408*time.Millisecond) {
		t.Errorf("the first home is %v after %v, want %v after 408 ms", home, at.Sub(epoch), homeAt(1))
	}
	if n := len(ofThisStart(s)); n != len(s)-1 {
		t.Errorf("%d of %d packets belong to the start, want all but the first", n, len(s))
	}
}

// TestFirstHomeByUDP: neither a handshake, STUN nor an acknowledgement is one.
func TestFirstHomeByUDP(t *testing.T) {
	var s aStart
	s.sees(0, true, protocolUDP, 41000, 1, 0, 20)
	s.sees(100, false, protocolUDP, 41000, 1, 0, 32)
	s.sees(111, false, protocolUDP, 41000, 2, 0x21, 1120)
	s.sees(213, false, protocolUDP, 41000, 2, sessionFrame(0, 40)[0], 34)
	s.sees(300, false, protocolUDP, 41000, 77, sessionFrame(0, 40)[0], 12)
	if home, _ := firstHome(s, servesAtStart); home.IsValid() {
		t.Errorf("%v is a home already", home)
	}
	s.sees(315, false, protocolUDP, 41000, 2, sessionFrame(0, 40)[0], 206)
	s.sees(315, false, protocolUDP, 41000, 1, sessionFrame(0, 40)[0], 206)
	if home, at := firstHome(s, servesAtStart); home != homeAt(2) || at != epoch.Add(315*time.Millisecond) {
		t.Errorf("the first home is %v after %v", home, at.Sub(epoch))
	}
}
