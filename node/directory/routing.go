package directory

import (
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Routing is the membership of a network that is too large for each supernode to
// know all others, as searches need it.
type Routing interface {
	// Partial reports whether we know a part of the supernodes only.
	Partial() bool
	// Toward returns the n nearest to a key that we know, ourselves included, and
	// Own our own announcement; nil: we are nobody.
	Toward(key identity.IndexKey, n int) []wire.Contact
	Own() []byte
	// Proves reports whether an announcement is that of the supernode at c, and
	// whose that is.
	Proves(now time.Time, c wire.Contact, announcement []byte) (identity.ID, bool)
	// Heard tells that the one at c has proved its announcement, or, without one,
	// that it keeps silent.
	Heard(now time.Time, c wire.Contact, announcement []byte)
	// Propose tells that somebody would be known, as it says.
	Propose(now time.Time, announcement []byte)
	// Closed tells that these have been found to be the nearest to a key.
	Closed(now time.Time, key identity.IndexKey, near []wire.Place)
}

// everybody is the membership of a network in which everybody knows all.
type everybody struct{}

func (everybody) Partial() bool                                                   { return false }
func (everybody) Toward(identity.IndexKey, int) []wire.Contact                    { return nil }
func (everybody) Own() []byte                                                     { return nil }
func (everybody) Heard(time.Time, wire.Contact, []byte)                           {}
func (everybody) Propose(time.Time, []byte)                                       {}
func (everybody) Closed(time.Time, identity.IndexKey, []wire.Place)               {}
func (everybody) Proves(time.Time, wire.Contact, []byte) (_ identity.ID, ok bool) { return }

// near lets then have whoever is nearest to a key: at once where everybody knows
// all, else when a walk has found them.
func (x *Index) near(now time.Time, key identity.IndexKey, nearest func(identity.IndexKey, int) []wire.Member, then func(time.Time, []wire.Member)) {
	switch {
	case !x.cfg.Routing.Partial():
		then(now, nearest(key, Replicas))
	case len(x.jobs) >= maxJobs:
		x.counters.Limited++
		then(now, nil)
	default:
		x.seek(now, &seek{quest: quest{key: key}, goal: placing, then: then})
	}
}

// doubtKeepers lets it be looked whether all have a record who should, now that
// somebody has given it to us: where nobody knows all, a walk may have missed one.
func (x *Index) doubtKeepers(now time.Time, key identity.IndexKey) {
	if s := x.store.at(key); s != nil && x.cfg.Routing.Partial() {
		s.near = 0
		x.review = earlier(x.review, now.Add(reviewWait))
	}
}

// guide answers a Seek: with the record, or with who stands nearer.
func (x *Index) guide(now time.Time, nonce uint64, m wire.Seek) wire.Message {
	if len(m.Self) > 0 {
		x.cfg.Routing.Propose(now, m.Self)
	}
	if !m.Only {
		if found, ok := x.answerFind(now, m.Key); ok {
			return found
		}
	}
	own := x.cfg.Routing.Own()
	if x.sign == nil || own == nil {
		return nil // not certified yet
	}
	g := wire.Guide{Code: x.denial(), Self: own}
	if x.store.find(now, m.Key) != nil {
		g.Code = wire.FindRecord
	}
	var near []wire.Contact
	for _, c := range x.cfg.Routing.Toward(m.Key, wire.MaxNear+1) {
		if c.Member.Node != x.self && len(near) < wire.MaxNear {
			near = append(near, c)
		}
	}
	for n := len(near); ; n-- { // with two addresses each there may be no room for all
		if g.Near = wire.AppendContacts(nil, near[:n]); !m.Only || len(g.Near) <= wire.OnlyNear {
			break
		}
	}
	g.Signature = x.sign(wire.GuideMessage(nonce, m.Key, g))
	return g
}
