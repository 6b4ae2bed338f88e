package natlab

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// manners is what is to be seen of a kind.
type manners struct {
	udp       bool // answers come
	same      bool // mapping: one for all destinations
	preserved bool // the outside port is the host's
	port      bool // another port of an address that was sent to gets in
	stranger  bool // everybody gets in
	hairpin   bool // hosts reach each other by their outside addresses
	rejects   bool // strangers are told
	tcp       bool // to any port, else to 80 and 443 only
}

var wanted = map[Kind]manners{
	NoNAT:             {udp: true, same: true, preserved: true, port: true, stranger: true, hairpin: true, rejects: true, tcp: true},
	PortRestricted:    {udp: true, same: true, preserved: true, tcp: true},
	Rejecting:         {udp: true, same: true, preserved: true, rejects: true, tcp: true},
	AddressRestricted: {udp: true, same: true, preserved: true, port: true, tcp: true},
	FullCone:          {udp: true, same: true, preserved: true, port: true, stranger: true, tcp: true},
	Hairpin:           {udp: true, same: true, preserved: true, port: true, stranger: true, hairpin: true, tcp: true},
	Symmetric:         {udp: true, tcp: true},
	Predictable:       {udp: true, tcp: true},
	Carrier:           {udp: true, same: true, preserved: true, tcp: true},
	CarrierSymmetric:  {udp: true, tcp: true},
	UDPBlocked:        {tcp: true},
	WebOnly:           {},
}

func TestKinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, k := range Kinds() {
		if k == IPv6Firewall {
			continue // TestIPv6Firewall
		}
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			want, ok := wanted[k]
			if !ok {
				t.Fatal("no expectation")
			}
			in := *w
			in.T = t
			start := time.Now()
			s := in.site(k.String(), k)
			a := in.host(s, "a")
			t.Logf("site with one host in %v", time.Since(start))
			b := in.host(s, "b")
			if got := in.observe(s, a, b); got != want {
				t.Errorf("%v:\n got %+v\nwant %+v", k, got, want)
			}
			must(t, s.Close())
		})
	}
}

// observe tries what strangers and friends can do.
func (w *world) observe(s *Site, a, b *Host) manners {
	w.Helper()
	want := wanted[s.Kind()]
	m := manners{tcp: w.dials(a, askPort, patient(want.tcp))}
	if web := w.dials(a, 80, soon) && w.dials(a, 443, soon); !web {
		w.Error("ports 80 and 443 are not reached")
	}
	if m.udp = w.answered(a, patient(want.udp)); !m.udp {
		return m
	}
	m.same, m.preserved = w.mapping(s, a)
	m.port, m.stranger = w.filtering(a, want)
	m.hairpin = w.hairpin(s, a, b)
	m.rejects = w.rejects(s, a)
	return m
}

// patient is how long to wait for what is, or is not, expected.
func patient(expected bool) time.Duration {
	if expected {
		return soon
	}
	return 200 * time.Millisecond
}

func (w *world) dials(h *Host, port uint16, within time.Duration) bool {
	w.Helper()
	_, err := tcp(h, at4(w.east, port), within)
	if err != nil && !isTimeout(err) { // what may not pass is dropped, never refused
		w.Errorf("port %d: %v", port, err)
	}
	return err == nil
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func (w *world) answered(h *Host, within time.Duration) bool {
	w.Helper()
	s := w.sock(h)
	s.send("ask", at4(w.east, askPort))
	_, _, ok := s.receive(within)
	return ok
}

// mapping asks three destinations from one socket.
func (w *world) mapping(s *Site, h *Host) (same, preserved bool) {
	w.Helper()
	c := w.sock(h)
	seen := []netip.AddrPort{
		c.mustAsk(at4(w.east, askPort)), c.mustAsk(at4(w.east, otherPort)), c.mustAsk(at4(w.west, askPort)),
	}
	for _, a := range seen {
		if want := s.Outside(); s.Kind() != NoNAT && a.Addr() != want {
			w.Errorf("seen at %v, and the outside address is %v", a, want)
		}
	}
	switch k := s.Kind(); {
	case k == Predictable && (seen[1].Port() != seen[0].Port()+1 || seen[2].Port() != seen[0].Port()+2):
		w.Errorf("%v: ports are not in sequence: %v", k, seen)
	case k == Symmetric && seen[1].Port() == seen[0].Port()+1 && seen[2].Port() == seen[0].Port()+2:
		w.Errorf("%v: ports are in sequence: %v", k, seen)
	}
	return seen[0] == seen[1] && seen[0] == seen[2], seen[0].Port() == c.port()
}

// filtering sends to a socket that has spoken with one server only, and waits for
// those who are wanted to get in.
func (w *world) filtering(h *Host, want manners) (port, stranger bool) {
	w.Helper()
	c := w.sock(h)
	mapped := c.mustAsk(at4(w.east, askPort))
	w.kick(w.east, otherPort, mapped)
	w.kick(w.west, askPort, mapped)
	w.kick(w.east, askPort, mapped) // the one who may
	surely := []netip.AddrPort{at4(w.east, askPort)}
	if want.port {
		surely = append(surely, at4(w.east, otherPort))
	}
	if want.stranger {
		surely = append(surely, at4(w.west, askPort))
	}
	got := c.kicks(surely...)
	if !got[at4(w.east, askPort)] {
		w.Errorf("the server that was asked does not get in at %v", mapped)
	}
	return got[at4(w.east, otherPort)], got[at4(w.west, askPort)]
}

// hairpin sends from b to a's outside address.
func (w *world) hairpin(s *Site, a, b *Host) bool {
	w.Helper()
	ca, cb := w.sock(a), w.sock(b)
	ma, mb := ca.mustAsk(at4(w.east, askPort)), cb.mustAsk(at4(w.east, askPort))
	cb.send("kick", ma)
	w.kick(w.east, askPort, ma) // who may
	surely := []netip.AddrPort{at4(w.east, askPort)}
	if wanted[s.Kind()].hairpin {
		surely = append(surely, mb)
	}
	got := ca.kicks(surely...)
	if s.Kind() == Hairpin && !got[mb] {
		w.Errorf("%v, known outside as %v, arrives as %v (RFC 4787, section 6)", cb.LocalAddr(), mb, got)
	}
	return len(got) > 1
}

// rejects reports whether a packet to a port without mapping is answered by
// ICMP, and whether then the mapping for that stranger is another.
func (w *world) rejects(s *Site, h *Host) bool {
	w.Helper()
	c := w.sock(h)
	mapped := c.mustAsk(at4(w.east, askPort))
	target := netip.AddrPortFrom(mapped.Addr(), mapped.Port()^1) // nobody's
	refused := w.refused(s.Kind(), target)
	if s.Kind() == Rejecting {
		w.kick(w.west, askPort, mapped)
		time.Sleep(settled)
		if seen := c.mustAsk(at4(w.west, askPort)); seen == mapped {
			w.Errorf("after an answered stranger the mapping for him is %v as before", seen)
		}
	}
	return refused
}

// refused sends from west and waits for ICMP.
func (w *world) refused(k Kind, to netip.AddrPort) bool {
	w.Helper()
	c, err := w.west.Dial(w.Context(), "udp", to.String())
	must(w.T, err)
	defer c.Close()
	_, err = c.Write([]byte("anybody?"))
	must(w.T, err)
	must(w.T, c.SetReadDeadline(time.Now().Add(patient(wanted[k].rejects))))
	_, err = c.Read(make([]byte, 1))
	return errors.Is(err, syscall.ECONNREFUSED)
}

// TestSharedPort: two hosts behind one outside port would get each other's
// packets.
func TestSharedPort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, k := range []Kind{PortRestricted, AddressRestricted, FullCone} {
		s := w.site(k.String(), k)
		a, b := w.sock(w.host(s, "a"), "0.0.0.0:5000"), w.sock(w.host(s, "b"), "0.0.0.0:5000")
		first := a.mustAsk(at4(w.east, askPort))
		second := b.mustAsk(at4(w.east, askPort))
		if first == second {
			t.Errorf("%v: two hosts are both seen as %v", k, first)
		}
		if again := b.mustAsk(at4(w.east, otherPort)); again != second {
			t.Errorf("%v: the second host is seen as %v, then as %v", k, second, again)
		}
		// The kernel by itself forgets to keep them apart when they begin at
		// different servers; those kinds that direct strangers may not.
		if k == PortRestricted {
			continue
		}
		if other := b.mustAsk(at4(w.west, askPort)); other != second {
			t.Errorf("%v: the second host is seen as %v at another address, want %v", k, other, second)
		}
		w.kick(w.east, otherPort, first)
		if got := a.kicks(at4(w.east, otherPort)); !got[at4(w.east, otherPort)] {
			t.Errorf("%v: the first host no longer hears those who may send to it", k)
		}
	}
}

// TestIPv6Firewall: public addresses, and only answers come in.
func TestIPv6Firewall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, s := range map[string]*Site{
		"alone": w.site("alone", IPv6Firewall), "besides": w.site("besides", Symmetric, IPv6()),
		"open": w.site("open", NoNAT, IPv6()),
	} {
		a, b := w.host(s, "a"), w.host(s, "b")
		if has := a.Addr4().IsValid(); has != (name != "alone") {
			t.Errorf("%s: has IPv4: %v", name, has)
		}
		c := w.sock(a, "[::]:0")
		server := netip.AddrPortFrom(w.east.Addr6(), askPort)
		own := netip.AddrPortFrom(a.Addr6(), c.port())
		if seen := c.mustAsk(server); seen != own {
			t.Errorf("%s: seen as %v, want %v", name, seen, own)
		}
		stranger, neighbour := w.sock(w.west.Host, "[::]:0"), w.sock(b, "[::]:0")
		stranger.send("kick", own)
		neighbour.send("kick", own)
		known := netip.AddrPortFrom(b.Addr6(), neighbour.port())
		got := c.kicks(known)
		if !got[known] {
			t.Errorf("%s: the neighbour does not get in", name)
		}
		in := got[netip.AddrPortFrom(w.west.Addr6(), stranger.port())]
		if want := name == "open"; in != want {
			t.Errorf("%s: a stranger gets in: %v, want %v", name, in, want)
		}
		c.send("hello", netip.AddrPortFrom(w.west.Addr6(), stranger.port()))
		if _, _, ok := stranger.receive(soon); !ok {
			t.Fatalf("%s: a packet to the stranger is lost", name)
		}
		stranger.send("kick", own)
		if text, _, ok := c.receive(soon); !ok || text != "kick" {
			t.Errorf("%s: an answer does not get in", name)
		}
		must(t, s.Close())
	}
}

// TestTCPFromOutside: nothing comes in through a NAT, and a router that
// rejects says so.
func TestTCPFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for kind, want := range map[Kind]error{FullCone: nil, Rejecting: syscall.ECONNREFUSED} {
		s := w.site(kind.String(), kind)
		_, err := tcp(w.west.Host, netip.AddrPortFrom(s.Outside(), 443), patient(want != nil))
		if want == nil && !isTimeout(err) || !errors.Is(err, want) && want != nil {
			t.Errorf("%v: %v, want %v", kind, err, want)
		}
	}
}
