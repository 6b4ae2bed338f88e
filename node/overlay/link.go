package overlay

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

//go:generate go tool stringer -type=homeState,soundState,standing,candidacyState,guestState,joinState,syncState,grounds,direction,scope,verdict -output=state_string.go

// maxVisitors bounds the sessions of others that are neither guests nor
// members: callers who come for an introduction.
const maxVisitors = 512

// direction says who opened a session.
type direction uint8

const (
	ours direction = iota
	theirs
)

// link is a session with a node and what it is used for: a home of ours, a
// guest of ours, a fellow supernode, or several of these.
type link struct {
	ix wire.Index
	// homeAt is when the home is due: asked, the answer is; attached, the next
	// Refresh is sent. Cleared with the home.
	homeAt   time.Time
	guestEnd time.Time // of the guest, without another Refresh; cleared with it
	joinEnd  time.Time // without a Join by then it is no supernode; set while joining

	node  identity.ID
	addr  netip.AddrPort
	other netip.AddrPort // where node is by the other version of IP, as far as it has said
	ports wire.Ports     // at which node takes streams, likewise
	dir   direction
	since time.Time

	home     homeState
	attached time.Time     // when it became our home
	rtt      time.Duration // from Attach to Attached
	observed netip.AddrPort
	refresh  time.Duration // pause between refreshes
	pulse    pulse
	owed     int // answers that the home may give to our Refresh

	guest  guestState
	newsAt time.Time // when the guest may be told of members again
	beat   beat
	others [2]wire.Mark // of the guest's other homes
	doubts time.Time    // by when what the guest has told of silent homes is forgotten

	join       joinState
	place      wire.Place // when joined
	answerJoin time.Time  // a Join before this is not answered again
}

func (l *link) due() time.Time { return earlier(earlier(l.homeAt, l.guestEnd), l.joinEnd) }

// member returns whom l leads to.
func (l *link) member() wire.Member { return wire.MemberAt(l.node, l.addr, l.other, l.ports) }

// idle reports whether the Overlay has no use for l.
func (l *link) idle() bool {
	return l.home == notHome && l.guest == notGuest && l.join == notJoined
}

func (o *Overlay) link(ix wire.Index) *link {
	if i := slices.Index(o.index, ix); i >= 0 {
		return o.links[i]
	}
	return nil
}

// Supernodes yields the sessions with supernodes, the oldest first.
func (o *Overlay) Supernodes(yield func(wire.Index) bool) {
	for _, l := range o.links {
		if (l.dir == ours || l.join == joined) && !yield(l.ix) {
			return
		}
	}
}

// linkTo returns a session with node, the oldest.
func (o *Overlay) linkTo(node identity.ID) *link {
	for _, l := range o.links {
		if l.node == node {
			return l
		}
	}
	return nil
}

// unlink forgets a session that has ended or is no longer wanted, and all that
// it was.
func (o *Overlay) unlink(now time.Time, l *link) {
	i := slices.Index(o.links, l)
	if i < 0 {
		return
	}
	o.links, o.index = slices.Delete(o.links, i, i+1), slices.Delete(o.index, i, i+1)
	o.leaveHome(now, l)
	o.leaveGuest(l)
	o.lostFellow(now, l)
}

// release gives a session back when nothing of ours goes through it.
func (o *Overlay) release(now time.Time, l *link) {
	if l.idle() {
		o.emit(Drop{Index: l.ix})
		o.unlink(now, l)
	}
}

// boundVisitors releases the oldest visitor when there are too many.
func (o *Overlay) boundVisitors(now time.Time) {
	n := 0
	for _, l := range o.links {
		if l.dir == theirs && l.idle() {
			n++
		}
	}
	for _, l := range slices.Clone(o.links) {
		if n <= maxVisitors {
			return
		}
		if l.dir == theirs && l.idle() {
			o.release(now, l)
			n--
		}
	}
}
