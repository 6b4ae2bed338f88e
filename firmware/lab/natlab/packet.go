package natlab

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// native is the byte order of the kernel's structures.
var native = binary.NativeEndian

// ParsePacket reads the headers of an IP packet and copies its first bytes. It
// refuses what is no IP packet or has no whole header.
func ParsePacket(b []byte) (p Packet, ok bool) {
	if len(b) == 0 {
		return p, false
	}
	switch b[0] >> 4 {
	case 4:
		ok = p.parse4(b)
	case 6:
		ok = p.parse6(b)
	}
	if ok {
		p.Data = append([]byte(nil), b[:min(len(b), snap)]...)
	}
	return p, ok
}

// parse4 follows RFC 791, section 3.1.
func (p *Packet) parse4(b []byte) bool {
	if len(b) < 20 {
		return false
	}
	header := int(b[0]&0x0f) * 4
	p.Length = int(binary.BigEndian.Uint16(b[2:]))
	if header < 20 || p.Length < header || len(b) < header {
		return false
	}
	later := binary.BigEndian.Uint16(b[6:])&0x1fff != 0
	src, dst := netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	p.transport(b, header, b[9], later, src, dst)
	return true
}

// parse6 follows RFC 8200, sections 3 and 4.
func (p *Packet) parse6(b []byte) bool {
	const header = 40
	if len(b) < header {
		return false
	}
	p.Length = header + int(binary.BigEndian.Uint16(b[4:]))
	protocol, at, later := b[6], header, false
	for extension(protocol) && len(b) >= at+8 {
		next, size := b[at], 8
		if protocol == unix.IPPROTO_FRAGMENT {
			later = later || binary.BigEndian.Uint16(b[at+2:])>>3 != 0
		} else {
			size += int(b[at+1]) * 8
		}
		protocol, at = next, at+size
	}
	src, dst := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	p.transport(b, at, protocol, later, src, dst)
	return true
}

// extension reports whether a header of IPv6 is followed by another.
func extension(protocol uint8) bool {
	switch protocol {
	case unix.IPPROTO_HOPOPTS, unix.IPPROTO_ROUTING, unix.IPPROTO_FRAGMENT, unix.IPPROTO_DSTOPTS:
		return true
	}
	return false
}

// transport reads the ports that begin at offset at.
func (p *Packet) transport(b []byte, at int, protocol uint8, later bool, src, dst netip.Addr) {
	var from, to uint16
	switch {
	case later || len(b) < at+8:
	case protocol == unix.IPPROTO_UDP:
		from, to, p.payload = binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:]), at+8
	case protocol == unix.IPPROTO_TCP:
		from, to = binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:])
		if len(b) > at+12 {
			p.payload = at + int(b[at+12]>>4)*4
		}
	}
	p.Protocol, p.Src, p.Dst = protocol, netip.AddrPortFrom(src, from), netip.AddrPortFrom(dst, to)
}
