package portmap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

// gatewayService is what WANIPConnection and WANPPPConnection have in common.
type gatewayService interface {
	AddPortMappingCtx(ctx context.Context, remote string, outside uint16, protocol string, inside uint16, host string, enabled bool, name string, lease uint32) error
	DeletePortMappingCtx(ctx context.Context, remote string, outside uint16, protocol string) error
	GetExternalIPAddressCtx(ctx context.Context) (string, error)
	GetServiceClient() *goupnp.ServiceClient
}

// upnp is a mapping by UPnP.
type upnp struct {
	gateway netip.Addr
	port    uint16
	outside uint16         // granted before; 0: none
	service gatewayService // nil: not found yet
}

const (
	// mappingName is what a router shows its owner.
	mappingName = "Peerphone"
	// portTries is how many ports are tried when others have ours.
	portTries = 4
	// Errors of AddPortMapping (WANIPConnection:1 section 2.4.16).
	conflict      = 718 // somebody else has this port
	permanentOnly = 725 // leases are not understood
)

func (u *upnp) obtain(ctx context.Context) (Mapping, error) {
	if err := u.discover(ctx); err != nil {
		return Mapping{}, err
	}
	text, err := u.service.GetExternalIPAddressCtx(ctx)
	if err != nil {
		return Mapping{}, fmt.Errorf("portmap: UPnP: %w", err)
	}
	outside, err := netip.ParseAddr(text)
	if err != nil {
		return Mapping{}, fmt.Errorf("portmap: UPnP: %w", err)
	}
	lease, err := u.add(ctx)
	if err != nil {
		return Mapping{}, err
	}
	return Mapping{Addr: netip.AddrPortFrom(outside.Unmap(), u.outside), Lease: lease, By: "UPnP"}, nil
}

// gateways is what is searched for: a gateway of any version answers for the
// first.
const gateways = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"

// discover looks for the service of our own router, in one search; others' are
// left alone.
func (u *upnp) discover(ctx context.Context) error {
	if u.service != nil {
		return nil
	}
	found, err := goupnp.DiscoverDevicesCtx(ctx, gateways)
	if err != nil {
		return fmt.Errorf("portmap: UPnP: %w", err)
	}
	for _, d := range found {
		if d.Err == nil && d.Location.Hostname() == u.gateway.String() {
			if u.service = serviceOf(d); u.service != nil {
				return nil
			}
		}
	}
	return ErrNone
}

// serviceOf returns the service of a gateway that maps ports, the newest that it
// has; nil: none.
func serviceOf(d goupnp.MaybeRootDevice) gatewayService {
	if all, err := internetgateway2.NewWANIPConnection2ClientsFromRootDevice(d.Root, d.Location); err == nil && len(all) > 0 {
		return all[0]
	}
	if all, err := internetgateway2.NewWANIPConnection1ClientsFromRootDevice(d.Root, d.Location); err == nil && len(all) > 0 {
		return all[0]
	}
	if all, err := internetgateway2.NewWANPPPConnection1ClientsFromRootDevice(d.Root, d.Location); err == nil && len(all) > 0 {
		return all[0]
	}
	return nil
}

// add asks for our own port, else for another one.
func (u *upnp) add(ctx context.Context) (time.Duration, error) {
	host, err := hostTowards(u.gateway)
	if err != nil {
		return 0, err
	}
	wish, lease := u.port, Lease
	if u.outside != 0 {
		wish = u.outside
	}
	for range portTries {
		err = u.service.AddPortMappingCtx(ctx, "", wish, "UDP", u.port, host.String(), true, mappingName, uint32(lease/time.Second))
		switch {
		case err == nil:
			u.outside = wish
			return lease, nil
		case faultIs(err, permanentOnly):
			lease = 0
		case faultIs(err, conflict):
			wish = uint16(1024 + rand.IntN(64512))
		default:
			return 0, fmt.Errorf("portmap: UPnP: %w", err)
		}
	}
	return 0, fmt.Errorf("portmap: UPnP: %w", err)
}

func faultIs(err error, code int) bool {
	var fault *soap.SOAPFaultError
	return errors.As(err, &fault) && fault.Detail.UPnPError.Errorcode == code
}

// hostTowards returns our address on the router's network. Nothing is sent.
func hostTowards(gateway netip.Addr) (netip.Addr, error) {
	c, err := net.Dial("udp", netip.AddrPortFrom(gateway, 9).String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("portmap: %w", err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

func (u *upnp) release(ctx context.Context) error {
	return u.service.DeletePortMappingCtx(ctx, "", u.outside, "UDP")
}
