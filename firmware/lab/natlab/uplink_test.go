package natlab

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// bound is a socket that sends by one interface only.
func (w *world) bound(h *Host, u *Uplink) *sock {
	w.Helper()
	s := w.sock(h)
	conn, err := s.SyscallConn()
	must(w.T, err)
	var set error
	must(w.T, conn.Control(func(fd uintptr) { set = unix.BindToDevice(int(fd), u.Name()) }))
	must(w.T, set)
	return s
}

// TestTwoUplinks: each has its own way to the internet, and the second takes
// over when the first has no carrier.
func TestTwoUplinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home, mobile := w.site("home", PortRestricted), w.site("mobile", CarrierSymmetric)
	h := w.host(home, "phone")
	second, err := h.Attach(mobile)
	must(t, err)
	first := h.Uplinks()[0]
	server := at4(w.east, askPort)
	seen := func(s *sock) netip.Addr { return s.mustAsk(server).Addr() }
	if got := seen(w.bound(h, first)); got != home.Outside() {
		t.Errorf("by %s: seen at %v, want %v", first.Name(), got, home.Outside())
	}
	if got := seen(w.bound(h, second)); got != mobile.Outside() {
		t.Errorf("by %s: seen at %v, want %v", second.Name(), got, mobile.Outside())
	}
	free := w.sock(h)
	if got := seen(free); got != home.Outside() {
		t.Errorf("by itself: seen at %v, want %v", got, home.Outside())
	}
	must(t, first.Pull())
	if got := seen(free); got != mobile.Outside() {
		t.Errorf("%s is pulled: seen at %v, want %v", first.Name(), got, mobile.Outside())
	}
	must(t, second.Pull())
	if _, err := free.WriteToUDPAddrPort([]byte("ask"), server); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("both are pulled: sending gives %v", err)
	}
	must(t, first.Plug())
	if got := seen(free); got != home.Outside() {
		t.Errorf("%s is back: seen at %v, want %v", first.Name(), got, home.Outside())
	}
	must(t, second.Plug())
	if got := seen(w.bound(h, second)); got != mobile.Outside() {
		t.Errorf("%s is back: seen at %v, want %v", second.Name(), got, mobile.Outside())
	}
	must(t, home.SetLoss(1))
	if got := w.bound(h, first).answers(server, 3); got != 0 {
		t.Errorf("%d answers by a black hole", got)
	}
}

// TestMove: from one network to another, and another address in the same one.
func TestMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wifi, mobile := w.site("wifi", PortRestricted), w.site("mobile", Carrier)
	six := w.site("six", IPv6Firewall)
	h := w.host(wifi, "phone")
	c := w.sock(h)
	server := at4(w.east, askPort)
	if got := c.mustAsk(server).Addr(); got != wifi.Outside() {
		t.Errorf("seen at %v, want %v", got, wifi.Outside())
	}
	old := h.Addr4()
	must(t, h.Uplinks()[0].Readdress())
	if h.Addr4() == old {
		t.Errorf("still at %v after a change of address", old)
	}
	if got := c.mustAsk(server).Addr(); got != wifi.Outside() {
		t.Errorf("readdressed: seen at %v, want %v", got, wifi.Outside())
	}
	gone := h.Uplinks()[0]
	u, err := h.Move(mobile)
	must(t, err)
	if u.Site() != mobile || len(h.Uplinks()) != 1 {
		t.Errorf("moved: uplinks %v", h.Uplinks())
	}
	if got := c.mustAsk(server).Addr(); got != mobile.Outside() {
		t.Errorf("moved: seen at %v, want %v", got, mobile.Outside())
	}
	if err := gone.Detach(); err == nil {
		t.Error("an uplink is detached twice")
	}
	_, err = h.Move(six)
	must(t, err)
	own := w.sock(h, "[::]:0").mustAsk(netip.AddrPortFrom(w.east.Addr6(), askPort)).Addr()
	if own != h.Addr6() || h.Addr4().IsValid() {
		t.Errorf("moved to IPv6: seen at %v, has %v and %v", own, h.Addr6(), h.Addr4())
	}
	if _, err := w.east.Attach(wifi); err == nil {
		t.Error("a public host gets an uplink")
	}
}
