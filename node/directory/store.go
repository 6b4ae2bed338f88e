package directory

import (
	"bytes"
	"errors"
	"hash/maphash"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// errFull refuses a record for which there is no room.
var errFull = errors.New("directory: the store is full")

// stored is a record that this supernode keeps, and what it knows of it: 48 bytes
// beside the record.
type stored struct {
	record   []byte
	sequence uint64
	expires  uint32 // Unix seconds, until 2106
	near     uint32 // fingerprint of those who keep it, as far as we have seen to it
	due      uint32 // when it is to be repaired, the low bits of Unix milliseconds; 0: nothing is planned
	place    uint16 // of the key in record
	again    uint8  // repairs in a row because of who was silent
}

func (s *stored) key() identity.IndexKey { return identity.IndexKey(s.record[s.place:]) }

// store keeps one record for each key, at most max in all. When it is full the
// one that expires first makes room for one that expires later.
//
// Records lie in a list without gaps, and are found by a table of their numbers
// (open addressing, linear probing).
type store struct {
	max   int
	copy  func(record []byte) []byte // nil: to the slab
	slab  slab
	list  []stored
	table []int32 // 1 + index in list; 0: free; a power of two
	seed  maphash.Seed
	first uint32 // no record expires before; 0: there is none
}

func newStore(max int, copy func([]byte) []byte) *store {
	return &store{max: max, copy: copy, seed: maphash.MakeSeed()}
}

// at returns the record at key, nil when there is none. It is valid until the
// next change.
func (s *store) at(key identity.IndexKey) *stored {
	if len(s.table) == 0 {
		return nil
	}
	for i := s.home(key); s.table[i] != 0; i = s.after(i) {
		if x := &s.list[s.table[i]-1]; x.key() == key {
			return x
		}
	}
	return nil
}

// home is where the probing for a key begins.
func (s *store) home(key identity.IndexKey) int {
	return int(maphash.Bytes(s.seed, key[:])) & (len(s.table) - 1)
}

func (s *store) after(i int) int { return (i + 1) & (len(s.table) - 1) }

// find returns the record at key that is valid at now, nil when there is none.
func (s *store) find(now time.Time, key identity.IndexKey) []byte {
	if x := s.at(key); x != nil && int64(x.expires) > now.Unix() {
		return x.record
	}
	return nil
}

// put keeps a record that has been checked: ErrOlder or errFull when not. The
// very record that is there already is kept again.
func (s *store) put(r wire.Record, b []byte) error {
	key := r.Placement.Index
	place := bytes.Index(b, key[:])
	if place < 0 {
		return ErrMisplaced // a record that was read from b has its key in it
	}
	x := stored{sequence: r.Sequence, expires: uint32(r.Expires), place: uint16(place)}
	if old := s.at(key); old != nil {
		switch {
		case bytes.Equal(old.record, b):
			return nil
		case r.Sequence <= old.sequence:
			return ErrOlder
		}
		x.near, x.due, x.again = old.near, old.due, old.again
		s.remove(old)
	}
	if len(s.list) >= s.max {
		if i := s.soonest(); int64(s.list[i].expires) < r.Expires {
			s.remove(&s.list[i])
		} else {
			return errFull
		}
	}
	x.record = s.keep(b)
	s.add(x)
	return nil
}

// keep returns bytes equal to b that nobody changes.
func (s *store) keep(b []byte) []byte {
	if s.copy != nil {
		return s.copy(b)
	}
	return s.slab.add(b)
}

// add adds a record whose key has none.
func (s *store) add(x stored) {
	if len(s.list) == cap(s.list) { // by less than append would: most stores hardly grow
		s.list = append(make([]stored, 0, len(s.list)+max(8, len(s.list)/8)), s.list...)
	}
	s.list = append(s.list, x)
	if s.first == 0 || x.expires < s.first {
		s.first = x.expires
	}
	if 8*len(s.list) > 7*len(s.table) {
		s.rehash()
		return
	}
	s.enter(len(s.list) - 1)
}

// enter puts the record at an index of list into the table.
func (s *store) enter(at int) {
	i := s.home(s.list[at].key())
	for s.table[i] != 0 {
		i = s.after(i)
	}
	s.table[i] = int32(at) + 1
}

// rehash doubles the table.
func (s *store) rehash() {
	s.table = make([]int32, max(16, 2*len(s.table)))
	for at := range s.list {
		s.enter(at)
	}
}

// remove removes a record. The last of the list takes its index.
func (s *store) remove(x *stored) {
	i := s.slot(x.key())
	at := s.table[i]
	if s.copy == nil {
		s.slab.remove(x.record)
	}
	s.leave(i)
	last := len(s.list) - 1
	if int(at-1) != last {
		s.table[s.slot(s.list[last].key())] = at
		s.list[at-1] = s.list[last]
	}
	s.list[last] = stored{}
	s.list = s.list[:last]
	if s.copy == nil && s.slab.wasteful() {
		s.slab = slab{live: s.slab.live}
		s.repack()
	}
}

// repack copies all records to the slab, which is new.
func (s *store) repack() {
	size := s.slab.live
	for i := range s.list {
		s.list[i].record = s.slab.add(s.list[i].record)
	}
	s.slab.live -= size
}

// slot returns where in the table a key is that has a record.
func (s *store) slot(key identity.IndexKey) int {
	i := s.home(key)
	for s.list[s.table[i]-1].key() != key {
		i = s.after(i)
	}
	return i
}

// leave frees a slot of the table, and moves up whoever it was in the way of.
func (s *store) leave(free int) {
	for i := s.after(free); s.table[i] != 0; i = s.after(i) {
		home := s.home(s.list[s.table[i]-1].key())
		if (i-home)&(len(s.table)-1) >= (i-free)&(len(s.table)-1) {
			s.table[free], free = s.table[i], i
		}
	}
	s.table[free] = 0
}

// soonest returns the index of the record that expires first, the first in the
// list of several.
func (s *store) soonest() int {
	first := 0
	for i := range s.list {
		if s.list[i].expires < s.list[first].expires {
			first = i
		}
	}
	return first
}

// expire removes what has expired. It goes through all records, but only when one
// may have expired that its owner has not signed anew.
func (s *store) expire(now time.Time) {
	if s.first == 0 || int64(s.first) > now.Unix() {
		return
	}
	for i := len(s.list) - 1; i >= 0; i-- {
		if int64(s.list[i].expires) <= now.Unix() {
			s.remove(&s.list[i])
		}
	}
	s.first = 0
	if len(s.list) > 0 {
		s.first = s.list[s.soonest()].expires
	}
}

// due returns when the next record may expire; zero: there is none.
func (s *store) due() time.Time {
	if s.first == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s.first), 0)
}
