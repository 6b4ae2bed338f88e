package overlay

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Config is what an Overlay needs. Zero numbers take the values beside them.
type Config struct {
	Rand io.Reader // read once, at New: a seed of 32 bytes
	// SelfAddr is where others reach us, and SelfAddr6 where beside that over
	// IPv6, if SelfAddr is of IPv4. Only a supernode's count.
	SelfAddr, SelfAddr6 netip.AddrPort
	// Verify reports whether sig is id's signature of msg, and CheckNode whether a
	// compact node certificate holds at now: ports, as signatures are verified
	// outside of the cores. Only a supernode needs them.
	Verify    func(id identity.ID, msg, sig []byte) bool
	CheckNode func(compact []byte, now time.Time) error
	// Supernode makes this node serve others; SelfAddr must be valid then.
	Supernode bool
	Homes     int // attachments to keep: 3 for a phone, 0 for a pure supernode
	// Streamed reports whether a session goes by a stream, not by datagrams; nil:
	// none does. Only a phone needs it.
	Streamed func(ix wire.Index) bool

	MaxGuests  int     // attachments to admit; 1000
	AttachRate float64 // attachments to admit per second; 50
}

// Counters count what the Overlay met. They only grow.
type Counters struct {
	Dials      uint64
	Failures   uint64 // of dials
	Attached   uint64 // homes won
	HomesLost  uint64
	Refused    uint64 // refusals by homes
	Admitted   uint64 // guests
	TurnedAway uint64 // guests
	Unasked    uint64 // messages that fit no state
	Met        uint64 // members proved by a session
	Died       uint64 // members
	Expelled   uint64 // of these, because their keys are revoked
	PutOff     uint64 // restarts of ours, because too many others were away
	Testified  uint64 // members that we found dead ourselves
	Refuted    uint64 // how often others did of us
	Evicted    uint64 // cache entries
	Crowded    uint64 // hearsay of networks of which the cache has enough
	Probes     uint64 // of cache entries
	Exchanged  uint64 // homes, for nearer ones
	Hasty      uint64 // doubts of guests beyond their limit
	Refusals   Refusals
}

// Refusals count news that was refused, by what was wrong with it.
type Refusals struct {
	Malformed uint64 // an impossible address, or an incarnation far ahead
	Foreign   uint64 // the certificate is not ours, or has expired
	Forged    uint64 // the signature does not hold
	Quota     uint64 // too many of one prefix
	Full      uint64 // too many in all
	Struck    uint64 // the witness was refuted too often
	Astray    uint64 // who joins speaks from another prefix than it announces
}

// Overlay is the state of both halves. The zero value is not usable.
type Overlay struct {
	cfg   Config
	ports wire.Ports // at which we take streams
	rand  *rand.Rand

	links []*link      // sessions with nodes, by age
	index []wire.Index // of links, in their order: it is looked through with each input
	dials []*dial      // under way, by age
	cache cache

	// race is when one more home than needed is dialled, because those under
	// way are slow. Set when homes are missing, cleared when they are not.
	race  time.Time
	heard time.Time // when somebody was last heard who shows that the network works
	news  time.Time // when a home is asked for members
	turn  time.Time // from when the turns of the homes' beats are counted
	extra int       // homes dialled beyond need; at most maxExtra

	// restart is when our turn to restart comes: set by WishRestart, cleared when it
	// is granted.
	restart time.Time

	rounds rounds
	sound  sound
	lonely lonely
	plea   plea

	binding time.Duration // how often homes are asked at least; 0: no NAT wants that

	guests    map[identity.ID]*link // attached here
	admission admission
	beats     beats     // guests that want to hear us
	beatAt    time.Time // when the next of them does; zero: none does
	told      []told    // of whose silence guests were told, by age

	// Of a supernode.
	self        Self
	place       wire.Place
	limits      Limits
	table       table
	scope       scope
	routes      routes               // while the scope is not whole
	toll        int                  // members that have died since the last Upheaval
	strikes     map[wire.Place]uint8 // of witnesses who were refuted
	suspicions  []suspicion          // by age
	muster      muster
	findings    findings
	gossip      gossip
	sync        syncState
	syncBy      time.Time // when we take ourselves for the first; set by Learn, cleared when synced
	exchange    time.Time // when a fellow is asked what it knows
	audit       time.Time // when somebody is asked whether it is there
	refuted     time.Time // when we last refuted our death
	decline     decline
	burial      time.Time    // when the dead of long ago are forgotten
	roster      time.Time    // when the roster is to be written; set by Learn
	unconfirmed bool         // nobody has said that he knows whom our roster knows
	confirmed   []wire.Place // whom somebody knows of those in our roster; at most maxConfirmed
	nearChanged bool         // NeighboursChanged has been told

	gone bool // Leave has been called: nothing is asked for any more

	// wake is what Next returns while calm: it is asked far more often than
	// something changes. Every verb that may set or clear a timer clears calm.
	wake time.Time
	calm bool

	out      []Event
	counters Counters
}

// New returns an Overlay that knows nobody. Learn starts it.
func New(cfg Config) *Overlay {
	if cfg.MaxGuests == 0 {
		cfg.MaxGuests = 1000
	}
	if cfg.AttachRate == 0 {
		cfg.AttachRate = 50
	}
	var seed [32]byte
	if _, err := io.ReadFull(cfg.Rand, seed[:]); err != nil {
		panic(fmt.Sprintf("overlay: no randomness: %v", err))
	}
	return &Overlay{
		limits:    Limits{Quota: identity.DefaultQuota},
		cfg:       cfg,
		rand:      rand.New(rand.NewChaCha8(seed)),
		guests:    map[identity.ID]*link{},
		strikes:   map[wire.Place]uint8{},
		admission: newAdmission(cfg.AttachRate),
	}
}

// Take returns what has been asked since the last Take, oldest first.
func (o *Overlay) Take() []Event {
	out := o.out
	o.out = nil
	return out
}

// Counters returns the counters.
func (o *Overlay) Counters() Counters { return o.counters }

func (o *Overlay) emit(e Event) {
	o.calm = false
	o.out = append(o.out, e)
}

func (o *Overlay) send(l *link, m wire.Message) { o.emit(Send{Index: l.ix, Message: m}) }

// Learn tells of supernodes: from the disk, the network parameters, or a
// directory. Node is zero when only the address is known; such bootstrap
// entries are never evicted. Node calls Learn once at the start even when
// there is nothing to tell.
func (o *Overlay) Learn(now time.Time, ms []wire.Member) {
	for _, m := range ms {
		o.hear(now, m)
	}
	if o.cfg.Supernode {
		o.begin(now)
		o.announce(now) // anew if our ports have changed
	}
	o.pump(now)
}

// begin starts the timers of a supernode, at the first Learn.
func (o *Overlay) begin(now time.Time) {
	if !o.exchange.IsZero() {
		return
	}
	o.syncBy = now.Add(syncWait)
	o.exchange = now.Add(exchangeSoon)
	o.audit = now.Add(o.jitter(auditEvery))
	o.burial = now.Add(strikeEvery)
	o.roster = now.Add(rosterSoon)
	o.gossip.turned = now
}

// Settled tells that what NeighboursChanged told has been dealt with.
func (o *Overlay) Settled() { o.nearChanged = false }

// hear notes a supernode by hearsay.
func (o *Overlay) hear(now time.Time, m wire.Member) {
	if m.Node == o.self.Node && !m.Node.IsZero() || !o.elsewhere(m) {
		return
	}
	o.hearEntry(now, m)
}

// elsewhere reports whether the addresses of m are such as can be dialled, and
// not ours.
func (o *Overlay) elsewhere(m wire.Member) bool {
	return dialable(m.Addr) && (!m.Addr6.IsValid() || dialable(m.Addr6)) && !m.At(o.cfg.SelfAddr) && !m.At(o.cfg.SelfAddr6)
}

func dialable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified() && !a.Addr().IsMulticast()
}

// Up tells that a session with a node is up, whoever asked for it. Before
// SetSelf nobody is served: we could not say who we are.
func (o *Overlay) Up(now time.Time, ix wire.Index, node identity.ID, addr netip.AddrPort, initiator bool) {
	l := &link{ix: ix, node: node, addr: addr, since: now, dir: theirs}
	wanted := false
	if initiator {
		l.dir = ours
		wanted = o.dialled(now, l)
	}
	if node == o.self.Node || o.self.Node.IsZero() {
		o.emit(Drop{Index: ix})
		return
	}
	o.links, o.index = append(o.links, l), append(o.index, l.ix)
	switch l.dir {
	case ours:
		o.offer(now, l)
		o.meet(now, l)
		if wanted {
			o.release(now, l)
		}
	case theirs:
		o.boundVisitors(now)
	}
	o.pump(now)
}

// Down tells that a session has ended.
func (o *Overlay) Down(now time.Time, ix wire.Index, reason error) {
	if l := o.link(ix); l != nil {
		o.unlink(now, l)
		o.pump(now)
	}
}

// Failed tells that the Dial of m did not lead to a session.
func (o *Overlay) Failed(now time.Time, m wire.Member, reason error) {
	i := slices.IndexFunc(o.dials, func(d *dial) bool { return d.m == m })
	if i < 0 {
		return
	}
	d := o.dials[i]
	o.dials = slices.Delete(o.dials, i, i+1)
	o.failed(now, d)
	o.pump(now)
}

// Handle takes a message of the overlay that came in session ix.
func (o *Overlay) Handle(now time.Time, ix wire.Index, m wire.Message) {
	l := o.link(ix)
	if l == nil {
		o.counters.Unasked++
		return
	}
	switch m := m.(type) {
	case wire.Attach:
		o.handleAttach(now, l)
	case wire.Detach:
		o.handleDetach(now, l)
	case wire.Attached:
		o.handleAttached(now, l, m)
	case wire.Refused:
		o.handleRefused(now, l, m)
	case wire.Members:
		o.handleMembers(now, l, m)
	case wire.Join:
		o.handleJoin(now, l, m)
	case wire.Gossip:
		o.handleGossip(now, l, m)
	case wire.Digest:
		o.handleDigest(now, l, m)
	case wire.Roll:
		o.handleRoll(now, l, m)
	default:
		o.counters.Unasked++
	}
	o.pump(now)
}

// pump asks for whatever is missing.
func (o *Overlay) pump(now time.Time) {
	o.calm = false
	if o.gone {
		return
	}
	o.seekHomes(now)
	o.armProbes(now)
	o.armLonely(now)
	o.seekMesh(now)
}

// Next returns when Advance wants to be called; zero: never.
func (o *Overlay) Next() time.Time {
	if !o.calm {
		o.wake, o.calm = o.soonest(), true
	}
	return earlier(o.wake, o.beatWake())
}

// soonest returns the earliest time at which something but a beat is due.
func (o *Overlay) soonest() time.Time {
	if o.gone {
		return time.Time{}
	}
	next := earlier(earlier(o.race, o.cache.write), o.sound.end)
	for _, l := range o.links {
		next = earlier(next, l.due())
	}
	for _, d := range o.dials {
		next = earlier(next, d.end)
	}
	next = earlier(earlier(next, o.homeWake()), earlier(o.pulseWake(), earlier(o.rounds.next, earlier(earlier(o.rounds.rush, o.rounds.nearer), o.lonely.next))))
	if !o.cfg.Supernode {
		return next
	}
	next = earlier(earlier(next, o.syncBy), earlier(earlier(o.gossip.tick, o.findings.at), o.exchange))
	next = earlier(next, o.routesWake())
	next = earlier(next, o.restart)
	next = earlier(next, o.admission.next)
	return earlier(earlier(next, earlier(o.burial, o.roster)), earlier(o.suspicionWake(), o.meshWake()))
}

// Advance fires what is due.
func (o *Overlay) Advance(now time.Time) {
	if o.gone {
		return
	}
	o.sendBeats(now)
	if o.calm && !passed(o.wake, now) {
		return
	}
	o.advanceDials(now)
	o.advanceLinks(now)
	o.feelPulse(now)
	if o.cfg.Supernode {
		o.advanceAdmission(now)
		o.advanceFindings(now)
		o.advanceGossip(now)
		o.advanceExchange(now)
		o.advanceRoutes(now)
		o.advanceSuspicions(now)
		o.bury(now)
		o.advanceRoster(now)
		o.advanceStage(now)
	}
	o.advanceCache(now)
	o.advanceSound(now)
	o.advanceProbes(now)
	o.advanceLonely(now)
	if passed(o.race, now) {
		o.race = time.Time{}
		o.extra = min(o.extra+1, maxExtra)
	}
	o.pump(now)
}

// advanceLinks fires what is due of the sessions.
func (o *Overlay) advanceLinks(now time.Time) {
	due := func(l *link) bool { return passed(l.due(), now) }
	if !slices.ContainsFunc(o.links, due) {
		return
	}
	for _, l := range slices.Clone(o.links) {
		if due(l) {
			o.advanceHome(now, l)
			o.advanceGuest(now, l)
			o.advanceJoin(now, l)
		}
	}
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// passed reports whether the timer t is set and due.
func passed(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// jitter returns a random duration below d.
func (o *Overlay) jitter(d time.Duration) time.Duration {
	return time.Duration(o.rand.Int64N(int64(max(d, 1))))
}
