package wire

import (
	"encoding/binary"
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

// An account has at most eight devices; MaxRecord has room for three.
const (
	maxDevices = 8
	maxHomes   = 3
)

// A record has little room: in CBOR two phones of one account with three homes
// each did not fit. So a listing, which is sealed and no message, is packed by
// hand, and its certificate travels in compact form (identity.CompactName):
//
//	 2  length of the name certificate
//	 n  name certificate
//	 1  number of devices
//	    for each:
//	32    device
//	32    node
//	 1    number of homes
//	      for each:
//	32      node
//	 n      ports and addresses, packed (appendPlaces): 7 bytes, 19 or 25
//
// A device with three homes takes 182 bytes with IPv4, 218 with IPv6, 236 with
// both.

// AppendListing appends l, in the clear; package directory seals it. A name
// that is no certificate of ours travels as it is.
func AppendListing(dst []byte, l Listing) []byte {
	name := l.Name
	if compact, ok := identity.CompactName(name); ok {
		name = compact
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(name)))
	dst = append(append(dst, name...), byte(len(l.Devices)))
	for _, d := range l.Devices {
		dst = appendDevice(dst, d)
	}
	return dst
}

func appendDevice(dst []byte, d Device) []byte {
	dst = append(append(append(dst, d.Device[:]...), d.Node[:]...), byte(len(d.Homes)))
	for _, h := range d.Homes {
		dst = appendPlaces(append(dst, h.Node[:]...), h)
	}
	return dst
}

// ParseListing reads exactly what AppendListing wrote; it checks no signature.
func ParseListing(b []byte) (Listing, error) {
	if len(b) > MaxRecord {
		return Listing{}, ErrTooLong
	}
	c := cutter{b: b}
	name := c.bytes(int(c.uint16()))
	count := int(c.uint8())
	if c.short || count < 1 || count > maxDevices {
		return Listing{}, fmt.Errorf("%w: listing: its beginning", ErrMalformed)
	}
	l := Listing{Devices: make([]Device, count)}
	for i := range l.Devices {
		l.Devices[i] = c.device()
		if err := l.Devices[i].check(); err != nil || c.short {
			return Listing{}, fmt.Errorf("%w: listing: device %d: %v", ErrMalformed, i+1, err)
		}
	}
	if len(c.b) > 0 {
		return Listing{}, fmt.Errorf("%w: listing: %d bytes too many", ErrMalformed, len(c.b))
	}
	return l.named(name)
}

// named returns l with the certificate that travelled as b. One in the clear
// that has a compact form is refused: there is one way to write a listing.
func (l Listing) named(b []byte) (Listing, error) {
	if der, err := identity.ExpandName(b); err == nil {
		l.Name = der
		return l, nil
	}
	if _, ok := identity.CompactName(b); ok {
		return Listing{}, fmt.Errorf("%w: listing: its certificate is not compact", ErrMalformed)
	}
	l.Name = append([]byte{}, b...)
	return l, nil
}

// device reads one device; too many homes are for Device.check to refuse.
func (c *cutter) device() Device {
	d := Device{Device: c.id(), Node: c.id()}
	for range min(c.uint8(), maxHomes+1) {
		node := c.id()
		m, rest, ok := cutPlaces(c.b)
		c.short, c.b = c.short || !ok, rest
		m.Node = node
		d.Homes = append(d.Homes, m)
	}
	return d
}

// cutter reads fields from the front of b. When b is too short it says so and
// reads zeros.
type cutter struct {
	b     []byte
	short bool
}

func (c *cutter) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cutter) uint8() (v uint8) {
	if b := c.bytes(1); b != nil {
		v = b[0]
	}
	return v
}

func (c *cutter) uint16() (v uint16) {
	if b := c.bytes(2); b != nil {
		v = binary.BigEndian.Uint16(b)
	}
	return v
}

func (c *cutter) id() (id identity.ID) {
	copy(id[:], c.bytes(len(id)))
	return id
}

// Fit returns l without as many homes as must go for AppendListing to take at
// most size bytes: first their second addresses, but for one of each device,
// then the homes themselves, the worst first, from the device that has most. It
// stops when each device has one.
func (l Listing) Fit(size int) Listing {
	whole := l.Name
	if compact, ok := identity.CompactName(whole); ok {
		l.Name = compact // once, not in every round
	}
	l.Devices = append([]Device(nil), l.Devices...)
	l.simplify(size)
	l.shrink(size)
	l.Name = whole
	return l
}

// simplify leaves second addresses out, from the worst homes on. The first
// that has one keeps it: whoever has IPv6 only comes by that.
func (l Listing) simplify(size int) {
	for i := range l.Devices {
		d := &l.Devices[i]
		d.Homes = append([]Member(nil), d.Homes...)
	}
	for rank := maxHomes - 1; rank > 0; rank-- {
		for _, d := range l.Devices {
			if len(AppendListing(nil, l)) > size && rank < len(d.Homes) && d.dual() < rank {
				d.Homes[rank].Addr6 = netip.AddrPort{}
			}
		}
	}
}

// dual returns the place of the first home with two addresses, maxHomes for
// none.
func (d Device) dual() int {
	for i, h := range d.Homes {
		if h.Addr6.IsValid() {
			return i
		}
	}
	return maxHomes
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
