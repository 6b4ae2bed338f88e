package webui

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// The page is for who stands at the telephone's own network. A telephone that
// serves others has a public address, and its page shall not be found there.

// onLinkAge is how long the prefixes of our interfaces are taken to hold.
const onLinkAge = 5 * time.Second

// Neighbours knows which sources are near. The zero value is ready for use.
type Neighbours struct {
	mu     sync.Mutex
	onLink []netip.Prefix // of our interfaces, guarded by mu
	read   time.Time      // when, guarded by mu
}

// Near reports whether the page may answer a: loopback, link-local, private
// (RFC 1918) and unique-local (RFC 4193) sources, and those on a network that
// one of our interfaces is on.
func (n *Neighbours) Near(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return true
	}
	return slices.ContainsFunc(n.prefixes(time.Now()), func(p netip.Prefix) bool { return p.Contains(a) })
}

// prefixes returns the networks that we are on.
func (n *Neighbours) prefixes(now time.Time) []netip.Prefix {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.read) < onLinkAge && !n.read.IsZero() {
		return n.onLink
	}
	n.read, n.onLink = now, nil
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Bits() > 0 {
			n.onLink = append(n.onLink, p.Masked())
		}
	}
	return n.onLink
}

// Listen returns l without the connections of those who are not near: they are
// closed before a byte is read or sent.
func (n *Neighbours) Listen(l net.Listener) net.Listener { return nearListener{l, n} }

type nearListener struct {
	net.Listener
	neighbours *Neighbours
}

func (l nearListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.neighbours.NearConn(c) {
			return c, err
		}
		c.Close()
	}
}

// NearConn reports whether the page may answer the far end of a connection.
func (n *Neighbours) NearConn(c net.Conn) bool {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	return err == nil && n.Near(a.Addr())
}
