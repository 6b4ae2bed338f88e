package session

import (
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"

	"peerphone/node/wire"
)

// Errors of Channel.Open, each counted.
var (
	ErrShort  = errors.New("session: too short for a session frame")
	ErrReplay = errors.New("session: packet replayed or too old")
	ErrForged = errors.New("session: packet not authentic")
	ErrWiped  = errors.New("session: keys are wiped")
)

// epochPackets is how many packets are sealed under one key. AES-GCM with
// counted nonces is good for 2^24.5 full-size records (RFC 8446 section 5.5);
// a call of an hour seals 2^18.
const epochPackets = 1 << 20

// Counters count what a Channel did since it was made.
type Counters struct {
	Sealed   uint64 // packets
	Opened   uint64 // authentic packets
	Short    uint64 // dropped: no session frame
	Forged   uint64 // dropped: tampered, reflected, of another session
	Replayed uint64 // dropped: seen before, or older than the window
}

// Channel seals and opens the datagrams of one session. It may be used from
// any goroutine and does not allocate but when it changes keys, every
// epochPackets packets.
//
// The low 16 bits of the packet counter travel; the receiver finds the rest
// from the newest it has seen. The epoch of the key is counter / epochPackets
// and the phase bit its lowest bit, so both ends change keys at the same
// packet without a word.
type Channel struct {
	// Constant after construction.
	local, remote wire.Index
	suite         Suite

	// Sending, lock-free: sealing must not wait for another goroutine.
	count atomic.Uint64 // of the next packet
	send  atomic.Pointer[generation]

	sealed, opened, short, forged, replayed atomic.Uint64

	ratchet sync.Mutex // held while the send key changes

	// Receiving. The window comes last: most of it is seldom touched.
	mu     sync.Mutex
	recv   generation // guarded by mu; cur is nil when wiped
	window window     // guarded by mu
}

// generation is the key of an epoch and of its neighbours: before, for packets
// that were overtaken by the change of key, and after, tried in advance.
type generation struct{ before, cur, after *direction }

// NewChannel returns the data plane of the session that is local here and
// remote at the far end.
func NewChannel(local, remote wire.Index, keys Keys) *Channel {
	c := &Channel{local: local, remote: remote, suite: keys.Suite}
	c.send.Store(&generation{cur: newDirection(keys.Suite, 0, keys.Send)})
	c.recv.cur = newDirection(keys.Suite, 0, keys.Recv)
	return c
}

// Local returns the session's index here.
func (c *Channel) Local() wire.Index { return c.local }

// Remote returns the session's index at the far end.
func (c *Channel) Remote() wire.Index { return c.remote }

// nonces lends nonces: a nonce on the stack would escape through cipher.AEAD.
var nonces = sync.Pool{New: func() any { return new([nonceSize]byte) }}

// nonce sets n to the nonce of the packet counter (RFC 8446 section 5.3).
func (d *direction) nonce(n *[nonceSize]byte, counter uint64) []byte {
	*n = d.iv
	low := n[nonceSize-8:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)^counter)
	return n[:]
}

// Seal appends a whole session frame with payload to dst. payload must not
// overlap the room behind dst. It appends nothing when the keys are wiped.
func (c *Channel) Seal(dst, payload []byte) []byte {
	counter := c.count.Add(1) - 1
	d := c.sendKey(counter / epochPackets)
	if d == nil {
		return dst
	}
	start := len(dst)
	dst = wire.AppendHeader(dst, wire.Header{Phase: uint8(d.epoch & 1), To: c.remote, Counter: uint16(counter)})
	n := nonces.Get().(*[nonceSize]byte)
	dst = d.aead.Seal(dst, d.nonce(n, counter), payload, dst[start:])
	nonces.Put(n)
	c.sealed.Add(1)
	return dst
}

// sendKey returns the key of epoch, nil when there is none any more.
func (c *Channel) sendKey(epoch uint64) *direction {
	g := c.send.Load()
	for g != nil && g.cur.epoch < epoch {
		g = c.ratchetSend(g)
	}
	switch {
	case g == nil:
		return nil
	case g.cur.epoch == epoch:
		return g.cur
	case g.before != nil && g.before.epoch == epoch:
		return g.before
	}
	return nil // this goroutine slept for a whole epoch: its packet is stale
}

// ratchetSend moves the send key from g one epoch on, once, whoever comes
// first.
func (c *Channel) ratchetSend(g *generation) *generation {
	c.ratchet.Lock()
	defer c.ratchet.Unlock()
	if now := c.send.Load(); now != g {
		return now
	}
	next := &generation{before: g.cur, cur: g.cur.next(c.suite)}
	c.send.Store(next)
	g.cur.wipe() // the next secret is derived; the key itself may still be in use
	return next
}

// Open appends the payload of frame, a session frame to this session, to dst.
// It fails with ErrShort, ErrForged, ErrReplay or ErrWiped, and then dst is
// returned as it was.
func (c *Channel) Open(dst, frame []byte) ([]byte, error) {
	h, ok := wire.ParseHeader(frame)
	if !ok || h.To != c.local {
		c.short.Add(1)
		return dst, ErrShort
	}
	counter, d, err := c.expect(h)
	if err != nil {
		return dst, err
	}
	n := nonces.Get().(*[nonceSize]byte)
	out, err := d.aead.Open(dst, d.nonce(n, counter), frame[wire.SessionHeader:], frame[:wire.SessionHeader])
	nonces.Put(n)
	if err != nil {
		c.forged.Add(1)
		return dst, ErrForged
	}
	if !c.accept(counter, d) {
		return dst, ErrReplay
	}
	return out, nil
}

// expect returns the full counter of a frame and the key it should open with.
func (c *Channel) expect(h wire.Header) (uint64, *direction, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recv.cur == nil {
		return 0, nil, ErrWiped
	}
	counter := c.window.full(h.Counter)
	d := c.recv.of(counter/epochPackets, c.suite)
	switch {
	case !c.window.fresh(counter):
		c.replayed.Add(1)
		return 0, nil, ErrReplay
	case d == nil || uint8(d.epoch&1) != h.Phase:
		c.forged.Add(1)
		return 0, nil, ErrForged
	}
	return counter, d, nil
}

// of returns the key of epoch, or nil when it is neither this epoch nor a
// neighbour.
func (g *generation) of(epoch uint64, s Suite) *direction {
	switch epoch {
	case g.cur.epoch:
		return g.cur
	case g.cur.epoch + 1:
		if g.after == nil {
			g.after = g.cur.next(s)
		}
		return g.after
	}
	if g.before != nil && g.before.epoch == epoch {
		return g.before
	}
	return nil
}

// accept marks an authentic packet, unless another goroutine did meanwhile.
func (c *Channel) accept(counter uint64, d *direction) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recv.cur == nil || !c.window.fresh(counter) {
		c.replayed.Add(1)
		return false
	}
	c.window.mark(counter)
	c.opened.Add(1)
	if d == c.recv.after {
		c.recv.cur.wipe()
		c.recv = generation{before: c.recv.cur, cur: c.recv.after}
	}
	return true
}

// Counters returns the counts so far.
func (c *Channel) Counters() Counters {
	return Counters{
		Sealed: c.sealed.Load(), Opened: c.opened.Load(),
		Short: c.short.Load(), Forged: c.forged.Load(), Replayed: c.replayed.Load(),
	}
}

// Close wipes the keys. Seal and Open do nothing from then on.
func (c *Channel) Close() {
	c.ratchet.Lock()
	if g := c.send.Swap(nil); g != nil {
		g.cur.wipe()
	}
	c.ratchet.Unlock()
	c.mu.Lock()
	for _, d := range []*direction{c.recv.before, c.recv.cur, c.recv.after} {
		d.wipe()
	}
	c.recv = generation{}
	c.mu.Unlock()
}
