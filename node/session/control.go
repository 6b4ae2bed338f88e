package session

import (
	"encoding/binary"
	"time"

	"peerphone/node/wire"
)

// Our own choices for control messages.
const (
	windowMessages = 32                    // on their way at a time; an acknowledgement tells of as many
	maxQueue       = 128                   // on their way or waiting: 135 kB at most; then Send fails
	giveUp         = 10 * time.Second      // after which an unacknowledged message means that the peer is gone
	maxWithheld    = 30                    // resendings that Withheld excuses: a minute
	drainTimeout   = 2 * time.Second       // for messages on their way when a session is closed
	resendAtOnce   = 4                     // messages sent again by one time-out
	ackDelay       = 25 * time.Millisecond // for a message of ours that may carry it (RFC 9000 section 13.2.1)
	ackAtOnce      = 8                     // unacknowledged messages
)

// Sizes of payloads in bytes; doc.go has the layout.
const (
	segmentHeader = 1 + 4 + 4
	ackSize       = 1 + 1 + 2 + 4 + 4
)

// Flags of an acknowledgement.
const (
	ackAsks    byte = 0x01
	ackAnswers byte = 0x02
)

// control delivers messages once and in order.
type control struct {
	queue   []sentMessage // not acknowledged, oldest first
	base    uint32        // sequence of queue[0]
	flying  int           // how many of queue have been sent
	rtt     rtt
	resend  time.Time     // when to send again; set while messages fly
	backoff time.Duration // added by time-outs, zero after an acknowledgement

	expect uint32            // sequence of the next message to be delivered
	acked  uint32            // expect, as the peer knows it
	ackAt  time.Time         // when to acknowledge; set by a message in order, cleared by any acknowledgement
	held   map[uint32][]byte // messages less than windowMessages after expect, by sequence; nil while none has overtaken another
}

// sentMessage is a message in a queue.
type sentMessage struct {
	body  []byte
	first time.Time // when it was first sent
	last  time.Time
	times int
	acked bool // out of order
}

// push queues a copy of body.
func (c *control) push(body []byte) {
	c.queue = append(c.queue, sentMessage{body: append([]byte(nil), body...)})
}

// transmit sends what the window allows.
func (t *Table) transmit(now time.Time, s *session) {
	c := &s.control
	for c.flying < len(c.queue) && c.flying < windowMessages {
		c.flying++
		t.sendMessage(now, s, c.flying-1)
	}
	if c.flying > 0 && c.resend.IsZero() {
		c.resend = now.Add(t.timeout(now, s))
	}
}

// sendMessage sends message i of the queue.
func (t *Table) sendMessage(now time.Time, s *session, i int) {
	c := &s.control
	m := &c.queue[i]
	if m.times++; m.times == 1 {
		m.first = now
	}
	m.last = now
	c.acked, c.ackAt = c.expect, time.Time{}
	b := make([]byte, 0, segmentHeader+len(m.body))
	b = append(b, byte(wire.PayloadControl))
	b = binary.BigEndian.AppendUint32(b, c.base+uint32(i))
	b = binary.BigEndian.AppendUint32(b, c.expect)
	t.seal(s, append(b, m.body...))
}

// Withheld tells that a frame of ix was not sent, for want of room on our line:
// that nobody acknowledges it says nothing of the peer, for maxWithheld times.
func (t *Table) Withheld(now time.Time, ix wire.Index) {
	s := t.find(ix)
	if s == nil || s.control.flying == 0 || s.control.queue[0].times > maxWithheld {
		return
	}
	for i := range s.control.flying {
		s.control.queue[i].first = now
	}
}

// resendMessages sends the oldest messages again after a time-out.
func (t *Table) resendMessages(now time.Time, s *session) {
	c := &s.control
	if len(c.queue) == 0 {
		c.resend = time.Time{}
		return
	}
	if now.Sub(c.queue[0].first) >= giveUp {
		t.end(now, s, ErrTimeout, false)
		return
	}
	for i, sent := 0, 0; i < c.flying && sent < resendAtOnce; i++ {
		if !c.queue[i].acked {
			t.sendMessage(now, s, i)
			sent++
		}
	}
	c.backoff = min(c.backoff+max(c.backoff, c.rtt.timeout()), longestResend)
	c.resend = now.Add(t.timeout(now, s) + c.backoff)
}

// payload takes an opened control payload.
func (t *Table) payload(now time.Time, s *session, b []byte) {
	switch wire.PayloadOf(b) {
	case wire.PayloadControl:
		t.hearSegment(now, s, b)
	case wire.PayloadAck:
		t.hearAck(now, s, b)
	case wire.PayloadClose:
		if len(b) != 2 {
			t.counts.Malformed++
			return
		}
		t.end(now, s, remoteReason(Refusal(b[1])), false)
	default:
		t.counts.Malformed++
	}
}

// hearSegment takes a message, delivers what is in order and acknowledges.
func (t *Table) hearSegment(now time.Time, s *session, b []byte) {
	if len(b) < segmentHeader || len(b)-segmentHeader > wire.MaxMessage {
		t.counts.Malformed++
		return
	}
	c := &s.control
	sequence := binary.BigEndian.Uint32(b[1:])
	t.acknowledged(now, s, binary.BigEndian.Uint32(b[5:]), 0)
	if s.state == gone {
		return
	}
	if ahead := sequence - c.expect; ahead < windowMessages {
		t.arrived(s, sequence, append(make([]byte, 0, len(b)), b[segmentHeader:]...))
	}
	switch {
	case c.expect-c.acked >= ackAtOnce, c.expect != sequence+1: // a gap, or one that came again
		t.sendAck(s, 0, 0)
	case c.ackAt.IsZero():
		c.ackAt = now.Add(ackDelay)
	}
}

// arrived hands on a message that is next in order, and those that it has held
// up; else it is held.
func (t *Table) arrived(s *session, sequence uint32, body []byte) {
	c := &s.control
	if sequence != c.expect {
		if c.held == nil {
			c.held = map[uint32][]byte{}
		}
		if c.held[sequence] == nil {
			c.held[sequence] = body
		}
		return
	}
	for ; body != nil; body = c.held[c.expect] {
		if s.state == Live {
			t.emit(Message{s.ix, body})
		}
		delete(c.held, c.expect)
		c.expect++
	}
	if len(c.held) == 0 {
		c.held = nil
	}
}

// Acknowledge acknowledges at once what has come in a session and is not
// acknowledged yet: whoever asked knows that somebody is at work on it.
func (t *Table) Acknowledge(ix wire.Index) {
	if s := t.find(ix); s != nil && s.state == Live && !s.control.ackAt.IsZero() {
		t.sendAck(s, 0, 0)
	}
}

// sendAck acknowledges what has come.
func (t *Table) sendAck(s *session, flags byte, token uint16) {
	c := &s.control
	c.acked, c.ackAt = c.expect, time.Time{}
	b := make([]byte, 0, ackSize)
	b = append(b, byte(wire.PayloadAck), flags)
	b = binary.BigEndian.AppendUint16(b, token)
	b = binary.BigEndian.AppendUint32(b, c.expect)
	var bits uint32
	for i := range uint32(windowMessages - 1) {
		if c.held[c.expect+1+i] != nil {
			bits |= 1 << i
		}
	}
	t.seal(s, binary.BigEndian.AppendUint32(b, bits))
}

// hearAck takes an acknowledgement, and answers it if asked.
func (t *Table) hearAck(now time.Time, s *session, b []byte) {
	if len(b) != ackSize || b[1]&^(ackAsks|ackAnswers) != 0 {
		t.counts.Malformed++
		return
	}
	token := binary.BigEndian.Uint16(b[2:])
	if b[1]&ackAsks != 0 {
		t.sendAck(s, ackAnswers, token)
	}
	if b[1]&ackAnswers != 0 {
		t.answered(now, s, token)
	}
	t.acknowledged(now, s, binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]))
}

// acknowledged notes that the peer has all messages before next and those
// after it that bits names.
func (t *Table) acknowledged(now time.Time, s *session, next, bits uint32) {
	c := &s.control
	n := int(int32(next - c.base))
	if n < 0 || n > c.flying {
		return // old, or of messages that were never sent
	}
	for i := range n {
		t.acknowledges(now, s, i)
	}
	for i := n + 1; i < c.flying && i-n <= windowMessages; i++ {
		if bits&(1<<(i-n-1)) != 0 {
			t.acknowledges(now, s, i)
			c.queue[i].acked = true
		}
	}
	c.drop(n)
	if n > 0 {
		c.backoff, c.resend = 0, time.Time{}
	}
	t.fillGap(now, s, bits)
	t.transmit(now, s)
	if s.state == Draining && len(c.queue) == 0 {
		t.end(now, s, ErrEnded, true)
	}
}

// acknowledges takes the round trip of message i, if it was sent once only
// (Karn's algorithm, RFC 6298 section 3).
func (t *Table) acknowledges(now time.Time, s *session, i int) {
	if m := &s.control.queue[i]; m.times == 1 && !m.acked {
		t.sampled(now, s, now.Sub(m.last))
	}
}

// drop forgets the n oldest messages.
func (c *control) drop(n int) {
	clear(c.queue[:n])
	if c.queue = c.queue[n:]; len(c.queue) == 0 {
		c.queue = nil
	}
	c.base += uint32(n)
	c.flying -= n
}

// fillGap sends the oldest message again without waiting for the time-out, when
// the peer has a later one and a round trip has passed.
func (t *Table) fillGap(now time.Time, s *session, bits uint32) {
	c := &s.control
	if bits != 0 && c.flying > 0 && now.Sub(c.queue[0].last) >= max(c.rtt.smooth, replyGap) {
		t.sendMessage(now, s, 0)
	}
}
