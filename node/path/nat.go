package path

import (
	"net/netip"
	"time"
)

//go:generate go tool stringer -type=Mapping,Filtering,Finding -linecomment -output=nat_string.go

// Mapping says how our address is translated on its way out (RFC 4787 section
// 4.1).
type Mapping uint8

// The mappings.
const (
	MappingUnknown     Mapping = iota // unknown
	MappingNone                       // none
	MappingIndependent                // endpoint-independent
	MappingDependent                  // symmetric
)

// Filtering says who gets in by a mapping (RFC 4787 section 5).
type Filtering uint8

// The filterings.
const (
	FilteringUnknown     Filtering = iota // unknown
	FilteringIndependent                  // everybody
	FilteringAddress                      // any port of an address that was sent to
	FilteringPort                         // an address and port that was sent to
)

// Finding is what was found out about one question.
type Finding uint8

// The findings.
const (
	Unknown Finding = iota // unknown
	Yes                    // yes
	No                     // no
)

func finding(yes bool) Finding {
	if yes {
		return Yes
	}
	return No
}

// NAT is what a Survey has found out about the way to the outside. The zero NAT
// knows nothing.
type NAT struct {
	Mapping   Mapping        `json:"mapping"`
	Filtering Filtering      `json:"filtering"`
	Mapped    netip.AddrPort `json:"mapped"`    // at which the outside saw us last, IPv4; invalid: not seen
	Mapped6   netip.AddrPort `json:"mapped6"`   // likewise, IPv6
	Other     netip.AddrPort `json:"other"`     // with MappingIndependent: at which a minority saw us, IPv4; invalid: nobody
	Delta     int            `json:"delta"`     // with MappingDependent: from one port to the next; 0: at random
	Preserved Finding        `json:"preserved"` // the mapped port is our own
	Hairpin   Finding        `json:"hairpin"`   // our own packet comes back from our mapped address
	UDP       Finding        `json:"udp"`       // passes at all
	TCP       Finding        `json:"tcp"`       // passes to any port; asked when UDP is silent
	Web       Finding        `json:"web"`       // passes to 443 or 80; likewise
	Lifetime  time.Duration  `json:"lifetime"`  // for which we are remembered at least after a packet; 0: not known
	Learnt    time.Time      `json:"learnt"`
}

// Kind is the word for the whole, for an owner and for logs.
func (n NAT) Kind() string {
	switch {
	case n.UDP == No && n.TCP == Yes:
		return "UDP blocked"
	case n.UDP == No && n.Web == Yes:
		return "web ports only"
	case n.UDP == No:
		return "no way out"
	case n.Mapping == MappingDependent:
		return "symmetric"
	case n.Mapping == MappingNone:
		return n.open()
	case n.Mapping == MappingIndependent:
		return n.cone()
	}
	return "unknown"
}

func (n NAT) open() string {
	if n.Filtering == FilteringAddress || n.Filtering == FilteringPort {
		return "firewall"
	}
	return "open"
}

func (n NAT) cone() string {
	switch n.Filtering {
	case FilteringIndependent:
		return "full cone"
	case FilteringAddress:
		return "address-restricted"
	case FilteringPort:
		return "port-restricted"
	}
	return "endpoint-independent"
}

// Closes reports whether a NAT or firewall lets packets in only for a while after
// one that went out, as far as is known.
func (n NAT) Closes() bool {
	switch n.Mapping {
	case MappingIndependent, MappingDependent:
		return true
	case MappingNone:
		return n.Filtering == FilteringAddress || n.Filtering == FilteringPort
	}
	return false
}

// same reports whether two findings agree but for their time.
func (n NAT) same(o NAT) bool {
	n.Learnt = o.Learnt
	return n == o
}
