package overlay

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"

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

// PlaceOf returns the place of the supernode that a announces.
func PlaceOf(a wire.Announcement) wire.Place {
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

// Limits are the network's word on how many supernodes of one prefix count.
type Limits struct {
	Quota  int            // 0: identity.DefaultQuota
	Exempt []netip.Prefix // beside loopback, private and link-local addresses
	// Membership says whom a supernode knows.
	Membership identity.Membership
}

// SetLimits takes the word of the network parameters, before SetSelf. Whom we know
// stays.
func (o *Overlay) SetLimits(l Limits) {
	if l.Quota <= 0 {
		l.Quota = identity.DefaultQuota
	}
	o.limits = l
}

// overQuota reports whether as many supernodes as count have the prefix of m.
func (o *Overlay) overQuota(m wire.Member) bool {
	if o.exempted(m.Addr.Addr()) {
		return false
	}
	return o.table.atLeastOf(hashPrefix(m), o.limits.Quota)
}

// exempted reports whether any number of supernodes may share the prefix of ip.
func (o *Overlay) exempted(ip netip.Addr) bool {
	return exempt(ip) || slices.ContainsFunc(o.limits.Exempt, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// astray reports whether a node that speaks to us from an address cannot be at the
// place that follows from the one that it announces: both are public, of one
// version of IP, and of different prefixes.
func astray(from, announced netip.Addr) bool {
	from, announced = from.Unmap(), announced.Unmap()
	return from.IsValid() && from.Is4() == announced.Is4() && !exempt(from) && !exempt(announced) &&
		prefixOf(from) != prefixOf(announced)
}
