package directory

import (
	"bytes"
	"container/heap"
	"errors"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// errFull refuses a record for which there is no room.
var errFull = errors.New("directory: the store is full")

// stored is a record that this supernode keeps.
type stored struct {
	key      identity.IndexKey
	sequence uint64
	expires  int64 // Unix seconds
	record   []byte
	at       int    // in the heap
	near     uint32 // fingerprint of those who keep it, as far as we have seen to it
	due      int64  // when it is to be repaired, Unix milliseconds; 0: nothing is planned
	again    uint8  // repairs in a row because of who was silent
}

// store keeps one record for each key, at most max in all. When it is full the
// one that expires first makes room for one that expires later.
type store struct {
	max   int
	copy  func(record []byte) []byte
	byKey map[identity.IndexKey]*stored
	soon  expiries
}

func newStore(max int, copy func([]byte) []byte) *store {
	return &store{max: max, copy: copy, byKey: map[identity.IndexKey]*stored{}}
}

// find returns the record at key that is valid at now, nil when there is none.
func (s *store) find(now time.Time, key identity.IndexKey) []byte {
	if x := s.byKey[key]; x != nil && x.expires > now.Unix() {
		return x.record
	}
	return nil
}

// put keeps a record that has been checked: ErrOlder or errFull when not. The
// very record that is there already is kept again.
func (s *store) put(r wire.Record, b []byte) error {
	key := r.Placement.Index
	old := s.byKey[key]
	switch {
	case old == nil:
	case bytes.Equal(old.record, b):
		return nil
	case r.Sequence <= old.sequence:
		return ErrOlder
	default:
		heap.Remove(&s.soon, old.at)
		delete(s.byKey, key)
	}
	if len(s.soon) >= s.max {
		if s.soon[0].expires >= r.Expires {
			return errFull
		}
		s.removeFirst()
	}
	x := &stored{key: key, sequence: r.Sequence, expires: r.Expires, record: s.copy(b)}
	if old != nil {
		x.near, x.due, x.again = old.near, old.due, old.again
	}
	s.byKey[key] = x
	heap.Push(&s.soon, x)
	return nil
}

func (s *store) removeFirst() { delete(s.byKey, heap.Pop(&s.soon).(*stored).key) }

// expire removes what has expired.
func (s *store) expire(now time.Time) {
	for len(s.soon) > 0 && s.soon[0].expires <= now.Unix() {
		s.removeFirst()
	}
}

// due returns when the next record expires; zero: there is none.
func (s *store) due() time.Time {
	if len(s.soon) == 0 {
		return time.Time{}
	}
	return time.Unix(s.soon[0].expires, 0)
}

// expiries is a heap (container/heap), the first to expire on top.
type expiries []*stored

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].expires < e[j].expires }
func (e expiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i]; e[i].at, e[j].at = i, j }

// Push adds x.
func (e *expiries) Push(x any) {
	s := x.(*stored)
	s.at = len(*e)
	*e = append(*e, s)
}

// Pop removes the last.
func (e *expiries) Pop() any {
	old := *e
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	return x
}
