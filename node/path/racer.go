package path

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// streamAfter is how long a dial over UDP may stay unanswered before a
	// stream is tried as well.
	streamAfter = 150 * time.Millisecond
	// streamEvery is the pause until the next port is tried while the one
	// before says nothing.
	streamEvery = 250 * time.Millisecond
	// answerWait is how long a dial that UDP has answered may take to come up
	// before streams are tried all the same.
	answerWait = 2 * time.Second
)

// Racer says when a dial of a supernode that began over UDP is tried over TLS
// too: by port 443, by 80, and by the number of its UDP port. Nothing waits for
// a time-out, and where UDP works nothing is wasted. It is a core.
type Racer struct {
	races []*race // by age
	out   []Event
}

// race is one dial.
type race struct {
	dial wire.Index       // the session that is dialled by UDP
	left []netip.AddrPort // to be tried, in order
	at   time.Time        // when the next is tried; zero before the first flight is sent
}

// TryStream asks for a stream to Addr besides the dial of session Index.
type TryStream struct {
	Index wire.Index
	Addr  netip.AddrPort
}

func (TryStream) event() {}

// Start begins the race of session dial, which is just being dialled by UDP at
// an address whose node takes streams at ports.
func (r *Racer) Start(dial wire.Index, at netip.AddrPort, ports wire.Ports) {
	r.races = append(r.races, &race{dial: dial, left: streamAddrs(at, ports)})
}

// Sent tells that a frame of the dial goes out. From the first on the peer may
// answer: before, a small board has to think.
func (r *Racer) Sent(now time.Time, dial wire.Index) {
	if x := r.find(dial); x != nil && x.at.IsZero() {
		x.at = now.Add(streamAfter)
	}
}

// streamAddrs returns where the node at an address may take streams. One that is
// known by its address only has not said where: all are tried.
func streamAddrs(at netip.AddrPort, ports wire.Ports) []netip.AddrPort {
	if ports == 0 {
		ports = wire.Port443 | wire.Port80 | wire.SamePort
	}
	var addrs []netip.AddrPort
	for _, p := range []struct {
		bit    wire.Ports
		number uint16
	}{{wire.Port443, 443}, {wire.Port80, 80}, {wire.SamePort, at.Port()}} {
		addr := netip.AddrPortFrom(at.Addr(), p.number)
		if ports.Has(p.bit) && !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// Answered tells that the peer has answered the dial by UDP, or at a port:
// others wait a while. Those at back were under way and have been given up.
func (r *Racer) Answered(now time.Time, dial wire.Index, back ...netip.AddrPort) {
	x := r.find(dial)
	if x == nil && len(back) > 0 {
		x = &race{dial: dial}
		r.races = append(r.races, x)
	}
	if x != nil {
		x.left, x.at = append(back, x.left...), now.Add(answerWait)
	}
}

// Ended tells that an attempt of the race was in vain: the next is made at
// once.
func (r *Racer) Ended(now time.Time, dial wire.Index) {
	if x := r.find(dial); x != nil {
		r.try(now, x)
	}
}

// Stop ends a race: the dial is up, or not wanted any more.
func (r *Racer) Stop(dial wire.Index) {
	r.races = slices.DeleteFunc(r.races, func(x *race) bool { return x.dial == dial })
}

func (r *Racer) find(dial wire.Index) *race {
	for _, x := range r.races {
		if x.dial == dial {
			return x
		}
	}
	return nil
}

// try makes the next attempt of x, and forgets a race that has none left.
func (r *Racer) try(now time.Time, x *race) {
	if len(x.left) > 0 {
		r.out = append(r.out, TryStream{Index: x.dial, Addr: x.left[0]})
		x.left, x.at = x.left[1:], now.Add(streamEvery)
	}
	if len(x.left) == 0 {
		r.Stop(x.dial)
	}
}

// Take returns what has been asked since the last Take, oldest first.
func (r *Racer) Take() []Event {
	out := r.out
	r.out = nil
	return out
}

// Next returns when Advance wants to be called; zero: never.
func (r *Racer) Next() time.Time {
	var next time.Time
	for _, x := range r.races {
		next = earlier(next, x.at)
	}
	return next
}

// Advance makes the attempts that are due.
func (r *Racer) Advance(now time.Time) {
	for _, x := range slices.Clone(r.races) {
		if !x.at.IsZero() && !x.at.After(now) {
			r.try(now, x)
		}
	}
}
