package natlab

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// rules is what a router's nftables rules follow from.
type rules struct {
	kind    Kind
	outside netip.Addr    // IPv4 address of wan
	mapping time.Duration // life of a mapping that learn keeps
}

// A packet from the inside passes forward, then postrouting, where the kernel
// chooses the mapping, then learn, which sees the translated packet. One from
// the outside passes prerouting, where the kinds that let strangers in direct
// it to a host, then forward; undirected it ends at input.
func (r rules) String() string {
	var b strings.Builder
	// Deleting needs the table to exist. All is one transaction.
	b.WriteString("table inet natlab {}\ndelete table inet natlab\ntable inet natlab {\n")
	if r.learns() {
		seconds := int(max(r.mapping, time.Second) / time.Second)
		for _, set := range []string{
			"map mapped { type inet_service : ipv4_addr . inet_service;", // outside port: host
			"set ports { type inet_service;",                             // outside ports in use
			"set held { type ipv4_addr . inet_service;",                  // hosts with a mapping
			"set met { type inet_service . ipv4_addr;",                   // outside port, remote address sent to
		} {
			fmt.Fprintf(&b, "%s flags dynamic,timeout; timeout %ds; size 65535; }\n", set, seconds)
		}
	}
	for _, c := range []struct {
		head  string
		rules []string
	}{
		{"input { type filter hook input priority 0;", r.input()},
		{"forward { type filter hook forward priority 0;", r.forward()},
		{"prerouting { type nat hook prerouting priority -100;", r.prerouting()},
		{"postrouting { type nat hook postrouting priority 100;", r.postrouting()},
		{"learn { type filter hook postrouting priority 150;", r.learn()},
	} {
		fmt.Fprintf(&b, "chain %s\n%s\n}\n", c.head, strings.Join(c.rules, "\n"))
	}
	b.WriteString("}\n")
	return b.String()
}

// learns reports whether strangers may come in by a mapping, which the kernel
// by itself does not allow.
func (r rules) learns() bool {
	return r.kind == AddressRestricted || r.kind == FullCone || r.kind == Hairpin
}

// translates reports whether hosts hide behind the router's IPv4 address.
func (r rules) translates() bool { return r.kind != NoNAT && r.kind != IPv6Firewall }

func (r rules) input() []string {
	if r.kind == NoNAT || r.kind == Rejecting {
		return nil
	}
	return []string{
		`iifname != "wan" accept`,
		`ct state established,related accept`,
		`icmp type echo-request accept`,
		`icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept`,
		`drop`,
	}
}

func (r rules) forward() []string {
	fromWan := []string{
		`iifname "wan" ct state established,related accept`,
		`iifname "wan" ct status dnat accept`,
		`iifname "wan" drop`,
	}
	switch r.kind {
	case NoNAT:
		return nil
	case UDPBlocked:
		return append([]string{`meta l4proto != { tcp, icmp, icmpv6 } drop`}, fromWan...)
	case WebOnly:
		return append([]string{`iifname "lan" ct state established,related accept`,
			`iifname "lan" tcp dport { 80, 443 } accept`, `iifname "lan" drop`}, fromWan...)
	}
	return fromWan
}

func (r rules) prerouting() []string {
	const direct = `meta l4proto udp dnat ip to udp dport map @mapped`
	switch r.kind {
	case AddressRestricted:
		return []string{`iifname "wan" udp dport . ip saddr @met ` + direct}
	case FullCone:
		return []string{`iifname "wan" meta nfproto ipv4 ` + direct}
	case Hairpin:
		return []string{
			`iifname "wan" meta nfproto ipv4 ` + direct,
			`iifname "lan" ip daddr ` + r.outside.String() + ` ` + direct,
		}
	}
	return nil
}

// sequence are the ports of Predictable, which begins anew after the last.
const sequenceFirst, sequenceSize = 40_000, 2_048

func (r rules) postrouting() []string {
	if !r.translates() {
		return nil
	}
	var all []string
	if r.kind == Hairpin {
		all = append(all, `iifname "lan" oifname "lan" ct status dnat snat ip to `+r.outside.String())
	}
	const out = `oifname "wan" meta nfproto ipv4 `
	switch {
	case r.kind == Symmetric:
		return append(all, out+`masquerade fully-random`)
	case r.kind == Predictable:
		return append(all, out+`meta l4proto udp masquerade to :numgen inc mod `+sequence(), out+`masquerade`)
	case r.learns():
		// The kernel lets two hosts share an outside port when they talk to
		// different destinations; these kinds must know whose it is.
		all = append(all, out+`udp sport @ports ip saddr . udp sport != @held masquerade to :61000-64999`)
	}
	return append(all, out+`masquerade`)
}

func sequence() string {
	ports := make([]string, sequenceSize)
	for i := range ports {
		ports[i] = fmt.Sprintf("%d : %d", i, sequenceFirst+i)
	}
	return fmt.Sprintf("%d map { %s }", sequenceSize, strings.Join(ports, ", "))
}

// learn keeps the mappings that packets to the outside show. The host is the
// source of a flow that it began, and the one who answers in a flow that a
// stranger began.
func (r rules) learn() []string {
	if !r.learns() {
		return nil
	}
	const out = `oifname "wan" meta nfproto ipv4 meta l4proto udp `
	return []string{
		out + `ct direction original update @mapped { udp sport : ct original ip saddr . ct original proto-src }`,
		out + `ct direction original update @held { ct original ip saddr . ct original proto-src }`,
		out + `ct direction reply update @mapped { udp sport : ct reply ip saddr . ct reply proto-src }`,
		out + `ct direction reply update @held { ct reply ip saddr . ct reply proto-src }`,
		out + `update @ports { udp sport }`,
		out + `update @met { udp sport . ip daddr }`,
	}
}
