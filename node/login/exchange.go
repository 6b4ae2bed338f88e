package login

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Errors of Exchange.
var (
	ErrUnreachable = errors.New("login: the login server does not answer")
	ErrNotServer   = errors.New("login: what answers there is not the login server of the invitation")
)

// Times of Exchange (our own choices).
const (
	// exchangeTimeout leaves a busy server on a small board time for a hash.
	exchangeTimeout = 20 * time.Second
	// stagger is how long an address has the race to itself before the next
	// one joins it; it joins at once when the one before fails.
	stagger = 150 * time.Millisecond
)

// Exchange carries one request to the login server of inv and returns its
// reply, which may be a wire.Denied. It races the addresses of inv, makes sure
// that the key of inv answers, and completes the wish with its proof.
func Exchange(ctx context.Context, inv identity.Invitation, account identity.Key, request wire.Message) (wire.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	conn, err := connect(ctx, inv)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// Cancelling ctx ends reads and writes that block.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	reply, err := converse(conn, account, request)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, conn.RemoteAddr(), err)
	}
	return reply, nil
}

// converse proves the wish in request over conn, sends it, and reads the reply.
func converse(conn *tls.Conn, account identity.Key, request wire.Message) (wire.Message, error) {
	state := conn.ConnectionState()
	binding, err := state.ExportKeyingMaterial(exporterLabel, nil, exporterSize)
	if err != nil {
		return nil, err
	}
	request, err = Prove(request, account, binding)
	if err != nil {
		return nil, err
	}
	if err := wire.WriteLogin(conn, request); err != nil {
		return nil, err
	}
	return wire.ReadLogin(conn, wire.MaxGranted)
}

// Prove returns request with the proof of its wish: account's signature over it
// and the bytes that bind it to one connection.
func Prove(request wire.Message, account identity.Key, binding []byte) (wire.Message, error) {
	prove := func(w *wire.Wish) { w.Proof = account.Sign(wire.WishMessage(*w, binding)) }
	switch m := request.(type) {
	case wire.Register:
		prove(&m.Wish)
		return m, nil
	case wire.Login:
		prove(&m.Wish)
		return m, nil
	case wire.Renew:
		prove(&m.Wish)
		return m, nil
	case wire.Revoke:
		prove(&m.Wish)
		return m, nil
	}
	return nil, fmt.Errorf("login: a %T is not a request", request)
}

type connection struct {
	conn *tls.Conn
	err  error
}

// connect returns the first connection on which the server of inv proves its
// key; the others are closed.
func connect(ctx context.Context, inv identity.Invitation) (*tls.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the dials that lost
	results := make(chan connection, len(inv.Addrs))
	if len(inv.Addrs) == 0 {
		return nil, fmt.Errorf("%w: the invitation has no address", ErrUnreachable)
	}
	var failed []error
	next := time.NewTimer(0)
	defer next.Stop()
	for started := 0; len(failed) < len(inv.Addrs); {
		select {
		case <-next.C:
			if started < len(inv.Addrs) {
				go dial(ctx, inv, inv.Addrs[started], results) // ends with ctx; its result is drained
				started++
				next.Reset(stagger)
			}
		case r := <-results:
			if r.err == nil {
				go drain(results, started-len(failed)-1)
				return r.conn, nil
			}
			failed = append(failed, r.err)
			next.Reset(0)
		}
	}
	return nil, errors.Join(failed...)
}

// drain closes the connections that n dials still bring.
func drain(results <-chan connection, n int) {
	for range n {
		if r := <-results; r.err == nil {
			r.conn.Close()
		}
	}
}

func dial(ctx context.Context, inv identity.Invitation, addr netip.AddrPort, results chan<- connection) {
	d := tls.Dialer{NetDialer: &net.Dialer{}, Config: clientTLS(inv.Server)}
	conn, err := d.DialContext(ctx, "tcp", addr.String())
	switch {
	case err == nil:
		results <- connection{conn: conn.(*tls.Conn)}
	case errors.Is(err, ErrNotServer):
		results <- connection{err: fmt.Errorf("%w (%s)", ErrNotServer, addr)}
	default:
		results <- connection{err: fmt.Errorf("%w: %s: %w", ErrUnreachable, addr, err)}
	}
}

// clientTLS trusts exactly one key, whatever certificate holds it.
func clientTLS(server identity.ID) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{ALPN},
		InsecureSkipVerify: true, // no authority: VerifyConnection pins the key
		VerifyConnection: func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 || cs.NegotiatedProtocol != ALPN {
				return ErrNotServer
			}
			key, ok := cs.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
			if !ok || string(key) != string(server[:]) {
				return ErrNotServer
			}
			return nil
		},
	}
}
