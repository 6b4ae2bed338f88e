package directory

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"peerphone/node/wire"
)

// Limits of a Keeper; what is beyond them is refused and counted.
const (
	maxPlaces   = 20000 // tokens that are shown or watched here: about 6 MB
	maxPlacesOf = 512   // of one phone: as many as it has contacts
	maxLookers  = 8     // homes that watch one token: those of a contact's phones
	maxErrands  = 20000 // tokens watched elsewhere for our phones: about 6 MB
	maxSeekers  = 4     // phones here that watch the same token
	// A phone is told once in lookedPause at most that somebody looks at a place.
	lookedPause = 10 * time.Second
	// A phone may send so many messages, in a burst and per second: a full list
	// of contacts takes 43 to appear to and some hundred to watch.
	presenceBurst, presenceRate = 200, 1
	// maxVisitors bounds the sessions whose use is remembered.
	maxVisitors = 8192
)

// KeeperCounters count what a Keeper met. They only grow.
type KeeperCounters struct {
	Shown   uint64 // changes of what a phone shows
	Looks   uint64 // questions of other homes
	Told    uint64 // changes told to other homes
	Limited uint64 // beyond a limit
	Unasked uint64 // answers to what nobody asked, or asked another
	Foreign uint64 // watches at what is no supernode
}

// Keeper is the supernode's half of presence. It shows what phones that are
// attached here leave for their watchers, and watches other homes for them. It
// sees tokens and sealed words, and learns neither who shows nor who watches:
// only that two nodes have to do with one token each.
//
// A home that watches is told of each change, thrice at most, until it says that
// it has heard. It looks again every few minutes in any case, so that what was
// lost heals. The zero value is not usable.
type Keeper struct {
	rand     *rand.Rand
	places   map[wire.Token]*place
	errands  map[wire.Token]*errand
	visitors map[wire.Index]*visitor
	asks     map[uint64]asked
	alarms   alarms

	out      []Event
	counters KeeperCounters
}

// asked is who waits for an answer: one of the two.
type asked struct {
	errand *errand
	tell   *tell
}

// visitor is a phone with a session here.
type visitor struct {
	limit   *rate.Limiter
	shows   map[wire.Token]struct{}
	watches map[wire.Token]struct{}
}

// NewKeeper returns a Keeper that shows nothing.
func NewKeeper(cfg Config) *Keeper {
	return &Keeper{
		rand: newRand(cfg.Rand), places: map[wire.Token]*place{}, errands: map[wire.Token]*errand{},
		visitors: map[wire.Index]*visitor{}, asks: map[uint64]asked{},
	}
}

// Take returns what has been asked since the last Take, oldest first: Send and
// Ask.
func (k *Keeper) Take() []Event {
	out := k.out
	k.out = nil
	return out
}

// Counters returns the counters.
func (k *Keeper) Counters() KeeperCounters { return k.counters }

func (k *Keeper) emit(e Event) { k.out = append(k.out, e) }

// visit returns the phone in session ix if it may say something more.
func (k *Keeper) visit(now time.Time, ix wire.Index) *visitor {
	v := k.visitors[ix]
	if v == nil {
		if len(k.visitors) >= maxVisitors {
			k.counters.Limited++
			return nil
		}
		v = &visitor{limit: rate.NewLimiter(presenceRate, presenceBurst), shows: map[wire.Token]struct{}{}, watches: map[wire.Token]struct{}{}}
		k.visitors[ix] = v
	}
	if !v.limit.AllowN(now, 1) {
		k.counters.Limited++
		return nil
	}
	return v
}

// place is what is shown at a token, and who watches it.
type place struct {
	token   wire.Token
	owner   wire.Index // whose session it is shown for; 0: nobody's
	blob    []byte
	lookers []looker
	told    time.Time // when its owner was last told that somebody looks
	alarm   alarm     // when the next looker is forgotten
}

// looker is a home that watches.
type looker struct {
	addr  netip.AddrPort
	until time.Time
}

// Handle takes an Appear or a Watch that came in session ix. member tells
// whether somebody is a live supernode, ourselves not counted.
func (k *Keeper) Handle(now time.Time, ix wire.Index, m wire.Message, self, member func(wire.Member) bool) {
	v := k.visit(now, ix)
	if v == nil {
		return
	}
	switch m := m.(type) {
	case wire.Appear:
		for _, s := range m.Sightings {
			k.appear(now, ix, v, s)
		}
	case wire.Watch:
		k.watch(now, ix, v, m, self, member)
	}
}

// appear shows what a phone leaves. What another phone shows at the same token
// stays: two phones that are told apart only by a stolen token fight for nothing.
func (k *Keeper) appear(now time.Time, ix wire.Index, v *visitor, s wire.Sighting) {
	p := k.places[s.Token]
	switch {
	case p != nil && p.owner != 0 && p.owner != ix:
		k.counters.Limited++
		return
	case len(s.Blob) == 0:
		if p != nil && p.owner == ix {
			k.vanish(now, v, p)
		}
		return
	case p == nil || p.owner == 0:
		if len(v.shows) >= maxPlacesOf || p == nil && len(k.places) >= maxPlaces {
			k.counters.Limited++
			return
		}
	}
	if p == nil {
		p = k.open(s.Token)
	}
	v.shows[s.Token] = struct{}{}
	if p.owner == ix && bytes.Equal(p.blob, s.Blob) {
		return
	}
	p.owner, p.blob = ix, s.Blob
	k.counters.Shown++
	k.tellAll(now, p)
}

func (k *Keeper) open(t wire.Token) *place {
	p := &place{token: t}
	p.alarm.ring = func(now time.Time) { k.tidy(now, p) }
	k.places[t] = p
	return p
}

// vanish shows no more at a place.
func (k *Keeper) vanish(now time.Time, v *visitor, p *place) {
	delete(v.shows, p.token)
	p.owner, p.blob = 0, nil
	k.tellAll(now, p)
	k.tidy(now, p)
}

// tidy forgets lookers whose time is over, and a place that is of no use.
func (k *Keeper) tidy(now time.Time, p *place) {
	p.lookers = slices.DeleteFunc(p.lookers, func(l looker) bool { return !l.until.After(now) })
	var next time.Time
	for _, l := range p.lookers {
		next = earlier(next, l.until)
	}
	k.alarms.set(&p.alarm, next)
	if p.owner == 0 && len(p.lookers) == 0 {
		delete(k.places, p.token)
	}
}

func (p *place) seen() wire.Seen {
	if p == nil || p.owner == 0 {
		s := wire.Seen{Code: wire.SeenAbsent}
		if p != nil {
			s.Token = p.token
		}
		return s
	}
	return wire.Seen{Token: p.token, Code: wire.SeenHere, Blob: p.blob}
}

// Look answers the question of another home, at from.
func (k *Keeper) Look(now time.Time, from netip.AddrPort, m wire.Look) wire.Seen {
	k.counters.Looks++
	p := k.places[m.Token]
	s := p.seen()
	s.Token = m.Token
	if m.Stay == 0 {
		if p != nil {
			p.lookers = slices.DeleteFunc(p.lookers, func(l looker) bool { return l.addr == from })
			k.tidy(now, p)
		}
		return s
	}
	if !k.stay(now, from, m, p) {
		k.counters.Limited++
		if s.Code == wire.SeenAbsent {
			s.Code = wire.SeenFull
		}
	}
	return s
}

// stay adds a looker, or lets it stay longer; false: there is no room.
func (k *Keeper) stay(now time.Time, from netip.AddrPort, m wire.Look, p *place) bool {
	if p == nil {
		if len(k.places) >= maxPlaces {
			return false
		}
		p = k.open(m.Token)
	}
	until := now.Add(time.Duration(m.Stay) * time.Second)
	i := slices.IndexFunc(p.lookers, func(l looker) bool { return l.addr == from })
	if i < 0 {
		if len(p.lookers) >= maxLookers {
			return false
		}
		i = len(p.lookers)
		p.lookers = append(p.lookers, looker{addr: from})
		k.tellOwner(now, p)
	}
	p.lookers[i].until = until
	k.tidy(now, p)
	return true
}

// tellOwner tells whom a place is shown for that somebody has begun to look.
func (k *Keeper) tellOwner(now time.Time, p *place) {
	if p.owner != 0 && now.Sub(p.told) >= lookedPause {
		p.told = now
		k.emit(Send{p.owner, wire.Looked{Token: p.token}})
	}
}

// Lost tells that session ix has ended.
func (k *Keeper) Lost(now time.Time, ix wire.Index) {
	v := k.visitors[ix]
	if v == nil {
		return
	}
	for _, t := range sortedTokens(v.shows) {
		k.vanish(now, v, k.places[t])
	}
	for _, t := range sortedTokens(v.watches) {
		k.quit(now, ix, v, t)
	}
	delete(k.visitors, ix)
}

// sortedTokens returns the tokens of a set in a fixed order.
func sortedTokens(set map[wire.Token]struct{}) []wire.Token {
	list := make([]wire.Token, 0, len(set))
	for t := range set {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b wire.Token) int { return bytes.Compare(a[:], b[:]) })
	return list
}

// Next returns when Advance wants to be called; zero: never.
func (k *Keeper) Next() time.Time {
	return k.alarms.next()
}

// Advance fires what is due.
func (k *Keeper) Advance(now time.Time) {
	for len(k.alarms) > 0 && !k.alarms[0].at.After(now) {
		a := k.alarms[0]
		k.alarms.set(a, time.Time{})
		a.ring(now)
	}
}
