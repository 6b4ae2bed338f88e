package overlay

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"time"
	"unique"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// maxAhead is how far a member's clock may be ahead of ours: nobody shall
	// put its incarnation where nothing can follow.
	maxAhead = 24 * time.Hour
	// When one in so many members has died it is an upheaval.
	upheaval = 20
)

// Self is as whom we appear.
type Self struct {
	Node        identity.ID
	Certificate []byte                  // of Node, compact
	Sign        func(msg []byte) []byte // with Node's key
}

// ident returns the ID of a piece of news.
func ident(news string) uint64 {
	var room [max(wire.MaxNews, wire.MaxObituary)]byte // no copy on the heap
	sum := sha256.Sum256(append(room[:0], news...))
	return binary.BigEndian.Uint64(sum[:])
}

// SetSelf tells as whom we appear, once the login server has certified a key and
// when a new epoch brings the next. Learn comes after it.
func (o *Overlay) SetSelf(now time.Time, s Self) {
	o.calm = false
	if o.cfg.Supernode && !o.self.Node.IsZero() && o.self.Node != s.Node {
		o.farewell(now)
	}
	o.self = s
	if o.table.birth.IsZero() {
		o.table.birth = now
	}
	if o.cfg.Supernode && !s.Node.IsZero() {
		old := o.place
		o.place = placeOf(s.Node, identity.EpochOfCompact(s.Certificate), o.cfg.SelfAddr.Addr())
		o.announce(now)
		o.moved(now, old)
		o.weighScope(now)
	}
}

// announce makes our own row. An announcement that others may still have, as
// after a short absence, is used again if nothing in it has changed.
func (o *Overlay) announce(now time.Time) {
	if o.self.Node.IsZero() {
		return
	}
	m := wire.MemberAt(o.self.Node, o.cfg.SelfAddr, o.cfg.SelfAddr6, o.ports)
	incarnation := uint32(now.Unix())
	if r := o.table.find(o.place); r != nil {
		if o.table.alive(o.place) != nil && r.member() == m {
			return
		}
		incarnation = max(incarnation, r.incarnation+1)
	}
	o.announceAs(now, m, incarnation)
}

func (o *Overlay) announceAs(now time.Time, m wire.Member, incarnation uint32) {
	raw := Announce(o.self, m, incarnation)
	o.table.put(rowOf(o.place, incarnation, m, raw))
	if i, ok := o.table.search(o.place); ok {
		o.table.acquit(i)
	}
	o.keep(unique.Make(string(raw)))
}

// Announce returns the announcement of s.
func Announce(s Self, m wire.Member, incarnation uint32) []byte {
	a := wire.Announcement{Incarnation: incarnation, Member: m, Certificate: s.Certificate}
	a.Signature = s.Sign(wire.NewsMessage(a))
	return wire.AppendNews(nil, a)
}

// refutePause is how often we refute our death at most: whoever lies about it
// shall not let us flood the network.
const refutePause = 5 * time.Second

// refute answers testimony of our own death, whoever bears it: those who believe
// it may be dead in our eyes, after a split of the network. It is not passed on.
func (o *Overlay) refute(now time.Time, incarnation uint32) bool {
	own := o.table.alive(o.place)
	if own == nil || incarnation != own.incarnation || now.Before(o.refuted.Add(refutePause)) {
		return false
	}
	o.refuted = now
	o.counters.Refuted++
	o.announceAs(now, own.member(), max(incarnation+1, uint32(now.Unix())))
	return false
}

// farewell tells that we serve no more.
func (o *Overlay) farewell(now time.Time) {
	r := o.table.alive(o.place)
	if r == nil {
		return
	}
	f := wire.Farewell{Of: o.place, Incarnation: r.incarnation}
	f.Signature = o.self.Sign(wire.NewsMessage(f))
	raw := wire.AppendNews(nil, f)
	for _, l := range o.links {
		if l.join == joined {
			o.send(l, wire.Gossip{News: raw})
		}
	}
	o.table.kill(now, r.place)
}

// bury forgets the dead of long ago, and a strike of each witness.
func (o *Overlay) bury(now time.Time) {
	if !passed(o.burial, now) {
		return
	}
	o.burial = now.Add(strikeEvery)
	o.table.purge(now)
	if o.scope == whole {
		o.decline.note(now, o.table.live)
	}
	for i := range o.table.marks {
		if d := o.table.dyingAt(i); d != nil && o.table.since(now, d.since) > graveTime {
			o.table.acquit(i)
		}
	}
	for p := range o.strikes {
		if o.strikes[p]--; o.strikes[p] == 0 {
			delete(o.strikes, p)
		}
	}
}

// Leave tells the other supernodes that we serve no more, and our homes that we
// are gone. It is the last thing that is asked of an Overlay.
func (o *Overlay) Leave(now time.Time) {
	o.gone = true
	o.calm = false
	if o.cfg.Supernode {
		o.farewell(now)
	}
	for _, l := range o.links {
		if l.home != notHome {
			o.send(l, wire.Detach{})
		}
	}
}

func rowOf(p wire.Place, incarnation uint32, m wire.Member, raw []byte) row {
	return row{
		place: p, news: unique.Make(string(raw)), incarnation: incarnation,
		id: uint32(ident(string(raw)) >> 32), prefix: hashPrefix(m), tag: tagOf(m.Node),
	}
}

func hashPrefix(m wire.Member) uint16 {
	p := prefixOf(m.Addr.Addr())
	h := fnv.New32a()
	h.Write(p.Addr().AsSlice())
	return uint16(h.Sum32() ^ h.Sum32()>>16)
}

// take takes a piece of news from whoever told it, and reports whether it was
// new. What does not hold is counted.
func (o *Overlay) take(now time.Time, n wire.News, raw []byte) bool {
	var fresh bool
	switch n := n.(type) {
	case wire.Announcement:
		fresh = o.takeAnnouncement(now, n, raw)
	case wire.Testimony:
		dead := wire.AppendDeath(make(wire.Deaths, 0, 16), wire.Death{Of: n.Of, Incarnation: n.Incarnation})
		fresh = o.takeWord(now, claim{n.Witness, dead, n.Signature}, n, raw)
	case wire.Obituary:
		fresh = o.takeWord(now, claim{n.Witness, n.Dead, n.Signature}, n, raw)
	case wire.Farewell:
		fresh = o.takeFarewell(now, n, raw)
	}
	return fresh
}

func (o *Overlay) takeAnnouncement(now time.Time, a wire.Announcement, raw []byte) bool {
	p := PlaceOf(a)
	r, fresh := o.table.find(p), o.table.alive(p) == nil
	if r != nil && a.Incarnation <= r.incarnation || p == o.place {
		return false
	}
	switch {
	case !o.elsewhere(a.Member),
		a.Incarnation > uint32(now.Add(maxAhead).Unix()):
		o.counters.Refusals.Malformed++
		return false
	case r == nil && o.table.live >= o.mostMembers():
		o.full(now)
		return false
	case fresh && o.overQuota(a.Member):
		o.counters.Refusals.Quota++
		return false
	case o.cfg.CheckNode(a.Certificate, now) != nil:
		o.counters.Refusals.Foreign++
		return false
	case !o.cfg.Verify(a.Member.Node, wire.NewsMessage(a), a.Signature):
		o.counters.Refusals.Forged++
		return false
	}
	o.revived(p, a.Incarnation)
	x := rowOf(p, a.Incarnation, a.Member, raw)
	o.table.put(x)
	o.keep(x.news)
	o.counters.Met++
	o.changed(p)
	if fresh && o.sync == synced {
		o.tryOut(now, p, a.Member)
	}
	return true
}

// tryOut asks a newcomer at the address that it announces, for its place follows
// from that, if we are among the nearest; and whoever was there before it, if we are
// among the nearest to that one.
func (o *Overlay) tryOut(now time.Time, p wire.Place, m wire.Member) {
	o.inquire(now, o.table.alive(p))
	if s := o.suspicion(p); s != nil {
		s.grounds = newcomer
	}
	prefix := hashPrefix(m)
	lo, hi := o.table.vicinity(o.place, inquirers)
	for i := lo; i < hi; i++ {
		if r := &o.table.rows[i]; r.prefix == prefix && o.table.lives(i) && r.place != p && r.member().Addr == m.Addr {
			o.inquire(now, r)
		}
	}
}

func (o *Overlay) takeFarewell(now time.Time, f wire.Farewell, raw []byte) bool {
	r := o.table.alive(f.Of)
	if r == nil || f.Incarnation < r.incarnation {
		return false
	}
	if !o.cfg.Verify(r.node(), wire.NewsMessage(f), f.Signature) {
		o.counters.Refusals.Forged++
		return false
	}
	if f.Of == o.place {
		return o.refute(now, f.Incarnation) // we are back
	}
	proof := unique.Make(string(raw))
	o.keep(proof)
	i, _ := o.table.search(f.Of)
	d := o.table.accuse(i, f.Incarnation)
	if d != nil {
		o.table.words.drop(d)
		*d = dying{incarnation: f.Incarnation, since: o.table.minute(now)}
		o.table.words.cite(d, 0, o.table.words.add(proof, 0))
	}
	o.died(now, r)
	node := r.node()
	for _, l := range slices.Clone(o.links) {
		if l.join != notJoined && l.node == node { // it may be a guest of ours yet, or come back
			l.join, l.joinEnd = notJoined, time.Time{}
			o.release(now, l)
		}
	}
	return true
}

// died makes a tombstone of a member.
func (o *Overlay) died(now time.Time, r *row) {
	o.counters.Died++
	o.decline.note(now, o.table.live)
	o.table.kill(now, r.place)
	o.forgetSuspicion(r.place)
	o.changed(r.place)
	o.tellGuests(now, r.place)
	o.forgetRoom(r.node())
	o.mourn()
	o.countDead(now)
}

// mourn tells when many have died since it told so last.
func (o *Overlay) mourn() {
	if o.toll++; o.toll*upheaval >= o.table.live {
		o.toll = 0
		o.emit(Upheaval{})
	}
}

// changed tells the global index of a change that may concern what it keeps.
func (o *Overlay) changed(p wire.Place) {
	if !o.nearChanged && o.table.near(o.place, p) {
		o.nearChanged = true
		o.emit(NeighboursChanged{})
	}
}
