package overlay

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// placeOf returns where a supernode stands in the key space of the global
// index. It follows from what others can check: its certified key, the epoch of
// the certificate, and the prefix of its address. So nobody chooses a place but
// by having many certificates, and with each epoch it moves.
func placeOf(node identity.ID, epoch uint32, addr netip.Addr) wire.Place {
	b := append([]byte("peerphone place\x00"), node[:]...)
	b = binary.BigEndian.AppendUint32(b, epoch)
	prefix := prefixOf(addr)
	b = append(b, prefix.Addr().AsSlice()...)
	sum := sha256.Sum256(append(b, byte(prefix.Bits())))
	return wire.Place(binary.BigEndian.Uint64(sum[:]))
}

// placeOfAnnouncement returns where a supernode stands by what it announces.
func placeOfAnnouncement(a wire.Announcement) wire.Place {
	return placeOf(a.Member.Node, identity.EpochOfCompact(a.Certificate), a.Member.Addr.Addr())
}

// placeOfKey returns where the record with this key belongs.
func placeOfKey(key identity.IndexKey) wire.Place { return wire.Place(binary.BigEndian.Uint64(key[:])) }

// prefixOf returns the network that one subscriber is likely to hold: a /24 of
// IPv4, a /48 of IPv6.
func prefixOf(addr netip.Addr) netip.Prefix {
	bits := 48
	if addr = addr.Unmap(); addr.Is4() {
		bits = 24
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// sameNetwork reports whether two public addresses are likely to be lost together:
// a /16 of IPv4, a /32 of IPv6.
func sameNetwork(a, b netip.AddrPort) bool {
	p := networkOf(a.Addr())
	return p.IsValid() && p == networkOf(b.Addr())
}

// networkOf returns the network by which the host cache and the homes are diverse;
// not valid for addresses that are exempt.
func networkOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	bits := 32
	if addr.Is4() {
		bits = 16
	}
	if exempt(addr) {
		return netip.Prefix{}
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// exempt reports whether an address is of a network in which many supernodes may
// share a prefix: loopback, private, link-local.
func exempt(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}

// quota is how many supernodes of one prefix count. A household or a small
// firm has fewer; who rents a whole prefix gains no more by it.
const quota = 16
