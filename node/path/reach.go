package path

import (
	"encoding/binary"
	"io"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// CallSocket is the socket from which supernodes call: a home's address is
	// the one that the asker has sent to, its port is not.
	CallSocket Socket = 255
	// A prefix is called so often, in a burst and per second: a survey takes
	// two calls, a phone has one each surveyEvery.
	callBurst, callRate = 8, 0.2
	allCallRate         = 50
	// maxPending bounds the calls whose arrival may be attested, pendingLife is
	// how long each may.
	maxPending  = 256
	pendingLife = 15 * time.Second
)

// Reacher is the supernode's half of finding out how others are reached: it has
// its phones called, and calls for other supernodes. It sends one datagram of
// 20 bytes for each request, which is larger, and only to the address at which
// a session's peer has proved to be. The zero value is not usable.
type Reacher struct {
	rand    io.Reader
	limit   *PrefixLimiter
	pending []*pendingCall // the oldest first; at most maxPending
	out     []Event
}

// pendingCall is a call whose arrival may be attested.
type pendingCall struct {
	nonce uint64
	node  identity.ID
	addr  netip.AddrPort
	ports wire.Ports // that took the call
	knock wire.Ports // of which the result is awaited
	said  wire.Index // the session in which the node has said that the call came; 0: not yet
	end   time.Time
}

// NewReacher returns a Reacher that has called nobody.
func NewReacher(cfg Config) *Reacher {
	return &Reacher{rand: cfg.Rand, limit: NewPrefixLimiter(LimiterConfig{Rate: callRate, Burst: callBurst, AllRate: allCallRate})}
}

// Take returns what has been asked since the last Take, oldest first: UDP, Say,
// SayTo, Knock, Attest.
func (r *Reacher) Take() []Event {
	out := r.out
	r.out = nil
	return out
}

func (r *Reacher) emit(e Event) { r.out = append(r.out, e) }

// CallBack takes the wish of the node from, whose session ix is at observed, to
// be called; members are the supernodes that may be asked, in random order.
func (r *Reacher) CallBack(now time.Time, ix wire.Index, from identity.ID, observed netip.AddrPort, m wire.CallBack, members []wire.Member) {
	if !observed.IsValid() || !r.limit.Allow(now, observed.Addr()) {
		return
	}
	r.emit(UDP{Socket: CallSocket, Addr: observed, Frame: appendSTUNCall(nil, callID(m.Token, r.draw()))})
	others := callers(from, observed, m, members)
	for _, o := range others {
		r.emit(SayTo{Member: o, Message: wire.CallOut{Token: m.Token, Node: from, To: observed, Ports: m.Ports}})
	}
	r.emit(Say{Index: ix, Message: wire.Calling{Token: m.Token, Others: uint8(len(others))}})
}

// callers chooses who calls: nobody whom the asker has sent to, of its family,
// no two in one prefix.
func callers(from identity.ID, observed netip.AddrPort, m wire.CallBack, members []wire.Member) []wire.Member {
	var chosen []wire.Member
	var prefixes []netip.Prefix
	for _, o := range members {
		at := o.Over(observed.Addr().Is4()).Addr()
		p := PrefixOf(at)
		if len(chosen) == int(m.Others) || o.Node == from || slices.Contains(m.Not, at) ||
			at.Is4() != observed.Addr().Is4() || slices.Contains(prefixes, p) {
			continue
		}
		chosen, prefixes = append(chosen, o), append(prefixes, p)
	}
	return chosen
}

func (r *Reacher) draw() uint64 {
	var b [8]byte
	io.ReadFull(r.rand, b[:])
	return binary.BigEndian.Uint64(b[:])
}

// CallOut takes another supernode's request to call a node. Who surveys (its
// token is not 0) is called from the port that nobody sends to: a router that
// answers strangers would take this call for the reason to give the node's next
// packets to our own port, and to others, another port outside.
func (r *Reacher) CallOut(now time.Time, m wire.CallOut) {
	if !probable(m.To) || !r.limit.Allow(now, m.To.Addr()) {
		return
	}
	r.expire(now)
	if len(r.pending) == maxPending {
		r.pending = slices.Delete(r.pending, 0, 1)
	}
	c := &pendingCall{nonce: r.draw(), node: m.Node, addr: m.To, knock: m.Ports & (wire.SamePort | wire.Port443 | wire.Port80), end: now.Add(pendingLife)}
	r.pending = append(r.pending, c)
	var from Socket
	if m.Token != 0 {
		from = CallSocket
	}
	r.emit(UDP{Socket: from, Addr: m.To, Frame: appendSTUNCall(nil, callID(m.Token, c.nonce))})
	for _, p := range []struct {
		bit    wire.Ports
		number uint16
	}{{wire.SamePort, m.To.Port()}, {wire.Port443, 443}, {wire.Port80, 80}} {
		if m.Ports.Has(p.bit) {
			r.emit(Knock{Nonce: c.nonce, Port: p.bit, Addr: netip.AddrPortFrom(m.To.Addr(), p.number), Node: m.Node})
		}
	}
}

// Knocked takes the result of a Knock.
func (r *Reacher) Knocked(now time.Time, nonce uint64, port wire.Ports, open bool) {
	c := r.find(nonce)
	if c == nil {
		return
	}
	if c.knock &^= port; open {
		c.ports |= port
	}
	if c.said != 0 && c.knock == 0 {
		r.attest(now, c)
	}
}

// Reached takes a node's word, in session ix, that a call has arrived there. It is
// attested when all knocks are over: the word may come before what they show, and
// a port that it lacks would be closed to everybody.
func (r *Reacher) Reached(now time.Time, ix wire.Index, from identity.ID, nonce uint64) {
	r.expire(now)
	c := r.find(nonce)
	if c == nil || c.node != from {
		return
	}
	if c.said = ix; c.knock == 0 {
		r.attest(now, c)
	}
}

func (r *Reacher) attest(now time.Time, c *pendingCall) {
	r.pending = without(r.pending, c)
	r.emit(Attest{Index: c.said, Word: wire.Attested{Node: c.node, Addr: c.addr, Ports: c.ports, Time: now.Unix()}})
}

func (r *Reacher) find(nonce uint64) *pendingCall {
	for _, c := range r.pending {
		if c.nonce == nonce {
			return c
		}
	}
	return nil
}

func (r *Reacher) expire(now time.Time) {
	r.pending = slices.DeleteFunc(r.pending, func(c *pendingCall) bool { return !c.end.After(now) })
}
