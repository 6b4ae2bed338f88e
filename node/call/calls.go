package call

import (
	"io"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Config is what Calls needs from the start.
type Config struct {
	Rand   io.Reader    // for CallIDs
	Codecs []wire.Codec // that we can send and hear, the best first; 1 to 8
	Self   Peer         // our number is busy for ourselves; may be zero
}

// Calls is the small book of a phone's calls. It keeps the one call and those
// sessions with phones that no call needs: new ones that have not said what
// they want, and old ones whose last message is on its way.
type Calls struct {
	call    call
	engaged bool // the receiver is off without a call: others hear busy
	guests  []guest
	out     []Event
}

// A guest is a session that no call needs; it is released at until.
type guest struct {
	ix     wire.Index
	device identity.ID
	stage  stage
	until  time.Time
}

// A stage says why a session without a call is still there.
type stage uint8

const (
	arriving stage = iota // no Invite has come yet
	leaving               // our last message may not have arrived
)

const (
	// arriveFor is how long a new session may be silent.
	arriveFor = 10 * time.Second
	// maxGuests bounds the sessions without a call; the oldest has to go. A
	// phone behind a busy number sees a few at a time.
	maxGuests = 16
)

// New returns an idle phone.
func New(cfg Config) *Calls {
	return &Calls{call: call{
		rules: &standard, rand: cfg.Rand, codecs: slices.Clone(cfg.Codecs), self: cfg.Self,
	}}
}

// SetSelf tells who we are, once the login server has said it.
func (b *Calls) SetSelf(self Peer) { b.call.self = self }

// Current returns the current call, or the last one until the next.
func (b *Calls) Current() View { return b.call.view() }

// Take returns what is to be done, oldest first, and empties the outbox.
func (b *Calls) Take() []Event {
	out := b.out
	b.out = nil
	return out
}

// Next returns when Advance wants to be called; zero: never.
func (b *Calls) Next() time.Time {
	next := b.call.deadline
	for _, g := range b.guests {
		if next.IsZero() || g.until.Before(next) {
			next = g.until
		}
	}
	return next
}

// Advance fires what is due.
func (b *Calls) Advance(now time.Time) {
	if d := b.call.deadline; !d.IsZero() && !d.After(now) {
		b.step(signal{now: now, input: inTimeout})
	}
	b.releaseIf(func(g guest) bool { return !g.until.After(now) })
}

// Dial calls number, which may also be a name. It does nothing while there is
// a call.
func (b *Calls) Dial(now time.Time, number string) {
	b.step(signal{now: now, input: inDial, peer: Peer{Number: number}})
}

// Answer answers the call that rings.
func (b *Calls) Answer(now time.Time) { b.step(signal{now: now, input: inAnswer}) }

// HangUp ends the call, declines it while it rings here.
func (b *Calls) HangUp(now time.Time) { b.step(signal{now: now, input: inHangUp}) }

// Engaged tells whether the receiver is off. While it is, a caller hears busy
// although there is no call.
func (b *Calls) Engaged(now time.Time, lifted bool) { b.engaged = lifted }

// Located answers Search: the number is peer's.
func (b *Calls) Located(now time.Time, id ID, peer Peer) {
	if id == b.call.id {
		if b.call.state == Searching {
			// A session that is only waiting for our farewell to arrive must not
			// be taken for the new one.
			b.releaseIf(func(g guest) bool { return g.stage == leaving && g.device == peer.Device })
		}
		b.step(signal{now: now, input: inLocated, peer: peer})
	}
}

// Absent answers Search: nobody has the number (NotFound), or it cannot be told
// or must not be (any other reason).
func (b *Calls) Absent(now time.Time, id ID, reason Reason) {
	if reason == NoReason {
		reason = NotFound
	}
	if id == b.call.id {
		b.step(signal{now: now, input: inAbsent, why: reason})
	}
}

// Connected answers Connect: session ix with the peer is up. A session that
// nobody waits for any more is released.
func (b *Calls) Connected(now time.Time, id ID, ix wire.Index) {
	switch {
	case id == b.call.id && b.call.state == Connecting:
		b.dismiss(ix)
		b.step(signal{now: now, input: inConnected, ix: ix})
	case !b.knows(ix):
		b.out = append(b.out, Release{ix})
	}
}

// Unreachable answers Connect: there is no way to the peer.
func (b *Calls) Unreachable(now time.Time, id ID) {
	if id == b.call.id {
		b.step(signal{now: now, input: inUnreachable})
	}
}

// Opened says that the phone device has opened session ix with us. If it says
// nothing for 10 s the session is released.
func (b *Calls) Opened(now time.Time, ix wire.Index, device identity.ID) {
	if !b.knows(ix) {
		b.receive(guest{ix, device, arriving, now.Add(arriveFor)})
	}
}

// Invited takes an Invite of the phone from, which came in session ix.
func (b *Calls) Invited(now time.Time, ix wire.Index, from Peer, m wire.Invite) {
	b.Opened(now, ix, from.Device)
	s := signal{now: now, input: b.call.relation(from, m.Call), ix: ix, peer: from, name: m.Call}
	codec, ok := choose(m.Codecs, b.call.codecs)
	s.codec = codec
	switch {
	case !ok && s.input != inAgain:
		s.code = wire.RejectCodec
		b.apply(refuse, s)
	case b.engaged && s.input == inInvite:
		b.apply(refuse, s)
	default:
		if s.input == inAgain && b.call.state.Live() {
			b.follow(now, ix)
		}
		b.step(s)
	}
}

// Handle takes Ringing, Accept, Reject, Bye, Digit and Hold; other messages are ignored.
func (b *Calls) Handle(now time.Time, ix wire.Index, m wire.Message) {
	s := signal{now: now, ix: ix}
	switch m := m.(type) {
	case wire.Ringing:
		s.input, s.name = inRinging, m.Call
	case wire.Accept:
		s.input, s.name, s.codec = inAccept, m.Call, m.Codec
	case wire.Reject:
		s.input, s.name, s.code = inReject, m.Call, m.Code
	case wire.Bye:
		s.input, s.name = inBye, m.Call
	case wire.Digit:
		b.digit(ix, m)
		return
	case wire.Hold:
		b.held(now, ix, m)
		return
	default:
		return
	}
	asks := s.input == inRinging || s.input == inAccept
	switch {
	case b.call.ix != 0 && b.call.name == s.name && (b.uses(ix) || b.isPeers(ix)):
		if asks {
			b.follow(now, ix)
		}
		b.step(s)
	case b.knows(ix) && asks:
		b.out = append(b.out, Send{ix, wire.Bye{Call: s.name}})
	}
}

// Lost says that session ix has ended: closed by the far phone, or the far
// phone has vanished.
func (b *Calls) Lost(now time.Time, ix wire.Index) {
	b.dismiss(ix)
	if b.uses(ix) {
		b.step(signal{now: now, input: inLost, ix: ix})
	}
}

// Moved says that session from has ended in favour of session to with the same
// phone, which was opened by the other side at the same time.
func (b *Calls) Moved(now time.Time, from, to wire.Index) {
	b.dismiss(from)
	if b.uses(from) {
		b.dismiss(to)
		b.step(signal{now: now, input: inMoved, ix: from, to: to})
	}
}

// Shut hangs up and releases every session, at the end of the program.
func (b *Calls) Shut(now time.Time) {
	b.HangUp(now)
	b.releaseIf(func(guest) bool { return true })
}

// follow goes on in session ix, in which the far phone speaks of our call: it
// has heard before us that the other one is gone.
func (b *Calls) follow(now time.Time, ix wire.Index) {
	if !b.uses(ix) {
		b.apply(follow, signal{now: now, to: ix})
	}
}

// step applies the rules to s.
func (b *Calls) step(s signal) { b.apply((*call).step, s) }

// apply lets the call act and carries its outbox into ours.
func (b *Calls) apply(do act, s signal) {
	do(&b.call, s)
	if b.uses(b.call.ix) {
		b.dismiss(b.call.ix)
	}
	events := b.call.out
	b.call.out = nil
	for _, e := range events {
		if p, ok := e.(parted); ok {
			b.part(s.now, p)
		} else {
			b.out = append(b.out, e)
		}
	}
}
