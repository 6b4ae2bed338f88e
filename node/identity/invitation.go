package identity

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"strings"
)

// Invitation lets a phone into a network: whom to believe and where the login
// server answers.
type Invitation struct {
	Network Network
	Server  ID               // the login server's TLS key
	Addrs   []netip.AddrPort // of the login server or nodes that carry streams to it: 1 to 8
}

// ErrInvitation is wrapped by every error of ParseInvitation.
var ErrInvitation = errors.New("identity: this is not a whole invitation")

const (
	invitationPrefix = "peerphone1"
	maxAddrs         = 8
)

// The text of an invitation is invitationPrefix and base32 of
//
//	32  network (hash of the root key)
//	32  login server's key
//	 1  number of addresses
//	 n  addresses, each one byte of length (6 or 18), address, port (big endian)
//	 4  CRC-32 (IEEE) of all that, against typing errors
//
// Blanks, line breaks and capitals in it do not matter.

// String returns the text, on one line.
func (inv Invitation) String() string {
	b := append(append([]byte{}, inv.Network[:]...), inv.Server[:]...)
	b = append(b, byte(len(inv.Addrs)))
	for _, a := range inv.Addrs {
		raw := a.Addr().Unmap().AsSlice()
		b = append(b, byte(len(raw)+2))
		b = append(b, raw...)
		b = append(b, byte(a.Port()>>8), byte(a.Port()))
	}
	sum := crc32.ChecksumIEEE(b)
	b = append(b, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	return invitationPrefix + shortEncoding.EncodeToString(b)
}

// ParseInvitation reads the text of an invitation.
func ParseInvitation(text string) (Invitation, error) {
	text = strings.ToLower(strings.Join(strings.Fields(text), ""))
	body, ok := strings.CutPrefix(text, invitationPrefix)
	if !ok {
		return Invitation{}, fmt.Errorf("%w: it begins with %q", ErrInvitation, invitationPrefix)
	}
	b, err := shortEncoding.DecodeString(body)
	if err != nil || len(b) < 32+32+1+4 || len(b) > 512 || shortEncoding.EncodeToString(b) != body {
		return Invitation{}, fmt.Errorf("%w: characters are missing or wrong", ErrInvitation)
	}
	n := len(b) - 4
	sum := uint32(b[n])<<24 | uint32(b[n+1])<<16 | uint32(b[n+2])<<8 | uint32(b[n+3])
	if crc32.ChecksumIEEE(b[:n]) != sum {
		return Invitation{}, fmt.Errorf("%w: a character is wrong", ErrInvitation)
	}
	return parseInvitationBody(b[:n])
}

func parseInvitationBody(b []byte) (Invitation, error) {
	inv := Invitation{Network: Network(b[:32]), Server: ID(b[32:64])}
	count := int(b[64])
	b = b[65:]
	if count < 1 || count > maxAddrs {
		return Invitation{}, fmt.Errorf("%w: %d addresses, want 1 to %d", ErrInvitation, count, maxAddrs)
	}
	for range count {
		addr, rest, ok := cutAddr(b)
		if !ok {
			return Invitation{}, fmt.Errorf("%w: bad address", ErrInvitation)
		}
		inv.Addrs, b = append(inv.Addrs, addr), rest
	}
	if len(b) > 0 {
		return Invitation{}, fmt.Errorf("%w: %d bytes too many", ErrInvitation, len(b))
	}
	return inv, nil
}

func cutAddr(b []byte) (netip.AddrPort, []byte, bool) {
	if len(b) < 1 || (b[0] != 6 && b[0] != 18) || len(b) < 1+int(b[0]) {
		return netip.AddrPort{}, nil, false
	}
	n := int(b[0]) - 2
	addr, _ := netip.AddrFromSlice(b[1 : 1+n])
	if addr.Is4In6() {
		return netip.AddrPort{}, nil, false
	}
	port := uint16(b[1+n])<<8 | uint16(b[2+n])
	return netip.AddrPortFrom(addr, port), b[3+n:], port != 0
}
