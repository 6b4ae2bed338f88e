package path

import (
	"io"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// An identity opens a burst of opensBurst legs and one more each opensEvery. A
	// call takes two, one of them a standby, also one that only rings; three homes
	// let one through each calleeEvery. Over three relays that is as many as come
	// free here: else strangers who ring could use up what a callee may open.
	opensBurst = 12
	opensEvery = calleeEvery / 2
	// maxLive bounds the pairs that one identity is in: a conference's mixer.
	maxLive = 16
	// lonelyFor is how long a leg waits for the other one, idleFor how long a
	// pair may carry nothing: its phones check it each second.
	lonelyFor = 30 * time.Second
	idleFor   = 30 * time.Second
	// maxUsed bounds the tickets that are remembered after their pair: 64 bytes
	// each. Of more the oldest are forgotten, and could be used once more.
	maxUsed = 4096
	// relayTick is how often purses are filled and pairs looked at.
	relayTick = 250 * time.Millisecond
)

// RelayConfig makes a Relay.
type RelayConfig struct {
	Rand    io.Reader                                  // channels and jitter
	Verify  func(id identity.ID, msg, sig []byte) bool // Ed25519
	Monthly uint64                                     // the owner's cap in bytes a calendar month, in and out, with headers; 0: none
	Kept    RelayMonth                                 // what was carried before
	Line    uint64                                     // bytes a second that the owner gives, each way; 0: as measured
	// Session returns our session with a node, and by which way its frames go, for
	// who is called to a leg (RelayReady); nil: nobody is.
	Session func(id identity.ID) (ix wire.Index, w Way, ok bool)
}

// RelayCounts count what a Relay was asked. They only grow.
type RelayCounts struct {
	Opened  uint64 // pairs
	Refused uint64 // legs, for whatever reason
	Forged  uint64 // of those: by tickets that nobody signed
}

// Relay is the supernode's half of relaying: it joins two phones that have a
// session with it and a ticket of the callee. Legs is its data plane. It never
// sends to an address that has not proven itself in a session. The zero value
// is not usable.
type Relay struct {
	rand   io.Reader
	verify func(id identity.ID, msg, sig []byte) bool
	with   func(id identity.ID) (wire.Index, Way, bool) // RelayConfig.Session
	self   identity.ID
	legs   *Legs

	pairs   map[ticketKey]*pair
	byAge   []*pair                     // in the order in which they began
	byLeg   map[wire.Index][]*pair      // by the sessions of their legs
	used    map[ticketKey]time.Time     // tickets whose pair is over, until they expire
	lately  []ticketKey                 // the same, the oldest first
	parties map[identity.ID]*relayParty // who opens legs
	tick    time.Time                   // the next look at everything; set while there are pairs or parties
	ticked  time.Time                   // the last one
	load    load
	month   month
	out     []Event
	counts  RelayCounts
}

// pair is two legs that belong together.
type pair struct {
	key      ticketKey
	expiry   time.Time
	sides    [2]side // the caller's, the callee's
	left     atomic.Int64
	leftThen int64     // at the last tick
	quiet    time.Time // since when it has carried nothing
}

// side is one leg with its owner.
type side struct {
	leg   *Leg
	party *relayParty
	ix    wire.Index // the session in which it was opened; 0: not open
}

// relayParty is an identity that opens legs.
type relayParty struct {
	id    identity.ID
	opens *rate.Limiter
	live  int          // pairs
	purse atomic.Int64 // bytes that it may send now
}

// RelayReply asks to send Message in the session Index.
type RelayReply struct {
	Index   wire.Index
	Message wire.Message
}

func (RelayReply) event() {}

// NewRelay returns a Relay without legs. SetSelf must follow.
func NewRelay(cfg RelayConfig) *Relay {
	return &Relay{
		rand: cfg.Rand, verify: cfg.Verify, with: cfg.Session, legs: new(Legs),
		pairs: map[ticketKey]*pair{}, byLeg: map[wire.Index][]*pair{},
		used: map[ticketKey]time.Time{}, parties: map[identity.ID]*relayParty{},
		load: newLoad(cfg.Line), month: month{cap: cfg.Monthly, kept: cfg.Kept},
	}
}

// SetSelf says who we are: the relay that tickets must name.
func (r *Relay) SetSelf(now time.Time, self identity.ID) {
	r.self = self
	r.turn(now)
}

// Legs returns the data plane.
func (r *Relay) Legs() *Legs { return r.legs }

// Pairs returns how many pairs there are.
func (r *Relay) Pairs() int { return len(r.byAge) }

// Counts returns the counts.
func (r *Relay) Counts() RelayCounts { return r.counts }

// Take returns what has been asked since the last Take, oldest first.
func (r *Relay) Take() []Event {
	out := r.out
	r.out = nil
	return out
}

// Open takes a RelayOpen that came in the session ix, whose peer is asker and
// whose frames go by w.
func (r *Relay) Open(now time.Time, ix wire.Index, asker identity.ID, w Way, m wire.RelayOpen) {
	t := m.Ticket
	p := r.pairs[keyOf(t)]
	first := p == nil
	if first {
		var code wire.RelayCode
		if p, code = r.admit(now, asker, t); p == nil {
			r.refuse(ix, t.Serial, code)
			return
		}
	}
	s := p.side(asker)
	if s == nil {
		r.refuse(ix, t.Serial, wire.RelayForeign)
		return
	}
	r.leave(p, s)
	s.ix = ix
	r.byLeg[ix] = append(r.byLeg[ix], p)
	s.leg.bind(w)
	p.quiet = now
	r.reply(ix, wire.RelayOpened{Serial: t.Serial, Channel: s.leg.channel})
	if caller := &p.sides[0]; first && s != caller {
		r.call(caller, t.Serial)
	}
}

// call lets the caller use its leg before it has asked for it, if it has a session
// with us: it may have to answer for its ticket, but that takes a round trip, in
// which the callee has spoken already. Nothing goes to it before it sends something
// by that leg, for nobody is made to receive what it has not asked for.
func (r *Relay) call(caller *side, serial uint64) {
	if r.with == nil {
		return
	}
	if ix, w, ok := r.with(caller.party.id); ok {
		caller.leg.expect(w)
		r.reply(ix, wire.RelayReady{Serial: serial, Channel: caller.leg.channel})
	}
}

// admit makes the pair of a ticket that is shown for the first time.
func (r *Relay) admit(now time.Time, asker identity.ID, t wire.Ticket) (*pair, wire.RelayCode) {
	who := r.party(now, asker)
	switch {
	case who == nil || !who.opens.AllowN(now, 1):
		return nil, wire.RelayBusy
	case r.month.spent(r.legs):
		return nil, wire.RelayCapped
	}
	if code := fits(now, t, r.self, asker); code != 0 {
		return nil, code
	}
	if !r.used[keyOf(t)].IsZero() {
		return nil, wire.RelaySpent
	}
	caller, callee := r.party(now, t.Caller), r.party(now, t.Callee)
	if caller == nil || callee == nil || caller.live >= maxLive || callee.live >= maxLive || !r.load.room(len(r.byAge)) {
		return nil, wire.RelayBusy
	}
	if !r.verify(t.Callee, wire.TicketMessage(t), t.Signature) {
		r.counts.Forged++
		return nil, wire.RelayForeign
	}
	return r.join(now, t, caller, callee), 0
}

// join makes a pair whose legs nobody has bound yet.
func (r *Relay) join(now time.Time, t wire.Ticket, caller, callee *relayParty) *pair {
	p := &pair{key: keyOf(t), expiry: time.Unix(t.Expiry, 0), quiet: now}
	p.left.Store(int64(min(t.Budget, ticketBudget)))
	p.leftThen = p.left.Load()
	legs := r.legs.pair(func() uint32 { return draw32(r.rand) }, &p.left, [2]*atomic.Int64{&caller.purse, &callee.purse})
	p.sides = [2]side{{leg: legs[0], party: caller}, {leg: legs[1], party: callee}}
	caller.live++
	callee.live++
	r.pairs[p.key] = p
	r.byAge = append(r.byAge, p)
	r.counts.Opened++
	return p
}

// side returns the side of id; nil: it has no part in the pair.
func (p *pair) side(id identity.ID) *side {
	for i := range p.sides {
		if p.sides[i].party.id == id {
			return &p.sides[i]
		}
	}
	return nil
}

// party returns what is known of id; nil when there are too many parties.
func (r *Relay) party(now time.Time, id identity.ID) *relayParty {
	p := r.parties[id]
	if p == nil && len(r.parties) < maxParties {
		p = &relayParty{id: id, opens: rate.NewLimiter(rate.Every(opensEvery), opensBurst)}
		p.purse.Store(purseSize)
		r.parties[id] = p
		if r.tick.IsZero() {
			r.tick, r.ticked = now.Add(relayTick), now
		}
	}
	return p
}

// refuse says no, and when to come back.
func (r *Relay) refuse(ix wire.Index, serial uint64, code wire.RelayCode) {
	r.counts.Refused++
	var after uint16
	if code == wire.RelayBusy {
		after = 5 + uint16(draw32(r.rand)%11)
	}
	r.reply(ix, wire.RelayRefused{Serial: serial, Code: code, After: after})
}

func (r *Relay) reply(ix wire.Index, m wire.Message) { r.out = append(r.out, RelayReply{ix, m}) }

// Closed takes a RelayClosed of the session ix: its phone needs the leg no
// more.
func (r *Relay) Closed(now time.Time, ix wire.Index, m wire.RelayClosed) {
	for _, p := range r.byLeg[ix] {
		for i := range p.sides {
			if s := &p.sides[i]; s.ix == ix && s.leg.channel == m.Channel {
				r.leave(p, s)
				r.end(p, wire.RelayGone)
				return
			}
		}
	}
}

// Proven tells that the peer of session ix can be reached by w: its legs move
// there with the next frame that comes from there.
func (r *Relay) Proven(now time.Time, ix wire.Index, w Way) {
	for _, p := range r.byLeg[ix] {
		for i := range p.sides {
			if s := &p.sides[i]; s.ix == ix {
				s.leg.prove(w)
			}
		}
	}
}

// Lost tells that session ix has ended. Its legs wait for their owners to open
// them again in another one.
func (r *Relay) Lost(now time.Time, ix wire.Index) {
	for _, p := range slices.Clone(r.byLeg[ix]) {
		for i := range p.sides {
			if s := &p.sides[i]; s.ix == ix {
				r.leave(p, s)
				p.quiet = now
			}
		}
	}
}

// leave unbinds a side from its session.
func (r *Relay) leave(p *pair, s *side) {
	if s.ix == 0 {
		return
	}
	if r.byLeg[s.ix] = without(r.byLeg[s.ix], p); len(r.byLeg[s.ix]) == 0 {
		delete(r.byLeg, s.ix)
	}
	s.ix = 0
	s.leg.unbind()
}

// end forgets a pair and tells who still holds a leg.
func (r *Relay) end(p *pair, why wire.RelayCode) {
	for i := range p.sides {
		s := &p.sides[i]
		if s.ix != 0 {
			r.reply(s.ix, wire.RelayClosed{Channel: s.leg.channel, Code: why})
		}
		r.leave(p, s)
		r.legs.drop(s.leg)
		s.party.live--
	}
	delete(r.pairs, p.key)
	r.byAge = without(r.byAge, p)
	r.remember(p)
}

// remember keeps a ticket from being used again.
func (r *Relay) remember(p *pair) {
	r.used[p.key] = p.expiry
	r.lately = append(r.lately, p.key)
	if len(r.lately) > maxUsed {
		delete(r.used, r.lately[0])
		r.lately = r.lately[1:]
	}
}

// Next returns when Advance wants to be called; zero: never.
func (r *Relay) Next() time.Time { return r.tick }

// Advance fills purses, ends pairs that are spent or idle, and measures.
func (r *Relay) Advance(now time.Time) {
	if r.tick.IsZero() || r.tick.After(now) {
		return
	}
	passed := now.Sub(r.ticked)
	r.turn(now)
	for _, p := range slices.Clone(r.byAge) {
		r.look(now, p)
	}
	r.load.measure(now, r.legs.Counts(), len(r.byAge))
	r.fill(now, passed)
	r.keepMonth(now)
	r.ticked, r.tick = now, time.Time{}
	if len(r.parties) > 0 {
		r.tick = now.Add(relayTick)
	}
}

// look ends a pair that is spent, lonely or idle.
func (r *Relay) look(now time.Time, p *pair) {
	left := p.left.Load()
	if left != p.leftThen {
		p.leftThen, p.quiet = left, now
	}
	patience := idleFor
	if p.sides[0].ix == 0 || p.sides[1].ix == 0 {
		patience = lonelyFor
	}
	switch {
	case left < wire.RelayHeader+wire.MaxInner:
		r.end(p, wire.RelaySpent)
	case r.month.spent(r.legs):
		r.end(p, wire.RelayCapped)
	case now.Sub(p.quiet) >= patience:
		r.end(p, wire.RelayGone)
	}
}

// fill gives each party what it may send, and forgets those that are whole
// again and in no pair.
func (r *Relay) fill(now time.Time, passed time.Duration) {
	share := int64(float64(purseRate) * passed.Seconds())
	for id, p := range r.parties {
		if full := purseSize - p.purse.Load(); full > 0 {
			p.purse.Add(min(share, full))
		}
		if p.live == 0 && p.opens.TokensAt(now) >= opensBurst {
			delete(r.parties, id)
		}
	}
	for len(r.lately) > 0 && !r.used[r.lately[0]].After(now) {
		delete(r.used, r.lately[0])
		r.lately = r.lately[1:]
	}
}
