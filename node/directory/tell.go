package directory

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

// tell is a change on its way to a home that watches.
type tell struct {
	to    netip.AddrPort
	place *place
	nonce uint64
	tries int
	alarm alarm // when it is told again
}

// tellAll tells the homes that watch a place what it shows now.
func (k *Keeper) tellAll(now time.Time, p *place) {
	for _, l := range slices.Clone(p.lookers) {
		if !l.addr.IsValid() {
			if e := k.errands[p.token]; e != nil {
				k.seen(now, e, p.seen())
			}
			continue
		}
		t := &tell{to: l.addr, place: p, nonce: k.nonce()}
		t.alarm.ring = func(now time.Time) { k.tellAgain(now, t) }
		k.asks[t.nonce] = asked{tell: t}
		k.tellAgain(now, t)
	}
}

// tellAgain tells what the place shows by now. A home that is silent watches no
// more.
func (k *Keeper) tellAgain(now time.Time, t *tell) {
	if t.tries == tellTries {
		delete(k.asks, t.nonce)
		t.place.lookers = slices.DeleteFunc(t.place.lookers, func(l looker) bool { return l.addr == t.to })
		k.tidy(now, t.place)
		return
	}
	k.counters.Told++
	k.emit(Ask{To: wire.Member{Addr: t.to}, Nonce: t.nonce, Message: t.place.seen()})
	k.alarms.set(&t.alarm, now.Add(tellPause<<t.tries))
	t.tries++
}
