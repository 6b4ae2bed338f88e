package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"peerphone/hal"
	"peerphone/node/media"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// stale is how old sound may be that waits to be written in a stream.
const stale = 100 * time.Millisecond

// ipUDP is what IPv4 and UDP add to a datagram on the wire, in bytes.
const ipUDP = 28

// socket is the one UDP socket of a node: its reader sorts datagrams by their
// first byte, opens session frames, and hands sound to its strip without
// passing through the control loop.
//
// Stages of the reader, in order: wait, read, forward (what is relayed), sort,
// open, deliver.
type socket struct {
	conn *udpConn
	in   chan<- input // to the control loop
	live sync.Map     // wire.Index -> *line
	stun *path.PrefixLimiter
	more extras

	streams connections // TLS, beside UDP

	public atomic.Bool               // a supernode: answers STUN, which a phone does not
	legs   atomic.Pointer[path.Legs] // of the relay; nil: there is none
	count  counters
	flow   outflow
}

// counters are written by the reader and by every sender.
type counters struct {
	datagramsIn, datagramsOut, bytesIn, bytesOut atomic.Uint64
	dropped, forged, replayed, queueFull         atomic.Uint64
}

// line is what the data plane knows of one session.
type line struct {
	channel *session.Channel
	leg     atomic.Pointer[media.Leg]  // nil but in a call
	route   atomic.Pointer[mediaRoute] // likewise, and until there is a way
}

// listenUDP opens the socket: the kept port if there is one, else the one that
// listen names, else a random one.
func listenUDP(listen string, kept uint16) (*net.UDPConn, error) {
	addr, err := net.ResolveUDPAddr("udp", listen)
	if err != nil {
		return nil, fmt.Errorf("node: listen on %q: %w", listen, err)
	}
	if addr.Port == 0 && kept != 0 {
		again := *addr
		again.Port = int(kept)
		if conn, err := net.ListenUDP("udp", &again); err == nil {
			return conn, nil
		}
		// Somebody else has our port now; a new one is better than no phone.
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("node: listen on UDP %s: %w; is another program using the port?", listen, err)
	}
	return conn, nil
}

// read runs until the socket is closed. Its owner is Node.Run.
func (s *socket) read() {
	media.Urgent()
	s.conn.during(func(conn *udpConn, quit uintptr) {
		b := newBatch(conn, quit)
		plain := make([]byte, 0, maxRead)
		var g gather
		for b.readable() {
			for g.passed(hal.Now(), s.readBatch(b, plain)) && b.rest() {
			}
		}
	})
}

// readBatch sorts what waits at the socket and returns how many frames it
// passed on.
func (s *socket) readBatch(b *batch, plain []byte) (passed int) {
	n, bytes := b.receive(), 0
	for i := range n {
		from, data := b.datagram(i)
		bytes += len(data) + ipUDP
		w := path.Way{Addr: from}
		to, ok := s.forward(w, data)
		switch {
		case ok && to.Direct() && to.Socket == 0:
			b.pass(to.Addr, data)
			s.count.bytesOut.Add(uint64(len(data) + ipUDP))
			passed++
		case ok:
			s.passOn(to, data)
		default:
			s.sort(b.came(i), w, data, plain)
		}
	}
	s.count.datagramsIn.Add(uint64(n))
	s.count.bytesIn.Add(uint64(bytes))
	if passed > 0 {
		s.count.datagramsOut.Add(uint64(passed))
		failed := b.flush()
		if legs := s.legs.Load(); legs != nil {
			legs.Failed(failed)
		}
	}
	return passed
}

// forward is the relay: it says where a frame that came by w goes on to; false:
// nowhere, or it is for ourselves.
func (s *socket) forward(w path.Way, b []byte) (to path.Way, ok bool) {
	if wire.KindOf(b) != wire.RelayFrame {
		return path.Way{}, false
	}
	legs := s.legs.Load()
	if legs == nil {
		return path.Way{}, false
	}
	return legs.Forward(w, b)
}

// passOn sends a frame of the relay on.
func (s *socket) passOn(to path.Way, b []byte) { s.sendBy(to, b, time.Now().Add(stale)) }

// take takes a frame that came by w at the instant at, in a stream or by a further
// socket: it is passed on, or it is for us.
func (s *socket) take(at hal.Instant, w path.Way, b, plain []byte) {
	if to, ok := s.forward(w, b); ok {
		s.passOn(to, b)
		return
	}
	s.sort(at, w, b, plain)
}

// close ends read and the readers of the further sockets.
func (s *socket) close() {
	s.conn.close()
	s.more.close()
}

// sort takes a frame that came by w at the instant at: a datagram, or one of a
// stream, whose handshake is over. plain is room for what is in it.
func (s *socket) sort(at hal.Instant, w path.Way, b, plain []byte) {
	kind := wire.KindOf(b)
	switch {
	case kind == wire.SessionFrame:
		s.open(at, w, b, plain)
	case kind == wire.HandshakeFrame && w.Direct():
		frame := append([]byte(nil), b...)
		s.post(func(c *Core, now time.Time) { c.Handshake(now, w, frame) })
	case kind == wire.QuestionFrame && w.Direct():
		frame := append([]byte(nil), b...)
		s.post(func(c *Core, now time.Time) { c.Question(now, w.Addr, frame) })
	case kind == wire.BeatFrame:
		if nonce, ok := wire.ParseBeat(b); ok {
			s.post(func(c *Core, now time.Time) { c.Beat(now, nonce) })
		}
	case kind == wire.RelayFrame:
		s.unwrap(at, b, plain)
	case kind == wire.STUNFrame && w.Direct():
		s.hearSTUN(w, b)
	default:
		s.count.dropped.Add(1)
	}
}

// unwrap takes a relay frame that is for us. A relay within a relay there is
// not, nor a handshake.
func (s *socket) unwrap(at hal.Instant, b, plain []byte) {
	channel, inner, ok := wire.ParseRelay(b)
	if !ok {
		s.count.dropped.Add(1)
		return
	}
	s.open(at, path.Way{Channel: channel}, inner, plain)
}

// open deciphers a session frame: sound goes to its strip, everything else to
// the control loop.
func (s *socket) open(at hal.Instant, w path.Way, b, plain []byte) {
	h, ok := wire.ParseHeader(b)
	if !ok {
		s.count.dropped.Add(1)
		return
	}
	found, ok := s.live.Load(h.To)
	if !ok {
		s.count.dropped.Add(1)
		return
	}
	l := found.(*line)
	payload, err := l.channel.Open(plain, b)
	if err != nil {
		s.count.refused(err)
		return
	}
	if route := l.route.Load(); route != nil {
		route.hear(at, w, stampOf(payload), len(b))
	}
	if wire.PayloadOf(payload) == wire.PayloadMedia {
		if leg := l.leg.Load(); leg != nil {
			leg.Receive(hal.Now(), payload)
		}
		return
	}
	kept := append([]byte(nil), payload...)
	s.post(func(c *Core, now time.Time) { c.Opened(now, h.To, w, kept) })
}

// hearSTUN answers a request at our public port, which is not a phone's; what
// is no request is for the survey.
func (s *socket) hearSTUN(from path.Way, b []byte) {
	switch {
	case !path.IsSTUNRequest(b):
		frame := append([]byte(nil), b...)
		s.post(func(c *Core, now time.Time) { c.STUN(now, from, frame) })
	case !s.public.Load() || from.Socket != 0 || !s.stun.Allow(time.Now(), from.Addr.Addr()):
		s.count.dropped.Add(1)
	default:
		if answer := path.AnswerSTUN(nil, b, from.Addr); answer != nil {
			s.send(from.Addr, answer)
		}
	}
}

// refused counts a session frame that its channel did not open.
func (c *counters) refused(err error) {
	if errors.Is(err, session.ErrReplay) {
		c.replayed.Add(1)
		return
	}
	c.forged.Add(1)
}

// post gives work to the control loop; when that is behind, the newest is
// dropped, as the network would.
func (s *socket) post(in input) {
	select {
	case s.in <- in:
	default:
		s.count.queueFull.Add(1)
	}
}

// sent counts bytes of our own that go out.
func (s *socket) sent(bytes int) {
	s.count.bytesOut.Add(uint64(bytes))
	s.flow.add(hal.Now(), bytes)
}

// send sends one datagram. Most errors are the network's: who needs an answer
// sends again. It reports whether this host has any way to the address at all.
func (s *socket) send(to netip.AddrPort, frame []byte) (routed bool) {
	s.count.datagramsOut.Add(1)
	s.sent(len(frame) + ipUDP)
	err := s.conn.send(to, frame)
	return err == nil || !unroutable(err)
}

// unroutable reports whether a datagram was not sent because this host has no
// way to its address: no network, no such version of IP, or none from the
// address or interface that the socket is bound to.
func unroutable(err error) bool {
	_, version := errors.AsType[*net.AddrError](err)
	return version || slices.ContainsFunc([]error{unix.ENETUNREACH, unix.ENETDOWN, unix.ENODEV, unix.EAFNOSUPPORT, unix.EADDRNOTAVAIL, unix.EINVAL},
		func(no error) bool { return errors.Is(err, no) })
}

// sendBy sends a frame directly or in a stream, in which it is dropped when it
// has not been written by expires; zero: never. It reports what send does.
func (s *socket) sendBy(w path.Way, frame []byte, expires time.Time) (routed bool) {
	switch {
	case w.Direct() && w.Socket != 0:
		return s.sendExtra(w, frame)
	case w.Direct():
		return s.send(w.Addr, frame)
	case w.IsStream() && s.streams.send(w.Stream, frame, expires):
		s.count.datagramsOut.Add(1)
		s.sent(len(frame) + ipTLS)
	}
	return true
}
