package main

import (
	"fmt"
	"slices"
	"strings"

	"peerphone/firmware/lab/natlab"
)

// natPair is two kinds of site whose phones call each other.
type natPair struct{ a, b natlab.Kind }

func (p natPair) String() string { return p.a.String() + "," + p.b.String() }

// outcome is what must become of a pair's calls: sound both ways by whatever
// way; directly within sprayTime in 95 of 100; directly in all.
type outcome uint8

//go:generate go tool stringer -type=outcome,soundWay -linecomment -output=nat_string.go

// The outcomes.
const (
	relayed     outcome = iota // relay
	mostlyReach                // direct 95 %
	reach                      // direct
)

// manner is what matters of a kind for its pairs.
type manner uint8

const (
	free       manner = iota // lets in anybody, or any port of whom it sent to
	fussy                    // the same port for all, lets in only who was sent to
	scattering               // another port for each
	shut                     // no UDP
	modern                   // IPv6 only, lets in only who was sent to
)

var manners = map[natlab.Kind]manner{
	natlab.NoNAT: free, natlab.AddressRestricted: free, natlab.FullCone: free, natlab.Hairpin: free,
	natlab.PortRestricted: fussy, natlab.Rejecting: fussy, natlab.Carrier: fussy,
	natlab.Symmetric: scattering, natlab.Predictable: scattering, natlab.CarrierSymmetric: scattering,
	natlab.UDPBlocked: shut, natlab.WebOnly: shut, natlab.IPv6Firewall: modern,
}

// outcome is what must become of the pair: no packet of UDP passes where one
// end has none or the two speak different versions of IP; and two ends that
// both give each destination another port cannot guess each other's.
func (p natPair) outcome() outcome {
	a, b := manners[p.a], manners[p.b]
	has := func(m manner) bool { return a == m || b == m }
	switch {
	case has(shut), a == scattering && b == scattering:
		return relayed
	case has(modern):
		if a == b || p.a == natlab.NoNAT || p.b == natlab.NoNAT { // which has IPv6 too
			return reach
		}
		return relayed
	case has(scattering) && has(fussy):
		return mostlyReach
	}
	return reach
}

// allPairs is the matrix.
func allPairs() (list []natPair) {
	for i, a := range natlab.Kinds() {
		for _, b := range natlab.Kinds()[i:] {
			list = append(list, natPair{a, b})
		}
	}
	return list
}

// shortPairs need between them everything that the matrix needs.
var shortPairs = []string{
	"port-restricted,rejecting", "hairpin,hairpin", "carrier,full-cone", "address-restricted,symmetric",
	"symmetric,carrier-symmetric", "udp-blocked,open", "web-only,udp-blocked", "ipv6-firewall,ipv6-firewall",
	"ipv6-firewall,port-restricted",
}

func parsePair(text string) (natPair, error) {
	first, second, ok := strings.Cut(text, ",")
	a, okA := parseKind(first)
	b, okB := parseKind(second)
	if !ok || !okA || !okB {
		return natPair{}, fmt.Errorf("--pair %s: want two of %s, with a comma between", text, strings.Join(kindNames(), ", "))
	}
	return natPair{a, b}, nil
}

func parseKind(text string) (natlab.Kind, bool) {
	i := slices.Index(kindNames(), strings.TrimSpace(text))
	return natlab.Kind(max(i, 0)), i >= 0
}

func kindNames() (names []string) {
	for _, k := range natlab.Kinds() {
		names = append(names, k.String())
	}
	return names
}
