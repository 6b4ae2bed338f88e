package session

// maxFlight bounds what one end sends at one level, in bytes: two certificates
// of 1 kB and the rest of a flight have room.
const maxFlight = 6144

// outgoing is what we send at one level.
type outgoing struct {
	data  []byte
	acked int // bytes that the peer has
	sent  int // bytes sent at least once since the last rewind
}

func (o *outgoing) unsent() []byte { return o.data[o.sent:] }

// rewind makes everything that is not acknowledged unsent again.
func (o *outgoing) rewind() { o.sent = o.acked }

// ack notes that the peer has n bytes, if that is possible.
func (o *outgoing) ack(n int) {
	if n > o.acked && n <= len(o.data) {
		o.acked = n
		o.sent = max(o.sent, n)
	}
}

// take returns up to n unsent bytes and their offset, and marks them sent.
func (o *outgoing) take(n int) (offset int, b []byte) {
	offset, b = o.sent, o.unsent()
	b = b[:min(n, len(b))]
	o.sent += len(b)
	return offset, b
}

// incoming puts the bytes of one level in order.
type incoming struct {
	ready   int       // bytes delivered
	waiting []segment // beyond a gap, in order of offset, disjoint
}

type segment struct {
	offset int
	data   []byte
}

func (s segment) end() int { return s.offset + len(s.data) }

// maxWaiting bounds the segments beyond a gap: a flight has three or four
// frames.
const maxWaiting = 8

// add takes bytes at offset and returns what has become ready, in order; ok is
// false when they exceed the bounds.
func (in *incoming) add(offset int, b []byte) (ready []byte, ok bool) {
	if offset+len(b) > maxFlight {
		return nil, false
	}
	if offset > in.ready {
		return nil, in.keep(segment{offset, b})
	}
	for s := (segment{offset, b}); s.offset <= in.ready; {
		if s.end() > in.ready {
			ready = append(ready, s.data[in.ready-s.offset:]...)
			in.ready = s.end()
		}
		if len(in.waiting) == 0 || in.waiting[0].offset > in.ready {
			break
		}
		s, in.waiting = in.waiting[0], in.waiting[1:]
	}
	return ready, true
}

// keep stores s beyond a gap. Doubles are ignored: the same bytes come again
// in the same frames, or after the gap is closed.
func (in *incoming) keep(s segment) bool {
	if len(s.data) == 0 {
		return true
	}
	at := 0
	for at < len(in.waiting) && in.waiting[at].offset < s.offset {
		at++
	}
	if at < len(in.waiting) && in.waiting[at].offset == s.offset && len(in.waiting[at].data) >= len(s.data) {
		return true
	}
	if len(in.waiting) == maxWaiting {
		return false
	}
	s.data = append([]byte(nil), s.data...)
	in.waiting = append(in.waiting[:at], append([]segment{s}, in.waiting[at:]...)...)
	return true
}
