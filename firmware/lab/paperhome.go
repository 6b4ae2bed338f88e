package main

import (
	"net/netip"
	"time"

	"peerphone/firmware/lab/natlab"
	"peerphone/node/wire"
)

// Types of TLS records (RFC 8446, section 5.1), as they are seen on the wire.
const (
	tlsChange    = 20 // a dummy before the client's last flight (appendix D.4)
	tlsHandshake = 22 // both hellos
	tlsSealed    = 23 // all else
)

// leastWelcome is less than what a supernode says to whom it attaches (206 bytes
// in a session frame with three members), and more than what it says before that
// in a session or a stream.
const leastWelcome = 100

// firstHome is the address of the supernode that was the first to make the phone
// its guest, and when that was heard; invalid: none did. What is said is sealed: it
// is told by what comes before, that the phone has shaken hands, and by its length.
func firstHome(packets []natlab.Packet, serves func(netip.Addr) bool) (home netip.Addr, at time.Time) {
	shaken := map[[2]netip.AddrPort]bool{} // connections in which the phone has sent its last flight
	for _, p := range packets {
		switch b := p.Payload(); {
		case !serves(otherEnd(p)) || len(b) == 0:
		case p.Out && p.Protocol == protocolTCP && b[0] == tlsChange:
			shaken[[2]netip.AddrPort{p.Src, p.Dst}] = true
		case p.Out || len(b) < leastWelcome:
		case p.Protocol == protocolTCP && b[0] == tlsSealed && shaken[[2]netip.AddrPort{p.Dst, p.Src}],
			p.Protocol == protocolUDP && wire.KindOf(b) == wire.SessionFrame:
			return otherEnd(p), p.At
		}
	}
	return netip.Addr{}, time.Time{}
}

// otherEnd is the address of the far end of a packet.
func otherEnd(p natlab.Packet) netip.Addr {
	if p.Out {
		return p.Dst.Addr()
	}
	return p.Src.Addr()
}

// ofThisStart leaves out what belongs to TCP connections that are older than the
// capture: the end of those of the phone's life before.
func ofThisStart(packets []natlab.Packet) (list []natlab.Packet) {
	begun := map[netip.AddrPort]bool{} // own ends
	for _, p := range packets {
		near := p.Dst
		if p.Out {
			near = p.Src
		}
		begun[near] = begun[near] || p.Protocol == protocolTCP && isSYN(p)
		if p.Protocol == protocolUDP || begun[near] {
			list = append(list, p)
		}
	}
	return list
}

// onlyAcknowledges reports whether a TCP segment carries nothing and neither begins
// nor ends a connection. How many of them there are is up to both kernels, and to
// how fast the programs are.
func onlyAcknowledges(p natlab.Packet) bool {
	const flags, ends = 13, 0x05 // RST, FIN
	h := headerTCP(p)
	return p.Protocol == protocolTCP && len(p.Payload()) == 0 && !isSYN(p) && len(h) > flags && h[flags]&ends == 0
}

// isSYN reports whether a TCP segment begins a connection (RFC 9293, section 3.1).
func isSYN(p natlab.Packet) bool {
	const flags, syn = 13, 0x02
	h := headerTCP(p)
	return len(h) > flags && h[flags]&syn != 0
}
