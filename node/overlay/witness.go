package overlay

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

// A member with whom a session was lost, that could not be dialled, or about
// whom others bear witness, is asked whether it is there (wire.TopicPing): a
// datagram and its answer. If it keeps silent we bear witness that it is dead.
const (
	pings     = 3
	firstPing = 500 * time.Millisecond // then twice as long, and again
	// What others say is looked into by those whose places are nearest, after a
	// moment in which the matter may be settled.
	inquirers   = 16
	inquiryWait = 2 * time.Second
	// Who has answered is left alone for so long.
	clearedFor = 10 * time.Second
	// Some member at random is asked each auditEvery: the death of one with whom
	// nobody has a session would not be noticed. When many have died others have lost
	// all that had sessions with them: then each auditUnrest.
	auditEvery    = time.Minute
	auditUnrest   = 10 * time.Second
	maxSuspicions = 256
)

// grounds say why a member is asked whether it is there.
type grounds uint8

const (
	hearsay  grounds = iota // a session was lost, it could not be dialled, or others bear witness
	newcomer                // nothing speaks against it
	mustered                // nothing but that many others have died; so it is asked in spite of a session, too
	hurried                 // a guest doubts it, or it owes an answer
)

// suspicion is a doubt whether a member lives.
type suspicion struct {
	place   wire.Place
	nonce   uint64
	sent    int       // pings; pings+1: it has answered
	next    time.Time // when something is due
	grounds grounds
}

const cleared = pings + 1

func (o *Overlay) suspicion(p wire.Place) *suspicion {
	for i := range o.suspicions {
		if o.suspicions[i].place == p {
			return &o.suspicions[i]
		}
	}
	return nil
}

// suspect begins to ask a member after wait.
func (o *Overlay) suspect(now time.Time, p wire.Place, wait time.Duration) {
	s := o.suspicion(p)
	if s != nil && s.grounds == newcomer {
		s.grounds = hearsay
	}
	if s != nil || len(o.suspicions) >= maxSuspicions || p == o.place || o.table.alive(p) == nil {
		return
	}
	if o.testified(p) {
		return // we have said so
	}
	o.suspicions = append(o.suspicions, suspicion{place: p, nonce: o.rand.Uint64(), next: now.Add(wait)})
}

// doubted reports whether something speaks against the member at p.
func (o *Overlay) doubted(p wire.Place) bool {
	s := o.suspicion(p)
	return s != nil && (s.grounds == hearsay || s.grounds == hurried || s.unheard())
}

// unheard reports whether a member has left a ping unanswered.
func (s *suspicion) unheard() bool { return s.sent > 1 && s.sent != cleared }

func (o *Overlay) forgetSuspicion(p wire.Place) {
	if i := slices.IndexFunc(o.suspicions, func(s suspicion) bool { return s.place == p }); i >= 0 {
		o.suspicions = slices.Delete(o.suspicions, i, i+1)
	}
}

// inquire looks into what others say of a member, if we are among the nearest to
// it and not in talks with it.
func (o *Overlay) inquire(now time.Time, r *row) {
	if d := o.table.dyingOf(r.place); d != nil && d.count > 1 || o.joinedTo(r.place) {
		return
	}
	if o.table.among(o.place, r.place, inquirers) {
		o.suspect(now, r.place, o.jitter(inquiryWait))
	}
}

// Pong takes the answer to a Ping, and what Load was said in it.
func (o *Overlay) Pong(now time.Time, from netip.AddrPort, nonce uint64, load uint8) {
	o.calm = false
	if o.probed(now, from, nonce, load) {
		if o.anyDoubtful() {
			o.pump(now)
		}
		return
	}
	if o.tried(now, from, nonce) {
		return
	}
	for i := range o.suspicions {
		s := &o.suspicions[i]
		if r := o.table.alive(s.place); r != nil && s.nonce == nonce && r.member().At(from) {
			o.confirm(s.place)
			o.untell(s.place)
			s.sent, s.next = cleared, now.Add(clearedFor)
			o.noteRoom(now, r.member(), load)
			if o.scope != whole {
				o.touch(s.place)
				o.routes.verdicts.note(now, alive)
			}
			return
		}
	}
	o.counters.Unasked++
}

func (o *Overlay) advanceSuspicions(now time.Time) {
	if passed(o.audit, now) {
		pause := auditEvery
		if o.muster.unrest(now) {
			pause = auditUnrest
		}
		o.audit = now.Add(pause/2 + o.jitter(pause))
		if at := o.table.sample(o.rand.IntN, 1); len(at) > 0 && o.sync == synced && o.scope != partial {
			if p := o.table.rows[at[0]].place; !o.joinedTo(p) {
				o.suspect(now, p, 0)
			}
		}
	}
	var room [8]wire.Place
	due := room[:0]
	for i := range o.suspicions {
		if s := &o.suspicions[i]; passed(s.next, now) {
			due = append(due, s.place)
		}
	}
	for _, p := range due {
		o.doubt(now, p)
	}
}

// doubt goes on with a suspicion that is due.
func (o *Overlay) doubt(now time.Time, p wire.Place) {
	s, r := o.suspicion(p), o.table.alive(p)
	switch {
	case s == nil:
	case r == nil, s.sent == cleared, o.joinedTo(p) && s.grounds != hurried && s.grounds != mustered:
		o.forgetSuspicion(p)
	case s.sent < pings:
		s.next = now.Add(firstPing << s.sent)
		if s.grounds == hurried {
			s.next = now.Add(hurriedPing)
		}
		if s.grounds == hurried && s.sent > 0 { // they ask for themselves: why wait
			o.tellGuests(now, p)
		}
		s.sent++
		o.emit(Ping{Member: r.member(), Nonce: s.nonce})
	case o.scope == partial:
		o.forgetSuspicion(p)
		o.lose(now, p)
	default:
		incarnation := r.incarnation
		o.forgetSuspicion(p)
		o.tellGuests(now, p)
		o.testify(now, p, incarnation)
		if r = o.table.alive(p); r != nil && o.unsure(r) { // maybe it died long ago, and nobody else takes it for live
			o.say(now, wire.AppendDeath(nil, wire.Death{Of: p, Incarnation: incarnation}))
			if r = o.table.alive(p); r != nil {
				o.died(now, r)
			}
		}
	}
}

// testify finds a member dead, and bears witness to it.
func (o *Overlay) testify(now time.Time, p wire.Place, incarnation uint32) {
	o.counters.Testified++
	o.find(now, p, incarnation)
	o.buryTogether(now)
	o.changed(p) // to us it is dead already
	o.foundDead(now)
}

// lostFellow notes that a session with a fellow has ended.
func (o *Overlay) lostFellow(now time.Time, l *link) {
	if l.join != joined {
		l.join, l.joinEnd = notJoined, time.Time{}
		return
	}
	l.join, l.joinEnd = notJoined, time.Time{}
	if other := o.linkTo(l.node); other != nil {
		o.joinLink(now, other)
		return
	}
	o.suspect(now, l.place, 0)
}

func (o *Overlay) suspicionWake() time.Time {
	wake := o.audit
	for i := range o.suspicions {
		wake = earlier(wake, o.suspicions[i].next)
	}
	return wake
}
