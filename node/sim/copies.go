package sim

import (
	"bytes"
	"hash/maphash"
	"sync"
)

// copies lets the supernodes of a world share what each keeps for itself on a
// machine of its own: a record is at sixteen of them, and nobody writes to it.
type copies struct {
	mu         sync.Mutex // the workers share it
	seed       maphash.Seed
	young, old map[uint64][]byte
}

// maxCopies bounds the records that are looked through, in each half. Copies of
// one come within a second, or when it is repaired.
const maxCopies = 1 << 17

// of returns bytes equal to b that nobody changes.
func (c *copies) of(b []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil {
		c.seed = maphash.MakeSeed()
		c.young = map[uint64][]byte{}
	}
	h := maphash.Bytes(c.seed, b)
	for _, known := range []map[uint64][]byte{c.young, c.old} {
		if shared := known[h]; bytes.Equal(shared, b) {
			return shared
		}
	}
	if len(c.young) >= maxCopies {
		c.old, c.young = c.young, map[uint64][]byte{}
	}
	own := bytes.Clone(b)
	c.young[h] = own
	return own
}
