package login

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"peerphone/node/identity"
)

// penaltyRule says how wrong passwords slow down who sends them.
type penaltyRule struct {
	free  int           // wrong ones that cost nothing
	first time.Duration // wait after the next one; doubles with each further one
	limit time.Duration // longest wait
}

// A source that guesses is slowed to four guesses an hour. An account is never
// locked, or anyone could lock its owner out: all sources together get two
// guesses a minute.
var (
	sourceRule  = penaltyRule{free: 5, first: time.Second, limit: 15 * time.Minute}
	accountRule = penaltyRule{free: 10, first: time.Second, limit: 30 * time.Second}
)

// Bounds of penalties (our own choices).
const (
	// maxPenalties is how many sources and accounts are remembered; the one
	// that was longest quiet is forgotten first.
	maxPenalties = 8192
	// penaltyForgotten is when a penalty of someone quiet is forgotten.
	penaltyForgotten = time.Hour
)

// penalties counts wrong passwords by source and by account.
type penalties struct {
	mu    sync.Mutex
	byKey map[string]*list.Element // guarded by mu
	order list.List                // guarded by mu; of *penalty, the one that was longest quiet in front
}

type penalty struct {
	key   string
	wrong int
	last  time.Time // of the last wrong one
}

func newPenalties() *penalties { return &penalties{byKey: make(map[string]*list.Element)} }

// charge counts a try as wrong before it is known to be, so that a hundred at
// once do not pass for one. It returns how long to wait when the try is too
// early, and then counts nothing.
func (p *penalties) charge(now time.Time, key string, r penaltyRule) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entryLocked(now, key)
	if wait := e.last.Add(r.wait(e.wrong)).Sub(now); e.wrong > r.free && wait > 0 {
		return wait
	}
	e.wrong, e.last = e.wrong+1, now
	return 0
}

// refund takes back a charge for a try that was right.
func (p *penalties) refund(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.byKey[key]; ok {
		e.Value.(*penalty).wrong = max(0, e.Value.(*penalty).wrong-1)
	}
}

// forget forgets all wrong tries of key.
func (p *penalties) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.byKey[key]; ok {
		p.order.Remove(e)
		delete(p.byKey, key)
	}
}

// entryLocked returns the penalty of key, a new one if need be.
func (p *penalties) entryLocked(now time.Time, key string) *penalty {
	e, ok := p.byKey[key]
	if !ok {
		if len(p.byKey) >= maxPenalties {
			oldest := p.order.Front()
			delete(p.byKey, oldest.Value.(*penalty).key)
			p.order.Remove(oldest)
		}
		e = p.order.PushBack(&penalty{key: key})
		p.byKey[key] = e
	}
	p.order.MoveToBack(e)
	v := e.Value.(*penalty)
	if now.Sub(v.last) > penaltyForgotten {
		v.wrong = 0
	}
	return v
}

// wait returns the wait after that many wrong tries.
func (r penaltyRule) wait(wrong int) time.Duration {
	over := wrong - r.free - 1
	switch {
	case over < 0:
		return 0
	case over > 20:
		return r.limit
	}
	return min(r.limit, r.first<<over)
}

// sourceKey is the prefix that one household has: an IPv4 address or an IPv6
// /64.
func sourceKey(a netip.Addr) string {
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "source"
	}
	return "source " + p.String()
}

func accountKey(n identity.Name) string { return "account " + string(n) }
