package wire

import (
	"encoding/binary"
	"net/netip"

	"peerphone/node/identity"
)

// Member is a supernode as others know it. It is comparable.
type Member struct {
	Node  identity.ID    `cbor:"1,keyasint"`
	Addr  netip.AddrPort `cbor:"2,keyasint"` // UDP
	Ports Ports          `cbor:"3,keyasint,omitempty" json:",omitzero"`
	Addr6 netip.AddrPort `cbor:"4,keyasint,omitzero" json:",omitzero"` // UDP over IPv6, beside an Addr of IPv4; not valid: none
}

// Ports are the TCP ports at which a supernode takes streams, for phones whose
// UDP is blocked.
type Ports uint8

// The ports, as bits.
const (
	SamePort Ports = 1 << iota // the number of the UDP port
	Port443
	Port80

	allPorts = SamePort | Port443 | Port80
)

// Has reports whether all of q are among p.
func (p Ports) Has(q Ports) bool { return p&q == q }

// MemberAt returns a supernode with one or two addresses, in either order; if
// they are of one IP version the second is left out.
func MemberAt(node identity.ID, a, b netip.AddrPort, ports Ports) Member {
	if b.IsValid() && (!a.IsValid() || a.Addr().Is6() && b.Addr().Is4()) {
		a, b = b, a
	}
	m := Member{Node: node, Addr: a, Ports: ports}
	if a.Addr().Is4() && b.Addr().Is6() {
		m.Addr6 = b
	}
	return m
}

// At reports whether a is one of m's addresses.
func (m Member) At(a netip.AddrPort) bool { return a.IsValid() && (m.Addr == a || m.Addr6 == a) }

// Host reports whether ip is that of one of m's addresses.
func (m Member) Host(ip netip.Addr) bool {
	return ip.IsValid() && (m.Addr.Addr() == ip || m.Addr6.Addr() == ip)
}

// Over returns m's address of IPv4, or else of IPv6, and the one that it has
// when it has no such.
func (m Member) Over(four bool) netip.AddrPort {
	if !four && m.Addr6.IsValid() {
		return m.Addr6
	}
	return m.Addr
}

func checkMember(m Member) error {
	if m.Node.IsZero() {
		return errZero
	}
	return checkPlaces(m)
}

// checkPlaces checks the ports and addresses of m.
func checkPlaces(m Member) error {
	switch {
	case m.Ports&^allPorts != 0:
		return errPorts
	case m.Addr6.IsValid() && (!m.Addr.Addr().Is4() || !m.Addr6.Addr().Is6()):
		return errAddr
	case m.Addr6.IsValid():
		if err := checkAddr(m.Addr6); err != nil {
			return err
		}
	}
	return checkAddr(m.Addr)
}

func checkAddr(a netip.AddrPort) error {
	if !a.IsValid() || a.Port() == 0 || a.Addr().Zone() != "" || a.Addr().Is4In6() {
		return errAddr
	}
	return nil
}

func checkMembers(ms []Member) error {
	if len(ms) > MaxMembers {
		return errMany
	}
	for _, m := range ms {
		if err := checkMember(m); err != nil {
			return err
		}
	}
	return nil
}

// Where bytes are dear, in records and announcements, addresses and ports are
// packed:
//
//	 1  Ports in the three highest bits, and the length of what follows: 6, 18
//	    or 24
//	 4  IPv4 address, and
//	 2  port, or
//	16  IPv6 address, and
//	 2  port, or both
const (
	portsShift = 5
	packed4    = 4 + 2
	packed6    = 16 + 2
)

// appendPlaces packs m's addresses and ports.
func appendPlaces(dst []byte, m Member) []byte {
	at := len(dst)
	dst = append(dst, 0)
	for _, a := range []netip.AddrPort{m.Addr, m.Addr6} {
		if a.IsValid() {
			dst = binary.BigEndian.AppendUint16(append(dst, a.Addr().AsSlice()...), a.Port())
		}
	}
	dst[at] = byte(m.Ports)<<portsShift | byte(len(dst)-at-1)
	return dst
}

// cutPlaces reads what appendPlaces wrote from the front of b.
func cutPlaces(b []byte) (m Member, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < placesLen(b[0]) {
		return Member{}, nil, false
	}
	m.Ports = Ports(b[0] >> portsShift)
	end := placesLen(b[0])
	switch end - 1 {
	case packed4:
		m.Addr = unpack4(b[1:])
	case packed6:
		m.Addr = unpack6(b[1:])
	case packed4 + packed6:
		m.Addr, m.Addr6 = unpack4(b[1:]), unpack6(b[1+packed4:])
	default:
		return Member{}, nil, false
	}
	return m, b[end:], true
}

// placesLen returns how many bytes packed places have that begin with head.
func placesLen(head byte) int { return 1 + int(head&(1<<portsShift-1)) }

func unpack4(b []byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), binary.BigEndian.Uint16(b[4:]))
}

func unpack6(b []byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)), binary.BigEndian.Uint16(b[16:]))
}
