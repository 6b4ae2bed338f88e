package overlay

import (
	"hash/fnv"
	"slices"
	"time"
	"unique"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// maxMembers is up to where everyone knows everyone (DESIGN section 7).
const maxMembers = 32000

// row is what the table knows of a supernode: 32 bytes, and its announcement,
// which all tables of a process share.
type row struct {
	place       wire.Place
	news        unique.Handle[string] // an Announcement
	incarnation uint32
	id          uint32 // the first four bytes of the announcement's ID
	prefix      uint16 // hash of the address's prefix
	tag         uint8  // of the node's ID
	died        uint16 // minutes after the table was made, 1 or more; 0: alive
	kept        bool   // from the roster of an earlier run, and nobody has confirmed it yet
}

// tagOf returns the byte by which most IDs that are looked for can be told from
// others.
func tagOf(id identity.ID) uint8 { return id[0] }

func (r *row) member() wire.Member { return wire.MemberOf(r.news.Value()) }

// table has every supernode that we know, ourselves included, by place. A dead
// one stays as a tombstone for graveTime, so that nobody's old word revives it.
type table struct {
	rows  []row
	live  int
	sums  *[wire.Buckets]uint32 // of the live: the IDs of each bucket, by XOR; nil in a phone, which knows none
	birth time.Time
}

// graveTime is how long a dead member is remembered.
const graveTime = 10 * time.Minute

func (t *table) search(p wire.Place) (int, bool) {
	lo, hi := 0, len(t.rows)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if t.rows[mid].place < p {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(t.rows) && t.rows[lo].place == p
}

// find returns the row of a place, dead or alive; nil: nobody is known there.
// It is valid until the next change.
func (t *table) find(p wire.Place) *row {
	if i, ok := t.search(p); ok {
		return &t.rows[i]
	}
	return nil
}

// alive returns the row of a place whose member lives.
func (t *table) alive(p wire.Place) *row {
	if r := t.find(p); r != nil && r.died == 0 {
		return r
	}
	return nil
}

// put adds a live member, or replaces its row.
func (t *table) put(r row) {
	i, known := t.search(r.place)
	if !known {
		t.rows = slices.Insert(t.rows, i, row{})
	} else if old := &t.rows[i]; old.died == 0 {
		t.count(old, -1)
	}
	t.rows[i] = r
	t.count(&r, 1)
}

// kill makes a tombstone of a live row.
func (t *table) kill(now time.Time, r *row) {
	t.count(r, -1)
	r.died = t.minute(now)
}

// count adds a live row to the sums, or takes it away.
func (t *table) count(r *row, n int) {
	t.live += n
	if t.sums == nil {
		t.sums = new([wire.Buckets]uint32)
	}
	t.sums[bucketOf(r.place)] ^= r.id
}

func bucketOf(p wire.Place) uint8 { return uint8(p >> 56) }

// minute returns now as row has it.
func (t *table) minute(now time.Time) uint16 {
	return uint16(min(now.Sub(t.birth)/time.Minute+1, 1<<16-1))
}

// purge forgets tombstones that are old enough.
func (t *table) purge(now time.Time) {
	limit := t.minute(now)
	t.rows = slices.DeleteFunc(t.rows, func(r row) bool {
		return r.died != 0 && time.Duration(limit-r.died)*time.Minute > graveTime
	})
}

// ofPrefix counts the live members of a prefix, by its hash.
func (t *table) ofPrefix(prefix uint16) int {
	n := 0
	for i := range t.rows {
		if t.rows[i].prefix == prefix && t.rows[i].died == 0 {
			n++
		}
	}
	return n
}

// root returns all sums in one.
func (t *table) root() uint64 {
	h := fnv.New64a()
	var b [4 * wire.Buckets]byte
	h.Write(t.appendSums(b[:0]))
	return h.Sum64()
}

func (t *table) appendSums(dst []byte) []byte {
	if t.sums == nil {
		return append(dst, make([]byte, 4*wire.Buckets)...)
	}
	for _, s := range t.sums {
		dst = append(dst, byte(s>>24), byte(s>>16), byte(s>>8), byte(s))
	}
	return dst
}

// bucket returns the rows of a bucket.
func (t *table) bucket(b uint8) []row {
	first, _ := t.search(wire.Place(b) << 56)
	end := len(t.rows)
	if b < wire.Buckets-1 {
		end, _ = t.search(wire.Place(b+1) << 56)
	}
	return t.rows[first:end]
}
