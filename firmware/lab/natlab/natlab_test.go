package natlab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

// TestMain lets this test program play the part of a program that has a lab
// and is killed.
func TestMain(m *testing.M) {
	if part := os.Getenv("NATLAB_TEST_PART"); part != "" {
		play(part)
	}
	os.Exit(m.Run())
}

// world is a lab with two public hosts that tell who asks.
type world struct {
	*testing.T
	lab        *Lab
	east, west *Public
}

// Ports of the public hosts that answer.
const askPort, otherPort = 3478, 3479

// soon is how long something takes that happens at all; more than a busy
// machine needs.
const soon = 30 * time.Second

// openLab skips the test where no lab can be, unless that is an error there.
func openLab(t *testing.T) *Lab {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	lab, err := Open(t.Context(), log)
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, lab.Close()) })
	return lab
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, lab: openLab(t)}
	w.east, w.west = w.public("east"), w.public("west")
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// public adds a host that answers on both ports, of both IP versions.
func (w *world) public(name string) *Public {
	w.Helper()
	p, err := w.lab.Public(name)
	must(w.T, err)
	for _, port := range []uint16{askPort, otherPort} {
		w.serve(p.Host, port)
	}
	for _, port := range []string{"80", "443", "3478"} {
		ln, err := p.Listen("tcp", ":"+port)
		must(w.T, err)
		w.Cleanup(func() { ln.Close() })
		go func() { // ends with ln
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				fmt.Fprint(c, c.RemoteAddr())
				c.Close()
			}
		}()
	}
	return p
}

// serve answers each "ask" with the sender's address. "kick HOST:PORT" has it
// send "kick" there from this port.
func (w *world) serve(h *Host, port uint16) {
	w.Helper()
	c, err := h.ListenUDP(netip.AddrPortFrom(netip.IPv6Unspecified(), port))
	must(w.T, err)
	w.Cleanup(func() { c.Close() })
	go func() { // ends with c
		var b [512]byte
		for {
			n, from, err := c.ReadFromUDPAddrPort(b[:])
			if errors.Is(err, net.ErrClosed) {
				return
			}
			var to string
			if k, _ := fmt.Sscanf(string(b[:n]), "kick %s", &to); k == 1 {
				_, _ = c.WriteToUDPAddrPort([]byte("kick"), netip.MustParseAddrPort(to))
			} else {
				_, _ = c.WriteToUDPAddrPort([]byte(plain(from).String()), from)
			}
		}
	}()
}

func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func at4(p *Public, port uint16) netip.AddrPort { return netip.AddrPortFrom(p.Addr4(), port) }

func (w *world) site(name string, k Kind, options ...Option) *Site {
	w.Helper()
	s, err := w.lab.Site(name, k, options...)
	must(w.T, err)
	return s
}

func (w *world) host(s *Site, name string) *Host {
	w.Helper()
	h, err := s.Host(name)
	must(w.T, err)
	return h
}

// sock is a UDP socket of a host.
type sock struct {
	*world
	*net.UDPConn
}

func (w *world) sock(h *Host, at ...string) *sock {
	w.Helper()
	local := netip.AddrPort{}
	if len(at) > 0 {
		local = netip.MustParseAddrPort(at[0])
	}
	c, err := h.ListenUDP(local)
	must(w.T, err)
	w.Cleanup(func() { c.Close() })
	return &sock{w, c}
}

func (s *sock) port() uint16 { return s.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

func (s *sock) send(text string, to netip.AddrPort) {
	s.Helper()
	if _, err := s.WriteToUDPAddrPort([]byte(text), to); err != nil {
		s.Fatalf("sending to %v: %v", to, err)
	}
}

// receive returns the next packet, or ok false when none comes in time.
func (s *sock) receive(within time.Duration) (text string, from netip.AddrPort, ok bool) {
	s.Helper()
	var b [2048]byte
	must(s.T, s.SetReadDeadline(time.Now().Add(within)))
	n, from, err := s.ReadFromUDPAddrPort(b[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", from, false
	}
	must(s.T, err)
	return string(b[:n]), plain(from), true
}

// ask returns the address by which a server sees the socket. It asks again
// when that gets lost.
func (s *sock) ask(server netip.AddrPort) (seen netip.AddrPort, ok bool) {
	s.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); {
		s.send("ask", server)
		for {
			text, from, ok := s.receive(time.Second)
			if !ok {
				break
			}
			if from == server && text != "kick" {
				return netip.MustParseAddrPort(text), true
			}
		}
	}
	return seen, false
}

func (s *sock) mustAsk(server netip.AddrPort) netip.AddrPort {
	s.Helper()
	seen, ok := s.ask(server)
	if !ok {
		s.Fatalf("%v does not answer %v", server, s.LocalAddr())
	}
	return seen
}

// settled is how long a packet can be behind another that took a path as long.
const settled = 50 * time.Millisecond

// quiet is how long nothing comes when nothing more will, on a machine that
// puts every program aside for a while.
const quiet = 500 * time.Millisecond

// kicks collects who sends to the socket: those who surely do, and who else
// does until all is quiet.
func (s *sock) kicks(surely ...netip.AddrPort) map[netip.AddrPort]bool {
	s.Helper()
	got := map[netip.AddrPort]bool{}
	missing := func() bool {
		return slices.ContainsFunc(surely, func(a netip.AddrPort) bool { return !got[a] })
	}
	for end := time.Now().Add(soon); ; {
		text, from, ok := s.receive(settled)
		switch {
		case ok && text == "kick":
			got[from] = true
		case ok: // a late answer
		case !missing() || time.Now().After(end):
			return got
		}
	}
}

// kick has a server of a public host send to an address from that port.
func (w *world) kick(p *Public, port uint16, to netip.AddrPort) {
	w.Helper()
	c, err := p.ListenUDP(netip.AddrPort{})
	must(w.T, err)
	defer c.Close()
	_, err = c.WriteToUDPAddrPort([]byte("kick "+to.String()), at4(p, port))
	must(w.T, err)
}

// tcp returns the address by which the host is seen at address, or an error.
func tcp(h *Host, address netip.AddrPort, within time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	c, err := h.Dial(ctx, "tcp", address.String())
	if err != nil {
		return "", err
	}
	defer c.Close()
	var b [64]byte
	n, err := c.Read(b[:])
	return string(b[:n]), err
}
