package path

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"peerphone/node/wire"
)

//go:generate go tool stringer -type=LifetimeState -output=lifetimestate_string.go

// lifetimeSteps are the lifetimes that are tried. The worst routers forget a
// stream after half a minute, RFC 4787 section 4.3 wants two; beyond that there
// is nothing to be gained.
var lifetimeSteps = []time.Duration{
	20 * time.Second, 30 * time.Second, 45 * time.Second, 65 * time.Second, 125 * time.Second,
}

const (
	// LeastLifetime is what a NAT is taken to have that does not remember us for
	// the shortest of the steps.
	LeastLifetime = 15 * time.Second
	// firstStep is tried first: most live longer.
	firstStep = 1
	// lifetimeCalm is how long after Begin the first trial waits: a start has
	// other things to do.
	lifetimeCalm = 20 * time.Second
	// warmTime is how long before the trial the first question is asked: Linux
	// takes a flow for a stream, which it remembers longer, when packets went
	// both ways and it is two seconds old.
	warmTime = 3 * time.Second
	// laterPause is how long an answer may take, laterTries how often it is
	// asked for; laterGrace is how late the second answer may come.
	laterPause = time.Second
	laterTries = 4
	laterGrace = 2 * time.Second
	// lifetimeAgain is when a trial is made again that could not be made,
	// lifetimeRenew when what was found is measured anew.
	lifetimeAgain = 10 * time.Minute
	lifetimeRenew = 24 * time.Hour
)

// SpareSocket is the socket whose mapping is tried.
const SpareSocket = FirstGate - 1

// LifetimeState says what a Lifetime does.
//
//	             Begin, lifetimeCalm            answered                warmTime
//	LifetimeIdle -------------------> Greeting ----------> Warming ---------------+
//	  ^   ^                            |    ^                                     v
//	  |   +-- four in vain ------------+    |  the next trial                  Booking
//	  |                                     |                                 |   |
//	  +-- the bounds have met --------- (judged) <--- came, or did not --- Waiting <-- answered
//	  ^                                                                       |
//	  +-- four in vain -------------------------------------------------------+
type LifetimeState uint8

// The states of a Lifetime.
const (
	LifetimeIdle LifetimeState = iota // due at the time that Next returns, if any
	Greeting                          // the spare socket asks a supernode for an answer
	Warming                           // it has one, and waits until that counts
	Booking                           // it asks for an answer that comes later
	Waiting                           // nothing is sent
)

// Lifetime finds out how long a NAT or firewall lets packets in after the last
// that went out: a spare socket asks a supernode to answer later, keeps silent,
// and looks whether the answer comes (the idea of RFC 5780 section 4.6, without
// its second port). What does not come is tried once more, for packets get lost.
// Use NewLifetime.
type Lifetime struct {
	rand io.Reader

	// Steps are the lifetimes that are tried, two at least, in whole seconds and
	// growing; those of real routers unless set before Begin.
	Steps []time.Duration

	state  LifetimeState
	helper netip.AddrPort
	nonce  uint64
	sent   int // questions of this state
	low    int // index of the longest step at which an answer came; -1: none
	high   int // of the shortest at which it did not; len(Steps): none
	trial  int
	missed bool // the trial was in vain once

	// at is when the state has lasted long enough: when to begin, to ask again,
	// or to judge. Set by every change of state; zero in LifetimeIdle: there is
	// nothing to do.
	at  time.Time
	out []Event
}

// Lived tells for how long at least the way to the outside is open after a
// packet.
type Lived struct{ Lifetime time.Duration }

// LifetimeDue tells that the lifetime is to be measured: Begin is awaited.
type LifetimeDue struct{}

func (Lived) event()       {}
func (LifetimeDue) event() {}

// NewLifetime returns a Lifetime that rests until Begin.
func NewLifetime(cfg Config) *Lifetime { return &Lifetime{rand: cfg.Rand, Steps: lifetimeSteps} }

// State returns what it does.
func (l *Lifetime) State() LifetimeState { return l.state }

// Take returns what has been asked since the last Take, oldest first: OpenGates,
// UDP, CloseGates, Lived, LifetimeDue.
func (l *Lifetime) Take() []Event {
	out := l.out
	l.out = nil
	return out
}

func (l *Lifetime) emit(e Event) { l.out = append(l.out, e) }

// Begin measures with the help of a supernode. Nothing happens while that is
// under way, nor before LifetimeDue once it has been done.
func (l *Lifetime) Begin(now time.Time, helper netip.AddrPort) {
	if !l.at.IsZero() {
		return
	}
	l.helper, l.low, l.high, l.trial, l.missed = helper, -1, len(l.Steps), firstStep, false
	l.at = now.Add(lifetimeCalm)
}

// Stop gives up what is under way: the network is another.
func (l *Lifetime) Stop() {
	l.shut()
	l.state, l.at, l.helper = LifetimeIdle, time.Time{}, netip.AddrPort{}
}

// shut closes the spare socket.
func (l *Lifetime) shut() {
	if l.state != LifetimeIdle {
		l.emit(CloseGates{First: SpareSocket, Count: 1})
	}
}

// greet begins a trial.
func (l *Lifetime) greet(now time.Time) {
	l.emit(OpenGates{First: SpareSocket, Count: 1})
	l.enter(now, Greeting)
}

// enter begins to ask for what a state needs.
func (l *Lifetime) enter(now time.Time, s LifetimeState) {
	var b [8]byte
	io.ReadFull(l.rand, b[:])
	l.state, l.sent, l.nonce = s, 0, binary.BigEndian.Uint64(b[:])
	l.ask(now)
}

func (l *Lifetime) ask(now time.Time) {
	l.sent++
	l.at = now.Add(laterPause)
	l.emit(UDP{Socket: SpareSocket, Addr: l.helper, Frame: appendLater(nil, false, l.nonce, l.wait())})
}

// wait is how much later the second answer is to come.
func (l *Lifetime) wait() time.Duration {
	if l.state == Greeting {
		return 0
	}
	return l.Steps[l.trial]
}

// Heard takes an answer.
func (l *Lifetime) Heard(now time.Time, from netip.AddrPort, q wire.Question) {
	wait, ok := parseLater(q)
	if !ok || from != l.helper || q.Nonce != l.nonce {
		return
	}
	switch {
	case l.state == Greeting && wait == 0:
		l.state, l.at = Warming, now.Add(warmTime)
	case l.state == Booking && wait == l.wait():
		l.state, l.at = Waiting, now.Add(wait+laterGrace)
	case l.state == Waiting && wait == 0:
		l.low, l.missed = l.trial, false
		l.judge(now)
	}
}

// Next returns when Advance wants to be called; zero: never.
func (l *Lifetime) Next() time.Time { return l.at }

// Advance fires what is due.
func (l *Lifetime) Advance(now time.Time) {
	if !due(l.at, now) {
		return
	}
	switch l.state {
	case LifetimeIdle:
		l.wake(now)
	case Warming:
		l.enter(now, Booking)
	case Greeting, Booking:
		if l.sent < laterTries {
			l.ask(now)
			return
		}
		l.rest(now, lifetimeAgain)
	case Waiting:
		if l.missed {
			l.high = l.trial
		}
		l.missed = !l.missed
		l.judge(now)
	}
}

// wake begins what Begin has asked for, or asks for it.
func (l *Lifetime) wake(now time.Time) {
	if l.helper.IsValid() {
		l.greet(now)
		return
	}
	l.at = time.Time{}
	l.emit(LifetimeDue{})
}

// rest waits until there is something to measure again.
func (l *Lifetime) rest(now time.Time, d time.Duration) {
	l.shut()
	l.state, l.at, l.helper = LifetimeIdle, now.Add(d), netip.AddrPort{}
}

// judge ends a trial: another one follows, unless the bounds have met.
func (l *Lifetime) judge(now time.Time) {
	if l.high-l.low > 1 {
		if !l.missed {
			l.trial = (l.low + l.high) / 2
		}
		l.shut()
		l.greet(now)
		return
	}
	found := LeastLifetime
	if l.low >= 0 {
		found = l.Steps[l.low]
	}
	l.rest(now, lifetimeRenew)
	l.emit(Lived{found})
}
