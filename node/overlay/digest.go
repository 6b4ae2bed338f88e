package overlay

import (
	"encoding/binary"
	"time"

	"peerphone/node/wire"
)

// Anti-entropy: what gossip has left out comes by comparing. One asks with the
// sum of all it knows; if the other knows something else it answers with the
// sums of all buckets; then both name whom they know in the buckets that differ,
// and give each other what is missing.
const (
	// Each exchangeEvery some fellow is asked; while we do not know the
	// membership, each exchangeSoon. Among more than exchangeMany the pause grows
	// with their number until exchangeSeldom: there is always news under way, for
	// which alone two differ.
	exchangeEvery  = time.Minute
	exchangeSoon   = time.Second
	exchangeMany   = 1000
	exchangeSeldom = 5 * time.Minute
	// exchangeUnrest is the pause after many have died, until a fellow knows the same:
	// gossip leaves out some then, as much of what the dead were told. But as long as
	// more comes nobody is asked.
	exchangeUnrest = 3 * time.Second
	// exchangeRolls is how many buckets are gone through at a time, so that what
	// follows fits into a session's queue.
	exchangeRolls = 8
	// Who differs in no more than syncedWithin buckets knows the membership: the
	// rest is news under way.
	syncedWithin = 16
	// syncWait is how long a new supernode waits for another before it takes
	// itself for the first.
	syncWait = 5 * time.Second
)

// syncState says whether a supernode knows the membership: unsynced until it has
// compared with another, or there is none to ask.
type syncState uint8

const (
	unsynced syncState = iota
	synced
)

func (o *Overlay) advanceExchange(now time.Time) {
	if !passed(o.exchange, now) {
		return
	}
	pause := min(exchangeEvery*time.Duration(max(o.table.live, exchangeMany))/exchangeMany, exchangeSeldom)
	switch {
	case o.sync == unsynced:
		pause = exchangeSoon
	case o.muster.unrest(now):
		pause = exchangeUnrest
	}
	o.exchange = now.Add(pause/2 + o.jitter(pause))
	came := o.gossip.came
	o.gossip.came = 0
	if came > syncedWithin && o.muster.unrest(now) && o.sync == synced && o.table.live > maxMesh {
		return // all differ from all while news is under way
	}
	if o.scope == partial {
		o.lookUpOld(now)
		return
	}
	if fellows := o.fellows(1); len(fellows) > 0 {
		o.compare(fellows[0])
	}
	o.lookUpOld(now)
}

func (o *Overlay) compare(l *link) {
	o.send(l, wire.Digest{Root: o.table.root(), Live: uint32(o.table.live)})
}

func (o *Overlay) handleDigest(now time.Time, l *link, m wire.Digest) {
	if o.scope == partial {
		if !m.Done {
			o.send(l, o.partialDigest())
		}
		return
	}
	if m.Partial && l.join != notJoined {
		o.hearPartial(now, l)
		return
	}
	if l.join != joined {
		o.counters.Unasked++
		return
	}
	same := m.Root == o.table.root()
	if same {
		o.confirmAll()
		o.muster.rest(now)
	}
	switch {
	case !m.Done && same:
		o.synced()
		o.send(l, wire.Digest{Root: m.Root, Live: uint32(o.table.live), Done: true})
	case !m.Done:
		o.send(l, wire.Digest{Root: o.table.root(), Live: uint32(o.table.live), Sums: o.table.appendSums(nil), Done: true})
	case same:
		o.synced()
	case len(m.Sums) > 0:
		o.differ(now, l, m.Sums)
	}
}

// confirmAll notes that a fellow knows exactly whom we know.
func (o *Overlay) confirmAll() {
	o.unconfirmed, o.confirmed = false, nil
}

// differ sends the rolls of some buckets in which a fellow knows something else: half
// of them nearest to our own place, where we must know best who is there, the others
// at random.
func (o *Overlay) differ(now time.Time, l *link, sums []byte) {
	var buckets []uint8
	for i := range wire.Buckets { // the nearest first
		b := bucketOf(o.place) ^ uint8(i)
		if binary.BigEndian.Uint32(sums[4*int(b):]) != o.table.sums.ids[b] {
			buckets = append(buckets, b)
		}
	}
	rest := buckets[min(len(buckets), exchangeRolls/2):]
	o.rand.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	for _, b := range buckets[:min(len(buckets), exchangeRolls)] {
		o.send(l, o.roll(b, false))
	}
	if len(buckets) <= syncedWithin && o.table.live > 1 {
		o.synced()
	}
	if o.sync == unsynced || len(buckets) > syncedWithin || o.table.live <= maxMesh {
		o.exchange = earlier(o.exchange, now.Add(exchangeSoon/2+o.jitter(exchangeSoon)))
	}
}

// maxRoll is how many IDs fit into a Roll.
const maxRoll = 256

func (o *Overlay) roll(bucket uint8, done bool) wire.Roll {
	r := wire.Roll{Bucket: bucket, Done: done}
	for i, end := o.table.bucket(bucket); i < end; i++ {
		if o.table.lives(i) && len(r.IDs) < 4*maxRoll {
			r.IDs = binary.BigEndian.AppendUint32(r.IDs, o.table.rows[i].id)
		}
	}
	return r
}

// handleRoll gives l what it does not name, and names what we know. Of whom we
// know to be dead it gets the proof. Whom we know from an earlier run only, it
// confirms, or lets us doubt.
func (o *Overlay) handleRoll(now time.Time, l *link, m wire.Roll) {
	if l.join != joined || o.scope == partial {
		o.counters.Unasked++
		return
	}
	theirs := make(map[uint32]bool, len(m.IDs)/4)
	for b := m.IDs; len(b) >= 4; b = b[4:] {
		theirs[binary.BigEndian.Uint32(b)] = true
	}
	var pages paging
	for i, end := o.table.bucket(m.Bucket); i < end; i++ {
		x, lives := &o.table.rows[i], o.table.lives(i)
		switch {
		case lives && o.unsure(x) && theirs[x.id]:
			o.confirm(x.place)
		case lives && o.unsure(x):
			o.suspect(now, x.place, o.jitter(firstPing))
		case lives && !theirs[x.id]:
			pages.add(o, l, x.news.Value())
		case !lives && theirs[x.id]:
			o.prove(&pages, l, x.place)
		}
	}
	pages.flush(o, l)
	if !m.Done {
		o.send(l, o.roll(m.Bucket, true))
	}
}

// prove gives l the proof of a death, as long as it is here.
func (o *Overlay) prove(pages *paging, l *link, p wire.Place) {
	d := o.table.dyingOf(p)
	if d == nil {
		return
	}
	for _, number := range d.proof {
		if number > 0 {
			pages.addProof(o, l, o.table.words.list[number-1].news)
		}
	}
}

func (o *Overlay) synced() {
	if o.scope == widening {
		o.scope, o.routes = whole, routes{}
	}
	if o.sync == unsynced && o.cfg.Supernode {
		o.sync, o.syncBy = synced, time.Time{}
		o.emit(Synced{})
	}
}

// syncAlone takes ourselves for the first supernode when there is nobody to
// ask, or nobody has answered for long.
func (o *Overlay) syncAlone(now time.Time) {
	if !o.syncBy.IsZero() && (len(o.cache.entries) == 0 && o.table.live <= 1 || !o.syncBy.After(now)) {
		o.synced()
	}
}
