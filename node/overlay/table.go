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

// row is what a supernode has said of itself: 32 bytes, and its announcement,
// which all tables of a process share. It seldom changes, so that who has the same
// Roster can share the rows; what does change is a mark.
type row struct {
	place       wire.Place
	news        unique.Handle[string] // an Announcement
	incarnation uint32
	id          uint32 // the first four bytes of the announcement's ID
	prefix      uint16 // hash of the address's prefix
	tag         uint8  // of the node's ID
	kept        bool   // from the roster of an earlier run (unsure)
}

// mark is what has become of a row, in four bytes.
type mark struct {
	died  uint16 // minutes after the table was made, 1 or more; 0: alive; vacancy: nobody
	dying uint16 // 1 + index in table.dying; 0: nothing speaks against the member
}

// tagOf returns the byte by which most IDs that are looked for can be told from
// others.
func tagOf(id identity.ID) uint8 { return id[0] }

func (r *row) member() wire.Member { return wire.MemberOf(r.news.Value()) }

func (r *row) node() identity.ID { return wire.NodeOf(r.news.Value()) }

// table has every supernode that we know, ourselves included, by place. A dead
// one stays as a tombstone for graveTime, so that nobody's old word revives it,
// and then as a vacant row: most come back to their place, and then nothing need be
// moved. There are few vacant rows beside the live.
type table struct {
	rows   []row
	shared bool   // rows are a Roster's, and are copied before they are written to
	marks  []mark // of the rows, in their order; nil: everybody lives, and nothing speaks against anybody
	dying  []dying
	free   []uint16 // of dying, 1 + index
	words  words
	live   int
	sums   *sums   // of the live; nil in a phone, which knows none
	graves []grave // of the tombstones, by age; some may have come back to life
	vacant int
	birth  time.Time
}

// sums change with each member that comes or goes.
type sums struct {
	ids      [wire.Buckets]uint32 // the IDs of each bucket, by XOR
	prefixes [4096]uint8          // how many have a prefix, by some bits of its hash; 255: so many or more
}

// grave says when a row's member died.
type grave struct {
	place wire.Place
	died  uint16
}

const (
	// graveTime is how long a dead member is remembered.
	graveTime = 10 * time.Minute
	// vacancy is row.died of a member that is forgotten. One in manyVacant of all
	// rows may be vacant, and fewVacant in any case.
	vacancy    = 1<<16 - 1
	manyVacant = 16
	fewVacant  = 64
)

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
	if i, ok := t.search(p); ok && t.died(i) != vacancy {
		return &t.rows[i]
	}
	return nil
}

// alive returns the row of a place whose member lives.
func (t *table) alive(p wire.Place) *row {
	if i, ok := t.search(p); ok && t.lives(i) {
		return &t.rows[i]
	}
	return nil
}

// died returns when the member of row i died, as mark has it.
func (t *table) died(i int) uint16 {
	if t.marks == nil {
		return 0
	}
	return t.marks[i].died
}

// lives reports whether the member of row i does.
func (t *table) lives(i int) bool { return t.marks == nil || t.marks[i].died == 0 }

// mark returns the mark of row i to be written to.
func (t *table) mark(i int) *mark {
	if t.marks == nil {
		t.marks = make([]mark, len(t.rows))
	}
	return &t.marks[i]
}

// ofNode returns the row of a node that is live; nil: there is none. It looks at all.
func (t *table) ofNode(id identity.ID) *row {
	tag := tagOf(id)
	for i := range t.rows {
		if r := &t.rows[i]; r.tag == tag && t.lives(i) && r.node() == id {
			return r
		}
	}
	return nil
}

// own makes the rows the table's own: who writes to one calls it first.
func (t *table) own() {
	if t.shared {
		t.rows, t.shared = slices.Clone(t.rows), false
	}
}

// put adds a live member, or replaces its row.
func (t *table) put(r row) {
	t.own()
	i, known := t.search(r.place)
	switch {
	case !known:
		t.rows = slices.Insert(t.rows, i, row{})
		if t.marks != nil {
			t.marks = slices.Insert(t.marks, i, mark{})
		}
	case t.lives(i):
		t.count(&t.rows[i], -1)
	default:
		if t.marks[i].died == vacancy {
			t.vacant--
		}
		t.marks[i].died = 0
	}
	t.rows[i] = r
	t.count(&r, 1)
}

// kill makes a tombstone of a live row.
func (t *table) kill(now time.Time, p wire.Place) {
	i, _ := t.search(p)
	t.count(&t.rows[i], -1)
	died := t.minute(now)
	t.mark(i).died = died
	t.graves = append(t.graves, grave{p, died})
}

// count adds a live row to the sums, or takes it away.
func (t *table) count(r *row, n int) {
	t.live += n
	if t.sums == nil {
		t.sums = new(sums)
	}
	t.sums.ids[bucketOf(r.place)] ^= r.id
	if c := &t.sums.prefixes[r.prefix%uint16(len(t.sums.prefixes))]; *c != 1<<8-1 {
		*c += uint8(n)
	}
}

func bucketOf(p wire.Place) uint8 { return uint8(p >> 56) }

// minute returns now as mark has it: it begins again after 45 days.
func (t *table) minute(now time.Time) uint16 {
	return uint16(now.Sub(t.birth)/time.Minute%(vacancy-1)) + 1
}

// since returns how long ago a minute was, to the minute.
func (t *table) since(now time.Time, minute uint16) time.Duration {
	ago := int(t.minute(now)) - int(minute)
	if ago < 0 {
		ago += vacancy - 1
	}
	return time.Duration(ago) * time.Minute
}

// purge makes vacant rows of tombstones that are old enough, and leaves out vacant
// rows when there are many.
func (t *table) purge(now time.Time) {
	over := 0
	for _, g := range t.graves {
		if t.since(now, g.died) <= graveTime {
			break
		}
		over++
		if i, ok := t.search(g.place); ok && t.died(i) == g.died {
			t.acquit(i)
			t.marks[i].died = vacancy
			t.vacant++
		}
	}
	t.graves = slices.Delete(t.graves, 0, over)
	if t.vacant > fewVacant && t.vacant*manyVacant > len(t.rows) {
		t.leaveOut(func(i int) bool { return t.died(i) == vacancy })
		t.vacant = 0
	}
}

// leaveOut makes the table anew without some rows.
func (t *table) leaveOut(drop func(i int) bool) {
	var rows []row
	var marks []mark
	for i := range t.rows {
		if drop(i) {
			t.acquit(i)
			continue
		}
		rows = append(rows, t.rows[i])
		if t.marks != nil {
			marks = append(marks, t.marks[i])
		}
	}
	t.rows, t.marks, t.shared = slices.Clip(rows), slices.Clip(marks), false
}

// atLeastOf reports whether n live members have a prefix, by its hash.
func (t *table) atLeastOf(prefix uint16, n int) bool {
	if t.sums == nil || int(t.sums.prefixes[prefix%uint16(len(t.sums.prefixes))]) < min(n, 1<<8-1) {
		return n <= 0
	}
	for i := range t.rows {
		if t.rows[i].prefix == prefix && t.lives(i) {
			n--
		}
	}
	return n <= 0
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
	for _, s := range t.sums.ids {
		dst = append(dst, byte(s>>24), byte(s>>16), byte(s>>8), byte(s))
	}
	return dst
}

// bucket returns where the rows of a bucket lie.
func (t *table) bucket(b uint8) (first, end int) {
	first, _ = t.search(wire.Place(b) << 56)
	end = len(t.rows)
	if b < wire.Buckets-1 {
		end, _ = t.search(wire.Place(b+1) << 56)
	}
	return first, end
}
