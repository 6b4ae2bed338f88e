package overlay

import (
	"slices"
	"time"

	"golang.org/x/time/rate"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A supernode admits so many attachments in a second and no more. Who comes when
// they are used up waits in its session for a few seconds, which costs nobody
// anything; who comes when many wait is refused, and told of others. How near to
// its limits a supernode is it says with each answer to the question whether it is
// there, so that who has the choice turns to others first.
const (
	// waitMost is how long a guest may have to wait.
	waitMost = 3 * time.Second
	// A guest that is turned away comes back after a random time in these bounds:
	// sooner when only the moment was bad. An overloaded supernode sheds, it never
	// quits.
	minTurnAway   = 5 * time.Second
	maxTurnAway   = 30 * time.Second
	minComeAgain  = 2 * time.Second
	moreComeAgain = 3 * time.Second
	// roomyFor is how long we remember that a member has room, and maxRoomy of how
	// many.
	roomyFor = 2 * time.Minute
	maxRoomy = 16
	// A member whose load is below someLoad has room, one below littleLoad enough to
	// leave another one's queue for. Who tells a load that is less by loadStep is
	// preferred, however far he is.
	someLoad   = 128
	littleLoad = 64
	loadStep   = 32
)

// admission is who waits to be admitted.
type admission struct {
	rate  *rate.Limiter
	queue []*link   // that wait, by age
	next  time.Time // when the first may be admitted; zero: nobody waits
	roomy []roomy   // members that have room, by age
}

// roomy is a member that had room.
type roomy struct {
	m     wire.Member
	until time.Time
}

// newAdmission returns an admission of so many in a second, and as many at once
// when nobody has come for a while.
func newAdmission(perSecond float64) admission {
	return admission{rate: rate.NewLimiter(rate.Limit(perSecond), int(perSecond)+1)}
}

// longest returns how many may wait.
func (a *admission) longest() int { return int(float64(a.rate.Limit()) * waitMost.Seconds()) }

func (o *Overlay) handleAttach(now time.Time, l *link) {
	a := &o.admission
	old := o.guests[l.node]
	switch {
	case !o.cfg.Supernode, l.guest == waiting:
		o.counters.Unasked++
	case old == l:
		o.welcome(now, l)
	case old == nil && len(o.guests)+len(a.queue) >= o.cfg.MaxGuests:
		o.turnAway(now, l, minTurnAway+o.jitter(maxTurnAway-minTurnAway))
	case len(a.queue) == 0 && a.rate.AllowN(now, 1):
		o.admit(now, l)
	case len(a.queue) >= a.longest():
		o.turnAway(now, l, minComeAgain+o.jitter(moreComeAgain))
	default:
		l.guest = waiting
		a.queue = append(a.queue, l)
		o.armAdmission(now)
	}
}

func (o *Overlay) turnAway(now time.Time, l *link, after time.Duration) {
	o.counters.TurnedAway++
	o.send(l, wire.Refused{After: uint16(after / time.Second), Others: o.othersFor(now, l)})
}

// othersFor names members to whom a guest may turn: those that have room come
// first.
func (o *Overlay) othersFor(now time.Time, l *link) []wire.Member {
	var ms []wire.Member
	for _, r := range slices.Backward(o.admission.roomy) {
		if r.until.After(now) && r.m.Node != l.node && len(ms) < fewOthers {
			ms = append(ms, r.m)
		}
	}
	for _, m := range o.membersFor(l, fewOthers) {
		if len(ms) < fewOthers && !slices.ContainsFunc(ms, func(x wire.Member) bool { return x.Node == m.Node }) {
			ms = append(ms, m)
		}
	}
	return ms
}

// admit makes l a guest.
func (o *Overlay) admit(now time.Time, l *link) {
	if old := o.guests[l.node]; old != nil {
		o.leaveGuest(old) // it has restarted
	}
	o.counters.Admitted++
	o.guests[l.node] = l
	l.guest = guest
	o.welcome(now, l)
}

// welcome tells a guest that it is one.
func (o *Overlay) welcome(now time.Time, l *link) {
	l.guestEnd = now.Add(guestWait)
	o.send(l, wire.Attached{
		Observed: l.addr,
		Refresh:  uint16(refreshEvery / time.Second),
		Members:  o.membersFor(l, fewSample),
		Ports:    o.ports,
		Other:    o.otherAddr(l),
	})
}

// armAdmission sets the timer while somebody waits.
func (o *Overlay) armAdmission(now time.Time) {
	a := &o.admission
	if len(a.queue) == 0 {
		a.next = time.Time{}
		return
	}
	missing := max(0, 1-a.rate.TokensAt(now))
	a.next = now.Add(time.Duration(missing*float64(time.Second)/float64(a.rate.Limit())) + time.Millisecond)
}

// advanceAdmission admits those whose turn has come.
func (o *Overlay) advanceAdmission(now time.Time) {
	a := &o.admission
	if !passed(a.next, now) {
		return
	}
	for len(a.queue) > 0 && a.rate.AllowN(now, 1) {
		first := a.queue[0]
		a.queue = slices.Delete(a.queue, 0, 1)
		o.admit(now, first)
	}
	o.armAdmission(now)
}

// stopWaiting takes l out of the queue.
func (o *Overlay) stopWaiting(l *link) {
	o.admission.queue = slices.DeleteFunc(o.admission.queue, func(x *link) bool { return x == l })
}

// Load returns how near we are to what we can take: 0 is idle, 255 full. Guests count
// from half of what we take on, so that until then it is the time that a new one waits.
func (o *Overlay) Load() uint8 {
	guests := (2*len(o.guests) - o.cfg.MaxGuests) * 255 / max(o.cfg.MaxGuests, 1)
	queue := len(o.admission.queue) * 255 / max(o.admission.longest(), 1)
	return uint8(min(max(guests, queue, 0), 255))
}

// noteRoom remembers a member that has room.
func (o *Overlay) noteRoom(now time.Time, m wire.Member, load uint8) {
	a := &o.admission
	a.roomy = slices.DeleteFunc(a.roomy, func(r roomy) bool { return r.m.Node == m.Node || !r.until.After(now) })
	if load >= someLoad {
		return
	}
	if len(a.roomy) == maxRoomy {
		a.roomy = slices.Delete(a.roomy, 0, 1)
	}
	a.roomy = append(a.roomy, roomy{m, now.Add(roomyFor)})
}

// forgetRoom forgets a member that has died.
func (o *Overlay) forgetRoom(id identity.ID) {
	o.admission.roomy = slices.DeleteFunc(o.admission.roomy, func(r roomy) bool { return r.m.Node == id })
}
