package jitter

import "peerphone/hal"

// span is how far ahead, in units, packets are kept: 1.28 s. Beyond that the
// oldest are let go.
const span = 128

// slot is one packet; units 0 is an empty slot.
type slot struct {
	pos   int64
	at    hal.Instant
	units int
	size  int
	data  [MaxPacket]byte
}

func (s *slot) end() int64 { return s.pos + int64(s.units) }

// A ring files packets by position modulo span.
type ring struct {
	slots  [span]slot
	held   int   // packets
	units  int   // duration of the last packet filed
	newest int64 // the latest end filed
}

// put copies a packet in. It returns false when there is one at this position.
func (r *ring) put(at hal.Instant, pos int64, packet []byte, units int) bool {
	s := &r.slots[pos%span]
	if s.units > 0 && s.pos == pos {
		return false
	}
	if s.units == 0 {
		r.held++
	}
	s.pos, s.at, s.units, s.size = pos, at, units, len(packet)
	copy(s.data[:], packet)
	r.units = units
	r.newest = max(r.newest, s.end())
	return true
}

// covering returns the packet in which the unit at pos lies, nil if none. When
// packets overlap, which no honest sender's do, it is the earliest.
func (r *ring) covering(pos int64) *slot {
	if r.held == 0 {
		return nil
	}
	for first := pos - MaxUnits + 1; first <= pos; first++ {
		s := &r.slots[first%span]
		if s.units > 0 && s.pos == first && s.end() > pos {
			return s
		}
	}
	return nil
}

// first returns the sample with which the earliest packet begins that ends
// behind sample from; from itself when there is none.
func (r *ring) first(from int64) int64 {
	found := int64(-1)
	for i := range r.slots {
		s := &r.slots[i]
		if s.units > 0 && s.end()*Unit > from && (found < 0 || s.pos*Unit < found) {
			found = s.pos * Unit
		}
	}
	if found < 0 {
		return from
	}
	return found
}

// free empties a slot.
func (r *ring) free(s *slot) {
	if s.units > 0 {
		s.units = 0
		r.held--
	}
}

// dropBefore frees every packet that ends at pos or earlier.
func (r *ring) dropBefore(pos int64) {
	if r.held == 0 {
		return
	}
	for i := range r.slots {
		if s := &r.slots[i]; s.units > 0 && s.end() <= pos {
			r.free(s)
		}
	}
}

// waiting is the time from pos to the end of what is filed, in units.
func (r *ring) waiting(pos int64) int {
	if r.held == 0 || r.newest <= pos {
		return 0
	}
	return int(r.newest - pos)
}

func (r *ring) clear() {
	for i := range r.slots {
		r.slots[i].units = 0
	}
	r.held, r.newest = 0, 0
}
