package session

import (
	"net/netip"
	"time"
)

// A first flight on its way in: first (one that is known already?), addressOf
// (is it for us?), admit (is there room?), answer.

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
