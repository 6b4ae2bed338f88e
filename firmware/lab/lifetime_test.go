package main

import (
	"crypto/rand"
	"net"
	"net/netip"
	"testing"
	"time"

	"peerphone/firmware/lab/natlab"
	"peerphone/node/path"
	"peerphone/node/wire"
)

// timed is a core of package path behind a socket of its own.
type timed interface {
	Next() time.Time
	Advance(now time.Time)
	Take() []path.Event
}

// serveTimed runs a core on a socket until done reports true: it gets what comes,
// and what it sends is sent.
func serveTimed(t *testing.T, conn *net.UDPConn, core timed, heard func(from netip.AddrPort, q wire.Question, size int), done func(path.Event) bool) {
	b := make([]byte, 2048)
	for {
		for _, e := range core.Take() {
			if u, ok := e.(path.UDP); ok {
				_, _ = conn.WriteToUDPAddrPort(u.Frame, u.Addr) // what is lost is asked for again
			}
			if done(e) {
				return
			}
		}
		wake := time.Now().Add(100 * time.Millisecond)
		if next := core.Next(); !next.IsZero() && next.Before(wake) {
			wake = next
		}
		if err := conn.SetReadDeadline(wake); err != nil {
			return // closed
		}
		if n, from, err := conn.ReadFromUDPAddrPort(b); err == nil {
			if q, ok := wire.ParseQuestion(b[:n]); ok {
				heard(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), q, n)
			}
		}
		core.Advance(time.Now())
	}
}

// The lifetime of a mapping is measured against the connection tracking of the
// kernel, which forgets a stream after six seconds here.
func TestLifetimeOfAKernelNAT(t *testing.T) {
	needLab(t)
	t.Parallel() // it mostly waits
	l, err := natlab.Open(t.Context(), nil)
	must(t, err)
	defer l.Close()
	server, err := l.Public("server")
	must(t, err)
	site, err := l.Site("home", natlab.PortRestricted)
	must(t, err)
	must(t, site.SetTimeouts(6*time.Second, 6*time.Second))
	host, err := site.Host("phone")
	must(t, err)
	far, err := server.ListenUDP(netip.MustParseAddrPort("0.0.0.0:41000"))
	must(t, err)
	defer far.Close()
	near, err := host.ListenUDP(netip.MustParseAddrPort("0.0.0.0:0"))
	must(t, err)
	defer near.Close()

	go func() { // ends when far is closed
		var later path.Later
		serveTimed(t, far, &later, func(from netip.AddrPort, q wire.Question, size int) {
			later.Asked(time.Now(), from, q, size)
		}, func(path.Event) bool { return false })
	}()
	life := path.NewLifetime(path.Config{Rand: rand.Reader})
	life.Steps = []time.Duration{3 * time.Second, 9 * time.Second}
	life.Begin(time.Now().Add(-time.Minute), netip.AddrPortFrom(server.Addr4(), 41000))
	found := time.Duration(0)
	serveTimed(t, near, life, func(from netip.AddrPort, q wire.Question, _ int) {
		life.Heard(time.Now(), from, q)
	}, func(e path.Event) bool {
		if e, ok := e.(path.Lived); ok {
			found = e.Lifetime
		}
		_, due := e.(path.LifetimeDue)
		return found != 0 || due
	})
	if found != 3*time.Second {
		t.Errorf("found %v of 6s, tried 3s and 9s", found)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
