package directory

import (
	"bytes"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// browseEnd ends the gathering of entries: two rounds of questions, with
	// repetitions.
	browseEnd = 3 * time.Second
	// maxBrowses bounds those under way; each takes up to 350 kB.
	maxBrowses = 32
	// maxFetches bounds the questions after entries that are under way at a time.
	maxFetches = 16
	// maxGathered bounds the entries of one key that we tell our phones of. Who
	// seeks more adds a word.
	maxGathered = 256
	// burstEntries is how many messages answer a Browse of a phone.
	burstEntries = 4
)

// browser is a phone that waits for entries.
type browser struct {
	asker
	after []byte
}

// browse gathers the entries at one key: it asks the supernodes nearest to it whose
// they have, four, then eight more, then the rest, and fetches each from one that
// has it. All are asked, for they need not have the same: so one that withholds
// something hides nothing.
type browse struct {
	clock
	waves
	key     identity.IndexKey
	askers  []browser
	nearest func(identity.IndexKey, int) []wire.Member
	told    []identity.ID // who has told whose entries it has
	full    int           // of these, who may lack some
	listed  []*listed     // in the order of being heard of
	end     time.Time
}

// listed is an entry that somebody has.
type listed struct {
	holder   [8]byte
	sources  []source // not asked for it yet
	fetching bool
	entry    []byte // the newest that has come; nil: none yet
	got      wire.Entry
}

// source is a supernode that says that it has an entry.
type source struct {
	from     wire.Member
	sequence uint64 // as its slip tells
}

var _ job = (*browse)(nil)

// handleBrowse answers a phone from what was gathered lately, or gathers it.
func (x *Index) handleBrowse(now time.Time, ix wire.Index, m wire.Browse, nearest func(identity.IndexKey, int) []wire.Member) {
	who := browser{asker{ix, m.Query}, m.After}
	if !x.askers.allow(now, ix, findUse) {
		x.refuseBrowse(who)
		return
	}
	x.counters.Browses++
	if v := x.viewed.find(now, m.Key); v != nil {
		x.counters.Cached++
		x.tell(who, v)
		return
	}
	running := 0
	for _, j := range x.jobs {
		if b, ok := j.(*browse); ok {
			if running++; b.key == m.Key && len(b.askers) < maxAskersOfOne {
				b.askers = append(b.askers, who)
				return
			}
		}
	}
	if running >= maxBrowses || len(x.jobs) >= maxJobs {
		x.refuseBrowse(who)
		return
	}
	x.near(now, m.Key, nearest, func(now time.Time, near []wire.Member) {
		if x.cfg.Routing.Partial() {
			nearest = func(identity.IndexKey, int) []wire.Member { return near }
		}
		b := &browse{key: m.Key, askers: []browser{who}, nearest: nearest, end: now.Add(browseEnd)}
		b.start(now, x)
	})
}

func (x *Index) refuseBrowse(who browser) {
	x.counters.Limited++
	x.send(who.ix, wire.Entries{Query: who.query, Code: wire.FindUnsure, Last: true})
}

// start takes what is here, and asks the others.
func (b *browse) start(now time.Time, x *Index) {
	if f := x.shelves.at(now, b.key); f != nil || x.sync == settled {
		b.told = append(b.told, x.self)
		if f != nil {
			b.own(f)
		}
	}
	for _, m := range b.nearest(b.key, Replicas) {
		if m.Node != x.self {
			b.queue = append(b.queue, m)
		}
	}
	x.fellows.sort(now, b.queue)
	x.begin(b)
	b.next(now, x)
	x.arm(b)
}

// own takes the entries that are kept here.
func (b *browse) own(f *shelf) {
	if f.full() {
		b.full++
	}
	for _, e := range f.entries {
		l := &listed{holder: e.slip.Holder, entry: e.entry}
		l.got, _ = wire.ParseEntry(b.key, e.entry) // it was checked when it came
		b.listed = append(b.listed, l)
	}
}

// next sends out a wave.
func (b *browse) next(now time.Time, x *Index) {
	b.send(now, x, b, wire.Browse{Key: b.key})
	b.goOn(now, x)
}

// goOn fetches what is missing, and concludes when there is nothing to wait for.
func (b *browse) goOn(now time.Time, x *Index) {
	b.fetch(now, x)
	switch {
	case len(b.open) > 0:
	case len(b.queue) > 0:
		b.next(now, x)
	default:
		b.conclude(now, x)
	}
}

func (b *browse) reply(now time.Time, x *Index, a *ask, m wire.Message) {
	b.open = b.open.without(a)
	switch m := m.(type) {
	case wire.Shelf:
		b.shelf(x, a, m)
	case wire.Entries:
		b.fetched(now, x, a, m)
	default:
		x.counters.Unasked++
	}
	b.unfetch(a)
	b.goOn(now, x)
}

func (b *browse) silent(now time.Time, x *Index, a *ask) {
	b.open = b.open.without(a)
	b.unfetch(a)
	b.goOn(now, x)
}

// shelf takes the word of a supernode on whose entries it has.
func (b *browse) shelf(x *Index, a *ask, s wire.Shelf) {
	if _, ok := a.m.(wire.Browse); !ok {
		x.counters.Unasked++
		return
	}
	if !x.cfg.Verify(a.to.Node, wire.ShelfMessage(a.nonce, b.key, s), s.Signature) {
		x.counters.Forged++
		return
	}
	if s.Code == wire.FindNotSynced {
		return
	}
	b.told = append(b.told, a.to.Node)
	if s.Full {
		b.full++
	}
	for _, slip := range s.List() {
		b.list(a.to, slip)
	}
}

func (b *browse) list(from wire.Member, slip wire.Slip) {
	l := b.find(slip.Holder)
	if l == nil {
		l = &listed{holder: slip.Holder}
		b.listed = append(b.listed, l)
	}
	if !slices.ContainsFunc(l.sources, func(s source) bool { return s.from.Node == from.Node }) {
		l.sources = append(l.sources, source{from, slip.Sequence})
	}
}

func (b *browse) find(holder [8]byte) *listed {
	i := slices.IndexFunc(b.listed, func(l *listed) bool { return l.holder == holder })
	if i < 0 {
		return nil
	}
	return b.listed[i]
}

// best returns the source that claims the newest entry, newer than what has come;
// -1: there is none.
func (l *listed) best() int {
	best := -1
	for i, s := range l.sources {
		newer := l.entry == nil || newerSlip(s.sequence, l.got.Slip().Sequence)
		if newer && (best < 0 || newerSlip(s.sequence, l.sources[best].sequence)) {
			best = i
		}
	}
	return best
}

// newerSlip compares sequences as slips tell them, which begin anew after 34 years.
func newerSlip(a, b uint64) bool { d := (a - b) & (1<<40 - 1); return d != 0 && d < 1<<39 }

// fetch asks for entries that have not come, two of one supernode at a time.
func (b *browse) fetch(now time.Time, x *Index) {
	for i, l := range b.listed {
		if b.fetches() >= maxFetches {
			return
		}
		best := l.best()
		if l.fetching || best < 0 {
			continue
		}
		from := l.sources[best].from
		m := wire.Fetch{Key: b.key, Holders: l.take(from)}
		for _, other := range b.listed[i+1:] {
			if j := other.best(); len(m.Holders) < 8*wire.MaxFetch && !other.fetching && j >= 0 && other.sources[j].from.Node == from.Node {
				m.Holders = append(m.Holders, other.take(from)...)
			}
		}
		b.open = append(b.open, x.put(now, b, from, askWait, m))
	}
}

// fetches counts the questions after entries that are under way.
func (b *browse) fetches() (n int) {
	for _, a := range b.open {
		if _, ok := a.m.(wire.Fetch); ok {
			n++
		}
	}
	return n
}

// take marks l as asked for at from, and returns its name in the question.
func (l *listed) take(from wire.Member) []byte {
	l.fetching = true
	l.sources = slices.DeleteFunc(l.sources, func(s source) bool { return s.from.Node == from.Node })
	return l.holder[:]
}

// unfetch lets whatever a asked for be asked for elsewhere, if it has not come.
func (b *browse) unfetch(a *ask) {
	m, ok := a.m.(wire.Fetch)
	if !ok {
		return
	}
	for h := m.Holders; len(h) >= 8; h = h[8:] {
		if l := b.find([8]byte(h[:8])); l != nil {
			l.fetching = false
		}
	}
}

// fetched takes entries. What was not asked for, or does not hold, is as good as
// silence.
func (b *browse) fetched(now time.Time, x *Index, a *ask, m wire.Entries) {
	fetch, ok := a.m.(wire.Fetch)
	if !ok {
		x.counters.Unasked++
		return
	}
	for _, entry := range m.Entries {
		e, err := x.checkEntry(now, b.key, entry)
		if err != nil {
			continue
		}
		holder := e.Slip().Holder
		asked := false
		for h := fetch.Holders; len(h) >= 8; h = h[8:] {
			asked = asked || holder == [8]byte(h[:8])
		}
		l := b.find(holder)
		switch {
		case !asked || l == nil:
			x.counters.count(ErrMisplaced)
		case l.entry == nil || e.Sequence > l.got.Sequence:
			l.entry, l.got = entry, e
		}
	}
}

// conclude tells the phones what has been gathered.
func (b *browse) conclude(now time.Time, x *Index) {
	b.cancel(x)
	x.finish(b)
	v := b.result(now, x)
	x.viewed.put(now, v)
	for _, who := range b.askers {
		x.tell(who, v)
	}
}

// result sums up: whole when three quarters of the nearest have told all that they
// have and nothing of it is missing.
func (b *browse) result(now time.Time, x *Index) *viewed {
	v := &viewed{key: b.key, code: wire.FindUnsure}
	near := b.nearest(b.key, Replicas)
	told := 0
	for _, m := range near {
		if slices.Contains(b.told, m.Node) {
			told++
		}
	}
	most := len(near) > 0 && 4*told >= 3*len(near) && !x.cfg.Members.Fallen(now)
	v.whole = most && 4*b.full <= told
	for _, l := range b.listed {
		if l.entry != nil && len(l.got.Inner) > 0 {
			v.entries = append(v.entries, l.entry)
		}
	}
	slices.SortFunc(v.entries, func(a, c []byte) int { return bytes.Compare(holderOf(a), holderOf(c)) })
	if len(v.entries) > maxGathered {
		v.entries, v.whole = v.entries[:maxGathered], false
	}
	switch {
	case len(v.entries) > 0:
		v.code = wire.FindRecord
	case x.sync == fresh:
		v.code = wire.FindNotSynced
	case v.whole:
		v.code = wire.FindNone
	}
	return v
}

// holderOf returns the holder in an entry that has been checked.
func holderOf(entry []byte) []byte { return entry[32:48] }

// tell answers a phone: the entries after the last that it has, as many as fit into
// a few messages.
func (x *Index) tell(who browser, v *viewed) {
	if who.ix == 0 {
		return
	}
	rest := v.entries
	if len(who.after) > 0 {
		i, found := slices.BinarySearchFunc(rest, who.after, func(e, after []byte) int { return bytes.Compare(holderOf(e), after) })
		if found {
			i++
		}
		rest = rest[i:]
	}
	m := wire.Entries{Query: who.query, Code: v.code, Whole: v.whole}
	if len(rest) == 0 && m.Code == wire.FindRecord {
		m.Code = wire.FindNone
	}
	for n := 1; ; n++ {
		m.Entries, rest = portion(rest)
		m.Last = len(rest) == 0 || n == burstEntries
		m.More = m.Last && len(rest) > 0
		x.send(who.ix, m)
		if m.Last {
			return
		}
	}
}

// portion cuts off as many entries as fit into a message.
func portion(entries [][]byte) (first, rest [][]byte) {
	const overhead = 1 + 1 + 6 + 2 + 2 + 6 // of the message, at most
	size := overhead
	for i, e := range entries {
		if size += len(e) + 3; size > wire.MaxMessage {
			return entries[:i], entries[i:]
		}
	}
	return entries, nil
}

func (b *browse) lost(ix wire.Index) {
	b.askers = slices.DeleteFunc(b.askers, func(who browser) bool { return who.ix == ix })
}

func (b *browse) due() time.Time {
	return earlier(b.waves.due(), b.end)
}

func (b *browse) advance(now time.Time, x *Index) {
	if passed(b.end, now) {
		b.conclude(now, x)
		return
	}
	if b.late(now, x) {
		b.next(now, x)
	}
	x.advanceAsks(now, b.open)
}
