package portmap

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"time"
)

const (
	// Lease is how long a mapping is asked for: a phone that loses its power
	// leaves it behind no longer than that.
	Lease = time.Hour
	// retry is when a router that granted nothing is asked again.
	retry = 10 * time.Minute
	// askTime bounds one attempt, releaseTime the giving back at the end.
	askTime     = 8 * time.Second
	releaseTime = 2 * time.Second
)

// ErrNone says that no router here grants mappings.
var ErrNone = errors.New("portmap: no router here grants ports")

// Mapping is a port of the router that leads to ours.
type Mapping struct {
	Addr  netip.AddrPort // outside, as the router says
	Lease time.Duration  // granted; 0: until the router restarts
	By    string         // "PCP", "NAT-PMP" or "UPnP"
}

// lease is a mapping that can be renewed and given back.
type lease interface {
	// obtain asks for the mapping, anew or again.
	obtain(ctx context.Context) (Mapping, error)
	release(ctx context.Context) error
}

// Mapper keeps a mapping for one port. The zero value is not usable.
type Mapper struct {
	port    uint16
	gateway func() (netip.Addr, bool)
	tell    func(Mapping, error)
	again   chan struct{}
	held    lease // owned by Run
}

// New returns a Mapper for UDP port. gateway returns the default router; tell is
// called in Run's goroutine with each mapping that is new or another, and with
// the error when there is none any more.
func New(port uint16, gateway func() (netip.Addr, bool), tell func(Mapping, error)) *Mapper {
	return &Mapper{port: port, gateway: gateway, tell: tell, again: make(chan struct{}, 1)}
}

// Changed tells that the network has changed. It does not block.
func (m *Mapper) Changed() {
	select {
	case m.again <- struct{}{}:
	default:
	}
}

// Run keeps the mapping until ctx is done, and gives it back.
func (m *Mapper) Run(ctx context.Context) {
	defer m.giveBack()
	var last Mapping
	var failed error
	for {
		got, err := m.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		if got.Addr != last.Addr || got.By != last.By || (err == nil) != (failed == nil) || failed == nil && last == (Mapping{}) {
			m.tell(got, err)
		}
		last, failed = got, err
		select {
		case <-ctx.Done():
			return
		case <-m.again:
			m.held = nil // it was of another router, maybe
		case <-time.After(pause(got, err)):
		}
	}
}

// pause returns when the mapping is renewed, or sought again.
func pause(m Mapping, err error) time.Duration {
	switch {
	case err != nil:
		return retry
	case m.Lease == 0:
		return Lease / 2
	}
	return max(m.Lease/2, time.Second)
}

// ask renews the mapping, or finds one.
func (m *Mapper) ask(ctx context.Context) (Mapping, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if m.held != nil {
		if got, err := m.held.obtain(ctx); err == nil {
			return got, nil
		}
		m.held = nil
	}
	gateway, ok := m.gateway()
	if !ok {
		return Mapping{}, ErrNone
	}
	return m.find(ctx, gateway)
}

// find asks by PCP, which is answered within milliseconds, then by NAT-PMP,
// which has the same port, unless nobody listens there, then by UPnP, which has
// to be looked for.
func (m *Mapper) find(ctx context.Context, gateway netip.Addr) (Mapping, error) {
	got, err := m.try(ctx, &pcp{gateway: gateway, port: m.port})
	if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
		got, err = m.try(ctx, &pmp{gateway: gateway, port: m.port})
	}
	if err != nil {
		got, err = m.try(ctx, &upnp{gateway: gateway, port: m.port})
	}
	if err != nil {
		return Mapping{}, ErrNone
	}
	return got, nil
}

// try holds what l obtains.
func (m *Mapper) try(ctx context.Context, l lease) (Mapping, error) {
	got, err := l.obtain(ctx)
	if err == nil {
		m.held = l
	}
	return got, err
}

// giveBack ends the mapping, so that nobody gets what was meant for us.
func (m *Mapper) giveBack() {
	if m.held == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseTime)
	defer cancel()
	m.held.release(ctx) // if it fails, the lease ends by itself
}
