package directory

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A key that everybody asks for is hot. Its keepers lend what lies there to the
// supernodes that come next after them, for a minute, and say so with each answer;
// who knows that a key is hot asks any four of all of them, and not the four nearest
// that everybody asks.
const (
	// hotSpan is the time over which questions are counted, hotFrom how many of them
	// make a key hot.
	hotSpan = 10 * time.Second
	hotFrom = 50
	// borrowers is how many supernodes a hot record is lent to, loanLife for how
	// long, lendAgain how often.
	borrowers = 2 * Replicas
	loanLife  = time.Minute
	lendAgain = loanLife / 2
	// cooling is by how much fewer questions come to the nearest keeper when the
	// record is lent: four of three times sixteen are asked, and not always the
	// nearest four.
	cooling = (Replicas + borrowers) / waveFirst
	// hotFor is how long an asker remembers that a key is hot.
	hotFor = 10 * time.Minute
	// maxHeat bounds the keys that are counted, maxHot those known to be hot.
	maxHeat = 1024
	maxHot  = 256
)

// heat is which keys are hot: as questions to us show, and as others say.
type heat struct {
	from      int // questions that make a key hot; less than 0: nothing does
	now, last map[identity.IndexKey]int
	turn      time.Time // when now becomes last
	lent      map[identity.IndexKey]time.Time
	told      map[identity.IndexKey]time.Time // until when others' word holds
	loans     cache                           // what others have lent us
}

// asked counts a question for a key, and reports whether it is hot.
func (h *heat) asked(now time.Time, key identity.IndexKey) bool {
	if !h.turn.After(now) {
		h.last, h.now = h.now, map[identity.IndexKey]int{}
		if now.Sub(h.turn) > hotSpan {
			h.last = nil
		}
		h.turn = now.Add(hotSpan)
	}
	if len(h.now) < maxHeat || h.now[key] > 0 {
		h.now[key]++
	}
	n := max(h.now[key], h.last[key])
	if h.lent[key].Add(loanLife).After(now) {
		n *= cooling
	}
	return h.from >= 0 && n >= h.from
}

// tell takes the word of another that a key is hot.
func (h *heat) tell(now time.Time, key identity.IndexKey) {
	if h.told == nil {
		h.told = map[identity.IndexKey]time.Time{}
	}
	forget(h.told, now, maxHot)
	h.told[key] = now.Add(hotFor)
}

// forget drops what is over, and everything when there is still too much: it is
// learnt again soon.
func forget(m map[identity.IndexKey]time.Time, now time.Time, most int) {
	if len(m) < most {
		return
	}
	for key, until := range m {
		if !until.After(now) {
			delete(m, key)
		}
	}
	if len(m) >= most {
		clear(m)
	}
}

// lend gives a hot record to those who come after its keepers, unless it has been
// done lately.
func (x *Index) lend(now time.Time, key identity.IndexKey, record []byte) {
	if x.heat.lent[key].After(now) {
		return
	}
	if x.heat.lent == nil {
		x.heat.lent = map[identity.IndexKey]time.Time{}
	}
	forget(x.heat.lent, now, maxHot)
	x.heat.lent[key] = now.Add(lendAgain)
	near := x.cfg.Nearest(key, Replicas+borrowers)
	if len(near) <= Replicas || !slices.ContainsFunc(near[:Replicas], func(m wire.Member) bool { return m.Node == x.self }) {
		return
	}
	x.counters.Lent++
	for _, to := range near[Replicas:] { // who does not hear of it is asked in vain
		x.emit(Ask{To: to, Nonce: x.nonce(), Message: wire.Lend{Record: record}})
	}
}

// borrow takes what a keeper lends: as good as its own word, for it proves itself.
func (x *Index) borrow(now time.Time, m wire.Lend) {
	r, err := x.check(now, m.Record)
	if err != nil {
		return
	}
	key := r.Placement.Index
	if had, ok := x.heat.loans.find(now, key); ok {
		if old, err := ParseRecord(had.Record); err == nil && old.Sequence > r.Sequence {
			return
		}
	}
	near := x.cfg.Nearest(key, Replicas+borrowers+Replicas) // they may know some more than we do
	if !slices.ContainsFunc(near, func(n wire.Member) bool { return n.Node == x.self }) {
		x.counters.count(ErrMisplaced)
		return
	}
	x.counters.Borrowed++
	x.heat.loans.put(now, key, wire.Found{Code: wire.FindRecord, Record: m.Record}, now.Add(loanLife))
}

// answerFind answers the question of a fellow supernode for a record.
func (x *Index) answerFind(now time.Time, key identity.IndexKey) (wire.Found, bool) {
	hot := x.heat.asked(now, key)
	if b := x.store.find(now, key); b != nil {
		if hot {
			x.lend(now, key, b)
		}
		return wire.Found{Code: wire.FindRecord, Record: b, Hot: hot}, true
	}
	loan, ok := x.heat.loans.find(now, key)
	loan.Hot = true
	return loan, ok
}

// anywhere queues four of all who have a record if it is known to be hot.
func (s *search) anywhere(now time.Time, x *Index) {
	if !x.heat.told[s.key].After(now) {
		return
	}
	near := s.nearest(s.key, Replicas+borrowers)
	x.rand.Shuffle(len(near), func(i, j int) { near[i], near[j] = near[j], near[i] })
	for _, m := range near {
		if m.Node != x.self && len(s.queue) < waveFirst {
			s.queue, s.asked = append(s.queue, m), append(s.asked, m.Node)
		}
	}
}
