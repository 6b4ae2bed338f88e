package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"

	"github.com/pion/stun/v3"

	"peerphone/firmware/lab/child"
)

// turnBed is coturn, the relay that most others use.
type turnBed struct {
	group         *child.Group
	dir           string
	child         *child.Child
	addr          netip.AddrPort
	before, after int64
}

func (b *turnBed) start(ctx context.Context) error {
	program, err := exec.LookPath("turnserver")
	if err != nil {
		return errors.New("not installed: coturn: run `make lab-deps`")
	}
	if b.addr, err = freeUDP(netip.AddrPort{}); err != nil {
		return err
	}
	b.child, err = b.group.Start(child.Spec{Name: "coturn", Path: program, Log: relayLog(b.dir, "coturn"), Args: []string{
		"-n", "--no-auth", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--allow-loopback-peers", "--log-file=stdout", "--simple-log",
		"--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", fmt.Sprintf("--listening-port=%d", b.addr.Port()),
		"--min-port=20000", "--max-port=40000", "--pidfile=" + filepath.Join(b.dir, "coturn.pid"), "--userdb=" + filepath.Join(b.dir, "coturn.db"),
	}})
	if err != nil {
		return err
	}
	s, err := listenLoopback()
	if err != nil {
		return err
	}
	if err := s.connect(b.addr); err != nil {
		return err
	}
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	return s.ask(ctx, request.Raw, func(answer []byte) bool { return stun.IsMessage(answer) }) // it is there
}

// open makes an allocation for each leg.
func (b *turnBed) open(ctx context.Context, legs int) (flows []flow, err error) {
	before, err := b.usage()
	if err != nil {
		return nil, err
	}
	for i := range legs {
		f, err := b.allocate(ctx, i%2 == 0)
		if err != nil {
			return nil, err
		}
		flows = append(flows, f)
	}
	after, err := b.usage()
	b.before, b.after = before.memory, after.memory
	return flows, err
}

// Channel numbers begin here (RFC 8656, section 12).
const turnChannel = 0x4000

// allocate makes a leg: an allocation, and a channel to a peer outside. up:
// packets go from the leg to the peer.
func (b *turnBed) allocate(ctx context.Context, up bool) (flow, error) {
	leg, err := listenLoopback()
	if err != nil {
		return flow{}, err
	}
	peer, err := listenLoopback()
	if err != nil {
		return flow{}, err
	}
	if err := leg.connect(b.addr); err != nil {
		return flow{}, err
	}
	relay, err := requestAllocation(ctx, leg)
	if err != nil {
		return flow{}, err
	}
	if err := bindChannel(ctx, leg, peer.addr); err != nil {
		return flow{}, err
	}
	if err := peer.connect(relay); err != nil {
		return flow{}, err
	}
	if !up {
		return flow{peer, leg, make([]byte, relayPayload)}, nil
	}
	data := binary.BigEndian.AppendUint16(nil, turnChannel)
	data = binary.BigEndian.AppendUint16(data, relayPayload)
	return flow{leg, peer, append(data, make([]byte, relayPayload)...)}, nil
}

// requestAllocation asks for an allocation for UDP (RFC 8656, section 7).
func requestAllocation(ctx context.Context, leg udpSocket) (relay netip.AddrPort, err error) {
	const protocol = 17 << 24 // REQUESTED-TRANSPORT: UDP
	request := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest),
		stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: binary.BigEndian.AppendUint32(nil, protocol)})
	answer, err := askTURN(ctx, leg, request)
	if err != nil {
		return relay, err
	}
	var a stun.XORMappedAddress
	if err := a.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil {
		return relay, err
	}
	ip, ok := netip.AddrFromSlice(a.IP)
	if !ok {
		return relay, errors.New("coturn tells no address")
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(a.Port)), nil
}

// bindChannel gives the peer a channel (RFC 8656, section 12).
func bindChannel(ctx context.Context, leg udpSocket, peer netip.AddrPort) error {
	to := stun.XORMappedAddress{IP: net.IP(peer.Addr().AsSlice()), Port: int(peer.Port())}
	request := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodChannelBind, stun.ClassRequest),
		stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{turnChannel >> 8, 0, 0, 0}})
	if err := to.AddToAs(request, stun.AttrXORPeerAddress); err != nil {
		return err
	}
	request.WriteHeader()
	_, err := askTURN(ctx, leg, request)
	return err
}

// askTURN sends a request until it is answered.
func askTURN(ctx context.Context, leg udpSocket, request *stun.Message) (*stun.Message, error) {
	answer := new(stun.Message)
	err := leg.ask(ctx, request.Raw, func(b []byte) bool {
		answer.Raw = append(answer.Raw[:0], b...)
		return answer.Decode() == nil && answer.TransactionID == request.TransactionID
	})
	if err != nil {
		return nil, err
	}
	if answer.Type.Class != stun.ClassSuccessResponse {
		return nil, fmt.Errorf("coturn refuses: %v", answer)
	}
	return answer, nil
}

func (b *turnBed) tend() error { return nil }

func (b *turnBed) stop() error { return nil } // the group does

func (b *turnBed) usage() (procUsage, error) { return usageOf(b.child.Pid()) }

func (b *turnBed) perLeg(legs int) float64 { return float64(b.after-b.before) / float64(legs) }

// carried counts ChannelData and what comes out bare.
func (b *turnBed) carried(datagram []byte) bool { return len(datagram) >= relayPayload }
