package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// loopback returns the two ends of a TCP connection.
func loopback(t testing.TB) (dialled, accepted net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	done := make(chan net.Conn, 1)
	go func() { // ends with Accept
		c, _ := l.Accept()
		done <- c
	}()
	dialled, err = net.Dial("tcp", l.Addr().String())
	must(t, err)
	accepted = <-done
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return dialled, accepted
}

// streams shakes hands over two ends of a connection.
func streams(a, b *testNode, ca, cb net.Conn, ia, ib wire.Index, want Want) (sa, sb *Stream, ea, eb error) {
	done := make(chan struct{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go func() { // waited for below
		sb, eb = b.port.(*TLS).AcceptStream(ctx, cb, ib, want.Role)
		close(done)
	}()
	sa, ea = a.port.(*TLS).DialStream(ctx, ca, ia, want)
	<-done
	return sa, sb, ea, eb
}

// TestStreamSession brings up a session over a loopback socket and speaks both
// ways through it, as over datagrams.
func TestStreamSession(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ca, cb := loopback(t)
	ia, ib := a.table.Reserve(w.now), b.table.Reserve(w.now)
	sa, sb, ea, eb := streams(a, b, ca, cb, ia, ib, Want{Role: AsPhone, Peer: b.device.ID()})
	must(t, errors.Join(ea, eb))
	defer sa.Close()
	defer sb.Close()
	must(t, a.table.Adopt(w.now, ia, sa.Adoption()))
	must(t, b.table.Adopt(w.now, ib, sb.Adoption()))
	// The carrier is the socket: each frame is written at one end and read at
	// the other before the world goes on.
	ends := map[*testNode]*Stream{a: sa, b: sb}
	buf := make([]byte, wire.MaxDatagram)
	w.carry = func(from, to *testNode, f []byte) []time.Duration {
		must(t, ends[from].Send(time.Now(), f, time.Time{}))
		got, err := ends[to].Receive(buf)
		must(t, err)
		if string(got) != string(f) {
			t.Fatalf("%x became %x", f, got)
		}
		return []time.Duration{0}
	}
	a.routes[ia], b.routes[ib] = b, a
	a.drain()
	b.drain()
	if a.wantUp(b, AsPhone) != ia || b.wantUp(a, AsPhone) != ib || !a.ups[0].Initiator || b.ups[0].Initiator {
		t.Fatal("not up")
	}
	for i := range 40 {
		a.say(ia, fmt.Sprint("there ", i))
		b.say(ib, fmt.Sprint("back ", i))
	}
	w.run(time.Second)
	if len(b.messages[ib]) != 40 || len(a.messages[ia]) != 40 || a.messages[ia][39] != "back 39" {
		t.Fatalf("messages: %v", a.messages)
	}
	a.table.Close(w.now, ia)
	a.drain()
	w.run(time.Second)
	b.wantDown(func(err error) bool { return err == ErrClosed }, "closed by the peer")
	w.wantNothing()
}

func TestStreamRefusals(t *testing.T) {
	old := func(n *testNode) { n.certify(n.w.issuing, n.w.now.Add(-100*24*time.Hour)) }
	foreign := func(n *testNode) { n.certify(n.w.key(), n.w.now) }
	nobody := func(*testNode) {}
	for _, c := range []struct {
		name   string
		a, b   func(*testNode)
		peer   identity.ID // zero: the right one
		ea, eb error
	}{
		{"expired initiator", old, nobody, identity.ID{}, identity.ErrExpired, identity.ErrExpired},
		{"foreign initiator", foreign, nobody, identity.ID{}, identity.ErrForeign, identity.ErrForeign},
		{"expired responder", nobody, old, identity.ID{}, identity.ErrExpired, ErrRefused},
		{"foreign responder", nobody, foreign, identity.ID{}, identity.ErrForeign, ErrRefused},
		{"wrong peer", nobody, nobody, identity.ID{1}, ErrWrongPeer, ErrRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			a, b := w.join("kitchen"), w.join("workshop")
			c.a(a)
			c.b(b)
			want := Want{Role: AsNode, Peer: b.node.ID()}
			if !c.peer.IsZero() {
				want.Peer = c.peer
			}
			ca, cb := loopback(t)
			_, _, ea, eb := streams(a, b, ca, cb, 1, 2, want)
			if !errors.Is(ea, c.ea) || !errors.Is(eb, c.eb) {
				t.Fatalf("initiator: %v, want %v\nresponder: %v, want %v", ea, c.ea, eb, c.eb)
			}
			t.Logf("initiator: %v; responder: %v", ea, eb)
		})
	}
}

// TestStreamStranger talks to a responder that expects a peer: nothing, plain
// text, and TLS without a certificate.
func TestStreamStranger(t *testing.T) {
	w := newWorld(t, 1)
	b := w.join("workshop")
	for _, c := range []struct {
		name string
		talk func(net.Conn)
	}{
		{"silence", func(net.Conn) {}},
		{"hang up", func(c net.Conn) { c.Close() }},
		{"http", func(c net.Conn) { io.WriteString(c, "GET / HTTP/1.1\r\n\r\n") }},
		{"no certificate", func(c net.Conn) {
			tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{Protocol}}).Handshake()
		}},
		{"other protocol", func(c net.Conn) {
			tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).Handshake()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca, cb := loopback(t)
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			go c.talk(ca) // ends when the connection is closed
			if s, err := b.port.(*TLS).AcceptStream(ctx, cb, 1, AsNode); err == nil {
				s.Close()
				t.Fatal("accepted a stranger")
			}
		})
	}
}

// TestStreamQueue fills the queue of a stream whose peer does not read.
func TestStreamQueue(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	synctest.Test(t, func(t *testing.T) {
		ca, cb := net.Pipe()
		sa, sb, ea, eb := streams(a, b, ca, cb, 1, 2, Want{Role: AsNode, Peer: b.node.ID()})
		must(t, errors.Join(ea, eb))
		defer sa.Close()
		defer sb.Close()
		media, control := []byte("\x80 media"), []byte("\x80 control")
		must(t, sa.Send(time.Now(), control, time.Time{})) // is being written
		synctest.Wait()
		for range maxStreamQueue - 1 {
			must(t, sa.Send(time.Now(), media, time.Now().Add(100*time.Millisecond)))
		}
		must(t, sa.Send(time.Now(), control, time.Time{}))
		if err := sa.Send(time.Now(), control, time.Time{}); err != ErrStreamFull {
			t.Fatalf("a full queue says %v", err)
		}
		time.Sleep(150 * time.Millisecond) // virtual
		must(t, sa.Send(time.Now(), control, time.Time{}))
		buf := make([]byte, wire.MaxDatagram)
		for i := range 3 {
			if got, err := sb.Receive(buf); err != nil || string(got) != string(control) {
				t.Fatalf("frame %d is %q, %v, want control: stale media is not written", i, got, err)
			}
		}
		for _, bad := range []int{0, wire.MaxDatagram + 1} {
			if err := sa.Send(time.Now(), make([]byte, bad), time.Time{}); err == nil {
				t.Errorf("a frame of %d bytes was sent", bad)
			}
		}
	})
}

// TestStreamStalls lets the peer of a stream read nothing: the writer gives up,
// and Receive says so.
func TestStreamStalls(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	synctest.Test(t, func(t *testing.T) {
		ca, cb := net.Pipe()
		sa, sb, ea, eb := streams(a, b, ca, cb, 1, 2, Want{Role: AsNode, Peer: b.node.ID()})
		must(t, errors.Join(ea, eb))
		defer sb.Close()
		began := time.Now()
		must(t, sa.Send(began, []byte("\x80 frame"), time.Time{}))
		if _, err := sa.Receive(make([]byte, wire.MaxDatagram)); err == nil {
			t.Fatal("received something")
		}
		if d := time.Since(began); d < streamPatience || d > 2*streamPatience {
			t.Errorf("gave up after %v", d)
		}
		sa.Close()
	})
}

func TestReservationEnds(t *testing.T) {
	w := newWorld(t, 1)
	a := w.join("kitchen")
	ix := a.table.Reserve(w.now)
	w.run(reserveTimeout)
	a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
	if err := a.table.Adopt(w.now, ix, Adoption{}); err != ErrNoSession {
		t.Fatalf("adopted: %v", err)
	}
	ix = a.table.Reserve(w.now)
	a.table.Close(w.now, ix)
	a.drain()
	w.wantNothing()
}

// TestGlareOfStreams adopts two sessions that crossed.
func TestGlareOfStreams(t *testing.T) {
	w := newWorld(t, 1)
	a := w.join("kitchen")
	var up []wire.Index
	for _, initiator := range []bool{true, false} {
		ix := a.table.Reserve(w.now)
		up = append(up, ix)
		a.routes[ix] = a
		w.now = w.now.Add(0)
		must(t, a.table.Adopt(w.now, ix, Adoption{Peer: Peer{ID: identity.ID{0xff}}, Keys: Keys{Suite: SuiteAES}, Remote: 9, Initiator: initiator}))
	}
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	a.drain()
	if len(a.downs) != 1 || a.downs[0].Reason != ErrGlare || len(a.table.sessions) != 1 {
		t.Fatalf("down: %v", a.downs)
	}
	if loser := up[0]; a.node.ID().Less(identity.ID{0xff}) == (a.downs[0].Index == loser) {
		t.Error("the wrong session stays")
	}
}

// FuzzPreface reads prefaces.
func FuzzPreface(f *testing.F) {
	f.Add(preface(7, 1<<SuiteChaCha))
	f.Add([]byte{4, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		ix, s, err := readPreface(&fixed{b})
		if err == nil && string(preface(ix, s)) != string(b[:prefaceSize]) {
			t.Fatalf("%x became %x", b, preface(ix, s))
		}
	})
}

type fixed struct{ b []byte }

func (r *fixed) Read(b []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.b)
	r.b = r.b[n:]
	return n, nil
}
