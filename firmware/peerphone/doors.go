package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"syscall"

	"peerphone/node"
	"peerphone/node/wire"
	"peerphone/webui"
)

// doors are the TCP ports of a node.
type doors struct {
	list       []*door
	neighbours webui.Neighbours
}

// openDoors opens the TCP ports at which phones whose UDP is blocked reach a
// supernode: the number of its UDP port, and those that the configuration
// names. One that cannot be had is missing, which the log says.
func openDoors(c Config, n *node.Node, log *slog.Logger) *doors {
	d, g := new(doors), newGate()
	if c.Network.Supernode == "never" {
		return d
	}
	var offered wire.Ports
	for _, p := range c.doorPorts(n.Addr().Port()) {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(n.Addr().Addr(), p)))
		if err != nil {
			log.Warn("a TCP port is not open", "port", p, "error", err, "do", advice(err))
			continue
		}
		offered |= portBit(p, n.Addr().Port())
		d.list = append(d.list, &door{listener: l, gate: g, node: n, log: log})
	}
	n.OfferStreams(offered)
	return d
}

// webPorts are open in most firewalls.
var webPorts = []uint16{443, 80}

func isWeb(a *net.TCPAddr) bool { return slices.Contains(webPorts, uint16(a.Port)) }

// doorPorts returns the TCP ports of a node whose UDP port is own.
func (c Config) doorPorts(own uint16) []uint16 {
	more := c.Network.Ports
	if more == nil && c.Network.Supernode == "always" {
		more = webPorts
	}
	ports := []uint16{own}
	for _, p := range more {
		if !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	return ports
}

func portBit(p, own uint16) wire.Ports {
	switch p {
	case 443:
		return wire.Port443
	case 80:
		return wire.Port80
	case own:
		return wire.SamePort
	}
	return 0
}

// advice says what to do about a port that cannot be opened.
func advice(err error) string {
	switch {
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program uses it; leave it out of network.ports, or end that program"
	}
	return "leave it out of network.ports"
}

// run runs all doors until ctx is done and every connection has ended.
func (d *doors) run(ctx context.Context) (wait func()) {
	done := make(chan struct{}, len(d.list))
	for _, x := range d.list {
		go func() { // owner: who waits
			x.run(ctx)
			done <- struct{}{}
		}()
	}
	return func() {
		for range d.list {
			<-done
		}
	}
}

// pageListener listens for the page: at a door, if one has its port, else at a
// port of its own. Who has it at 80 or 443 finds it at the other one, too.
func (d *doors) pageListener(c Config, state string) (net.Listener, error) {
	want, err := net.ResolveTCPAddr("tcp", c.Page.Listen)
	if err != nil {
		return nil, fmt.Errorf("page.listen = %q: %w", c.Page.Listen, err)
	}
	for _, x := range d.list {
		own := x.listener.Addr().(*net.TCPAddr)
		if own.Port != want.Port || want.Port == 0 || !own.IP.IsUnspecified() && !own.IP.Equal(want.IP) {
			continue
		}
		cert, err := pageCertificate(filepath.Join(state, "page.pem"))
		if err != nil {
			return nil, err
		}
		x.page = &pageDoor{
			addr: want, neighbours: &d.neighbours, queue: make(chan net.Conn, maxPageQueue), closed: make(chan struct{}),
			tls: &tls.Config{Certificates: []tls.Certificate{cert}},
			here: func(local net.Addr) bool {
				at, ok := local.(*net.TCPAddr)
				return ok && (len(want.IP) == 0 || want.IP.IsUnspecified() || want.IP.Equal(at.IP))
			},
		}
		for _, y := range d.list {
			if at := y.listener.Addr().(*net.TCPAddr); isWeb(own) && isWeb(at) {
				y.page = x.page
			}
		}
		return x.page, nil
	}
	l, err := net.ListenTCP("tcp", want)
	if err != nil {
		return nil, fmt.Errorf("page.listen = %q: %w; is another program using the port? choose another one, or 0 for any", c.Page.Listen, err)
	}
	return d.neighbours.Listen(l), nil
}
