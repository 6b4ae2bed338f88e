package overlay

import (
	"encoding/binary"
	"slices"
	"time"
	"unique"

	"peerphone/node/wire"
)

// News spreads in two steps: its ID is told to a few fellows, and who does not
// know it asks for it. So everybody gets each piece about once, however many
// tell of it.
const (
	// IDs that wait are told after gossipSlow, or after gossipFast when there are
	// many: a quiet network saves messages, one in trouble is quick. With each
	// member they wait gossipEach longer, until gossipSlowest: where there are many
	// there is always some news, and it goes together.
	gossipSlow    = 4 * time.Second
	gossipEach    = time.Millisecond
	gossipSlowest = 12 * time.Second
	gossipFast    = 250 * time.Millisecond
	gossipMany    = 8
	// To so many fellows at random; six leave out one in four hundred, whom the
	// digests reach.
	gossipFan = 6
	// pageNews bounds what one message has, within wire.MaxMessage.
	pageNews = 1000
	// newsTime is how long a piece of news is kept to be asked for, at least.
	newsTime = 2 * time.Minute
	// wantWait is when a piece is asked for again, of somebody else.
	wantWait  = 3 * time.Second
	maxWanted = 8192
	// maxQueue bounds the IDs that wait to be told; more are left to the digests.
	maxQueue = wire.Buckets * 256
)

// gossip is the news that is under way.
type gossip struct {
	young, old map[uint64]unique.Handle[string] // by ID; turned each newsTime
	turned     time.Time
	wanted     map[uint64]time.Time // asked for, until it comes
	came       int                  // pieces, since a fellow might have been asked what it knows
	queue      []uint64             // not told yet
	tick       time.Time            // when the queue is told; zero: it is empty
}

func (g *gossip) find(id uint64) (unique.Handle[string], bool) {
	if s, ok := g.young[id]; ok {
		return s, true
	}
	s, ok := g.old[id]
	return s, ok
}

// keep remembers a piece of news, and lets it be told.
func (o *Overlay) keep(news unique.Handle[string]) {
	g := &o.gossip
	id := ident(news.Value())
	if g.young == nil {
		g.young = map[uint64]unique.Handle[string]{}
	}
	g.young[id] = news
	g.came++
	delete(g.wanted, id)
	if len(g.queue) < maxQueue {
		g.queue = append(g.queue, id)
	}
}

// spent stands for news that was of no use when it came: most who die have more
// witnesses than are needed.
var spent unique.Handle[string]

// pass notes that what we have asked for is of no use, so that it is not asked for
// whenever somebody offers it.
func (o *Overlay) pass(n wire.News, raw []byte) {
	g := &o.gossip
	id := ident(string(raw))
	if _, asked := g.wanted[id]; !asked {
		return
	}
	delete(g.wanted, id)
	if len(g.young) < maxQueue && !o.premature(n) {
		if g.young == nil {
			g.young = map[uint64]unique.Handle[string]{}
		}
		g.young[id] = spent
	}
}

// premature reports whether a piece of news has overtaken another without which it
// tells nothing.
func (o *Overlay) premature(n wire.News) bool {
	switch n := n.(type) {
	case wire.Testimony:
		return o.table.find(n.Witness) == nil || o.unborn(wire.Death{Of: n.Of, Incarnation: n.Incarnation})
	case wire.Obituary:
		for i := range n.Dead.Len() {
			if o.unborn(n.Dead.At(i)) {
				return true
			}
		}
		return o.table.find(n.Witness) == nil
	case wire.Farewell:
		return o.table.find(n.Of) == nil
	}
	return false
}

// unborn reports whether a death is of an incarnation that we do not know yet.
func (o *Overlay) unborn(d wire.Death) bool {
	r := o.table.find(d.Of)
	return r == nil || d.Incarnation > r.incarnation
}

// arm sets the timer.
func (o *Overlay) armGossip(now time.Time) {
	g := &o.gossip
	if len(g.queue) == 0 {
		return
	}
	soon := now.Add(min(gossipSlow+gossipEach*time.Duration(o.table.live), gossipSlowest))
	if len(g.queue) >= gossipMany || o.muster.unrest(now) {
		soon = now.Add(gossipFast)
	}
	if g.tick.IsZero() || soon.Before(g.tick) {
		g.tick = soon
	}
}

func (o *Overlay) advanceGossip(now time.Time) {
	g := &o.gossip
	if passed(g.tick, now) {
		g.tick = time.Time{}
		o.tell()
	}
	if now.Sub(g.turned) >= newsTime {
		g.old, g.young, g.turned = g.young, nil, now
		for id, at := range g.wanted { // the order decides nothing
			if now.Sub(at) >= newsTime {
				delete(g.wanted, id)
			}
		}
	}
}

// tell tells some fellows which news we have that is new.
func (o *Overlay) tell() {
	g := &o.gossip
	for _, l := range o.fellows(gossipFan) {
		for ids := range slices.Chunk(g.queue, wire.MaxOffer) {
			o.emit(Whisper{l.ix, wire.AppendOffer(nil, ids)})
		}
	}
	g.queue = g.queue[:0]
}

func unpackIDs(b []byte) []uint64 {
	ids := make([]uint64, 0, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		ids = append(ids, binary.BigEndian.Uint64(b))
	}
	return ids
}

// fellows returns up to n supernodes with whom we are in talks, at random. A session
// may outlast its peer by a minute: whom we take for dead is none, for what the dead
// are told is lost.
func (o *Overlay) fellows(n int) []*link {
	var ls []*link
	for _, l := range o.links {
		if l.join == joined && o.hears(l.place) {
			ls = append(ls, l)
		}
	}
	for i := range min(n, len(ls)) {
		j := i + o.rand.IntN(len(ls)-i)
		ls[i], ls[j] = ls[j], ls[i]
	}
	return ls[:min(n, len(ls))]
}

// hears reports whether nothing shows that the member at p, a fellow, is not there.
func (o *Overlay) hears(p wire.Place) bool {
	if len(o.table.dying) == len(o.table.free) && len(o.suspicions) == 0 {
		return true // as is mostly so; and it is asked often
	}
	i, known := o.table.search(p)
	if !known || !o.table.lives(i) {
		return false
	}
	if x := o.table.dyingAt(i); x != nil && x.ours {
		return false
	}
	s := o.suspicion(p)
	return s == nil || !s.unheard()
}

func (o *Overlay) handleGossip(now time.Time, l *link, m wire.Gossip) {
	if o.scope == partial {
		o.hearNews(now, m.News)
		return
	}
	if l.join != joined {
		o.counters.Unasked++
		return
	}
	for rest := m.News; len(rest) > 0; {
		n, next, ok := wire.CutNews(rest)
		if !ok {
			break
		}
		if raw := rest[:len(rest)-len(next)]; !o.take(now, n, raw) {
			o.pass(n, raw)
		}
		rest = next
	}
	o.want(now, l, m.Have)
	o.give(l, unpackIDs(m.Want))
}

// Offered takes the IDs of an Offer that came in session ix.
func (o *Overlay) Offered(now time.Time, ix wire.Index, ids []byte) {
	l := o.link(ix)
	switch {
	case l == nil || l.join != joined && o.scope != partial:
		o.counters.Unasked++
	case o.scope != partial:
		o.want(now, l, ids)
	}
}

// want asks l for what we do not know.
func (o *Overlay) want(now time.Time, l *link, ids []byte) {
	g := &o.gossip
	var missing []byte
	for ; len(ids) >= 8; ids = ids[8:] {
		id := binary.BigEndian.Uint64(ids)
		if _, known := g.find(id); known {
			continue
		}
		if at, asked := g.wanted[id]; asked && now.Sub(at) < wantWait || !asked && len(g.wanted) >= maxWanted {
			continue
		}
		if g.wanted == nil {
			g.wanted = map[uint64]time.Time{}
		}
		g.wanted[id] = now
		missing = append(missing, ids[:8]...)
	}
	if len(missing) > 0 {
		o.send(l, wire.Gossip{Want: missing})
	}
}

// give sends l the news that it asks for.
func (o *Overlay) give(l *link, ids []uint64) {
	var pages paging
	for _, id := range ids {
		if s, ok := o.gossip.find(id); ok && s != spent {
			pages.add(o, l, s.Value())
		}
	}
	pages.flush(o, l)
}

// paging packs news into messages.
type paging struct {
	page   []byte
	proofs []unique.Handle[string] // that are there or have been sent
}

// addProof adds a proof, which may be that of other deaths, too, once.
func (p *paging) addProof(o *Overlay, l *link, proof unique.Handle[string]) {
	if !slices.Contains(p.proofs, proof) {
		p.proofs = append(p.proofs, proof)
		p.add(o, l, proof.Value())
	}
}

func (p *paging) add(o *Overlay, l *link, news string) {
	if len(p.page)+len(news) > pageNews {
		p.flush(o, l)
	}
	p.page = append(p.page, news...)
}

func (p *paging) flush(o *Overlay, l *link) {
	if len(p.page) > 0 {
		o.send(l, wire.Gossip{News: p.page})
		p.page = nil // it is on its way
	}
}
