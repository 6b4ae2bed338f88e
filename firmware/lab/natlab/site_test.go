package natlab

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestFlush: a mapping that is forgotten no longer lets anybody in, and comes
// anew with the host's next packet; a symmetric NAT's is another then.
func TestFlush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, k := range []Kind{PortRestricted, FullCone, Symmetric, CarrierSymmetric} {
		s := w.site(k.String(), k)
		c := w.sock(w.host(s, "phone"))
		before := c.mustAsk(at4(w.east, askPort))
		must(t, s.Flush())
		w.kick(w.east, askPort, before)
		if got := c.kicks(); len(got) != 0 {
			t.Errorf("%v: %v gets in by a mapping that was flushed", k, got)
		}
		after := c.mustAsk(at4(w.east, askPort))
		if other := k == Symmetric || k == CarrierSymmetric; (after != before) != other {
			t.Errorf("%v: the mapping was %v and is %v", k, before, after)
		}
	}
}

// TestTimeouts: a mapping dies of silence.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, k := range []Kind{PortRestricted, FullCone} {
		s := w.site(k.String(), k)
		must(t, s.SetTimeouts(3*time.Second, 3*time.Second))
		c := w.sock(w.host(s, "phone"))
		mapped := c.mustAsk(at4(w.east, askPort))
		w.kick(w.east, askPort, mapped)
		if got := c.kicks(at4(w.east, askPort)); len(got) != 1 {
			t.Errorf("%v: at once, got %v", k, got)
		}
		time.Sleep(3500 * time.Millisecond)
		w.kick(w.east, askPort, mapped)
		if got := c.kicks(); len(got) != 0 {
			t.Errorf("%v: after the time-out, got %v", k, got)
		}
	}
}

// TestRehome: the same router, another kind.
func TestRehome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.site("home", PortRestricted)
	a, b := w.host(s, "a"), w.host(s, "b")
	for _, k := range []Kind{Symmetric, FullCone, UDPBlocked, PortRestricted} {
		must(t, s.Rehome(k))
		if s.Kind() != k {
			t.Errorf("the kind is %v, want %v", s.Kind(), k)
		}
		if got := w.observe(s, a, b); got != wanted[k] {
			t.Errorf("%v:\n got %+v\nwant %+v", k, got, wanted[k])
		}
	}
	for _, k := range []Kind{NoNAT, Carrier, IPv6Firewall, kinds} {
		if err := s.Rehome(k); err == nil {
			t.Errorf("%v becomes %v", s.Kind(), k)
		}
	}
	above := w.site("above", Carrier)
	must(t, above.Rehome(CarrierSymmetric))
	c := w.sock(w.host(above, "c"))
	if first, second := c.mustAsk(at4(w.east, askPort)), c.mustAsk(at4(w.west, askPort)); first == second {
		t.Errorf("seen as %v by both after the carrier became symmetric", first)
	}
}

// TestRenumber: the world sees another address, and strangers still get in
// where they may.
func TestRenumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, k := range []Kind{PortRestricted, Hairpin, Carrier, NoNAT} {
		s := w.site(k.String(), k, func(o *siting) { o.v6 = k == NoNAT })
		h := w.host(s, "phone")
		c := w.sock(h)
		before, outside := c.mustAsk(at4(w.east, askPort)), s.Outside()
		must(t, s.Renumber())
		after := c.mustAsk(at4(w.east, askPort))
		if s.Outside() == outside || k != NoNAT && after.Addr() != s.Outside() {
			t.Errorf("%v: outside %v, then %v; seen as %v, then as %v", k, outside, s.Outside(), before, after)
		}
		if k == NoNAT {
			w.sock(h, "[::]:0").mustAsk(netip.AddrPortFrom(w.east.Addr6(), askPort))
		}
		if k == Hairpin && !w.hairpin(s, h, w.host(s, "b")) {
			t.Errorf("%v: no hairpin by the new address", k)
		}
	}
}

// TestBehind: two homes of one carrier, and homes whose networks have the same
// addresses.
func TestBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lan := LAN(netip.MustParsePrefix("192.168.1.0/24"))
	isp := w.site("isp", FullCone)
	first, second := w.site("first", PortRestricted, Behind(isp), lan), w.site("second", PortRestricted, Behind(isp), lan)
	a, b := w.host(first, "a"), w.host(second, "b")
	if a.Addr4() != b.Addr4() || a.Addr4().String() != "192.168.1.10" {
		t.Errorf("the hosts are at %v and %v, want both at 192.168.1.10", a.Addr4(), b.Addr4())
	}
	for _, h := range []*Host{a, b} {
		if seen := w.sock(h).mustAsk(at4(w.east, askPort)); seen.Addr() != isp.Outside() {
			t.Errorf("%s is seen as %v, want at %v", h.Name(), seen, isp.Outside())
		}
	}
	must(t, first.Close())
	w.sock(b).mustAsk(at4(w.east, askPort)) // the neighbour is still there
	if isp.taken[0] || !isp.taken[1] {
		t.Error("the first home's address at the carrier is not free")
	}
	n := len(w.lab.spaces)
	for what, try := range map[string]func() (*Site, error){
		"IPv6 behind a carrier":    func() (*Site, error) { return w.lab.Site("x", PortRestricted, Behind(isp), IPv6()) },
		"a carrier behind another": func() (*Site, error) { return w.lab.Site("x", Carrier, Behind(isp)) },
		"no NAT behind a carrier":  func() (*Site, error) { return w.lab.Site("x", NoNAT, Behind(isp)) },
		"a LAN without NAT":        func() (*Site, error) { return w.lab.Site("x", NoNAT, lan) },
		"an unknown kind":          func() (*Site, error) { return w.lab.Site("x", kinds) },
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
	if len(w.lab.spaces) != n {
		t.Error("a site that is refused leaves namespaces")
	}
}

// TestComplaint: an error tells which tool, where and what.
func TestComplaint(t *testing.T) {
	w := newWorld(t)
	err := w.east.space.ip("link set eth0 up", "addr add 10.0.0.1/8 dev eth9")
	if err == nil || !strings.Contains(err.Error(), "natlab: east: ip") || !strings.Contains(err.Error(), "(addr add 10.0.0.1/8 dev eth9)") {
		t.Errorf("got %v", err)
	}
}

// TestForget: one remote address is forgotten, another is not.
func TestForget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, k := range []Kind{PortRestricted, AddressRestricted, Symmetric, Carrier} {
		s := w.site(k.String(), k)
		c := w.sock(w.host(s, "phone"))
		east, west := c.mustAsk(at4(w.east, askPort)), c.mustAsk(at4(w.west, askPort))
		must(t, s.Forget(w.east.Addr4()))
		must(t, s.Forget(w.east.Addr6())) // nothing to forget
		w.kick(w.east, askPort, east)
		w.kick(w.west, askPort, west)
		if got := c.kicks(at4(w.west, askPort)); len(got) != 1 {
			t.Errorf("%v: got %v, want west alone", k, got)
		}
	}
}

// TestForgetWhatEnds: flows that somebody else deletes meanwhile, as the kernel
// does when their time is over, are forgotten all the same.
func TestForgetWhatEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.site("home", PortRestricted)
	conn, err := w.host(s, "phone").ListenUDP(netip.AddrPort{})
	must(t, err)
	defer conn.Close()
	for range 5 {
		for port := range 400 {
			_, err := conn.WriteToUDPAddrPort([]byte("hello"), netip.AddrPortFrom(w.east.Addr4(), uint16(20_000+port)))
			must(t, err)
		}
		errs := make(chan error, 3)
		for range 3 {
			go func() { errs <- s.router.space.forget(strangers{w.east.Addr4()}) }()
		}
		for range 3 {
			must(t, <-errs)
		}
	}
}
