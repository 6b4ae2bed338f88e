package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"peerphone/node/session"
)

// calling is what a connection wants, by its first bytes.
type calling uint8

const (
	nothing    calling = iota // said nothing, or what nobody here understands
	network                   // TLS (RFC 8446) that offers session.Protocol by ALPN (RFC 7301)
	plainPage                 // HTTP
	securePage                // TLS that offers anything else, or nothing
)

// tlsHandshake is the first byte of a TLS record that holds a handshake
// (RFC 8446 section 5.1). No request of HTTP begins with it.
const tlsHandshake = 0x16

// maxHello bounds a ClientHello, in bytes: ours has 1.5 kB, a browser's 2 kB.
const maxHello = 8 << 10

// heard is a connection whose first bytes have been read ahead.
type heard struct {
	*net.TCPConn
	ahead *bytes.Reader
}

func (h *heard) Read(b []byte) (int, error) {
	if h.ahead.Len() > 0 {
		return h.ahead.Read(b)
	}
	return h.TCPConn.Read(b)
}

// WriteTo hides that of the connection, which knows nothing of what was read
// ahead.
func (h *heard) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{h})
}

// listen reads who calls, for at most halfOpenTime, and returns the connection
// as if nothing had been read.
func listen(c *net.TCPConn) (*heard, calling) {
	c.SetReadDeadline(time.Now().Add(halfOpenTime))
	var said bytes.Buffer
	wants := whoCalls(io.TeeReader(io.LimitReader(c, maxHello), &said))
	c.SetReadDeadline(time.Time{})
	return &heard{c, bytes.NewReader(said.Bytes())}, wants
}

// whoCalls reads as much of r as it takes to know.
func whoCalls(r io.Reader) calling {
	first := make([]byte, 1)
	if _, err := io.ReadFull(r, first); err != nil {
		return nothing
	}
	if first[0] != tlsHandshake {
		return plainOr(first[0])
	}
	hello := readHello(io.MultiReader(bytes.NewReader(first), r))
	switch {
	case hello == nil:
		return nothing
	case slices.Contains(hello.SupportedProtos, session.Protocol):
		return network
	}
	return securePage
}

// plainOr tells the first byte of a method of HTTP from noise.
func plainOr(b byte) calling {
	if b >= 'A' && b <= 'Z' {
		return plainPage
	}
	return nothing
}

var errHeard = errors.New("the hello is all that was wanted")

// readHello lets crypto/tls parse the ClientHello; nil: it is none.
func readHello(r io.Reader) (hello *tls.ClientHelloInfo) {
	// The error is errHeard, or says what is wrong with the hello.
	_ = tls.Server(readOnly{r: r}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			hello = h
			return nil, errHeard
		},
	}).Handshake()
	return hello
}

// readOnly is a connection that cannot say anything.
type readOnly struct {
	net.Conn
	r io.Reader
}

func (c readOnly) Read(b []byte) (int, error)     { return c.r.Read(b) }
func (readOnly) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (readOnly) Close() error                     { return nil }
func (readOnly) SetWriteDeadline(time.Time) error { return nil }
func (readOnly) RemoteAddr() net.Addr             { return nil }
func (readOnly) LocalAddr() net.Addr              { return nil }
