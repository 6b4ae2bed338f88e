package directory

import (
	"bytes"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// shelved is an entry that this supernode keeps.
type shelved struct {
	key      identity.IndexKey
	slip     wire.Slip
	sequence uint64
	expires  int64 // Unix seconds
	entry    []byte
	lot      uint64 // the lower, the more it belongs here when there are too many
	at       int    // in the heap
}

// shelf holds the entries at one key, by their lots: at most wire.MaxSlips.
type shelf struct {
	key     identity.IndexKey
	entries []*shelved
	near    uint32    // fingerprint of those who keep it, as far as we have seen to it
	due     time.Time // when it is to be repaired; zero: nothing is planned
}

// full reports whether there may be entries for which there was no room.
func (f *shelf) full() bool { return len(f.entries) >= wire.MaxSlips }

// shelves keep the entries of words. Of the many who have a common word each keeper
// has others, by lots that its own salt decides: nobody can choose his, everybody
// has the same chance, and sixteen keepers together have many.
type shelves struct {
	max    int
	random func() uint64
	salt   [2]uint64 // drawn when the first entry comes
	copy   func(entry []byte) []byte
	byKey  map[identity.IndexKey]*shelf
	soon   entryExpiries
}

func newShelves(max int, random func() uint64, copy func([]byte) []byte) *shelves {
	if copy == nil {
		copy = bytes.Clone
	}
	return &shelves{max: max, random: random, copy: copy, byKey: map[identity.IndexKey]*shelf{}}
}

// lot draws for a holder.
func (s *shelves) lot(h [8]byte) uint64 {
	if s.salt == [2]uint64{} {
		s.salt = [2]uint64{s.random(), s.random()}
	}
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.salt[0]), s.salt[1])
	sum := sha256.Sum256(append(b, h[:]...))
	return binary.BigEndian.Uint64(sum[:8])
}

// at returns the shelf of a key with what is valid at now, nil when there is
// nothing.
func (s *shelves) at(now time.Time, key identity.IndexKey) *shelf {
	s.expire(now)
	return s.byKey[key]
}

// find returns the entry of a holder, nil when there is none.
func (f *shelf) find(holder [8]byte) *shelved {
	if f == nil {
		return nil
	}
	i := slices.IndexFunc(f.entries, func(x *shelved) bool { return x.slip.Holder == holder })
	if i < 0 {
		return nil
	}
	return f.entries[i]
}

// put keeps an entry that has been checked: ErrOlder or errFull when not. The very
// entry that is there already is kept again.
func (s *shelves) put(e wire.Entry, b []byte) error {
	f := s.byKey[e.Placement.Index]
	x := &shelved{key: e.Placement.Index, slip: e.Slip(), sequence: e.Sequence, expires: e.Expires}
	x.lot = s.lot(x.slip.Holder)
	old := f.find(x.slip.Holder)
	switch {
	case old == nil:
	case bytes.Equal(old.entry, b):
		return nil
	case e.Sequence <= old.sequence:
		return ErrOlder
	}
	if old == nil && f != nil && f.full() {
		last := f.entries[len(f.entries)-1]
		if last.lot <= x.lot {
			return errFull
		}
		s.remove(last)
	}
	if old != nil {
		s.remove(old)
	} else if len(s.soon) >= s.max {
		if s.soon[0].expires >= e.Expires {
			return errFull
		}
		s.remove(s.soon[0])
	}
	x.entry = s.copy(b)
	s.insert(x, f)
	return nil
}

// insert adds an entry; was is the shelf that it had, which may be gone by now.
func (s *shelves) insert(x *shelved, was *shelf) {
	f := s.byKey[x.key]
	if f == nil {
		f = &shelf{key: x.key}
		if was != nil {
			f.near, f.due = was.near, was.due
		}
		s.byKey[x.key] = f
	}
	i, _ := slices.BinarySearchFunc(f.entries, x, func(a, b *shelved) int {
		switch {
		case a.lot < b.lot:
			return -1
		case a.lot > b.lot:
			return 1
		}
		return 0
	})
	f.entries = slices.Insert(f.entries, i, x)
	heap.Push(&s.soon, x)
}

func (s *shelves) remove(x *shelved) {
	heap.Remove(&s.soon, x.at)
	f := s.byKey[x.key]
	f.entries = slices.DeleteFunc(f.entries, func(y *shelved) bool { return x == y })
	if len(f.entries) == 0 {
		delete(s.byKey, x.key)
	}
}

// expire removes what has expired.
func (s *shelves) expire(now time.Time) {
	for len(s.soon) > 0 && s.soon[0].expires <= now.Unix() {
		s.remove(s.soon[0])
	}
}

// due returns when the next entry expires; zero: there is none.
func (s *shelves) due() time.Time {
	if len(s.soon) == 0 {
		return time.Time{}
	}
	return time.Unix(s.soon[0].expires, 0)
}

// entryExpiries is a heap (container/heap), the first to expire on top.
type entryExpiries []*shelved

func (e entryExpiries) Len() int           { return len(e) }
func (e entryExpiries) Less(i, j int) bool { return e[i].expires < e[j].expires }
func (e entryExpiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i]; e[i].at, e[j].at = i, j }

// Push adds x.
func (e *entryExpiries) Push(x any) {
	s := x.(*shelved)
	s.at = len(*e)
	*e = append(*e, s)
}

// Pop removes the last.
func (e *entryExpiries) Pop() any {
	old := *e
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	return x
}
