package node

import (
	"time"

	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

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

func (o *soundOut) send(w MediaWay, payload []byte) {
	b := o.buf[:0]
	if w.Way.IsRelay() {
		b = wire.AppendRelay(b, w.Way.Channel, nil)
	}
	o.socket.sendBy(w.Via, o.channel.Seal(b, payload), time.Now().Add(stale))
}

func (o *soundOut) nominated(w path.Way) {
	ix := o.index
	o.socket.post(func(c *Core, now time.Time) { c.MediaHeard(now, ix, w) })
}

func (o *soundOut) stray(w path.Way) {
	ix := o.index
	o.socket.post(func(c *Core, now time.Time) { c.MediaStray(now, ix, w) })
}

func (o *soundOut) silent() {
	ix := o.index
	o.socket.post(func(c *Core, now time.Time) { c.MediaSilent(now, ix) })
}
