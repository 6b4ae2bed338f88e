package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"peerphone/webui"
)

// A connection's way in: Accept, gate, hello (who calls?), then to the node,
// to the page, or out without a word.

// acceptor is what the network needs of the node.
type acceptor interface {
	// Accept shakes hands; serve carries the stream until it ends.
	Accept(ctx context.Context, conn net.Conn) (serve func(), err error)
}

// door is a TCP port at which the network and the page can be reached.
type door struct {
	listener *net.TCPListener
	gate     *gate // shared by all doors
	node     acceptor
	page     *pageDoor // nil: no page here
	log      *slog.Logger
	inside   sync.WaitGroup
}

// run accepts connections until ctx is done, and waits for their goroutines.
func (d *door) run(ctx context.Context) {
	defer d.inside.Wait()
	defer context.AfterFunc(ctx, func() { d.listener.Close() })()
	for pause := time.Duration(0); ; {
		conn, err := d.listener.AcceptTCP()
		switch {
		case err == nil:
			pause = 0
			d.knock(ctx, conn)
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		// Out of file descriptors, say: others will be closed.
		pause = min(max(2*pause, 10*time.Millisecond), time.Second)
		d.log.Warn("no connection can be accepted", "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// knock lets a connection in, on a goroutine of its own.
func (d *door) knock(ctx context.Context, conn *net.TCPConn) {
	g, ok := d.gate.enter(time.Now(), conn)
	if !ok {
		conn.Close()
		return
	}
	d.inside.Go(func() { // owner: run; ends with the connection, which ends with ctx
		hurry := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
		carry := d.meet(ctx, conn)
		hurry()
		d.gate.leave(g)
		carry()
	})
}

// meet finds out who calls and returns what is left to do with the connection.
func (d *door) meet(ctx context.Context, conn *net.TCPConn) (carry func()) {
	heard, wants := listen(conn)
	switch wants {
	case network:
		serve, err := d.node.Accept(ctx, heard)
		if err == nil {
			return serve
		}
		d.log.Debug("a stream was not accepted", "from", conn.RemoteAddr(), "error", err)
	case plainPage, securePage:
		if d.page != nil && d.page.take(heard, wants) {
			return func() {}
		}
	}
	conn.Close()
	return func() {}
}

// pageDoor is the page's share of a door, as a listener.
type pageDoor struct {
	addr       net.Addr
	here       func(local net.Addr) bool // whether the page is meant to be reached at a local address
	tls        *tls.Config
	neighbours *webui.Neighbours
	queue      chan net.Conn
	closed     chan struct{}
	close      sync.Once
}

// maxPageQueue is how many connections wait for the page's server.
const maxPageQueue = 16

// take hands a connection to the page's server; false: it shall not have it.
func (p *pageDoor) take(c net.Conn, wants calling) bool {
	if !p.here(c.LocalAddr()) || !p.neighbours.NearConn(c) {
		return false
	}
	if wants == securePage {
		c = tls.Server(c, p.tls)
	}
	select {
	case p.queue <- c:
		return true
	default:
		return false
	}
}

// Accept implements net.Listener.
func (p *pageDoor) Accept() (net.Conn, error) {
	select {
	case c := <-p.queue:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The door itself stays open.
func (p *pageDoor) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pageDoor) Addr() net.Addr { return p.addr }
