package natlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"sync"
	"syscall"
)

// Host is one machine of the lab. Make it with Lab.Public or Site.Host.
type Host struct {
	// constant after construction
	lab   *Lab
	name  string
	space *space
	line  *Line // of a public host, else nil

	mu      sync.Mutex
	uplinks []*Uplink // guarded by mu
}

// Public is a host on a line of its own, with public IPv4 and IPv6 addresses
// and nothing before it.
type Public struct {
	*Host
	*Line
}

// Public adds a host to the open internet. Its interface is eth0.
func (l *Lab) Public(name string) (*Public, error) {
	space, err := l.newSpace(name)
	if err != nil {
		return nil, err
	}
	line, err := l.newLine(space, "eth0")
	if err != nil {
		return nil, errors.Join(err, l.dropSpaces(space))
	}
	p := &Public{Host: &Host{lab: l, name: name, space: space, line: line}, Line: line}
	err = space.ip(append([]string{"link set lo up"}, line.addresses(0, true)...)...)
	if err == nil {
		err = line.cable.await()
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	l.log.Debug("public host", "name", name, "addr", p.Addr4())
	return p, nil
}

// Host adds a host to the site's network, with one uplink.
func (s *Site) Host(name string) (*Host, error) {
	l := s.router.lab
	space, err := l.newSpace(name)
	if err != nil {
		return nil, err
	}
	h := &Host{lab: l, name: name, space: space}
	if err = space.withIPv6(false); err == nil {
		_, err = h.Attach(s)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts = append(s.hosts, h)
	return h, nil
}

// Close removes the host and ends what runs on it. Closing its site, or the
// lab, does the same.
func (h *Host) Close() error {
	err := h.leave(nil)
	if h.line != nil {
		err = errors.Join(err, h.line.close())
	}
	return errors.Join(err, h.lab.dropSpaces(h.space))
}

// leave detaches all uplinks but those to a site that itself is closing.
func (h *Host) leave(closing *Site) (err error) {
	for _, u := range h.Uplinks() {
		if u.port.site != closing {
			err = errors.Join(err, u.Detach())
		}
	}
	return err
}

// Name is what it was called when made.
func (h *Host) Name() string { return h.name }

// Addr4 is the IPv4 address of the first uplink; invalid if there is none.
func (h *Host) Addr4() netip.Addr { return h.addr((*Uplink).Addr4, (*Line).addr4) }

// Addr6 is the IPv6 address of the first uplink; invalid if there is none.
func (h *Host) Addr6() netip.Addr { return h.addr((*Uplink).Addr6, (*Line).addr6) }

func (h *Host) addr(ofUplink func(*Uplink) netip.Addr, ofLine func(*Line) netip.Addr) netip.Addr {
	if h.line != nil {
		return ofLine(h.line)
	}
	if all := h.Uplinks(); len(all) > 0 {
		return ofUplink(all[0])
	}
	return netip.Addr{}
}

// Do runs f on a thread in the host's namespace: sockets that f opens are the
// host's for ever, also when others use them later. Goroutines that f starts
// are not in the namespace, so that f must not leave the opening of a socket
// to one, as net/http does.
func (h *Host) Do(f func() error) error { return h.space.do(f) }

// ListenUDP opens a UDP socket on the host. A zero port takes a free one, an
// address that is not valid all.
func (h *Host) ListenUDP(at netip.AddrPort) (c *net.UDPConn, err error) {
	err = h.Do(func() error {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	})
	return c, err
}

// Listen is net.Listen on the host.
func (h *Host) Listen(network, address string) (ln net.Listener, err error) {
	err = h.Do(func() error {
		ln, err = net.Listen(network, address)
		return err
	})
	return ln, err
}

// Dial is net.Dialer's DialContext on the host, to a numerical address.
func (h *Host) Dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("natlab: %w", err) // a name would be asked for by other threads
	}
	err = h.Do(func() error {
		c, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Command is exec.CommandContext on the host. The program ends with the lab,
// and is killed with this process, however that ends: who changes SysProcAttr
// leaves Pdeathsig in it.
func (h *Host) Command(ctx context.Context, path string, args ...string) *exec.Cmd {
	line := h.Enter(path, args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Enter returns the command line that runs a program on the host, for who
// starts it in a way of their own, or by hand while the lab is open.
func (h *Host) Enter(path string, args ...string) []string {
	return slices.Concat(h.space.enterLine(), []string{tool("env"), markName + "=" + h.lab.mark, path}, args)
}

func (s *space) enterLine() []string { return []string{tool("nsenter"), "--net=" + s.path(), "--"} }

// tool is toolPath of what available has found.
func tool(name string) string {
	path, err := toolPath(name)
	if err != nil {
		return name
	}
	return path
}
