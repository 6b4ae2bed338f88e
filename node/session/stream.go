package session

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"peerphone/node/wire"
)

// Where UDP is blocked, a session runs in a TLS connection of its own. After
// TLS's handshake each end says, the initiator first:
//
//	1  Refusal, or 0xff: welcome
//	3  its Index
//	1  suites: offered by the initiator, the chosen one of the responder
//
// Then session frames follow, each after its length in two bytes. They are
// sealed like any other, since a session may move between its ways.
const (
	prefaceSize = 1 + 3 + 1
	welcome     = 0xff
)

var errFrameSize = fmt.Errorf("%w: bad length of frame", ErrProtocol)

// Stream carries the frames of one session over a connection. Send may be
// called from any goroutine, Receive from one.
type Stream struct {
	// Constant after construction.
	adoption Adoption
	conn     *tls.Conn
	written  chan struct{} // closed when the writer has ended
	wake     chan struct{} // one token: there is work, or the end has come
	done     chan struct{} // closed by Close

	close sync.Once
	head  [2]byte // owned by Receive

	mu    sync.Mutex
	queue frameQueue // guarded by mu
	ended bool       // guarded by mu; End was called
}

// Adoption is what a handshake outside of Table has found.
type Adoption struct {
	Peer      Peer
	Keys      Keys
	Remote    wire.Index
	Initiator bool
}

// DialStream shakes hands with the peer that w wants over conn. local is from
// Table.Reserve. It closes conn when it fails; ctx bounds the handshake only.
// The functions that t was made with may be called from this goroutine.
func (t *TLS) DialStream(ctx context.Context, conn net.Conn, local wire.Index, w Want) (*Stream, error) {
	c, config, err := t.config(true, w)
	if err != nil {
		conn.Close()
		return nil, err
	}
	t.tickets.dialling(c, config)
	f := &flights{Conn: conn}
	return shake(ctx, f, tls.Client(f, config), c, local)
}

// AcceptStream is the responder's half of DialStream, in the role r.
func (t *TLS) AcceptStream(ctx context.Context, conn net.Conn, local wire.Index, r Role) (*Stream, error) {
	c, config, err := t.config(false, Want{Role: r})
	if err != nil {
		conn.Close()
		return nil, err
	}
	// The verdict is kept in c.err and acted on by shake: TLS has one alert for
	// all faults of a certificate, a preface says which one it is.
	config.VerifyConnection = func(state tls.ConnectionState) error {
		c.verify(state)
		return nil
	}
	t.tickets.accepting(c, config)
	f := &flights{Conn: conn}
	return shake(ctx, f, tls.Server(f, config), c, local)
}

// shake makes a Stream of a connection, or closes it.
func shake(ctx context.Context, f *flights, conn *tls.Conn, c *check, local wire.Index) (*Stream, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	s, err := handshakeStream(ctx, conn, c, local)
	if landed := f.land(); err == nil {
		err = landed
	}
	if !stop() && err == nil {
		err = ctx.Err() // the deadline is spoilt
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	go s.write() // owned by s: Close ends it and waits
	return s, nil
}

func handshakeStream(ctx context.Context, conn *tls.Conn, c *check, local wire.Index) (*Stream, error) {
	err := conn.HandshakeContext(ctx)
	switch {
	case c.err != nil && !c.initiator:
		conn.Write([]byte{byte(refusalFor(c.err)), 0, 0, 0, 0}) // our own error matters more than its
		return nil, c.err
	case c.err != nil:
		return nil, c.err
	case err != nil:
		return nil, streamError(err)
	}
	remote, suite, err := exchange(conn, c.initiator, local)
	if err != nil {
		return nil, err
	}
	state := conn.ConnectionState()
	keys, err := exportKeys(&state, suite, c.initiator)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrProtocol, err)
	}
	return &Stream{
		adoption: Adoption{Peer: c.peer, Keys: keys, Remote: remote, Initiator: c.initiator},
		conn:     conn, written: make(chan struct{}), wake: make(chan struct{}, 1), done: make(chan struct{}),
	}, nil
}

// exchange swaps prefaces.
func exchange(conn io.ReadWriter, initiator bool, local wire.Index) (remote wire.Index, s Suite, err error) {
	own := ownSuites()
	if initiator {
		if _, err := conn.Write(preface(local, own)); err != nil {
			return 0, 0, streamError(err)
		}
	}
	remote, theirs, err := readPreface(conn)
	if err != nil {
		return 0, 0, err
	}
	s = chooseSuite(theirs, own)
	if initiator {
		if theirs != 1<<s {
			return 0, 0, fmt.Errorf("%w: a suite that was not offered", ErrProtocol)
		}
		return remote, s, nil
	}
	if _, err := conn.Write(preface(local, 1<<s)); err != nil {
		return 0, 0, streamError(err)
	}
	return remote, s, nil
}

func preface(local wire.Index, s suites) []byte {
	return []byte{welcome, byte(local >> 16), byte(local >> 8), byte(local), byte(s)}
}

func readPreface(r io.Reader) (remote wire.Index, s suites, err error) {
	var b [prefaceSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, 0, streamError(err)
	}
	if b[0] != welcome {
		return 0, 0, remoteReason(Refusal(b[0]))
	}
	remote, s = index24(b[1:]), suites(b[4])
	if remote == 0 || !s.has(SuiteChaCha) && !s.has(SuiteAES) {
		return 0, 0, fmt.Errorf("%w: malformed preface", ErrProtocol)
	}
	return remote, s, nil
}

// streamError words an error of the connection. An alert about a certificate
// is the initiator's refusal of ours; TLS does not tell which fault it found.
func streamError(err error) error {
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return fmt.Errorf("%w: %v", ErrRefused, alert.Err)
	}
	return fmt.Errorf("session: stream: %w", err)
}

// Adoption returns what Table.Adopt wants to know, once: it forgets the keys.
func (s *Stream) Adoption() Adoption {
	a := s.adoption
	s.adoption.Keys = Keys{}
	return a
}

// Receive reads the next frame into buf, which has wire.MaxDatagram bytes.
func (s *Stream) Receive(buf []byte) ([]byte, error) {
	if _, err := io.ReadFull(s.conn, s.head[:]); err != nil {
		return nil, streamError(err)
	}
	n := int(binary.BigEndian.Uint16(s.head[:]))
	if n == 0 || n > wire.MaxDatagram || n > len(buf) {
		return nil, errFrameSize
	}
	if _, err := io.ReadFull(s.conn, buf[:n]); err != nil {
		return nil, streamError(err)
	}
	return buf[:n], nil
}
