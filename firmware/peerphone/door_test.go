package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/node/session"
	"peerphone/node/wire"
	"peerphone/webui"
)

// house is a door with a page behind it, and a node that shakes hands like one.
type house struct {
	*testing.T
	door *door
	addr string
	cert tls.Certificate
}

func newHouse(t *testing.T) *house {
	t.Helper()
	cert, err := pageCertificate(filepath.Join(t.TempDir(), "page.pem"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, addr: l.Addr().String(), cert: cert}
	h.door = &door{listener: l, gate: newGate(), node: h, log: slog.New(slog.DiscardHandler)}
	h.door.page = &pageDoor{
		addr: l.Addr(), neighbours: new(webui.Neighbours), queue: make(chan net.Conn, maxPageQueue), closed: make(chan struct{}),
		tls: &tls.Config{Certificates: []tls.Certificate{cert}}, here: func(net.Addr) bool { return true },
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the page") })}
	go server.Serve(h.door.page) // ends with Close below
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { h.door.run(ctx); close(done) }() // waited for below
	t.Cleanup(func() { server.Close(); stop(); <-done })
	return h
}

// Accept implements acceptor: it echoes one line over TLS.
func (h *house) Accept(_ context.Context, conn net.Conn) (func(), error) {
	s := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{h.cert}, NextProtos: []string{session.Protocol}})
	if err := s.Handshake(); err != nil {
		return nil, err
	}
	return func() { io.CopyN(s, s, 5); s.Close() }, nil
}

func (h *house) client(protos ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: protos}
}

func TestTheNetworkAndThePageShareADoor(t *testing.T) {
	h := newHouse(t)
	s, err := tls.Dial("tcp", h.addr, h.client(session.Protocol))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "hello")
	if got, err := io.ReadAll(s); string(got) != "hello" {
		t.Errorf("the network answers %q, %v", got, err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: h.client(), DisableKeepAlives: true}}
	for _, scheme := range []string{"http", "https"} {
		r, err := client.Get(scheme + "://" + h.addr)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if string(b) != "the page" {
			t.Errorf("%s gives %q", scheme, b)
		}
	}
}

// Whoever makes no sense gets nothing, not even an alert.
func TestNoiseGetsNothing(t *testing.T) {
	h := newHouse(t)
	h.door.page.here = func(net.Addr) bool { return false } // not for who calls now
	var hello bytes.Buffer
	tls.Client(writeOnly{w: &hello}, h.client("h2")).Handshake()
	for what, said := range map[string]string{
		"SSH": "SSH-2.0-x\r\n", "zeros": strings.Repeat("\x00", 100), "a broken hello": "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
		"an endless record": "\x16\x03\x01\xff\xff" + strings.Repeat("x", 20000), "HTTP": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"HTTPS": hello.String(),
	} {
		c, err := net.Dial("tcp", h.addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, said)
		c.SetReadDeadline(time.Now().Add(time.Minute))
		got, err := io.ReadAll(c)
		if len(got) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s gets %q, %v", what, got, err)
		}
		c.Close()
	}
}

// writeOnly is a connection that hears nothing.
type writeOnly struct {
	net.Conn
	w io.Writer
}

func (c writeOnly) Write(b []byte) (int, error)      { return c.w.Write(b) }
func (writeOnly) Read([]byte) (int, error)           { return 0, io.EOF }
func (writeOnly) SetWriteDeadline(t time.Time) error { return nil }
func (writeOnly) Close() error                       { return nil }

// A door closes with everybody inside.
func TestADoorEnds(t *testing.T) {
	h := newHouse(t)
	for range 20 {
		c, err := net.Dial("tcp", h.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	// The clean-up waits for the door's goroutines: a test that ends is the proof.
}

// caller is a connection from an address.
type caller struct {
	net.Conn
	from   string
	closed bool
}

func (c *caller) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.from))
}
func (c *caller) LocalAddr() net.Addr { return &net.TCPAddr{} }
func (c *caller) Close() error        { c.closed = true; return nil }

func TestTheGateIsBounded(t *testing.T) {
	g, now := newGate(), time.Now()
	in := 0
	for range 100 {
		if _, ok := g.enter(now, &caller{from: "203.0.113.5:1"}); ok {
			in++
		}
	}
	if in != maxFromPrefix {
		t.Errorf("one prefix holds %d, want %d", in, maxFromPrefix)
	}
	first := g.inside[0]
	for i := 0; len(g.inside) < maxHalfOpen; i++ {
		if _, ok := g.enter(now, &caller{from: fmt.Sprintf("10.%d.%d.1:1", i/250, i%250)}); !ok {
			t.Fatalf("full with %d", len(g.inside))
		}
	}
	if _, ok := g.enter(now.Add(youngest-1), &caller{from: "192.0.2.1:1"}); ok {
		t.Error("no room, but a new one was let in")
	}
	if _, ok := g.enter(now.Add(youngest), &caller{from: "198.51.100.1:1"}); !ok || !first.conn.(*caller).closed || len(g.inside) != maxHalfOpen {
		t.Error("the oldest did not make room")
	}
	g.leave(first) // it is out already
	g.leave(g.inside[7])
	if len(g.inside) != maxHalfOpen-1 {
		t.Errorf("%d inside", len(g.inside))
	}
}

// A prefix that connects again and again is let in so often a second, also
// when each leaves at once.
func TestTheGateLimitsKnocks(t *testing.T) {
	g, now := newGate(), time.Now()
	in := 0
	for i := range 1000 {
		if x, ok := g.enter(now.Add(time.Duration(i)*time.Millisecond), &caller{from: fmt.Sprintf("[2001:db8:1::%x]:1", i+1)}); ok {
			in++
			g.leave(x)
		}
	}
	if want := knocks.Burst + int(knocks.Rate); in > want {
		t.Errorf("%d of 1000 in a second got in, want <= %d", in, want)
	}
}

func TestThePageIsForNeighbours(t *testing.T) {
	p := &pageDoor{here: func(net.Addr) bool { return true }, neighbours: new(webui.Neighbours), queue: make(chan net.Conn, 2)} // two of four
	for from, want := range map[string]bool{"203.0.113.5:1": false, "[2001:db8::9]:1": false, "192.168.1.2:1": true, "[::1]:1": true} {
		if got := p.take(&caller{from: from}, plainPage); got != want {
			t.Errorf("%s sees the page: %v, want %v", from, got, want)
		}
	}
	if p.take(&caller{from: "127.0.0.1:1"}, plainPage) {
		t.Error("a queue that is full takes more")
	}
}

func TestDoorPorts(t *testing.T) {
	for _, c := range []struct {
		network string
		want    []uint16
	}{
		{``, []uint16{4000}},
		{`supernode = "always"`, []uint16{4000, 443, 80}},
		{"supernode = \"always\"\nports = []", []uint16{4000}},
		{`ports = [80, 4000, 8443]`, []uint16{4000, 80, 8443}},
	} {
		config, err := load(t, good+c.network+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := config.doorPorts(4000); !slices.Equal(got, c.want) {
			t.Errorf("%s opens %v, want %v", c.network, got, c.want)
		}
	}
	for p, want := range map[uint16]wire.Ports{443: wire.Port443, 80: wire.Port80, 4000: wire.SamePort, 8443: 0} {
		if got := portBit(p, 4000); got != want {
			t.Errorf("port %d is %d, want %d", p, got, want)
		}
	}
}

func FuzzWhoCalls(f *testing.F) {
	var hello bytes.Buffer
	tls.Client(writeOnly{w: &hello}, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{session.Protocol}}).Handshake()
	f.Add(hello.Bytes())
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		wants := whoCalls(bytes.NewReader(b))
		if (wants == network || wants == securePage) && b[0] != tlsHandshake || wants == plainPage && b[0] == tlsHandshake {
			t.Errorf("%x is taken for %d", b, wants)
		}
	})
}
