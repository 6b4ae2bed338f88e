package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"peerphone/node/identity"
)

type paramsCommand struct {
	Dir        folder           `arg:"" help:"Folder of the network."`
	Bootstrap  []netip.AddrPort `help:"Addresses of the supernodes that new phones ask first, at most 16. Without it they stay as they are." placeholder:"ADDR:PORT,..."`
	Quota      uint16           `help:"How many supernodes of one address prefix (a /24 of IPv4, a /48 of IPv6) count. Without it that stays as it is; at first it is 16." placeholder:"N"`
	Exempt     []netip.Prefix   `help:"Networks in which that does not hold, at most 16. Without it they stay as they are." placeholder:"NET/BITS,..."`
	Membership string           `help:"Whom a supernode knows: all others up to about 32,000 and a few hundred beyond (size), all (whole), or a few hundred (kademlia). Without it that stays as it is; at first it is size." enum:",size,whole,kademlia" default:"" placeholder:"KIND"`
	Successor  bool             `help:"Make a new issuing key. What the old one has revoked stays revoked; the old one is kept as issuing.key.former. Certificates of the old one hold no more: each phone is a stranger until it has renewed its own."`
	Root       string           `help:"Root key, if it is not in DIR." type:"path" placeholder:"FILE"`
}

// Run signs the next parameters. A login server that runs hands them out from
// its next grant on.
func (c paramsCommand) Run(s streams) error {
	now, err := c.Dir.network()
	if err != nil {
		return err
	}
	root, err := c.rootKey()
	if err != nil {
		return err
	}
	if identity.NetworkOf(root.ID()) != now.id {
		return stateError{fmt.Sprintf("the root key is of network %s, but %s is of network %s", identity.NetworkOf(root.ID()), c.Dir, now.id),
			"Bring the right root key"}
	}
	p := now.params
	p.Sequence++
	if c.Successor {
		if p, err = c.Dir.succeed(now.params); err != nil {
			return err
		}
	}
	if c.Bootstrap != nil {
		p.Bootstrap = c.Bootstrap
	}
	if c.Quota != 0 {
		p.Quota = c.Quota
	}
	if c.Exempt != nil {
		p.Exempt = c.Exempt
	}
	if c.Membership != "" {
		p.Membership = memberships[c.Membership]
	}
	if err := checkExempt(p.Exempt); err != nil {
		return err
	}
	if err := checkBootstrap(p.Bootstrap); err != nil {
		return err
	}
	if err := c.Dir.sign(root, p, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Signed parameters %d with %d bootstrap supernodes, valid for 90 days.\n", p.Sequence, len(p.Bootstrap))
	return nil
}

var memberships = map[string]identity.Membership{"size": identity.BySize, "whole": identity.Whole, "kademlia": identity.Kademlia}

func (c paramsCommand) rootKey() (identity.Key, error) {
	const do = "Bring it back from where you keep it offline, or name it with --root"
	if c.Root == "" {
		return c.Dir.key(rootFile, do)
	}
	return folder(filepath.Dir(c.Root)).key(filepath.Base(c.Root), do)
}

func checkExempt(nets []netip.Prefix) error {
	if len(nets) > 16 {
		return fmt.Errorf("%w: %d exempt networks, at most 16", errUsage, len(nets))
	}
	for _, n := range nets {
		if n != n.Masked() {
			return fmt.Errorf("%w: %s has bits beyond its length, is it %s?", errUsage, n, n.Masked())
		}
	}
	return nil
}

func checkBootstrap(addrs []netip.AddrPort) error {
	if len(addrs) > 16 {
		return fmt.Errorf("%w: %d bootstrap addresses, at most 16", errUsage, len(addrs))
	}
	for _, a := range addrs {
		if a.Port() == 0 || a.Addr().IsUnspecified() {
			return fmt.Errorf("%w: nobody can reach a supernode at %s", errUsage, a)
		}
	}
	return nil
}
