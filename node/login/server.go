package login

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// ServerConfig is constant for the life of a Server.
type ServerConfig struct {
	Store   Store
	Network identity.Network
	Issuing identity.Key  // signs certificates and placements
	TLS     identity.Key  // proves the server; its ID is in the invitation
	Params  func() []byte // the network parameters to hand out, signed by the root; called for each grant
	Open    bool          // whether anyone may register
	// Revocations keeps what is revoked; nil: it is forgotten when the server ends.
	Revocations RevocationStore
	// Clock returns the time, for certificates; nil: time.Now.
	Clock func() time.Time
	Rand  io.Reader // nil: crypto/rand
	// Workers is how many passwords are hashed at once, each on 19 MiB; 0: 2.
	Workers int
	Log     *slog.Logger // nil: silence
}

// Bounds of a server (our own choices). A connection takes about 60 kB.
const (
	maxConnections = 512
	// maxPerSource does not count for loopback and private addresses: there
	// one router stands for a whole house, or a test for a whole network.
	maxPerSource = 16
	// requestTimeout is for the TLS handshake and the request together.
	requestTimeout = 10 * time.Second
	replyTimeout   = 5 * time.Second
	// closing is what requests get that are under way when the server ends.
	closing = 2 * time.Second
)

// Server is the login server's half: accounts, passwords, certificates.
type Server struct {
	// constant after construction
	cfg ServerConfig
	tls *tls.Config

	// safe for many goroutines
	workers   *workers
	penalties *penalties
	newcomers *penalties // registrations by source
	revoked   revocations

	mu    sync.Mutex
	conns map[net.Conn]string // guarded by mu; each with its source
}

// NewServer returns a server that does not serve yet.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Workers <= 0 {
		cfg.Workers = 2
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	t, err := serverTLS(cfg.TLS)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, tls: t, workers: newWorkers(cfg.Workers),
		penalties: newPenalties(), newcomers: newPenalties(), conns: make(map[net.Conn]string), revoked: revocations{store: cfg.Revocations},
	}
	return s, s.revoked.open(cfg.Issuing, cfg.Clock(), s.former())
}

// former returns the issuing keys before ours whose revocation lists hold.
func (s *Server) former() []identity.ID {
	if s.cfg.Params == nil {
		return nil
	}
	p, err := identity.ParseParams(s.cfg.Network, s.cfg.Params(), time.Time{})
	if err != nil {
		return nil // whoever asks for a certificate is told
	}
	return p.Former
}

// Serve answers phones on ln until ctx ends, closes ln, and waits for the
// requests that are under way. It returns nil when ctx has ended.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	defer ln.Close()
	var requests sync.WaitGroup
	defer requests.Wait()
	defer s.hurry()
	return s.accept(ctx, ln, &requests)
}

func (s *Server) accept(ctx context.Context, ln net.Listener, requests *sync.WaitGroup) error {
	for pause := time.Duration(0); ; {
		conn, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("login: %w", err)
		case err != nil: // too many open files, say: it passes
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.cfg.Log.Warn("login: cannot accept", "error", err)
			sleep(ctx, pause)
			continue
		}
		pause = 0
		if !s.admit(conn) {
			conn.Close()
			continue
		}
		requests.Go(func() { // ends by its deadlines; Serve waits for it
			defer s.release(conn)
			s.serve(ctx, conn)
		})
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// admit counts conn, unless there are too many.
func (s *Server) admit(conn net.Conn) bool {
	source := sourceOf(conn)
	key := sourceKey(source)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= maxConnections {
		return false
	}
	if !exempt(source) {
		same := 0
		for _, k := range s.conns {
			if k == key {
				same++
			}
		}
		if same >= maxPerSource {
			return false
		}
	}
	s.conns[conn] = key
	return true
}

func (s *Server) release(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// hurry shortens what the open connections may still take.
func (s *Server) hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		conn.SetDeadline(time.Now().Add(closing))
	}
}

// serve reads one request, answers it, and says good-bye.
func (s *Server) serve(ctx context.Context, raw net.Conn) {
	raw.SetDeadline(time.Now().Add(requestTimeout))
	conn := tls.Server(raw, s.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		s.cfg.Log.Debug("login: no handshake", "error", err)
		return
	}
	reply := s.converse(ctx, conn)
	if reply == nil {
		return
	}
	raw.SetWriteDeadline(time.Now().Add(replyTimeout))
	if err := wire.WriteLogin(conn, reply); err != nil {
		s.cfg.Log.Debug("login: reply not sent", "error", err)
		return
	}
	conn.Close()
}

// converse returns the reply to the one request on conn, nil for nothing.
func (s *Server) converse(ctx context.Context, conn *tls.Conn) wire.Message {
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != ALPN {
		return nil
	}
	binding, err := state.ExportKeyingMaterial(exporterLabel, nil, exporterSize)
	if err != nil {
		return nil
	}
	request, err := wire.ReadLogin(conn, wire.MaxLogin)
	if errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrUnknown) || errors.Is(err, wire.ErrTooLong) {
		return s.denied("", "", malformed("%v", err))
	}
	if err != nil {
		s.cfg.Log.Debug("login: no request", "error", err)
		return nil
	}
	return s.answer(ctx, sourceOf(conn), binding, request)
}

func sourceOf(conn net.Conn) netip.Addr {
	if a, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		return a.Addr().Unmap()
	}
	return netip.Addr{}
}

// exempt reports whether quotas by source do not count for a.
func exempt(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() }
