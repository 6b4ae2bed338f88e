package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"peerphone/node/identity"
)

type inviteCommand struct {
	Dir  folder   `arg:"" help:"Folder of the network."`
	Addr []string `required:"" help:"Where phones reach the login server: IP address or host name, and port. At most 8; give two if you can." placeholder:"HOST:PORT"`
}

// Run prints the invitation alone on one line.
func (c inviteCommand) Run(ctx context.Context, s streams) error {
	n, err := c.Dir.network()
	if err != nil {
		return err
	}
	key, err := c.Dir.key(tlsFile, "Restore it from a backup: phones know the server by it")
	if err != nil {
		return err
	}
	inv := identity.Invitation{Network: n.id, Server: key.ID()}
	for _, text := range c.Addr {
		addrs, err := resolve(ctx, text)
		if err != nil {
			return err
		}
		inv.Addrs = append(inv.Addrs, addrs...)
	}
	again, err := identity.ParseInvitation(inv.String())
	if err != nil {
		return fmt.Errorf("%w: %d addresses, want 1 to 8", errUsage, len(inv.Addrs))
	}
	fmt.Fprintln(s.out, again)
	return nil
}

// resolve returns the addresses of HOST:PORT: an invitation holds no names, so
// that it works without a name server.
func resolve(ctx context.Context, text string) ([]netip.AddrPort, error) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		if a.Port() == 0 || a.Addr().IsUnspecified() || a.Addr().Zone() != "" {
			return nil, fmt.Errorf("%w: nobody can reach the login server at %s", errUsage, text)
		}
		return []netip.AddrPort{a}, nil
	}
	host, portText, err := net.SplitHostPort(text)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil || port == 0 || host == "" {
		return nil, fmt.Errorf("%w: --addr %q is not HOST:PORT", errUsage, text)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("the address of %s is not known: %w", host, err)
	}
	var out []netip.AddrPort
	for _, ip := range ips {
		out = append(out, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return out, nil
}
