package overlay

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// attachWait is how long a home may take to answer Attach; the session below
	// repeats what is lost.
	attachWait = waitMost + 2*time.Second
	// refreshEvery is the pause between refreshes, as Skype's; a home may ask
	// for another one within these bounds.
	refreshEvery = time.Minute
	minRefresh   = 10 * time.Second
	maxRefresh   = 10 * time.Minute
	// While homes are missing one more than needed is dialled each raceEvery,
	// up to maxExtra: a dead supernode costs a moment, not a time-out, also when
	// half of them are dead.
	raceEvery = 400 * time.Millisecond
	maxExtra  = 6
	// Who has not answered after queuedFor lets us wait in his queue: somebody else
	// who has little load is tried as well, and the slower one is left when the homes
	// are complete. So nobody waits for the nearest while others have nothing to do.
	queuedFor = 500 * time.Millisecond
	// maxRetryAfter bounds what a home can ask of us.
	maxRetryAfter = 10 * time.Minute
)

// homeState is what a session is to us as a phone.
//
//	          Attach sent            Attached
//	notHome -------------> asked --------------> home
//	   ^                     | Refused, silent     | Refused, no pulse
//	   +---------------------+---------------------+
//
// A session that ends is forgotten in any state.
type homeState uint8

const (
	notHome homeState = iota
	asked             // Attach is under way
	home              // attached; homeAt is the next Refresh
)

// Home is a supernode to which we are attached.
type Home struct {
	Index  wire.Index
	Member wire.Member
	Since  time.Time
	RTT    time.Duration // measured once, when it was attached
}

// Homes returns the homes that we are attached to, the nearest first.
func (o *Overlay) Homes() []Home {
	var hs []Home
	for _, l := range o.links {
		if l.home >= home {
			hs = append(hs, Home{Index: l.ix, Member: l.member(), Since: l.attached, RTT: l.rtt})
		}
	}
	slices.SortStableFunc(hs, func(a, b Home) int { return cmp.Compare(a.RTT, b.RTT) })
	return hs
}

// Pulse returns the last round trip to a home, zero while unknown, and whether a
// sign of its life is overdue.
func (o *Overlay) Pulse(now time.Time, ix wire.Index) (rtt time.Duration, overdue bool) {
	l := o.link(ix)
	if l == nil || l.home != home {
		return 0, true
	}
	p := &l.pulse
	if rtt = l.rtt; p.rtt > 0 && p.rtt < rtt {
		rtt = p.rtt
	}
	return rtt, p.tries > 1 || p.tries == 1 && now.Sub(p.sent) > rtt+rtt/4
}

// Observed returns the address at which most homes see us, the zero value when
// there is none.
func (o *Overlay) Observed() netip.AddrPort {
	var best netip.AddrPort
	most := 0
	for _, l := range o.links {
		if l.home < home || !l.observed.IsValid() {
			continue
		}
		if n := o.observers(l.observed); n > most {
			best, most = l.observed, n
		}
	}
	return best
}

func (o *Overlay) observers(a netip.AddrPort) int {
	n := 0
	for _, l := range o.links {
		if l.home >= home && l.observed == a {
			n++
		}
	}
	return n
}

// countHomes returns how many homes there are that are not doubted, and how many
// may come of what is under way.
func (o *Overlay) countHomes() (have, coming int) {
	have, asked := o.countAsked()
	return have, asked + len(o.dials)
}

// countAsked returns how many homes there are that are not doubted, and how many
// were asked to be.
func (o *Overlay) countAsked() (have, waited int) {
	for _, l := range o.links {
		switch {
		case l.home == home && !o.missed(l):
			have++
		case l.home == asked:
			waited++
		}
	}
	return have, waited
}

// queued returns how many supernodes let us wait.
func (o *Overlay) queued(now time.Time) (n int) {
	for _, l := range o.links {
		if l.home == asked && now.Sub(l.attached) >= queuedFor {
			n++
		}
	}
	return n
}

// Coming returns how many more homes may come of what is under way.
func (o *Overlay) Coming() int {
	have, coming := o.countHomes()
	return max(0, min(coming, o.cfg.Homes-have))
}

// seekHomes attaches where sessions are up, and dials for what is missing.
func (o *Overlay) seekHomes(now time.Time) {
	if o.cfg.Homes == 0 {
		return
	}
	have, waited := o.countAsked()
	if have+waited >= o.cfg.Homes { // who is asked is there, and says so soon
		o.race, o.extra, o.plea = time.Time{}, 0, plea{}
		return
	}
	if o.sounds(now) {
		return // who answers is dialled
	}
	coming := waited + len(o.dials)
	for have+coming < o.cfg.Homes+o.extra {
		e := o.pick(now)
		if e == nil && coming == 0 || e != nil && e.fails > 0 {
			o.plead(now)
		}
		if e == nil {
			break
		}
		o.try(now, e)
		coming++
	}
	if o.race.IsZero() && len(o.dials) > 0 && o.extra < maxExtra {
		o.race = now.Add(raceEvery)
	}
}

// try makes e a home, in the session that there is or in a new one.
func (o *Overlay) try(now time.Time, e *entry) {
	if l := o.linkTo(e.m.Node); l != nil && !e.m.Node.IsZero() {
		o.attach(now, l)
	} else {
		o.dial(now, e.m)
	}
}

// pick returns the entry to try next, nil when none may be tried now: of the most
// promising the nearest of a few at random. So homes are near, and yet not all
// phones of a town turn to the same.
func (o *Overlay) pick(now time.Time) *entry {
	var best []*entry
	var rank promise
	for _, e := range o.cache.entries {
		if e.after.After(now) || o.busy(e) {
			continue
		}
		switch p := o.promise(now, e); {
		case len(best) == 0 || p.less(rank):
			best, rank = append(best[:0], e), p
		case p == rank:
			best = append(best, e)
		}
	}
	if len(best) == 0 {
		return nil
	}
	nearest := best[o.rand.IntN(len(best))]
	for range nearestOf - 1 {
		if e := best[o.rand.IntN(len(best))]; e.probe.rtt > 0 && (nearest.probe.rtt == 0 || e.probe.rtt < nearest.probe.rtt) {
			nearest = e
		}
	}
	return nearest
}

// nearestOf is among how many at random the nearest is chosen.
const nearestOf = 3

// promise is how much an entry promises; what is less promises more.
type promise struct {
	standing standing
	fails    int // entry.rank
	crowded  int // homes, and dials, in its network
	full     int // the load that it has told, in steps
}

func (o *Overlay) promise(now time.Time, e *entry) promise {
	p := promise{standing: e.standing(now), fails: e.rank()}
	if p.standing == lively { // it has told its load
		p.fails, p.full = e.fails, int(e.probe.load)/loadStep
	}
	for _, l := range o.links {
		if l.home != notHome && sameNetwork(l.addr, e.m.Addr) {
			p.crowded++
		}
	}
	for _, d := range o.dials {
		if sameNetwork(d.m.Addr, e.m.Addr) {
			p.crowded++
		}
	}
	return p
}

func (p promise) less(q promise) bool {
	return cmp.Or(cmp.Compare(p.standing, q.standing), cmp.Compare(p.fails, q.fails), cmp.Compare(p.full, q.full), cmp.Compare(p.crowded, q.crowded)) < 0
}

// rank orders entries by how soon they are tried. All phones know the same few
// bootstrap addresses: who knows others leaves those to newcomers, or a handful of
// supernodes would bear the guests of all. When they have told their load that
// decides.
func (e *entry) rank() int {
	if e.bootstrap {
		return e.fails + 1
	}
	return e.fails
}

// busy reports whether e is being tried or is a home already, maybe by its other
// address.
func (o *Overlay) busy(e *entry) bool {
	if o.dialling(e.m) {
		return true
	}
	return slices.ContainsFunc(o.links, func(l *link) bool {
		return l.home != notHome && (l.node == e.m.Node || e.m.Node.IsZero() && l.other.IsValid() && l.other == e.m.Addr)
	})
}

// homeWake returns when an entry may be tried again, if homes are missing.
func (o *Overlay) homeWake() time.Time {
	if o.cfg.Homes == 0 {
		return time.Time{}
	}
	have, coming := o.countHomes()
	if have+coming >= o.cfg.Homes {
		return time.Time{}
	}
	var wake time.Time
	for _, e := range o.cache.entries {
		if !o.busy(e) {
			wake = earlier(wake, e.after)
		}
	}
	return wake
}

// attach asks l to be a home.
func (o *Overlay) attach(now time.Time, l *link) {
	l.home, l.homeAt, l.attached = asked, now.Add(attachWait), now
	o.send(l, wire.Attach{})
}

// offer uses a session of ours that has just come up as a home, if one is
// missing, or is to be exchanged for it, and the node is none yet.
func (o *Overlay) offer(now time.Time, l *link) {
	have, waited := o.countAsked()
	have += waited - o.queued(now)
	if o.rounds.better.Node == l.node {
		have--
	}
	taken := slices.ContainsFunc(o.links, func(x *link) bool { return x != l && x.node == l.node && x.home != notHome })
	e := o.cache.find(l.member())
	if have < o.cfg.Homes && !taken && (e == nil || !e.after.After(now)) {
		o.attach(now, l)
	}
}

func (o *Overlay) handleAttached(now time.Time, l *link, m wire.Attached) {
	if l.home != asked {
		o.counters.Unasked++
		return
	}
	o.learnFrom(now, m.Members)
	o.makeRoom(now, l)
	if have, _ := o.countHomes(); have >= o.cfg.Homes {
		o.send(l, wire.Detach{}) // faster ones have won
		l.home, l.homeAt = notHome, time.Time{}
		o.release(now, l)
		return
	}
	l.refresh = min(max(time.Duration(m.Refresh)*time.Second, minRefresh), maxRefresh)
	slot := o.freeSlot()
	l.home, l.rtt, l.attached = home, now.Sub(l.attached), now
	l.pulse = pulse{slot: slot, rtt: l.rtt}
	if e := o.cache.find(l.member()); e != nil {
		e.probe.rtt = l.rtt
	}
	o.hearPlaces(now, l, m.Other, m.Ports)
	if m.Observed.Port() != 0 { // else it sees us by a stream, which says nothing of UDP
		l.observed = m.Observed
	}
	l.homeAt = now.Add(firstRefresh + o.jitter(firstRefresh))
	o.networkLives(now)
	o.counters.Attached++
	o.replaceDoubtful(now)
	o.waitNoMore(now)
	o.emit(HomesChanged{})
}

// waitNoMore leaves the queues of other supernodes when the homes are complete: their
// turn is for those who need it.
func (o *Overlay) waitNoMore(now time.Time) {
	if have, _ := o.countAsked(); have < o.cfg.Homes {
		return
	}
	for _, l := range slices.Clone(o.links) {
		if l.home == asked && o.rounds.better.Node != l.node {
			o.send(l, wire.Detach{})
			l.home, l.homeAt = notHome, time.Time{}
			o.release(now, l)
		}
	}
}

// replaceDoubtful gives up the home that is doubted most if there is one too many.
func (o *Overlay) replaceDoubtful(now time.Time) {
	homes := o.homeLinks()
	if len(homes) <= o.cfg.Homes {
		return
	}
	worst := slices.MaxFunc(homes, func(a, b *link) int { return cmp.Compare(a.pulse.tries, b.pulse.tries) })
	if o.missed(worst) {
		o.giveUp(now, worst)
	}
}

func (o *Overlay) learnFrom(now time.Time, ms []wire.Member) {
	for _, m := range ms {
		o.hear(now, m)
	}
}

// handleRefused takes the refusal of a home: it is left alone for as long as
// it says and up to half as long again.
func (o *Overlay) handleRefused(now time.Time, l *link, m wire.Refused) {
	if l.home == notHome {
		o.counters.Unasked++
		return
	}
	o.counters.Refused++
	o.learnFrom(now, m.Others)
	after := min(time.Duration(m.After)*time.Second, maxRetryAfter)
	if e := o.cache.find(l.member()); e != nil {
		e.after = now.Add(after + o.jitter(max(after/2, time.Second)))
	}
	o.leaveHome(now, l)
	o.release(now, l)
}

// leaveHome notes that l is no home any more.
func (o *Overlay) leaveHome(now time.Time, l *link) {
	was := l.home
	l.home, l.homeAt, l.observed, l.pulse = notHome, time.Time{}, netip.AddrPort{}, pulse{}
	switch was {
	case home:
		o.counters.HomesLost++
		o.emit(HomesChanged{})
		o.penalise(now, l)
	case asked:
		o.penalise(now, l)
	}
}

// penalise lets others be tried before l's node.
func (o *Overlay) penalise(now time.Time, l *link) {
	if e := o.cache.find(l.member()); e != nil && !e.after.After(now) {
		e.fails++
		e.after = now.Add(o.backoff(e.fails))
	}
}

// advanceHome refreshes an attachment, or gives up a home that keeps silent.
func (o *Overlay) advanceHome(now time.Time, l *link) {
	if !passed(l.homeAt, now) {
		return
	}
	switch l.home {
	case home:
		o.keepAttached(now, l)
	case asked:
		o.leaveHome(now, l)
		o.release(now, l)
	}
}

// handleMembers takes what a home tells now and then, as an answer to Refresh.
func (o *Overlay) handleMembers(now time.Time, l *link, m wire.Members) {
	if l.home != home || l.owed == 0 {
		o.counters.Unasked++
		return
	}
	l.owed = 0
	o.learnFrom(now, m.Live)
}
