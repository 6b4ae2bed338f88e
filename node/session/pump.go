package session

import (
	"time"

	"peerphone/node/wire"
)

// A flight on its way out: pump, sendFrame (Initial-level bytes, then the
// sealed part or the padding, then the MAC), send.

// worthwhile is the size below which a frame is not begun for want of credit.
const worthwhile = 128

// pump sends what is unsent at both levels as far as that is allowed, and
// returns how many frames it sent.
func (t *Table) pump(now time.Time, s *session) (frames int) {
	hs := s.hs
	end := hs.sent + s.padding()
	for s.limit() >= worthwhile && hs.hasUnsent(s) {
		t.sendFrame(now, s, end-hs.sent)
		frames++
	}
	for frames > 0 && hs.sent+smallestPadding <= end {
		t.sendFrame(now, s, end-hs.sent)
		frames++
	}
	if frames > 0 && !s.confirmed() {
		hs.resend = now.Add(hs.wait)
	}
	return frames
}

// hasUnsent reports whether a frame would carry bytes.
func (hs *handshake) hasUnsent(s *session) bool {
	if len(hs.out[Initial].unsent()) > 0 {
		return true
	}
	return len(hs.out[Handshake].unsent()) > 0 && hs.cover != nil && !hs.cover.spent() && s.remote != 0
}

// firstFlight reports whether the peer's index is still unknown.
func (s *session) firstFlight() bool { return s.remote == 0 }

// Sizes of a padded first flight in bytes: those of the answer, which shall not
// be larger. One with the longest names has 1,700 bytes, a node's 1,520 and a
// few to spare. A test holds them.
const (
	phoneFlight = 2 * wire.MaxInner
	nodeFlight  = 1540

	smallestPadding = headerSize + bodySize + macSize // of a frame without bytes
)

// padding returns how large the flight that is about to be sent shall be at
// least.
func (s *session) padding() int {
	switch {
	case !s.want.Padded || !s.firstFlight():
		return 0
	case s.want.Role == AsNode:
		return nodeFlight
	}
	return phoneFlight
}

// frame returns an empty frame of the handshake of s.
func (s *session) frame() *frame {
	f := &frame{kind: helloFrame, to: s.remote, from: s.ix, attempt: s.hs.attempt, ack: s.hs.in[Initial].ready}
	if !s.initiator {
		f.kind = answerFrame
	}
	if s.firstFlight() {
		f.cookie = s.hs.cookie
	}
	return f
}

// sendFrame sends one frame with as many unsent bytes as fit, acknowledging
// what came, and padded to pad bytes as far as it can be.
func (t *Table) sendFrame(now time.Time, s *session, pad int) {
	hs, f := s.hs, s.frame()
	room := s.limit() - headerSize - bodySize - len(f.cookie) - macSize
	f.offset, f.plain = hs.out[Initial].take(room)
	b := f.append(make([]byte, 0, wire.MaxInner))
	room -= len(f.plain)
	switch {
	case s.firstFlight():
		b = b[:max(len(b), min(len(b)+room, pad-macSize))] // make cleared it
	case !s.firstFlight() && hs.cover != nil && !hs.cover.spent() && room >= sealedAround:
		p := part{ack: hs.in[Handshake].ready}
		p.offset, p.data = hs.out[Handshake].take(room - sealedAround)
		b = hs.cover.seal(b, p)
	}
	t.send(s, hs.key.append(b))
	if hs.lastSent.IsZero() {
		hs.firstSent = now
	}
	hs.lastSent = now
}

// send carries a frame to the peer and counts it.
func (t *Table) send(s *session, b []byte) {
	s.hs.sent += len(b)
	t.emit(Datagram{s.ix, b})
}
