package natlab

//go:generate go tool stringer -type=Kind -linecomment

// Kind is how a site's router treats the traffic between its hosts and the
// internet. The words for mapping and filtering are those of RFC 4787,
// sections 4.1 and 5: whether a host's port looks the same to everybody, and
// who may send to it.
type Kind uint8

// The kinds. Each NAT keeps a mapping for 30 s after the first packet and 120 s
// once both ends have spoken; TCP is always filtered by address and port.
const (
	// NoNAT routes to hosts with public addresses and stops nothing.
	NoNAT Kind = iota // open
	// PortRestricted is plain Linux masquerading, as most homes have it:
	// endpoint-independent mapping that preserves the port, address and
	// port-dependent filtering, silence to strangers.
	PortRestricted // port-restricted
	// Rejecting is PortRestricted with a router that answers strangers' UDP
	// with ICMP, and TCP with RST. The answered packet leaves an entry behind,
	// so that a host which then sends to that stranger gets another mapping.
	Rejecting // rejecting
	// AddressRestricted lets in any port of an address that was sent to.
	AddressRestricted // address-restricted
	// FullCone lets in everybody once a mapping exists.
	FullCone // full-cone
	// Hairpin is FullCone, and hosts behind it reach each other by their
	// outside addresses, from which the packets then seem to come.
	Hairpin // hairpin
	// Symmetric gives each destination a mapping with a random port.
	Symmetric // symmetric
	// Predictable is symmetric for UDP, with port after port in sequence.
	Predictable // predictable
	// Carrier is PortRestricted behind a carrier that is PortRestricted too.
	Carrier // carrier
	// CarrierSymmetric is PortRestricted behind a carrier that is Symmetric.
	CarrierSymmetric // carrier-symmetric
	// UDPBlocked is PortRestricted for TCP; nothing else passes.
	UDPBlocked // udp-blocked
	// WebOnly is PortRestricted for TCP to ports 80 and 443; nothing else
	// passes.
	WebOnly // web-only
	// IPv6Firewall has no IPv4. Hosts have public IPv6 addresses behind a
	// firewall that lets in only answers (RFC 6092).
	IPv6Firewall // ipv6-firewall

	kinds // how many
)

// Kinds lists all, in order.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// carrier returns which NAT a kind brings along above its own.
func (k Kind) carrier() (above Kind, ok bool) {
	switch k {
	case Carrier:
		return PortRestricted, true
	case CarrierSymmetric:
		return Symmetric, true
	}
	return 0, false
}

// own returns the kind of the home's router: itself, where no carrier is.
func (k Kind) own() Kind {
	if _, ok := k.carrier(); ok {
		return PortRestricted
	}
	return k
}

// wiring is what cannot change while a site stands: kinds with the same one
// can replace each other.
type wiring struct{ public, carrier, ipv6Only bool }

func (k Kind) wiring() wiring {
	_, carrier := k.carrier()
	return wiring{public: k == NoNAT, carrier: carrier, ipv6Only: k == IPv6Firewall}
}
