package node

import (
	"time"

	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

const (
	// inIPv6 is by how much a header of IPv6 is longer than one of IPv4.
	inIPv6 = 40 - 20
	// inStream is what a frame costs in a TLS connection that it would not cost in
	// UDP: its length, a record of TLS 1.3 with its tag and type (RFC 8446 section
	// 5.2), and TCP's header with its timestamps in place of UDP's.
	inStream = 2 + 5 + 16 + 1 + (20 + 12 - 8)
	// inAnswer is what TCP says by itself to what comes in a stream and is not
	// answered within 40 ms: to a check, and to so many packets of sound a second, of
	// 25 that come while as many go.
	inAnswer   = 20 + 20 + 12
	unanswered = 5
	// toHomes is what homes are told during a call, in bytes a second.
	toHomes = 30
)

// extra is what each frame costs by w besides the headers of the session, of
// IPv4 and of UDP, in bytes. Of a stream the core knows no address: it is taken
// to be IPv4.
func (w MediaWay) extra() int {
	n := 0
	if w.Way.IsRelay() {
		n += wire.RelayHeader
	}
	if w.Via.IsStream() {
		n += inStream
	}
	if addr := w.Via.Addr.Addr(); addr.Is6() && !addr.Is4In6() {
		n += inIPv6
	}
	return n
}

// upkeep is what it costs to know that w works, in bytes a second, when sound
// goes by it or when it stands by.
func (w MediaWay) upkeep(used bool) int {
	size := path.CheckFrame + ipUDP + w.extra()
	if w.Via.IsStream() {
		size += inAnswer
	}
	sum := size * int(time.Second/time.Millisecond) / int(w.Way.CheckPause(used)/time.Millisecond)
	if used && w.Via.IsStream() {
		sum += unanswered * inAnswer
	}
	return sum
}

// soundOut sends the sound of one session by whatever way, and tells the loop
// what the data plane notices. The capture goroutine sends.
type soundOut struct {
	socket  *socket
	channel *session.Channel
	index   wire.Index
	buf     []byte
}

func newSoundOut(s *socket, ch *session.Channel, ix wire.Index) *soundOut {
	return &soundOut{socket: s, channel: ch, index: ix, buf: make([]byte, 0, wire.RelayHeader+wire.MaxDatagram)}
}

func (o *soundOut) send(w MediaWay, payload []byte) (routed bool) {
	b := o.buf[:0]
	if w.Way.IsRelay() {
		b = wire.AppendRelay(b, w.Way.Channel, nil)
	}
	return o.socket.sendBy(w.Via, o.channel.Seal(b, payload), time.Now().Add(stale))
}

func (o *soundOut) nominated(w path.Way) {
	ix := o.index
	o.socket.post(func(c *Core, now time.Time) { c.MediaHeard(now, ix, w) })
}

func (o *soundOut) stray(w path.Way, size int) {
	ix := o.index
	o.socket.post(func(c *Core, now time.Time) { c.MediaStray(now, ix, w, size) })
}

func (o *soundOut) silent() {
	ix := o.index
	o.socket.post(func(c *Core, now time.Time) { c.MediaSilent(now, ix) })
}

func (o *soundOut) total() uint64 { return o.socket.count.bytesOut.Load() }
