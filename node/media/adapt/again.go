package adapt

import (
	"time"

	"peerphone/hal"
	"peerphone/node/wire"
)

const (
	// heedFor is how long the far end's word on what is missing counts.
	heedFor = 3 * time.Second
	// remindEvery is the time between two copies of the oldest packet that would
	// still be sent once more: the far end waits for as long as copies took of late,
	// and the oldest are needed too seldom to keep it waiting.
	remindEvery = 2 * time.Second
	// lastChances is in how many packets one goes again at last, whatever is known.
	lastChances = 2
)

// again decides which packets to send once more where the far end says what is
// missing. A packet goes again inside a later one: at once when the far end has
// heard of its last carrier and not of itself, and else when nothing was heard of
// either for as many packets as the shape says, until it is too old to be of use.
type again struct {
	had      [256 / 64]uint64 // packets that the far end has in some way, by number
	carrier  [256]uint8       // the packet that held each last: itself, or a later one
	newest   uint8            // that the far end had heard when it spoke last
	heard    hal.Instant      // when that came; 0: never
	answers  time.Duration    // from sending a packet until the far end's word on it
	reminded hal.Instant
}

// sent begins with a packet.
func (a *again) sent(seq uint8) {
	a.had[seq/64] &^= 1 << (seq % 64)
	a.carrier[seq] = seq
}

func (a *again) has(seq uint8) bool { return a.had[seq/64]>>(seq%64)&1 != 0 }

// told takes what is missing, by word that came at the instant at; the newest
// packet that it speaks of was sent at the instant sent.
func (a *again) told(at hal.Instant, m wire.Missing, sent hal.Instant) {
	took := max(at.Sub(sent), leastRTT)
	switch {
	case a.heard == 0 || at.Sub(a.heard) > heedFor:
		a.answers, a.newest = took, m.Newest
	case int8(m.Newest-a.newest) > 0:
		a.answers += (took - a.answers) / 8
		a.newest = m.Newest
	}
	a.heard = at
	a.had[m.Newest/64] |= 1 << (m.Newest % 64)
	for n := range uint8(wire.MissingSpan) {
		if m.Before>>n&1 == 0 {
			seq := m.Newest - 1 - n
			a.had[seq/64] |= 1 << (seq % 64)
		}
	}
}

// heeds reports whether the far end says what is missing.
func (a *again) heeds(now hal.Instant) bool { return a.heard != 0 && now.Sub(a.heard) <= heedFor }

// lost reports whether the far end heard what held the packet last, and did not
// get it.
func (a *again) lost(seq uint8) bool { return int8(a.newest-a.carrier[seq]) >= 0 }

// due puts the packets that go again in packet seq before dst, the most urgent
// first: those that are lost, the oldest of them, then those of unknown fate. While
// the far end says that it hears nothing new, what is sent is lost more likely than
// not, so all wait that can.
func (a *again) due(dst []uint8, now hal.Instant, seq uint8, s shape) []uint8 {
	oldest := s.copies * s.spread
	if old := seq - uint8(oldest); now.Sub(a.reminded) >= remindEvery && a.has(old) {
		dst = append(dst, old)
	}
	for back := oldest; back > 0; back-- {
		if old := seq - uint8(back); !a.has(old) && a.lost(old) {
			dst = append(dst, old)
		}
	}
	deaf := a.deaf(now, seq, s)
	for back := oldest; back > 0; back-- {
		old, last := seq-uint8(back), back > oldest-lastChances
		if !a.has(old) && !a.lost(old) && (last || !deaf && int(seq-a.carrier[old]) >= s.spread) {
			dst = append(dst, old)
		}
	}
	return dst
}

// deaf reports whether the far end said just now that it has not heard what it
// should have.
func (a *again) deaf(now hal.Instant, seq uint8, s shape) bool {
	late := time.Duration(seq-a.newest) * s.packet
	return now.Sub(a.heard) <= s.packet && late > a.answers+2*s.packet
}

// carries notes that packet seq, which is sent now, holds a copy of an older one;
// oldest is how far the oldest is back.
func (a *again) carries(now hal.Instant, seq, old uint8, oldest int) {
	a.carrier[old] = seq
	if int(seq-old) == oldest {
		a.reminded = now
	}
}
