package session

import (
	"net/netip"
	"time"

	"peerphone/node/wire"
)

// Our own choices for handshakes.
const (
	handshakeTimeout = 10 * time.Second       // then the peer does not answer; also how long an answered one is remembered
	firstResend      = 200 * time.Millisecond // more than a round trip in most of the world
	longestResend    = 2 * time.Second
	replyGap         = 50 * time.Millisecond // between two replies to the same bytes
	maxEarly         = 4                     // sealed parts kept until there are keys to open them
	youngest         = time.Second           // a half-open handshake is not given up before this age
)

// handshake is what a session needs while its peer may ask for the flights.
type handshake struct {
	// Constant after construction.
	attempt attemptID
	key     macKey

	asked    bool // Begin was sent to the handshaker
	finished bool // the handshaker is done with us
	answered bool // the peer has answered our first flight

	cookie []byte // to show in the first flight
	out    [2]outgoing
	in     [2]incoming
	cover  *cover  // nil before the secrets are known
	early  []frame // whose sealed parts cannot be opened yet; at most maxEarly

	received, sent int  // bytes
	proven         bool // the peer has shown that it hears us, by our index

	wait      time.Duration // between the last sending and the next
	resend    time.Time     // when to send again; set by every flight, cleared when the handshake is over
	lastSent  time.Time
	firstSent time.Time // zero after a second sending: no RTT can be told then
	ends      time.Time // gives up, or forgets; set at the start and when Live
}

func newHandshake(now time.Time, key macKey) *handshake {
	return &handshake{key: key, wait: firstResend, ends: now.Add(handshakeTimeout)}
}

// begin asks the handshaker to start.
func (t *Table) begin(s *session) {
	s.hs.asked = true
	t.emit(Begin{s.ix, s.initiator, s.want})
}

// first finds or makes the session of a first flight.
func (t *Table) first(now time.Time, f *frame, b []byte, source netip.AddrPort, introduced bool) *session {
	if s := t.attempts[f.attempt]; s != nil {
		switch {
		case !s.hs.key.verify(b):
			t.counts.Forged++
		case s.remote != f.from || s.state != Answering:
			t.counts.Stray++
		default:
			return s
		}
		return nil
	}
	a, ok := t.addressOf(b, introduced)
	if !ok {
		t.counts.Silent++
		return nil
	}
	if !t.admit(now, f, a, source, introduced) {
		return nil
	}
	return t.answer(now, f, a, introduced || len(f.cookie) > 0)
}

// addressOf returns under which of our addresses the first flight b reached us.
func (t *Table) addressOf(b []byte, introduced bool) (address, bool) {
	for _, a := range t.addresses {
		if (introduced || !a.laneOnly) && a.key.verify(b) {
			return a, true
		}
	}
	return address{}, false
}

// admit decides whether there is room for another handshake. Under load, which
// is half of the room, only who has shown that its address is its own gets in.
func (t *Table) admit(now time.Time, f *frame, a address, source netip.AddrPort, introduced bool) bool {
	if len(f.cookie) > 0 || (len(t.halfOpen) >= t.maxHalfOpen/2 && !introduced) {
		t.jar.turn(now, t.draw)
		if !t.jar.good(f, source) {
			t.bounce(f, a.key, source)
			return false
		}
	}
	if len(t.halfOpen) < t.maxHalfOpen {
		return true
	}
	if oldest := t.halfOpen[0]; now.Sub(oldest.began) >= youngest {
		t.counts.Evicted++
		t.end(now, oldest, ErrTimeout, false)
		return true
	}
	t.counts.Full++
	return false
}

// answer makes the session of a first flight that was admitted. proven says
// that there is no address to prove: it came by a lane or has shown a cookie.
func (t *Table) answer(now time.Time, f *frame, a address, proven bool) *session {
	s := t.add(now, Answering)
	if s == nil {
		t.counts.Full++
		return nil
	}
	s.remote, s.want = f.from, Want{Role: a.role}
	s.hs = newHandshake(now, a.key)
	s.hs.attempt, s.hs.proven = f.attempt, proven
	t.attempts[f.attempt] = s
	t.halfOpen = append(t.halfOpen, s)
	return s
}

// known finds the session of a frame that names one, and checks that the frame
// belongs to its handshake.
func (t *Table) known(f *frame, b []byte) *session {
	s := t.sessions[f.to]
	switch {
	case s == nil || s.hs == nil || s.hs.attempt != f.attempt,
		s.remote != 0 && f.from != 0 && s.remote != f.from,
		f.kind == helloFrame && s.initiator,
		(f.kind == answerFrame || f.kind == retryFrame) && !s.initiator:
		t.counts.Stray++
		return nil
	case !s.hs.key.verify(b):
		t.counts.Forged++
		return nil
	}
	return s
}

// hear takes a frame of the handshake of s; false when it is worth nothing.
func (t *Table) hear(now time.Time, s *session, f *frame, size int) bool {
	switch f.kind {
	case retryFrame:
		return t.hearRetry(now, s, f)
	case refuseFrame:
		return t.hearRefusal(now, s, f.refusal, s.hs.cover != nil)
	}
	hs := s.hs
	var p part
	if len(f.sealed) > 0 && hs.cover != nil {
		var ok bool
		if p, ok = hs.cover.open(f); !ok {
			t.counts.Forged++
			return false
		}
	}
	hs.received += size
	hs.proven = hs.proven || f.to != 0
	s.remote = f.from
	t.sampleRTT(now, s)
	news := t.hearPlain(s, f)
	if len(f.sealed) > 0 {
		if hs.cover == nil {
			news = hs.keep(f) || news
		} else {
			news = t.hearPart(now, s, p) || news
		}
	}
	if s.state != gone && s.hs != nil {
		t.reply(now, s, news)
	}
	return true
}

// hearRetry notes the cookie and sends the first flight again.
func (t *Table) hearRetry(now time.Time, s *session, f *frame) bool {
	hs := s.hs
	if s.state != Dialling || hs.answered || string(hs.cookie) == string(f.cookie) {
		t.counts.Stray++
		return false
	}
	hs.cookie = append([]byte(nil), f.cookie...)
	hs.out[Initial].rewind()
	t.pump(now, s)
	return true
}

// hearRefusal ends s because the peer says so. Once there are secrets, only a
// sealed refusal is believed: clear tells that this one was not.
func (t *Table) hearRefusal(now time.Time, s *session, r Refusal, clear bool) bool {
	if clear {
		t.counts.Forged++
		return false
	}
	t.end(now, s, remoteReason(r), false)
	return true
}

// sampleRTT takes the time from our flight to its answer as the first estimate
// of the round trip.
func (t *Table) sampleRTT(now time.Time, s *session) {
	if hs := s.hs; !hs.answered && !hs.lastSent.IsZero() {
		hs.answered = true
		if !hs.firstSent.IsZero() {
			s.control.rtt.sample(now.Sub(hs.firstSent))
		}
	}
}

// hearPlain takes the Initial level of f and reports whether it held anything
// new.
func (t *Table) hearPlain(s *session, f *frame) (news bool) {
	hs := s.hs
	acked := hs.out[Initial].acked
	hs.out[Initial].ack(f.ack)
	return t.feed(s, Initial, f.offset, f.plain) || hs.out[Initial].acked > acked
}

// hearPart takes an opened sealed part and reports whether it held anything
// new.
func (t *Table) hearPart(now time.Time, s *session, p part) (news bool) {
	hs := s.hs
	if p.flags&partRefused != 0 {
		return t.hearRefusal(now, s, p.refusal, false)
	}
	acked := hs.out[Handshake].acked
	hs.out[Handshake].ack(p.ack)
	news = t.feed(s, Handshake, p.offset, p.data) || hs.out[Handshake].acked > acked
	if p.flags&partDone != 0 && s.state == Confirming {
		t.live(now, s)
	}
	return news
}

// feed puts bytes of one level in order and gives what is ready to the
// handshaker.
func (t *Table) feed(s *session, l Level, offset int, b []byte) (news bool) {
	if len(b) == 0 || s.hs.finished {
		return false
	}
	ready, ok := s.hs.in[l].add(offset, b)
	if !ok {
		t.counts.Malformed++
		return false
	}
	if len(ready) == 0 {
		return offset > s.hs.in[l].ready
	}
	if !s.hs.asked {
		t.begin(s)
	}
	t.emit(Feed{s.ix, l, ready})
	return true
}

// keep stores f until its sealed part can be opened, and reports whether there
// was room.
func (hs *handshake) keep(f *frame) bool {
	if len(hs.early) == maxEarly {
		return false
	}
	whole := append(append([]byte(nil), f.before...), f.sealed...)
	hs.early = append(hs.early, frame{before: whole[:len(f.before)], sealed: whole[len(f.before):]})
	return true
}

// reply sends what a frame from the peer calls for. A frame without news says
// that the peer still waits for what we sent before.
func (t *Table) reply(now time.Time, s *session, news bool) {
	hs := s.hs
	switch {
	case s.confirmed():
		t.confirm(s)
		return
	case news:
		hs.wait = firstResend
	case now.Sub(hs.lastSent) >= replyGap:
		hs.rewind()
	}
	t.pump(now, s)
}

// confirmed reports whether we are the responder and have verified the
// initiator: all that it can still ask for is our word.
func (s *session) confirmed() bool { return !s.initiator && s.channel != nil }

func (hs *handshake) rewind() {
	hs.out[Initial].rewind()
	hs.out[Handshake].rewind()
}

// progress takes what the handshaker has made of the peer's bytes.
func (t *Table) progress(now time.Time, s *session, p Progress) {
	hs := s.hs
	if hs.finished {
		return
	}
	for l := range p.Send {
		hs.out[l].data = append(hs.out[l].data, p.Send[l]...)
	}
	if p.Secrets != nil && hs.cover == nil {
		hs.cover = newCover(p.Secrets)
	}
	if p.Err != nil {
		hs.finished = true
		t.end(now, s, p.Err, true)
		return
	}
	if p.Done != nil {
		hs.finished = true
		if t.done(now, s, p.Done); s.state == gone {
			return
		}
	}
	t.openEarly(now, s)
	if s.state != gone && s.hs != nil {
		t.pump(now, s)
	}
}

// wipe clears the secrets in p.
func (p *Progress) wipe() {
	if p.Secrets != nil {
		clear(p.Secrets.Read)
		clear(p.Secrets.Write)
	}
	if p.Done != nil {
		p.Done.Keys = Keys{}
	}
}

// openEarly takes the sealed parts that had come before their key.
func (t *Table) openEarly(now time.Time, s *session) {
	hs := s.hs
	if hs.cover == nil {
		return
	}
	early := hs.early
	hs.early = nil
	for i := range early {
		if s.state == gone || s.hs == nil {
			return
		}
		if p, ok := hs.cover.open(&early[i]); ok {
			t.hearPart(now, s, p)
		} else {
			t.counts.Forged++
		}
	}
}

// done makes the session's channel when the peer is verified here.
func (t *Table) done(now time.Time, s *session, d *Done) {
	s.peer = d.Peer
	t.remember(s)
	s.channel = NewChannel(s.ix, s.remote, d.Keys)
	if s.initiator {
		s.state = Confirming
		return
	}
	t.halfOpen = remove(t.halfOpen, s)
	t.live(now, s)
	if s.state == Live {
		s.hs.ends, s.hs.resend = now.Add(handshakeTimeout), time.Time{}
	}
}

// handshakeEnds gives up a handshake, or forgets that of a session that is up.
func (t *Table) handshakeEnds(now time.Time, s *session) {
	if s.state == Live || s.state == Draining {
		t.dropHandshake(s)
		return
	}
	t.end(now, s, ErrTimeout, false)
}

// resendFlight sends again what the peer has not acknowledged. The initiator
// drives: when it has nothing to send again, it asks.
func (t *Table) resendFlight(now time.Time, s *session) {
	hs := s.hs
	hs.wait = min(2*hs.wait, longestResend)
	hs.resend = now.Add(hs.wait)
	hs.firstSent = time.Time{}
	hs.rewind()
	if t.pump(now, s) == 0 && s.initiator && hs.asked && len(hs.out[Initial].data) > 0 {
		t.sendFrame(now, s)
	}
}

// limit returns how large the next frame may be: without a proof of the peer's
// address no more is sent to it than came from it (RFC 9000 section 8.1 allows
// three times as much).
func (s *session) limit() int {
	if s.initiator || s.hs.proven {
		return wire.MaxInner
	}
	return min(wire.MaxInner, s.hs.received-s.hs.sent)
}

// refuse tells the peer why its handshake fails, sealed if possible.
func (t *Table) refuse(s *session, r Refusal) {
	hs := s.hs
	if !s.initiator && !hs.proven && hs.received-hs.sent < smallestFrame {
		return
	}
	if hs.cover == nil {
		f := frame{kind: refuseFrame, to: s.remote, from: s.ix, attempt: hs.attempt, refusal: r}
		t.send(s, hs.key.append(f.append(nil)))
		return
	}
	if !hs.cover.spent() {
		b := s.frame().append(nil)
		t.send(s, hs.key.append(hs.cover.seal(b, part{flags: partRefused, refusal: r})))
	}
}

// confirm tells the initiator that we have verified it.
func (t *Table) confirm(s *session) {
	hs := s.hs
	if !hs.cover.spent() {
		b := s.frame().append(nil)
		t.send(s, hs.key.append(hs.cover.seal(b, part{flags: partDone, ack: hs.in[Handshake].ready})))
	}
}
