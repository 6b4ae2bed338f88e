package directory

import (
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// storeEnd is how long supernodes may take to store a record.
const storeEnd = time.Second

// spread stores one record, or entry, at the supernodes nearest to its key.
type spread struct {
	clock
	key      identity.IndexKey
	who      asker
	open     asks
	copies   int
	refusals map[wire.StoreCode]int
	end      time.Time
}

// spread begins one: m stores it elsewhere, here does it here.
func (x *Index) spread(now time.Time, who asker, key identity.IndexKey, m wire.Message, here func() wire.StoreCode, near []wire.Member) {
	if len(x.jobs) >= maxJobs {
		x.counters.Limited++
		x.send(who.ix, wire.Stored{Query: who.query, Code: wire.StoreFull})
		return
	}
	s := &spread{key: key, who: who, refusals: map[wire.StoreCode]int{}, end: now.Add(storeEnd)}
	x.cache.forget(s.key)
	x.begin(s)
	for _, to := range near {
		if to.Node == x.self {
			s.count(here())
			continue
		}
		s.open = append(s.open, x.put(now, s, to, storeEnd, m))
	}
	s.goOn(x)
	x.arm(s)
}

var _ job = (*spread)(nil)

func (s *spread) count(code wire.StoreCode) {
	if code == wire.StoreOK {
		s.copies++
		return
	}
	s.refusals[code]++
}

func (s *spread) reply(now time.Time, x *Index, a *ask, m wire.Message) {
	s.open = s.open.without(a)
	if stored, ok := m.(wire.Stored); ok {
		s.count(stored.Code)
	} else {
		x.counters.Unasked++
	}
	s.goOn(x)
}

func (s *spread) silent(now time.Time, x *Index, a *ask) {
	s.open = s.open.without(a)
	s.goOn(x)
}

// goOn answers when everybody has.
func (s *spread) goOn(x *Index) {
	if len(s.open) == 0 {
		s.conclude(x)
	}
}

// conclude answers: OK if no refusal is as frequent as the copies, else the
// most frequent refusal. One that holds a later record is right against any
// number that do not.
func (s *spread) conclude(x *Index) {
	for _, a := range s.open {
		x.giveUp(a)
	}
	s.open = nil
	x.finish(s)
	if s.who.ix == 0 {
		return
	}
	x.send(s.who.ix, wire.Stored{Query: s.who.query, Code: s.verdict(), Copies: uint8(min(s.copies, 255))})
}

func (s *spread) verdict() wire.StoreCode {
	verdict, most := wire.StoreOK, s.copies
	for code := wire.StoreForged; code <= wire.StoreFull; code++ {
		if n := s.refusals[code]; n > most {
			verdict, most = code, n
		}
	}
	if most == 0 {
		return wire.StoreFull // nobody has answered
	}
	return verdict
}

func (s *spread) lost(ix wire.Index) {
	if s.who.ix == ix {
		s.who.ix = 0
	}
}

func (s *spread) due() time.Time {
	return earlier(s.end, s.open.due())
}

func (s *spread) advance(now time.Time, x *Index) {
	if passed(s.end, now) {
		s.conclude(x)
		return
	}
	x.advanceAsks(now, s.open)
}
