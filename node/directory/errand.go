package directory

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// lookStay is for how long a home asks to be told of changes, lookAgain how
	// often it looks; up to a fifth sooner, so that they spread.
	lookStay  = 10 * time.Minute
	lookAgain = 4 * time.Minute
	// A question is repeated after tellPause, and twice that; then whom it was
	// for is silent.
	tellPause = 500 * time.Millisecond
	tellTries = 3
	// A home that is silent is asked again after silentPause, doubled each time,
	// at most silentMost.
	silentPause = 15 * time.Second
	silentMost  = 15 * time.Minute
)

// errandState says what an errand is doing.
//
//	         answered, Told
//	Asks ---------------------> Watches
//	 | ^ <-- time to look again ---|
//	 | |
//	 | +-- time to try again -- Silent
//	 +------ no answer thrice ---^
type errandState uint8

const (
	errandAsks errandState = iota
	errandWatches
	errandSilent
)

// errand watches one token at another home, for phones that have a session here.
type errand struct {
	state   errandState
	token   wire.Token
	home    wire.Member
	seekers []wire.Index
	last    wire.Seen // as the seekers know it; no code before the first
	nonce   uint64    // of the question, in errandAsks
	tries   int
	silence time.Duration // how long the next silence lasts
	alarm   alarm         // when it asks again, looks again or tries again
}

// watch begins, joins or ends errands.
func (k *Keeper) watch(now time.Time, ix wire.Index, v *visitor, m wire.Watch, self, member func(wire.Member) bool) {
	own := self(m.Home)
	if !m.Stop && !own && !member(m.Home) {
		k.counters.Foreign++
		for _, t := range m.Tokens {
			k.emit(Send{ix, wire.Seen{Token: t, Code: wire.SeenSilent}})
		}
		return
	}
	for _, t := range m.Tokens {
		if m.Stop {
			k.quit(now, ix, v, t)
		} else {
			k.seek(now, ix, v, t, m.Home, own)
		}
	}
}

// seek lets a phone watch a token.
func (k *Keeper) seek(now time.Time, ix wire.Index, v *visitor, t wire.Token, home wire.Member, own bool) {
	e := k.errands[t]
	switch {
	case e != nil && slices.Contains(e.seekers, ix):
		return
	case len(v.watches) >= 3*maxPlacesOf, e == nil && len(k.errands) >= maxErrands, e != nil && len(e.seekers) >= maxSeekers:
		k.counters.Limited++
		k.emit(Send{ix, wire.Seen{Token: t, Code: wire.SeenFull}})
		return
	case e == nil:
		if own {
			home.Addr, home.Addr6 = netip.AddrPort{}, netip.AddrPort{} // we need not ask over the network
		}
		e = &errand{token: t, home: home, silence: silentPause}
		e.alarm.ring = func(now time.Time) { k.advanceErrand(now, e) }
		k.errands[t] = e
	}
	v.watches[t] = struct{}{}
	e.seekers = append(e.seekers, ix)
	if e.last.Code != 0 {
		k.emit(Send{ix, e.last})
		return
	}
	if len(e.seekers) == 1 {
		k.look(now, e)
	}
}

// quit lets a phone watch no more. Whom nobody watches is told so, once: if that
// is lost the stay ends by itself.
func (k *Keeper) quit(now time.Time, ix wire.Index, v *visitor, t wire.Token) {
	e := k.errands[t]
	if e == nil || !slices.Contains(e.seekers, ix) {
		return
	}
	delete(v.watches, t)
	e.seekers = slices.DeleteFunc(e.seekers, func(other wire.Index) bool { return other == ix })
	if len(e.seekers) > 0 {
		return
	}
	k.alarms.set(&e.alarm, time.Time{})
	delete(k.asks, e.nonce)
	delete(k.errands, e.token)
	if e.home.Addr.IsValid() && e.state != errandSilent {
		k.emit(Ask{To: e.home, Nonce: k.rand.Uint64(), Message: wire.Look{Token: e.token}})
	} else if !e.home.Addr.IsValid() {
		k.Look(now, netip.AddrPort{}, wire.Look{Token: e.token})
	}
}

// look asks the home of an errand, or ourselves.
func (k *Keeper) look(now time.Time, e *errand) {
	e.state, e.tries = errandAsks, 0
	m := wire.Look{Token: e.token, Stay: uint16(lookStay / time.Second)}
	if !e.home.Addr.IsValid() {
		k.seen(now, e, k.Look(now, netip.AddrPort{}, m))
		return
	}
	delete(k.asks, e.nonce)
	e.nonce = k.nonce()
	k.asks[e.nonce] = asked{errand: e}
	k.askErrand(now, e)
}

func (k *Keeper) askErrand(now time.Time, e *errand) {
	k.emit(Ask{To: e.home, Nonce: e.nonce, Message: wire.Look{Token: e.token, Stay: uint16(lookStay / time.Second)}})
	k.alarms.set(&e.alarm, now.Add(tellPause<<e.tries))
	e.tries++
}

func (k *Keeper) nonce() uint64 {
	for {
		n := k.rand.Uint64()
		if _, taken := k.asks[n]; !taken {
			return n
		}
	}
}

func (k *Keeper) advanceErrand(now time.Time, e *errand) {
	switch {
	case e.state != errandAsks:
		k.look(now, e)
	case e.tries < tellTries:
		k.askErrand(now, e)
	default:
		delete(k.asks, e.nonce)
		e.state = errandSilent
		k.alarms.set(&e.alarm, now.Add(e.silence))
		e.silence = min(2*e.silence, silentMost)
		k.report(e, wire.Seen{Token: e.token, Code: wire.SeenSilent})
	}
}

// seen takes what the home of an errand shows.
func (k *Keeper) seen(now time.Time, e *errand, s wire.Seen) {
	e.state, e.silence = errandWatches, silentPause
	k.alarms.set(&e.alarm, now.Add(lookAgain-time.Duration(k.rand.Int64N(int64(lookAgain/5)))))
	k.report(e, s)
}

// report tells the phones what has changed.
func (k *Keeper) report(e *errand, s wire.Seen) {
	if s.Code == e.last.Code && bytes.Equal(s.Blob, e.last.Blob) {
		return
	}
	e.last = s
	for _, ix := range e.seekers {
		k.emit(Send{ix, s})
	}
}

// Reply takes the answer that came from an address to the Ask with this nonce;
// a Told is answered by a Question without a body, which is nil here.
func (k *Keeper) Reply(now time.Time, from netip.AddrPort, nonce uint64, m wire.Message) {
	a := k.asks[nonce]
	s, isSeen := m.(wire.Seen)
	switch {
	case a.errand != nil && a.errand.home.At(from) && isSeen && s.Token == a.errand.token:
		delete(k.asks, nonce)
		k.seen(now, a.errand, s)
	case a.tell != nil && a.tell.to == from && m == nil:
		delete(k.asks, nonce)
		k.alarms.set(&a.tell.alarm, time.Time{})
	default:
		k.counters.Unasked++
	}
}

// Told takes the word of another home that something has changed; false: nobody
// here watches that.
func (k *Keeper) Told(now time.Time, from netip.AddrPort, s wire.Seen) bool {
	e := k.errands[s.Token]
	if e == nil || !e.home.At(from) {
		k.counters.Unasked++
		return false
	}
	k.seen(now, e, s)
	return true
}
