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
	s := t.answer(now, f, a, introduced || len(f.cookie) > 0)
	if s != nil && !introduced {
		s.hs.prefix = prefixOf(source.Addr())
	}
	return s
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
// is half of the room, or an eighth of it taken by one network, only who has
// shown that its address is its own gets in. No network takes more than a
// quarter.
func (t *Table) admit(now time.Time, f *frame, a address, source netip.AddrPort, introduced bool) bool {
	var near []*session
	if !introduced {
		near = t.halfOpenFrom(prefixOf(source.Addr()))
	}
	if len(f.cookie) > 0 || !introduced && (len(t.halfOpen) >= t.maxHalfOpen/2 || len(near) >= t.maxHalfOpen/8) {
		t.jar.turn(now, t.draw)
		if !t.jar.good(f, source) {
			t.bounce(f, a.key, source)
			return false
		}
	}
	full := t.halfOpen
	if len(near) >= t.maxHalfOpen/4 {
		full = near
	} else if len(t.halfOpen) < t.maxHalfOpen {
		return true
	}
	if oldest := full[0]; now.Sub(oldest.began) >= youngest {
		t.counts.Evicted++
		t.end(now, oldest, ErrTimeout, false)
		return true
	}
	t.counts.Full++
	return false
}

// halfOpenFrom returns the half-open handshakes of a network, oldest first; of
// none for the zero Prefix.
func (t *Table) halfOpenFrom(p netip.Prefix) (near []*session) {
	for _, s := range t.halfOpen {
		if p.IsValid() && s.hs.prefix == p {
			near = append(near, s)
		}
	}
	return near
}

// prefixOf returns the network that one subscriber is likely to hold: /24 of
// IPv4, /48 of IPv6. A private or loopback one is the owner's own, and has none.
func prefixOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return netip.Prefix{}
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(addr, bits).Masked()
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
	s.hs = newHandshake(now, a.key, t.answerTime(now, s))
	s.hs.attempt, s.hs.proven = f.attempt, proven
	t.attempts[f.attempt] = s
	t.halfOpen = append(t.halfOpen, s)
	return s
}
