package path

import (
	"net/netip"
	"slices"
)

// judge says what the addresses mean at which we are seen. A NAT counts as
// symmetric when no two of them agree: one that keeps our port for everybody
// gives us another for whom it has turned away before (conntrack clash).
func (s *Survey) judge(seen []netip.AddrPort) {
	mapped, agreed := common(seen)
	before := s.nat
	if len(seen) == 1 && mapped != before.Mapped && before.Mapping != MappingUnknown && s.awaits() {
		return // the next shows whether what held before holds no longer
	}
	s.nat.Mapped, s.nat.Other, s.nat.Delta = mapped, netip.AddrPort{}, 0
	switch {
	case slices.Contains(s.here.Addrs, mapped.Addr()) && mapped.Port() == s.here.Port:
		s.nat.Mapping = MappingNone
	case agreed >= 2:
		s.nat.Mapping, s.nat.Other = MappingIndependent, otherThan(seen, mapped)
	case len(seen) == 2 && before.Mapping == MappingIndependent && slices.Contains(seen, before.Mapped):
		s.nat.Mapped, s.nat.Other = before.Mapped, otherThan(seen, before.Mapped)
	case len(seen) >= 2:
		s.nat.Mapping = MappingDependent
		if delta, last := deltaOf(seen); delta > 0 {
			s.nat.Delta, s.nat.Mapped = delta, last
		}
	case before.Mapping != MappingIndependent || before.Mapped != mapped:
		s.nat.Mapping = MappingUnknown
	}
	s.nat.Preserved = finding(s.nat.Mapped.Port() == s.here.Port)
	if s.nat.Mapping != before.Mapping || s.nat.Mapped.Addr() != before.Mapped.Addr() {
		s.nat.Filtering, s.nat.Hairpin, s.nat.Lifetime = FilteringUnknown, Unknown, 0
	}
}

// awaits reports whether another answer over IPv4 may come.
func (s *Survey) awaits() bool {
	return slices.ContainsFunc(s.ofFamily(true), func(q *question) bool { return !q.at.IsZero() })
}

// common returns the address at which most see us, of several the latest, and
// how many do.
func common(seen []netip.AddrPort) (most netip.AddrPort, agreed int) {
	count := map[netip.AddrPort]int{}
	for _, a := range seen {
		count[a]++
		if count[a] >= agreed {
			most, agreed = a, count[a]
		}
	}
	return most, agreed
}

// otherThan returns the latest of the addresses that is not a; not valid: there
// is none.
func otherThan(seen []netip.AddrPort, a netip.AddrPort) (other netip.AddrPort) {
	for _, b := range seen {
		if b != a {
			other = b
		}
	}
	return other
}

// deltaOf returns the step between the ports, 0 when there is none to rely on, and
// the last of them. They were given out in any order, for sessions that came up one
// after the other; no NAT is known that counts down.
func deltaOf(seen []netip.AddrPort) (delta int, last netip.AddrPort) {
	seen = slices.SortedFunc(slices.Values(seen), netip.AddrPort.Compare)
	for i := 1; i < len(seen); i++ {
		step := int(seen[i].Port()) - int(seen[i-1].Port())
		if seen[i].Addr() != seen[0].Addr() || step == 0 || step > maxDelta {
			return 0, netip.AddrPort{}
		}
		if delta == 0 || step < delta {
			delta = step
		}
	}
	return delta, seen[len(seen)-1]
}
