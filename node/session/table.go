package session

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Config says who we are and what we bear.
type Config struct {
	Rand    io.Reader        // for indices, attempts and cookies; must not fail
	Node    identity.ID      // our node; zero while there is no certificate
	Device  identity.ID      // our device; zero on a supernode without a phone
	Network identity.Network // answered by a public node, and on introduction
	Public  bool             // a supernode: answers who knows only the network

	MaxHalfOpen int // handshakes that others have begun, at a time; 0: 64
	MaxSessions int // sessions of any state; 0: 16,384
}

// Counts count what Table dropped and why, since it was made.
type Counts struct {
	Malformed uint64 // no handshake frame, or no control payload
	Silent    uint64 // first flights without a valid MAC: not for us, no answer
	Stray     uint64 // of no handshake that we know
	Forged    uint64 // of a handshake that we know, but not authentic
	Retried   uint64 // first flights answered by a cookie, under load
	Full      uint64 // first flights dropped because there is no room
	Evicted   uint64 // half-open handshakes given up for newer ones
}

// Errors of Send.
var (
	ErrNoSession = errors.New("session: there is no such session, or it is not up")
	ErrBacklog   = errors.New("session: too many messages wait for their acknowledgement")
	ErrTooLong   = errors.New("session: message too long")
)

const (
	defaultHalfOpen = 64
	defaultSessions = 16384
)

// Table is the control half of all sessions of a node: a pure core, owned by
// one goroutine. New makes it.
type Table struct {
	// Constant after construction.
	rand        io.Reader
	maxHalfOpen int
	maxSessions int
	network     identity.Network
	public      bool

	// Owned by the caller's loop.
	node, device identity.ID
	before       identity.ID // the node key of the epoch before
	addresses    []address
	sessions     map[wire.Index]*session
	latest       *session               // that was looked for: a packet asks for one several times; nil: none, or it has ended
	attempts     map[attemptID]*session // handshakes that others began
	peers        map[peerKey][]*session // oldest first
	halfOpen     []*session             // Answering, oldest first
	timers       timers
	late         lateness
	born         uint64
	jar          cookieJar
	outbox       []Event
	counts       Counts
}

// New returns an empty table.
func New(cfg Config) *Table {
	t := &Table{
		rand: cfg.Rand, network: cfg.Network, public: cfg.Public,
		maxHalfOpen: cfg.MaxHalfOpen, maxSessions: cfg.MaxSessions,
		sessions: make(map[wire.Index]*session),
		attempts: make(map[attemptID]*session),
		peers:    make(map[peerKey][]*session),
	}
	if t.maxHalfOpen == 0 {
		t.maxHalfOpen = defaultHalfOpen
	}
	if t.maxSessions == 0 {
		t.maxSessions = defaultSessions
	}
	t.SetIdentity(cfg.Node, cfg.Device)
	return t
}

// SetIdentity changes under which identities first flights are answered, at
// login and when a new epoch brings a new node key. The node before stays
// valid for who still knows that one.
func (t *Table) SetIdentity(node, device identity.ID) {
	if node != t.node {
		t.before = t.node
	}
	t.node, t.device = node, device
	t.addresses = addresses(node, t.before, device, t.network, t.public)
}

// own returns as whom we appear in role.
func (t *Table) own(r Role) identity.ID {
	if r == AsPhone {
		return t.device
	}
	return t.node
}

// SetPublic tells whether we answer whoever knows only the network, as
// Config.Public did at the start.
func (t *Table) SetPublic(public bool) {
	t.public = public
	t.addresses = addresses(t.node, t.before, t.device, t.network, public)
}

// Take returns the events since the last Take, oldest first.
func (t *Table) Take() []Event {
	events := t.outbox
	t.outbox = nil
	return events
}

func (t *Table) emit(e Event) { t.outbox = append(t.outbox, e) }

// Counts returns the counts so far.
func (t *Table) Counts() Counts { return t.counts }

// find returns a session; nil: there is none.
func (t *Table) find(ix wire.Index) *session {
	if t.latest == nil || t.latest.ix != ix {
		t.latest = t.sessions[ix]
	}
	return t.latest
}

// Dial begins a session with the peer that w wants and returns its index. 0
// means that there is no room for another session.
func (t *Table) Dial(now time.Time, w Want) wire.Index {
	s := t.add(now, Dialling)
	if s == nil {
		return 0
	}
	s.initiator, s.want, s.peer = true, w, Peer{Role: w.Role, ID: w.Peer}
	s.hs = newHandshake(now, macKeyFor(w), t.answerTime(now, s))
	t.draw(s.hs.attempt[:])
	t.remember(s)
	t.begin(s)
	t.settle(s)
	return s.ix
}

// Handle takes a handshake frame. It returns the session that the frame
// belongs to, which may be new; ok is false when the frame was dropped, and
// counted. introduced says that it came by a lane, so that no address needs
// proof.
func (t *Table) Handle(now time.Time, frame []byte, introduced bool) (ix wire.Index, ok bool) {
	return t.HandleFrom(now, frame, netip.AddrPort{}, introduced)
}

// HandleFrom is Handle for a datagram from the address from, to which a cookie
// is bound under load (Bounce).
func (t *Table) HandleFrom(now time.Time, frame []byte, from netip.AddrPort, introduced bool) (ix wire.Index, ok bool) {
	f, ok := parseFrame(frame)
	if !ok {
		t.counts.Malformed++
		return 0, false
	}
	var s *session
	if f.first() {
		s = t.first(now, &f, frame, from, introduced)
	} else {
		s = t.known(&f, frame)
	}
	if s == nil || !t.hear(now, s, &f, len(frame)) {
		return 0, false
	}
	t.settle(s)
	return s.ix, true
}

// Progress takes the handshaker's answer to a request about ix. It wipes the
// secrets in p.
func (t *Table) Progress(now time.Time, ix wire.Index, p Progress) {
	if s := t.find(ix); s != nil && s.hs != nil {
		t.progress(now, s, p)
		t.settle(s)
	}
	p.wipe()
}

// Payload takes the opened payload of a session frame: PayloadControl,
// PayloadAck or PayloadClose.
func (t *Table) Payload(now time.Time, ix wire.Index, payload []byte) {
	s := t.find(ix)
	if s == nil || s.channel == nil {
		return
	}
	if s.state == Confirming { // the peer's word was lost or overtaken, but only who has verified us has the key
		t.live(now, s)
	}
	if s.state == gone {
		return
	}
	s.alive.hears(now, s.channel.opened.Load())
	t.payload(now, s, payload)
	t.settle(s)
}

// Send queues message, which is copied, for delivery in order. It fails with
// ErrNoSession, ErrBacklog or ErrTooLong.
func (t *Table) Send(now time.Time, ix wire.Index, message []byte) error {
	s := t.find(ix)
	switch {
	case s == nil || s.state != Live && (s.state != Confirming || !s.ahead()):
		return ErrNoSession
	case len(message) > wire.MaxMessage:
		return ErrTooLong
	case len(s.control.queue) == maxQueue:
		return ErrBacklog
	}
	s.control.push(message)
	t.transmit(now, s)
	t.settle(s)
	return nil
}

// Close ends a session. Messages on their way are delivered first if that
// works within drainTimeout. Down with ErrEnded follows, after the last
// datagram.
func (t *Table) Close(now time.Time, ix wire.Index) {
	s := t.find(ix)
	switch {
	case s == nil || s.state == Draining:
		return
	case s.state == Live && len(s.control.queue) > 0:
		s.state, s.drained = Draining, now.Add(drainTimeout)
		t.settle(s)
	default:
		t.end(now, s, ErrEnded, true)
	}
}

// Abort ends a session at once, whatever waits to be delivered: the program is
// about to end, or the peer does not answer. The peer is told.
func (t *Table) Abort(now time.Time, ix wire.Index) {
	if s := t.find(ix); s != nil {
		t.end(now, s, ErrEnded, true)
	}
}

// KeepAlive makes Table notice that the peer of ix has vanished within about one
// and a half of every, and a quarter of it, at least two seconds, beyond; zero, the
// start, means never.
func (t *Table) KeepAlive(ix wire.Index, every time.Duration) {
	if s := t.find(ix); s != nil {
		s.alive.every, s.alive.phase = every, time.Duration(t.timers.epoch.UnixNano())%lazyGrid
		s.alive.start(s.alive.heard)
		t.settle(s)
	}
}

// Watch is KeepAlive for a peer that counts as vanished when it has left questions
// unanswered for patience, though it is seldom asked.
func (t *Table) Watch(ix wire.Index, every, patience time.Duration) {
	if s := t.find(ix); s != nil {
		s.alive.most = patience
		t.KeepAlive(ix, every)
	}
}

// Hears notes a sign of life that is none of Payload's: something else that the
// channel of ix has opened. It saves questions; what nobody tells of is found later.
func (t *Table) Hears(now time.Time, ix wire.Index) {
	if s := t.find(ix); s != nil && s.state == Live {
		s.alive.hears(now, s.channel.opened.Load())
	}
}

// Bear lets the peer of ix leave questions unanswered for d before it counts as
// vanished, if that is longer than KeepAlive has it.
func (t *Table) Bear(ix wire.Index, d time.Duration) {
	if s := t.find(ix); s != nil {
		s.alive.bear = d
	}
}

// Peer returns whom a session reaches; ok is false until that is proven.
func (t *Table) Peer(ix wire.Index) (p Peer, ok bool) {
	if s := t.find(ix); s != nil && s.channel != nil {
		return s.peer, true
	}
	return Peer{}, false
}

// Channel returns the data plane of a session, nil before there are keys and
// after the end.
func (t *Table) Channel(ix wire.Index) *Channel {
	if s := t.find(ix); s != nil {
		return s.channel
	}
	return nil
}

// State returns the state of a session, 0 for none.
func (t *Table) State(ix wire.Index) State {
	if s := t.find(ix); s != nil {
		return s.state
	}
	return gone
}

// RTT returns the smoothed round-trip time to the peer, zero while unknown.
func (t *Table) RTT(ix wire.Index) time.Duration {
	if s := t.find(ix); s != nil {
		return s.control.rtt.smooth
	}
	return 0
}

// With returns the sessions, up or being dialled, with the peer id in a role,
// the oldest first.
func (t *Table) With(r Role, id identity.ID) []wire.Index {
	var found []wire.Index
	for _, s := range t.peers[peerKey{r, id}] {
		found = append(found, s.ix)
	}
	return found
}

// Next returns when Advance wants to be called, zero for never.
func (t *Table) Next() time.Time { return t.timers.next() }

// Advance fires what is due.
func (t *Table) Advance(now time.Time) {
	for s := t.timers.first(now); s != nil; s = t.timers.first(now) {
		t.fire(now, s)
		t.settle(s)
	}
}
