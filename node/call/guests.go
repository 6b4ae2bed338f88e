package call

import (
	"slices"
	"time"

	"peerphone/node/wire"
)

// uses reports whether the call runs in session ix.
func (b *Calls) uses(ix wire.Index) bool { return ix != 0 && b.call.ix == ix }

// knows reports whether the session ix is the call's or a guest.
func (b *Calls) knows(ix wire.Index) bool { return b.uses(ix) || b.find(ix) >= 0 }

func (b *Calls) find(ix wire.Index) int {
	return slices.IndexFunc(b.guests, func(g guest) bool { return g.ix == ix })
}

// isPeers reports whether ix is another session with the far phone of the call.
func (b *Calls) isPeers(ix wire.Index) bool {
	i := b.find(ix)
	return i >= 0 && b.guests[i].device == b.call.peer.Device
}

// receive adds a guest; when there are too many the oldest is released.
func (b *Calls) receive(g guest) {
	if len(b.guests) == maxGuests {
		b.out = append(b.out, Release{b.guests[0].ix})
		b.guests = slices.Delete(b.guests, 0, 1)
	}
	b.guests = append(b.guests, g)
}

// dismiss forgets a guest: it is gone, or the call takes it.
func (b *Calls) dismiss(ix wire.Index) {
	if i := b.find(ix); i >= 0 {
		b.guests = slices.Delete(b.guests, i, i+1)
	}
}

// part releases a session that the call has left, after its linger.
func (b *Calls) part(now time.Time, p parted) {
	b.dismiss(p.index)
	if p.linger == 0 {
		b.out = append(b.out, Release{p.index})
		return
	}
	b.receive(guest{p.index, p.device, leaving, now.Add(p.linger)})
}

// releaseIf releases the guests that must go, the oldest first.
func (b *Calls) releaseIf(must func(guest) bool) {
	stay := b.guests[:0]
	for _, g := range b.guests {
		if must(g) {
			b.out = append(b.out, Release{g.ix})
		} else {
			stay = append(stay, g)
		}
	}
	b.guests = stay
}
