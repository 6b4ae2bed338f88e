package natlab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// port is an interface in the network of a site.
type port struct {
	site  *Site
	cable cable
	slot  int        // address, guarded by site.mu
	v4    netip.Addr // invalid: none
	v6    netip.Addr
}

// firstSlot is the last byte of the first host's address.
const firstSlot = 10

// newPort lays a cable from the site's switch into a namespace.
func (s *Site) newPort(near *space, end string) (*port, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports++
	c := cable{near: near, nearEnd: end, far: s.router.space, farEnd: "l" + strconv.Itoa(s.ports)}
	p := &port{site: s, cable: c, slot: -1}
	if err := p.takeLocked(); err != nil {
		return nil, err
	}
	if err := c.lay("link set " + c.farEnd + " master lan up"); err != nil {
		s.taken[p.slot] = false
		return nil, err
	}
	return p, nil
}

// takeLocked gives the port the next free address, and frees its old one.
func (p *port) takeLocked() error {
	s := p.site
	for i := range maxLAN {
		slot := (s.latest + 1 + i) % maxLAN
		if (s.kind == NoNAT && slot >= 100) || s.taken[slot] { // half as many addresses there
			continue
		}
		if p.slot >= 0 {
			s.taken[p.slot] = false
		}
		s.taken[slot], s.latest, p.slot = true, slot, slot
		p.v4, p.v6 = s.address(slot)
		return nil
	}
	return fmt.Errorf("natlab: %s: the network is full", s.name)
}

// address returns the addresses of a slot; hosts of an open site begin right
// after the router.
func (s *Site) address(slot int) (v4, v6 netip.Addr) {
	if s.v4.IsValid() {
		a := s.v4.Addr().As4()
		if s.kind == NoNAT {
			a[3] += byte(2 + slot)
		} else {
			a[3] += byte(firstSlot + slot)
		}
		v4 = netip.AddrFrom4(a)
	}
	if s.v6.IsValid() {
		a := s.v6.Addr().As16()
		a[15] = byte(0x10 + slot)
		v6 = netip.AddrFrom16(a)
	}
	return v4, v6
}

// addresses are ip's commands that number the near end. The default route has
// a metric, unless it is 0, so that there can be several.
func (p *port) addresses(metric int) []string {
	commands := []string{"link set " + p.cable.nearEnd + " up", "addr flush dev " + p.cable.nearEnd + " scope global"}
	gate4, gate6 := p.site.gates()
	if p.v4.IsValid() {
		commands = append(commands,
			fmt.Sprintf("addr add %v/%d dev %s", p.v4, p.site.v4.Bits(), p.cable.nearEnd),
			fmt.Sprintf("route replace default via %v dev %s metric %d", gate4, p.cable.nearEnd, metric))
	}
	if p.v6.IsValid() {
		commands = append(commands,
			fmt.Sprintf("addr add %v/%d dev %s nodad", p.v6, p.site.v6.Bits(), p.cable.nearEnd),
			fmt.Sprintf("route replace default via %v dev %s metric %d", gate6, p.cable.nearEnd, metric+1))
	}
	return commands
}

// await waits until packets pass to and from the site's switch.
func (p *port) await() error {
	if err := p.cable.await(); err != nil {
		return err
	}
	return p.site.router.space.awaitUp("lan")
}

// remove takes the cable away.
func (p *port) remove() error {
	p.site.mu.Lock()
	defer p.site.mu.Unlock()
	p.site.taken[p.slot] = false
	err := p.cable.remove()
	if errors.Is(err, errClosed) { // the site has taken it along
		return nil
	}
	return err
}

// Uplink is a host's interface in the network of a site.
type Uplink struct {
	host *Host
	port *port
}

// Name is the interface's.
func (u *Uplink) Name() string { return u.port.cable.nearEnd }

// Site is where it leads.
func (u *Uplink) Site() *Site { return u.port.site }

// Addr4 is its IPv4 address; invalid if it has none.
func (u *Uplink) Addr4() netip.Addr {
	u.port.site.mu.Lock()
	defer u.port.site.mu.Unlock()
	return u.port.v4
}

// Addr6 is its IPv6 address; invalid if it has none.
func (u *Uplink) Addr6() netip.Addr {
	u.port.site.mu.Lock()
	defer u.port.site.mu.Unlock()
	return u.port.v6
}

// Pull takes the plug out. When it returns, the host has seen its carrier go,
// and its kernel uses no route by it.
func (u *Uplink) Pull() error { return u.port.cable.pull() }

// Plug undoes Pull.
func (u *Uplink) Plug() error {
	if err := u.port.cable.plug(); err != nil {
		return err
	}
	return u.port.await()
}

// Readdress gives the host other addresses on the same interface, as a DHCP
// server does that has forgotten it.
func (u *Uplink) Readdress() error {
	u.port.site.mu.Lock()
	defer u.port.site.mu.Unlock()
	if err := u.port.takeLocked(); err != nil {
		return err
	}
	return u.port.cable.near.ip(u.port.addresses(metric(u.port.cable.nearEnd))...)
}

// maxUplinks bounds the interfaces of a host.
const maxUplinks = 8

// metric prefers the interface with the lower number.
func metric(end string) int {
	n, _ := strconv.Atoi(end[len("eth"):])
	return 100 * (n + 1)
}

// Attach gives the host a further interface, in the network of a site: eth0,
// eth1 and so on, the lowest that is free. Packets without an interface or
// address of their own go by the lowest that has a carrier. There are no rules
// by source: a program with two uplinks binds its sockets to interfaces, as it
// has to on a real machine.
func (h *Host) Attach(s *Site) (*Uplink, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	end := h.freeEndLocked()
	if h.line != nil || end == "" {
		return nil, fmt.Errorf("natlab: %s: no further uplink here", h.name)
	}
	if s.v6.IsValid() {
		if err := h.space.withIPv6(true); err != nil {
			return nil, err
		}
	}
	p, err := s.newPort(h.space, end)
	if err != nil {
		return nil, err
	}
	if err := h.space.ip(append([]string{"link set lo up"}, p.addresses(metric(end))...)...); err != nil {
		return nil, errors.Join(err, p.remove())
	}
	if err := p.await(); err != nil {
		return nil, errors.Join(err, p.remove())
	}
	u := &Uplink{host: h, port: p}
	h.uplinks = append(h.uplinks, u)
	return u, nil
}

func (h *Host) freeEndLocked() string {
	for i := range maxUplinks {
		end := "eth" + strconv.Itoa(i)
		if !slices.ContainsFunc(h.uplinks, func(u *Uplink) bool { return u.port.cable.nearEnd == end }) {
			return end
		}
	}
	return ""
}

// Detach removes the interface from the host.
func (u *Uplink) Detach() error {
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	before := len(u.host.uplinks)
	u.host.uplinks = slices.DeleteFunc(u.host.uplinks, func(o *Uplink) bool { return o == u })
	if len(u.host.uplinks) == before {
		return fmt.Errorf("natlab: %s: %s is detached already", u.host.name, u.port.cable.nearEnd)
	}
	return u.port.remove()
}

// Move takes the host out of its networks and then puts it into another, as
// one who leaves the house: interface and address are gone before there are
// new ones.
func (h *Host) Move(to *Site) (*Uplink, error) {
	for _, u := range h.Uplinks() {
		if err := u.Detach(); err != nil {
			return nil, err
		}
	}
	return h.Attach(to)
}

// Uplinks lists the host's, oldest first.
func (h *Host) Uplinks() []*Uplink {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.uplinks)
}
