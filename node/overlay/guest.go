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
	// fewSample is how many members one is told that attaches: bytes count then,
	// and the first Refresh, which is answered with sample, comes within seconds.
	sample    = 8
	fewSample = 1
	// fewOthers is how many are named to whom one that is turned away may turn.
	fewOthers = 4
)

// guestState is what a session is to us as a supernode.
//
//	          Attach             admitted           Refresh
//	notGuest --------> waiting ------------> guest ----------> guest
//	    ^                 |                    |
//	    +-----------------+--------------------+
//	      Detach, no Refresh, another session of it
type guestState uint8

const (
	notGuest guestState = iota
	waiting
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
	if l.guest != notGuest {
		o.leaveGuest(l)
		return
	}
	o.counters.Unasked++
}

func (o *Overlay) leaveGuest(l *link) {
	if o.guests[l.node] == l {
		delete(o.guests, l.node)
	}
	if l.guest == waiting {
		o.stopWaiting(l)
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
