package wire

import (
	"fmt"
	"net/netip"

	"peerphone/node/identity"
)

// Listing is the inner part of a record: who it is and where its devices are.
type Listing struct {
	Name    []byte   // the name certificate, DER
	Devices []Device // 1 to 8
}

// Device is one phone of an account.
type Device struct {
	Device identity.ID
	Node   identity.ID // by which its homes know it
	Homes  []Member    // at most 3, the best first
}

const (
	maxDevices = 8
	maxHomes   = 3
)

// A record has little room, so a listing travels as arrays without keys, and
// its certificate in compact form (identity.CompactName). A device with three
// homes takes 195 bytes of it with IPv4, 231 with IPv6.
type (
	packedListing struct {
		_       struct{} `cbor:",toarray"`
		Name    []byte
		Devices []packedDevice
	}
	packedDevice struct {
		_      struct{} `cbor:",toarray"`
		Device identity.ID
		Node   identity.ID
		Homes  []packedMember
	}
	packedMember struct {
		_    struct{} `cbor:",toarray"`
		Node identity.ID
		Addr netip.AddrPort
	}
)

// AppendListing appends l, in the clear; package directory seals it. A name
// that is no certificate of ours travels as it is.
func AppendListing(dst []byte, l Listing) []byte {
	p := packedListing{Name: l.Name}
	if compact, ok := identity.CompactName(l.Name); ok {
		p.Name = compact
	}
	for _, d := range l.Devices {
		p.Devices = append(p.Devices, packDevice(d))
	}
	return append(dst, must(encoding.Marshal(p))...)
}

func packDevice(d Device) packedDevice {
	p := packedDevice{Device: d.Device, Node: d.Node, Homes: []packedMember{}}
	for _, h := range d.Homes {
		p.Homes = append(p.Homes, packedMember{Node: h.Node, Addr: h.Addr})
	}
	return p
}

// ParseListing reads exactly what AppendListing wrote; it checks no signature.
func ParseListing(b []byte) (Listing, error) {
	var p packedListing
	if len(b) > MaxRecord {
		return Listing{}, ErrTooLong
	}
	if err := strict(b, &p); err != nil {
		return Listing{}, fmt.Errorf("%w: listing: %v", ErrMalformed, err)
	}
	if len(p.Devices) < 1 || len(p.Devices) > maxDevices {
		return Listing{}, fmt.Errorf("%w: listing: %d devices", ErrMalformed, len(p.Devices))
	}
	l := Listing{Name: p.Name}
	for _, pd := range p.Devices {
		d := unpackDevice(pd)
		if err := d.check(); err != nil || pd.Homes == nil {
			return Listing{}, fmt.Errorf("%w: listing: %v", ErrMalformed, err)
		}
		l.Devices = append(l.Devices, d)
	}
	return l.expand()
}

func unpackDevice(p packedDevice) Device {
	d := Device{Device: p.Device, Node: p.Node}
	for _, h := range p.Homes {
		d.Homes = append(d.Homes, Member{Node: h.Node, Addr: h.Addr})
	}
	return d
}

// expand puts the whole certificate in place of its compact form. A name in the
// clear that has a compact form is refused: there is one way to write a listing.
func (l Listing) expand() (Listing, error) {
	if der, err := identity.ExpandName(l.Name); err == nil {
		l.Name = der
	} else if _, ok := identity.CompactName(l.Name); ok {
		return Listing{}, fmt.Errorf("%w: listing: its certificate is not compact", ErrMalformed)
	}
	return l, nil
}

// Fit returns l without as many homes as must go for AppendListing to take at
// most size bytes: the worst go first, from the device that has most. It stops
// when each device has one.
func (l Listing) Fit(size int) Listing {
	whole := l.Name
	if compact, ok := identity.CompactName(whole); ok {
		l.Name = compact // once, not in every round
	}
	l.Devices = append([]Device(nil), l.Devices...)
	l.shrink(size)
	l.Name = whole
	return l
}

func (l Listing) shrink(size int) {
	for len(AppendListing(nil, l)) > size {
		most := 0
		for i, d := range l.Devices {
			if len(d.Homes) > len(l.Devices[most].Homes) {
				most = i
			}
		}
		if len(l.Devices) == 0 || len(l.Devices[most].Homes) <= 1 {
			return
		}
		d := &l.Devices[most]
		d.Homes = d.Homes[:len(d.Homes)-1]
	}
}

func (d Device) check() error {
	if d.Device.IsZero() || d.Node.IsZero() {
		return errZero
	}
	if len(d.Homes) > maxHomes {
		return errMany
	}
	return checkMembers(d.Homes)
}
