package session

import "time"

// A frame of a handshake on its way in: known (whose is it, and authentic?),
// hear, by its parts hearRetry, hearRefusal, hearPlain and hearPart, feed (to
// the handshaker), reply.

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
		return t.hearRefusal(now, s, f.refusal, false)
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
	t.sampleRTT(now, s, f)
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
	if s.state != Dialling || s.remote != 0 || string(hs.cookie) == string(f.cookie) {
		t.counts.Stray++
		return false
	}
	hs.cookie = append([]byte(nil), f.cookie...)
	hs.out[Initial].rewind()
	t.pump(now, s)
	return true
}

// hearRefusal ends s because the peer says so. Once there are secrets, only a
// sealed refusal is believed.
func (t *Table) hearRefusal(now time.Time, s *session, r Refusal, sealed bool) bool {
	if s.hs.cover != nil && !sealed {
		t.counts.Forged++
		return false
	}
	t.end(now, s, remoteReason(r), false)
	return true
}

// sampleRTT takes the time from our flight to its answer as the first estimate
// of the round trip.
func (t *Table) sampleRTT(now time.Time, s *session, f *frame) {
	if hs := s.hs; f.to != 0 && !hs.firstSent.IsZero() {
		t.sampled(now, s, now.Sub(hs.firstSent))
		hs.firstSent = time.Time{}
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
		return t.hearRefusal(now, s, p.refusal, true)
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
	if len(b) == 0 || s.hs.port == finished {
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
	if s.hs.port == idle {
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
		hs.wait = t.answerTime(now, s)
	case now.Sub(hs.lastSent) >= t.replyGap(s):
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
