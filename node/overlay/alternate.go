package overlay

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

// A phone has an alternate node table: the entries of its host cache that have
// answered a question lately (wire.TopicPing). When a home is lost they are
// turned to first.
//
// About twenty are asked soon after the arrival, one after the other, and each
// hour again. If homes are missing and those that are dialled keep silent, twenty
// are asked at once: half of a cache may be of last month, and the living show
// within a round trip.
const (
	// maxProbes is how many are asked in the first round, as Skype's; laterProbes
	// how many in the next ones, for an idle phone counts its bytes.
	maxProbes   = 20
	laterProbes = 8
	// The first round begins arrivalWait after the homes are complete, the next
	// each roundEvery.
	arrivalWait = 5 * time.Second
	roundEvery  = time.Hour
	probeEvery  = time.Second
	// At once, so many are asked when homes have been missing for rushAfter, and
	// others each rushEvery, those first whom we have not asked for rushAgain.
	rushAfter = 600 * time.Millisecond
	rushEvery = time.Second
	rushAgain = 2 * time.Minute
	// When all have been asked they are asked again after soonAgain: many may be dead
	// now, or come back, or have room.
	soonAgain = 2 * time.Second
	// probeWait is after what time without an answer others are preferred.
	probeWait = time.Second
	// aliveFor is how long an answer makes an entry an alternate.
	aliveFor = 90 * time.Minute
	// livelyFor is how long one is preferred to those who have answered earlier.
	livelyFor = 10 * time.Second
	// A home is exchanged for an alternate that is nearer by so much, and by half:
	// once in a round, for each change of the homes costs the record's keepers.
	nearerBy = 50 * time.Millisecond
)

// probe is what an entry has said to the question whether it is there.
type probe struct {
	nonce uint64        // of the last question, 0 when it is answered
	asked time.Time     // when; zero: never
	alive time.Time     // last answer
	rtt   time.Duration // of the last answer; 0: not known
	load  uint8         // said in the last answer
}

// rounds are the timers of the probes.
type rounds struct {
	left int // probes of this round
	// next is when the next one is asked, or the next round begins. Set when the
	// homes are complete, cleared when they are not.
	next time.Time
	// rush is when many are asked at once. Set when homes are missing, cleared when
	// they are not.
	rush time.Time
	// nearer is when a home may be exchanged for one that is nearer: once in a
	// round, at any time in it. Set by the end of a round.
	nearer time.Time
	better wire.Member // for which a home is to be exchanged; zero: none
}

// standing says how promising an entry is.
type standing uint8

const (
	lively    standing = iota // it has answered a moment ago
	alternate                 // it has answered lately
	unasked
	unanswered
)

func (e *entry) standing(now time.Time) standing {
	switch {
	case !e.probe.alive.IsZero() && now.Sub(e.probe.alive) < livelyFor && e.probe.nonce == 0:
		return lively
	case !e.probe.alive.IsZero() && now.Sub(e.probe.alive) < aliveFor && e.probe.nonce == 0:
		return alternate
	case e.probe.nonce != 0 && !e.probe.asked.Add(probeWait).After(now):
		return unanswered
	}
	return unasked
}

// Alternates returns how many supernodes the alternate node table has.
func (o *Overlay) Alternates(now time.Time) int {
	n := 0
	for _, e := range o.cache.entries {
		if e.standing(now) <= alternate && !o.busy(e) {
			n++
		}
	}
	return n
}

// advanceProbes asks the next entry of a round.
func (o *Overlay) advanceProbes(now time.Time) {
	r := &o.rounds
	if passed(r.rush, now) {
		o.rush(now)
		r.rush = now.Add(rushEvery)
	}
	if passed(r.nearer, now) {
		r.nearer = time.Time{}
		o.seekNearer(now)
	}
	switch {
	case !passed(r.next, now):
	case r.left > 0 && o.probeOne(now):
		r.left--
		r.next = now.Add(probeEvery)
	default:
		r.nearer = now.Add(o.jitter(roundEvery / 2))
		r.next, r.left = now.Add(roundEvery-o.jitter(roundEvery/8)), laterProbes
	}
}

// armProbes sets the timers.
func (o *Overlay) armProbes(now time.Time) {
	r := &o.rounds
	have, _ := o.countHomes()
	switch {
	case o.cfg.Homes == 0:
	case o.anyDoubtful():
		r.next = time.Time{}
		if r.rush.IsZero() {
			o.rush(now)
			r.rush = now.Add(rushEvery)
		}
	case have < o.cfg.Homes:
		r.next = time.Time{}
		if r.rush.IsZero() {
			r.rush = now.Add(rushAfter)
		}
	case r.next.IsZero():
		r.next, r.left, r.rush = now.Add(arrivalWait+o.jitter(arrivalWait)), maxProbes-o.sound.asked, time.Time{}
		o.sound.asked = 0
	}
}

// probeOne asks the entry that was asked longest ago, in this round nobody twice;
// false: there is none.
func (o *Overlay) probeOne(now time.Time) bool {
	var next *entry
	for _, e := range o.cache.entries {
		if o.busy(e) || now.Sub(e.probe.asked) < roundEvery/2 {
			continue
		}
		if next == nil || e.probe.asked.Before(next.probe.asked) {
			next = e
		}
	}
	if next != nil {
		o.probe(now, next)
	}
	return next != nil
}

func (o *Overlay) probe(now time.Time, e *entry) {
	e.probe.nonce, e.probe.asked = o.rand.Uint64()|1, now
	o.counters.Probes++
	o.emit(Ping{Member: e.m, Nonce: e.probe.nonce})
}

// rush asks many at once, those that were reached last first: homes are missing,
// and who is dialled keeps silent.
func (o *Overlay) rush(now time.Time) {
	free := slices.DeleteFunc(slices.Clone(o.cache.entries), func(e *entry) bool {
		return o.busy(e) || now.Sub(e.probe.asked) < soonAgain
	})
	for i := range free { // whose age is unknown come in any order
		j := i + o.rand.IntN(len(free)-i)
		free[i], free[j] = free[j], free[i]
	}
	slices.SortStableFunc(free, func(a, b *entry) int { return b.reached.Compare(a.reached) })
	again := slices.DeleteFunc(slices.Clone(free), func(e *entry) bool { return now.Sub(e.probe.asked) >= rushAgain })
	free = slices.DeleteFunc(free, func(e *entry) bool { return now.Sub(e.probe.asked) < rushAgain })
	free = append(free, again...)
	for _, e := range free[:min(len(free), maxProbes)] {
		o.probe(now, e)
	}
}

// probed takes the answer of an entry; false: the nonce is of none.
func (o *Overlay) probed(now time.Time, from netip.AddrPort, nonce uint64, load uint8) bool {
	for _, e := range o.cache.entries {
		if nonce != 0 && e.probe.nonce == nonce && e.m.At(from) {
			e.probe = probe{asked: e.probe.asked, alive: now, rtt: now.Sub(e.probe.asked), load: load}
			e.fails, e.after = 0, time.Time{}
			o.networkLives(now)
			o.dialAlive(now)
			return true
		}
	}
	return false
}

// dialAlive dials as many who are known to live as homes are missing, whoever
// else is being dialled; and for each that lets us wait one who has room.
func (o *Overlay) dialAlive(now time.Time) {
	have, waited := o.countAsked()
	queued := o.queued(now)
	hopeful := waited - queued
	for _, d := range o.dials {
		if e := o.cache.find(d.m); o.sound.state == sounding || e != nil && e.standing(now) == lively {
			hopeful++
		}
	}
	for have+hopeful < o.cfg.Homes && len(o.dials) < o.cfg.Homes+2*maxExtra {
		e := o.pick(now)
		if e == nil || e.standing(now) != lively || have+hopeful+queued >= o.cfg.Homes && e.probe.load >= littleLoad {
			return
		}
		o.try(now, e)
		hopeful++
	}
}

// seekNearer dials an alternate that is much nearer than the farthest home; it
// takes that one's place.
func (o *Overlay) seekNearer(now time.Time) {
	o.rounds.better = wire.Member{}
	far := o.farthest()
	if have, _ := o.countHomes(); far == nil || have < o.cfg.Homes {
		return
	}
	var best *entry
	for _, e := range o.cache.entries {
		if o.busy(e) || e.standing(now) > alternate || e.m.Node.IsZero() || o.crowds(e, far) {
			continue
		}
		if best == nil || e.probe.rtt < best.probe.rtt {
			best = e
		}
	}
	if best != nil && 2*best.probe.rtt < far.rtt && far.rtt-best.probe.rtt > nearerBy {
		o.rounds.better = best.m
		o.try(now, best)
	}
}

// farthest returns the home with the longest round trip.
func (o *Overlay) farthest() *link {
	var far *link
	for _, l := range o.homeLinks() {
		if far == nil || l.rtt > far.rtt {
			far = l
		}
	}
	return far
}

// crowds reports whether e stands in the network of a home other than but.
func (o *Overlay) crowds(e *entry, but *link) bool {
	return slices.ContainsFunc(o.links, func(l *link) bool {
		return l != but && l.home != notHome && sameNetwork(l.addr, e.m.Addr)
	})
}

// makeRoom gives the farthest home up for a nearer one that has attached us.
func (o *Overlay) makeRoom(now time.Time, l *link) {
	far := o.farthest()
	if o.rounds.better.Node != l.node || l.node.IsZero() || far == nil {
		return
	}
	o.rounds.better = wire.Member{}
	o.counters.Exchanged++
	o.send(far, wire.Detach{})
	far.home, far.homeAt, far.observed, far.pulse = notHome, time.Time{}, netip.AddrPort{}, pulse{}
	o.release(now, far)
}
