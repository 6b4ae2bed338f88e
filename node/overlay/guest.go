package overlay

import (
	"net/netip"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// guestEnd is how long a guest may miss its Refresh.
	guestWait = refreshEvery*2 + attachWait*2
	// A guest that is turned away comes back after a random time in these
	// bounds: an overloaded supernode sheds, it never quits.
	minTurnAway = 5 * time.Second
	maxTurnAway = 30 * time.Second
	// fewSample is how many members one is told that attaches: bytes count then,
	// and the first Refresh, which is answered with sample, comes within a minute.
	// They are Skype's four, then eight.
	sample    = 8
	fewSample = 4
)

// guestState is what a session is to us as a supernode.
//
//	            Attach, admitted           Refresh
//	notGuest --------------------> guest ----------> guest
//	    ^                            | Detach, no Refresh, another session of it
//	    +----------------------------+
type guestState uint8

const (
	notGuest guestState = iota
	guest
)

// Attached returns the session in which node is attached here.
func (o *Overlay) Attached(node identity.ID) (wire.Index, bool) {
	l := o.guests[node]
	if l == nil {
		return 0, false
	}
	return l.ix, true
}

// Guests returns how many nodes are attached here.
func (o *Overlay) Guests() int { return len(o.guests) }

func (o *Overlay) handleAttach(now time.Time, l *link) {
	old := o.guests[l.node]
	switch {
	case !o.cfg.Supernode:
		o.counters.Unasked++
		return
	case old == nil && len(o.guests) >= o.cfg.MaxGuests, old != l && !o.admit.AllowN(now, 1):
		o.counters.TurnedAway++
		o.send(l, wire.Refused{After: uint16((minTurnAway + o.jitter(maxTurnAway-minTurnAway)) / time.Second)})
		return
	case old != nil && old != l:
		o.leaveGuest(old) // it has restarted
	}
	if old != l {
		o.counters.Admitted++
	}
	o.guests[l.node] = l
	l.guest, l.guestEnd = guest, now.Add(guestWait)
	o.send(l, wire.Attached{
		Observed: l.addr,
		Refresh:  uint16(refreshEvery / time.Second),
		Members:  o.membersFor(l, fewSample),
		Ports:    o.ports,
		Other:    o.otherAddr(l),
	})
}

// membersFor returns members to tell a guest. One that comes by IPv4 can do
// without their other addresses, but for its homes', which tell it themselves.
func (o *Overlay) membersFor(l *link, n int) []wire.Member {
	ms := o.someMembers(l.node, n)
	for i := range ms {
		if l.addr.Addr().Is4() {
			ms[i].Addr6 = netip.AddrPort{}
		}
	}
	return ms
}

// otherAddr returns where we are by the version of IP that l does not use.
func (o *Overlay) otherAddr(l *link) netip.AddrPort {
	other := o.cfg.SelfAddr6
	if l.addr.Addr().Is6() {
		other = o.cfg.SelfAddr
	}
	if other.IsValid() && other.Addr().Is4() == l.addr.Addr().Is6() {
		return other
	}
	return netip.AddrPort{}
}

func (o *Overlay) handleDetach(now time.Time, l *link) {
	if l.guest == guest {
		o.leaveGuest(l)
		return
	}
	o.counters.Unasked++
}

func (o *Overlay) leaveGuest(l *link) {
	if o.guests[l.node] == l {
		delete(o.guests, l.node)
	}
	l.guest, l.guestEnd = notGuest, time.Time{}
	o.stopBeat(l)
}

func (o *Overlay) advanceGuest(now time.Time, l *link) {
	if passed(l.guestEnd, now) {
		o.leaveGuest(l)
		o.release(now, l)
	}
}
