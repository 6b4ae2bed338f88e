package portmap

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
)

// pmpTime is how long a router may take to answer: a second is long on a LAN.
const pmpTime = time.Second

// pmp is a mapping by NAT-PMP.
type pmp struct {
	gateway netip.Addr
	port    uint16
	outside uint16 // granted before; 0: none
}

func (p *pmp) client() *natpmp.Client {
	return natpmp.NewClientWithTimeout(p.gateway.AsSlice(), pmpTime)
}

func (p *pmp) obtain(context.Context) (Mapping, error) {
	if !p.gateway.Is4() {
		return Mapping{}, ErrNone
	}
	wish := p.port
	if p.outside != 0 {
		wish = p.outside
	}
	c := p.client()
	outside, err := c.GetExternalAddress()
	if err != nil {
		return Mapping{}, fmt.Errorf("portmap: NAT-PMP: %w", err)
	}
	got, err := c.AddPortMapping("udp", int(p.port), int(wish), int(Lease/time.Second))
	if err != nil {
		return Mapping{}, fmt.Errorf("portmap: NAT-PMP: %w", err)
	}
	p.outside = got.MappedExternalPort
	return Mapping{
		Addr:  netip.AddrPortFrom(netip.AddrFrom4(outside.ExternalIPAddress), p.outside),
		Lease: time.Duration(got.PortMappingLifetimeInSeconds) * time.Second, By: "NAT-PMP",
	}, nil
}

// release asks for a lifetime of 0 (RFC 6886 section 3.4).
func (p *pmp) release(context.Context) error {
	_, err := p.client().AddPortMapping("udp", int(p.port), 0, 0)
	return err
}
