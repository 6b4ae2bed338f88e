package natlab

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Site is a router and the network behind it. Its Line is the one to the
// internet: behind a carrier, the carrier's, for all behind it.
type Site struct {
	*Line

	// constant after construction
	name    string
	router  *Host
	carrier *Site        // nil: the line is this site's own
	upward  *port        // in the carrier's network
	brought bool         // whether the carrier came with the kind
	v4, v6  netip.Prefix // of the hosts; invalid: none

	mu      sync.Mutex
	kind    Kind          // guarded by mu
	numbers int           // how often renumbered, guarded by mu
	outside netip.Addr    // of the router, guarded by mu
	mapping time.Duration // guarded by mu
	hosts   []*Host       // that Host has made, guarded by mu
	taken   [maxLAN]bool  // addresses in use, guarded by mu
	latest  int           // address given last, guarded by mu
	ports   int           // how many were made, guarded by mu
}

// Option changes how a site is made.
type Option func(*siting)

type siting struct {
	v6      bool
	carrier *Site
	lan     netip.Prefix
	carries bool // it is a carrier that a kind brings along
}

// IPv6 gives hosts public IPv6 addresses besides, behind a firewall that lets
// in only answers; with NoNAT, behind none.
func IPv6() Option { return func(s *siting) { s.v6 = true } }

// Behind puts the site into the network of another, as homes are behind their
// carrier. It has no IPv6, and its hosts the same addresses as those of the
// other homes, if LAN does not give it others.
func Behind(carrier *Site) Option { return func(s *siting) { s.carrier = carrier } }

// LAN gives hosts addresses of this prefix, a /24, so that sites can have the
// same, as 192.168.1.0/24 at homes.
func LAN(prefix netip.Prefix) Option { return func(s *siting) { s.lan = prefix.Masked() } }

// lastUDP is how long the kernel keeps a mapping that both ends have used.
const lastUDP = 120 * time.Second

// Site adds a router of a kind, with no host behind it yet.
func (l *Lab) Site(name string, kind Kind, options ...Option) (_ *Site, err error) {
	if kind >= kinds {
		return nil, fmt.Errorf("natlab: %s: no such kind: %v", name, kind)
	}
	o := siting{v6: kind == IPv6Firewall}
	for _, option := range options {
		option(&o)
	}
	if err := o.check(kind); err != nil {
		return nil, fmt.Errorf("natlab: %s: %w", name, err)
	}
	s := &Site{name: name, kind: kind, carrier: o.carrier, mapping: lastUDP, latest: -1}
	if above, ok := kind.carrier(); ok {
		if s.carrier, err = l.Site(name+"-carrier", above, func(s *siting) { s.carries = true }); err != nil {
			return nil, err
		}
		s.brought = true
	}
	if err := s.build(l, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	l.log.Debug("site", "name", name, "kind", kind, "outside", s.outside)
	return s, nil
}

// check refuses options that contradict the kind or each other.
func (o siting) check(kind Kind) error {
	_, brings := kind.carrier()
	switch {
	case o.carrier != nil && (brings || !(rules{kind: kind}).translates()):
		return fmt.Errorf("%v cannot be behind another site", kind)
	case o.v6 && (brings || o.carrier != nil):
		return errors.New("there is no IPv6 behind a carrier")
	case o.lan.IsValid() && (!o.lan.Addr().Is4() || o.lan.Bits() != 24 || !(rules{kind: kind}).translates()):
		return fmt.Errorf("%v cannot have the network %v", kind, o.lan)
	}
	return nil
}

// build makes the namespace, its line, its network and its rules.
func (s *Site) build(l *Lab, o siting) error {
	space, err := l.newSpace(s.name)
	if err != nil {
		return err
	}
	s.router = &Host{lab: l, name: s.name, space: space}
	if err := space.forward(o.v6); err != nil {
		return err
	}
	if err := space.withIPv6(o.v6); err != nil {
		return err
	}
	upward, await, err := s.joinUpward(l, o.v6)
	if err != nil {
		return err
	}
	s.plan4and6(o)
	if err := space.ip(append(upward, s.network()...)...); err != nil {
		return err
	}
	if err := await(); err != nil {
		return err
	}
	if err := s.announce(); err != nil {
		return err
	}
	return s.rule()
}

// joinUpward lays the line, or a cable to the carrier, and returns ip's
// commands for the near end, and what waits until they have come into effect.
func (s *Site) joinUpward(l *Lab, v6 bool) (commands []string, await func() error, err error) {
	if s.carrier == nil {
		line, err := l.newLine(s.router.space, "wan")
		if err != nil {
			return nil, nil, err
		}
		s.Line, s.outside = line, line.plan.near4(0)
		return append([]string{"link set lo up"}, line.addresses(0, v6)...), line.cable.await, nil
	}
	s.Line = s.carrier.Line
	port, err := s.carrier.newPort(s.router.space, "wan")
	if err != nil {
		return nil, nil, err
	}
	s.upward, s.outside = port, port.v4
	return append([]string{"link set lo up"}, port.addresses(0)...), port.await, nil
}

// plan4and6 chooses the prefixes of the hosts.
func (s *Site) plan4and6(o siting) {
	p := s.Line.plan
	switch {
	case o.lan.IsValid():
		s.v4 = o.lan
	case s.kind == NoNAT:
		s.v4 = p.public4
	case s.kind == IPv6Firewall:
	case o.carries:
		s.v4 = p.carried4
	default:
		s.v4 = p.private4
	}
	if o.v6 {
		s.v6 = p.public6
	}
}

// gates are the router's addresses in its network.
func (s *Site) gates() (v4, v6 netip.Addr) {
	if s.v4.IsValid() {
		v4 = s.v4.Addr().Next()
	}
	if s.v6.IsValid() {
		v6 = s.v6.Addr().Next()
	}
	return v4, v6
}

// network is ip's commands for the inside: a switch called lan.
func (s *Site) network() []string {
	// By itself a bridge has the address of one of its ports, and another when
	// that one goes: hosts would send to nobody for a while.
	commands := []string{"link add lan address 02:00:00:00:00:01 type bridge", "link set lan up"}
	v4, v6 := s.gates()
	if v4.IsValid() {
		commands = append(commands, fmt.Sprintf("addr add %v/%d dev lan", v4, s.v4.Bits()))
	}
	if v6.IsValid() {
		commands = append(commands, fmt.Sprintf("addr add %v/%d dev lan nodad", v6, s.v6.Bits()))
	}
	return commands
}

// announce has the internet route to hosts with public addresses.
func (s *Site) announce() error {
	if s.v6.IsValid() {
		if err := s.Line.reach(s.v6, s.Line.plan.near6); err != nil {
			return err
		}
	}
	if s.kind == NoNAT {
		return s.Line.reach(s.v4, s.outside)
	}
	return nil
}

// rule loads the rules of the kind.
func (s *Site) rule() error {
	return s.router.space.nft(rules{kind: s.kind.own(), outside: s.outside, mapping: s.mapping}.String())
}

// Name is what Site was given.
func (s *Site) Name() string { return s.name }

// Kind is the present one.
func (s *Site) Kind() Kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kind
}

// Outside is the IPv4 address by which the internet knows the site: the
// carrier's, behind one.
func (s *Site) Outside() netip.Addr {
	if s.carrier != nil {
		return s.carrier.Outside()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outside
}

// Router is the router as a host, to capture or run a program there.
func (s *Site) Router() *Host { return s.router }

// Carrier is the site that this one is behind, or nil.
func (s *Site) Carrier() *Site { return s.carrier }

// Rehome makes the router another kind and forgets all mappings; addresses
// and cables stay. Kinds that differ in those (NoNAT, the carriers, and
// IPv6Firewall) only change among their like.
func (s *Site) Rehome(kind Kind) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind >= kinds || kind.wiring() != s.kind.wiring() {
		return fmt.Errorf("natlab: %s: %v cannot become %v: it is cabled otherwise", s.name, s.kind, kind)
	}
	if above, ok := kind.carrier(); ok {
		if err := s.carrier.Rehome(above); err != nil {
			return err
		}
	}
	s.kind = kind
	return s.flushLocked()
}

// Flush forgets all mappings and flows, as a router does that restarts.
func (s *Site) Flush() error {
	if s.brought {
		if err := s.carrier.Flush(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flushLocked()
}

func (s *Site) flushLocked() error {
	return errors.Join(s.rule(), s.router.space.run("", "conntrack", "-F"))
}

// SetTimeouts sets how long a UDP mapping lives without packets: first while
// only one side has sent, last once both have. The resolution is a second. It
// holds for new packets; kinds that let strangers in forget their mappings.
func (s *Site) SetTimeouts(first, last time.Duration) error {
	if first < time.Second || last < time.Second {
		return fmt.Errorf("natlab: %s: time-outs are a second at least", s.name)
	}
	if s.brought {
		if err := s.carrier.SetTimeouts(first, last); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mapping = last
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	err := s.router.space.set(
		"net/netfilter/nf_conntrack_udp_timeout="+seconds(first),
		"net/netfilter/nf_conntrack_udp_timeout_stream="+seconds(last))
	if err == nil && (rules{kind: s.kind}).learns() {
		err = s.rule()
	}
	return err
}

// Renumber gives the line another IPv4 address, as providers do: the router,
// or the carrier above it, forgets its mappings.
func (s *Site) Renumber() error {
	if s.carrier != nil {
		return s.carrier.Renumber()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers++
	s.outside = s.Line.plan.near4(s.numbers)
	if err := s.router.space.ip(s.Line.addresses(s.numbers, s.v6.IsValid())...); err != nil {
		return err
	}
	if s.kind == NoNAT {
		if err := s.Line.reach(s.v4, s.outside); err != nil {
			return err
		}
	}
	return s.flushLocked()
}

// Close removes the site, the hosts that it made and a carrier that came with
// it. Closing the lab does the same to all.
func (s *Site) Close() error {
	s.mu.Lock()
	hosts := s.hosts
	s.hosts = nil
	s.mu.Unlock()
	var err error
	var spaces []*space
	for _, h := range hosts {
		err = errors.Join(err, h.leave(s))
		spaces = append(spaces, h.space)
	}
	if s.Line != nil && s.carrier == nil {
		err = errors.Join(err, s.Line.close())
	}
	if s.router != nil { // else it was never built
		spaces = append(spaces, s.router.space)
		err = errors.Join(err, s.router.lab.dropSpaces(spaces...))
	}
	if s.brought {
		return errors.Join(err, s.carrier.Close())
	}
	if s.upward != nil {
		err = errors.Join(err, s.upward.remove())
	}
	return err
}
