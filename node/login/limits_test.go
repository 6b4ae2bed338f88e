package login

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"peerphone/node/identity"
)

// pipeListener hands out one end of a pipe for each dial, in virtual time.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial() net.Conn {
	near, far := net.Pipe()
	l.conns <- far
	return near
}

func limitsServer(t *testing.T) *Server {
	s, err := NewServer(ServerConfig{TLS: identity.KeyFromSeed([32]byte{1}), Params: func() []byte { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Who connects and says nothing, or nothing after the handshake, is hung up on.
func TestSilentConnectionsEnd(t *testing.T) {
	for what, handshake := range map[string]bool{"before the handshake": false, "after it": true} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, ln := limitsServer(t), newPipeListener()
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.Serve(ctx, ln) }()
				conn := ln.dial()
				if handshake {
					conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{ALPN}})
				}
				began := time.Now()
				if c, ok := conn.(*tls.Conn); ok {
					if err := c.Handshake(); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := conn.Read(make([]byte, 1)); err == nil {
					t.Error("the server spoke first")
				}
				if took := time.Since(began); took != requestTimeout {
					t.Errorf("it hung up after %v, want %v", took, requestTimeout)
				}
				synctest.Wait()
				if len(s.conns) != 0 {
					t.Errorf("%d connections still count", len(s.conns))
				}
				cancel()
				if err := <-ended; err != nil {
					t.Errorf("Serve: %v", err)
				}
			})
		})
	}
}

// Serve ends soon after its context, though someone holds a connection.
func TestServeEndsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ln := limitsServer(t), newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, ln) }()
		conn := tls.Client(ln.dial(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{ALPN}})
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, conn) // ends when the server hangs up
		began := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if took := time.Since(began); took > closing {
			t.Errorf("it took %v to end, want at most %v", took, closing)
		}
	})
}

func TestServeTellsWhyItCannot(t *testing.T) {
	ln := newPipeListener()
	ln.Close()
	if err := limitsServer(t).Serve(context.Background(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
}

// addrConn is a connection from somewhere.
type addrConn struct {
	net.Conn
	from netip.AddrPort
}

func (c *addrConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.from) }
func (c *addrConn) Close() error         { return nil }

func TestConnectionsAreBounded(t *testing.T) {
	for what, test := range map[string]struct {
		from func(i int) string
		want int
	}{
		"one IPv4 address":      {func(int) string { return "198.51.100.7" }, maxPerSource},
		"one IPv6 household":    {func(i int) string { return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)}).String() }, maxPerSource},
		"loopback":              {func(int) string { return "127.0.0.1" }, maxConnections},
		"a private network":     {func(int) string { return "192.168.1.2" }, maxConnections},
		"the whole world":       {func(i int) string { return netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}).String() }, maxConnections},
		"IPv4 written as IPv6":  {func(int) string { return "::ffff:198.51.100.7" }, maxPerSource},
		"a private one as IPv6": {func(int) string { return "::ffff:10.0.0.1" }, maxConnections},
	} {
		s := limitsServer(t)
		var admitted []*addrConn
		for i := range 2 * maxConnections {
			c := &addrConn{from: netip.AddrPortFrom(netip.MustParseAddr(test.from(i)), 1)}
			if s.admit(c) {
				admitted = append(admitted, c)
			}
		}
		if len(admitted) != test.want {
			t.Errorf("%s: %d connections, want %d", what, len(admitted), test.want)
		}
		for _, c := range admitted {
			s.release(c)
		}
		if len(s.conns) != 0 {
			t.Errorf("%s: %d connections still count", what, len(s.conns))
		}
	}
}

// One source cannot fill the store with accounts.
func TestNewcomersAreSlowed(t *testing.T) {
	s := limitsServer(t)
	now := time.Unix(1_800_000_000, 0)
	for source, exempted := range map[string]bool{"198.51.100.7": false, "127.0.0.1": true, "10.1.2.3": true} {
		made, at := 0, now
		for range 24 * 60 {
			if s.chargeNewcomer(asker{source: netip.MustParseAddr(source), now: at}) == 0 {
				made++
			}
			at = at.Add(time.Minute)
		}
		if exempted != (made == 24*60) || !exempted && made > 60 {
			t.Errorf("%s: %d accounts in a day", source, made)
		}
	}
}
