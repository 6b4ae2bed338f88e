package portmap

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// PCP, the Port Control Protocol (RFC 6887). A request and its answer have 60
// bytes:
//
//	 1  version
//	 1  opcode; the highest bit is set in an answer
//	 1  0
//	 1  result code, of an answer
//	 4  lifetime in seconds
//	16  our address; in an answer the router's epoch and zeros
//	12  nonce, which renews and ends the mapping
//	 1  protocol
//	 3  0
//	 2  our port
//	 2  port outside
//	16  address outside
const (
	pcpPort    = 5351
	pcpVersion = 2
	pcpMap     = 1
	pcpAnswer  = 0x80
	pcpHeader  = 24
	pcpSize    = pcpHeader + 36
	// Result codes (section 7.4).
	pcpSuccess    = 0
	pcpOldVersion = 1
	// pcpFirst is the pause before a request is repeated; it doubles each time.
	// The RFC has 3 s, for routers far away.
	pcpFirst = 250 * time.Millisecond
)

// errOlder says that a router speaks the protocol before PCP, NAT-PMP, which
// says so in its own version (RFC 6887 section 9, appendix A).
var errOlder = errors.New("portmap: the router speaks NAT-PMP only")

// pcp is a mapping by PCP.
type pcp struct {
	gateway netip.Addr
	port    uint16
	nonce   [12]byte       // zero before the first request
	granted netip.AddrPort // outside; not valid: nothing yet
}

// pcpGrant is what an answer grants.
type pcpGrant struct {
	outside netip.AddrPort
	life    time.Duration
}

func (p *pcp) obtain(ctx context.Context) (Mapping, error) {
	g, err := p.ask(ctx, Lease)
	if err != nil {
		return Mapping{}, err
	}
	p.granted = g.outside
	return Mapping{Addr: g.outside, Lease: g.life, By: "PCP"}, nil
}

// release asks for a lifetime of 0 (section 15.1).
func (p *pcp) release(ctx context.Context) error {
	_, err := p.ask(ctx, 0)
	return err
}

// ask sends a request until it is answered, or pmpTime is over. A router that
// takes nothing at that port says so at once, by ICMP.
func (p *pcp) ask(ctx context.Context, life time.Duration) (pcpGrant, error) {
	if p.nonce == [12]byte{} {
		rand.Read(p.nonce[:])
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", netip.AddrPortFrom(p.gateway, pcpPort).String())
	if err != nil {
		return pcpGrant{}, fmt.Errorf("portmap: PCP: %w", err)
	}
	defer conn.Close()
	request := p.request(conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr(), life)
	end := time.Now().Add(pmpTime)
	for pause := pcpFirst; time.Now().Before(end) && ctx.Err() == nil; pause *= 2 {
		if _, err = conn.Write(request); err != nil {
			break
		}
		var g pcpGrant
		conn.SetReadDeadline(time.Now().Add(pause))
		if g, err = p.await(conn); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
			return g, err
		}
	}
	return pcpGrant{}, fmt.Errorf("portmap: PCP: %w", err)
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// await reads until the answer to our request comes.
func (p *pcp) await(conn net.Conn) (pcpGrant, error) {
	b := make([]byte, 1100) // the longest that there may be (section 7)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return pcpGrant{}, fmt.Errorf("portmap: PCP: %w", err)
		}
		if g, ours, err := p.parse(b[:n]); ours {
			return g, err
		}
	}
}

// request returns the request for a mapping of life, 0 to end it.
func (p *pcp) request(own netip.Addr, life time.Duration) []byte {
	b := make([]byte, pcpHeader, pcpSize)
	b[0], b[1] = pcpVersion, pcpMap
	binary.BigEndian.PutUint32(b[4:], uint32(life/time.Second))
	from := own.As16()
	copy(b[8:], from[:])
	wish := p.granted
	if !wish.IsValid() {
		wish = netip.AddrPortFrom(netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff}), p.port) // any address of IPv4
	}
	b = append(b, p.nonce[:]...)
	b = append(b, protocolUDP, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, p.port)
	b = binary.BigEndian.AppendUint16(b, wish.Port())
	outside := wish.Addr().As16()
	return append(b, outside[:]...)
}

const protocolUDP = 17

// parse reads what has come from the router; ours is false when it does not
// answer our request. Options behind the answer are left alone, as we asked for
// none.
func (p *pcp) parse(b []byte) (g pcpGrant, ours bool, err error) {
	if len(b) < 4 || b[1]&pcpAnswer == 0 {
		return pcpGrant{}, false, nil
	}
	if b[0] != pcpVersion || b[3] == pcpOldVersion {
		return pcpGrant{}, true, errOlder
	}
	if len(b) < pcpSize || b[1] != pcpAnswer|pcpMap || [12]byte(b[24:]) != p.nonce || b[36] != protocolUDP ||
		binary.BigEndian.Uint16(b[40:]) != p.port {
		return pcpGrant{}, false, nil
	}
	if b[3] != pcpSuccess {
		return pcpGrant{}, true, fmt.Errorf("portmap: PCP: the router refuses, code %d", b[3])
	}
	outside := netip.AddrFrom16([16]byte(b[44:])).Unmap()
	g = pcpGrant{
		outside: netip.AddrPortFrom(outside, binary.BigEndian.Uint16(b[42:])),
		life:    time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Second,
	}
	return g, true, nil
}
