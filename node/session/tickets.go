package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

const (
	// ticketSize is how long the name of a session is that may be resumed, in bytes:
	// a random one, for who resumes it proves that he knows its secret.
	ticketSize = 16
	// mostGiven is how many sessions a responder remembers, of half a kilobyte each;
	// the oldest go first.
	mostGiven = 2048
	// mostKept is how many an initiator does: of its homes, and of those it had before.
	mostKept = 8
)

// Tickets let nodes that had a session over a stream have the next one without
// certificates, which saves a sixth of its bytes: the resumption of TLS 1.3 (RFC
// 8446 section 2.2). There is a fresh exchange of keys all the same, no early data,
// and who the peer is, and whether that is still good, is checked as ever, by the
// certificates of the first time. Each ticket serves once, so that nobody who listens
// can tell that two connections are of one phone. Calls between phones do not
// resume anything.
//
// A responder remembers in its memory only. What an initiator knows is worth keeping,
// and as secret as its keys: Save and LoadTickets. All methods may be called from any
// goroutine.
type Tickets struct {
	changed chan struct{} // holds a token when Save has changed

	mu    sync.Mutex
	kept  []keptTicket // guarded by mu, the newest last
	given map[[ticketSize]byte]givenTicket
	order [][ticketSize]byte // of given, the oldest first; some may have been redeemed
}

// keptTicket is what an initiator needs to resume a session.
type keptTicket struct {
	Addr   string `json:"addr"` // of the peer: whom it finds there it need not know before
	Own    []byte `json:"own"`  // shown of the certificates that we have shown
	Ticket []byte `json:"ticket"`
	State  []byte `json:"state"` // as crypto/tls writes it
}

// givenTicket is what a responder needs.
type givenTicket struct {
	own   [sha256.Size]byte // shown of the certificates that we have shown
	state []byte
}

// shown is a hash of the certificates that we show. Who shows others than before is
// somebody else: nothing is resumed then.
func shown(config *tls.Config) [sha256.Size]byte {
	return sha256.Sum256(slices.Concat(config.Certificates[0].Certificate...))
}

// NewTickets returns Tickets that remember nothing.
func NewTickets() *Tickets {
	return &Tickets{changed: make(chan struct{}, 1), given: make(map[[ticketSize]byte]givenTicket)}
}

// LoadTickets returns Tickets with what Save had; damaged ones count as none, for a
// handshake does without.
func LoadTickets(saved []byte) *Tickets {
	t := NewTickets()
	if json.Unmarshal(saved, &t.kept) != nil || len(t.kept) > mostKept {
		t.kept = nil
	}
	return t
}

// Save returns what an initiator knows.
func (t *Tickets) Save() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, err := json.Marshal(t.kept)
	if err != nil {
		return nil, fmt.Errorf("session: tickets: %w", err)
	}
	return b, nil
}

// Changed has a token whenever there is more to save.
func (t *Tickets) Changed() <-chan struct{} { return t.changed }

// dialling lets the handshake of an initiator resume what is known of the peer. A nil
// Tickets lets none.
func (t *Tickets) dialling(c *check, config *tls.Config) {
	if t == nil || c.want.Role != AsNode {
		return
	}
	own := shown(config)
	config.SessionTicketsDisabled = false
	config.ClientSessionCache = purse{t, own[:]}
}

// accepting lets the handshake of a responder resume what it has given a ticket for.
func (t *Tickets) accepting(c *check, config *tls.Config) {
	if t == nil || c.want.Role != AsNode {
		return
	}
	own := shown(config)
	config.SessionTicketsDisabled = false
	config.WrapSession = func(_ tls.ConnectionState, s *tls.SessionState) ([]byte, error) { return t.give(c, own, s) }
	config.UnwrapSession = func(ticket []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
		return t.redeem(ticket, own), nil
	}
}

// give remembers a session and returns its ticket. Of one that is about to be
// refused nothing is remembered.
func (t *Tickets) give(c *check, own [sha256.Size]byte, s *tls.SessionState) ([]byte, error) {
	var ticket [ticketSize]byte
	rand.Read(ticket[:])
	if c.err != nil {
		return ticket[:], nil
	}
	state, err := s.Bytes()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.order) >= mostGiven {
		delete(t.given, t.order[0])
		t.order = t.order[1:]
	}
	t.given[ticket] = givenTicket{own, state}
	t.order = append(t.order, ticket)
	return ticket[:], nil
}

// redeem returns the session of a ticket, once; nil: there is none.
func (t *Tickets) redeem(ticket []byte, own [sha256.Size]byte) *tls.SessionState {
	if len(ticket) != ticketSize {
		return nil
	}
	t.mu.Lock()
	g := t.given[[ticketSize]byte(ticket)]
	delete(t.given, [ticketSize]byte(ticket))
	t.mu.Unlock()
	s, err := tls.ParseSessionState(g.state)
	if err != nil || g.own != own {
		return nil
	}
	return s
}

// purse is what crypto/tls sees of an initiator's tickets. It names them by the address
// of the peer.
type purse struct {
	all *Tickets
	own []byte
}

// Get implements tls.ClientSessionCache.
func (p purse) Get(addr string) (*tls.ClientSessionState, bool) {
	k, ok := p.all.take(addr)
	if !ok || string(k.Own) != string(p.own) {
		return nil, false
	}
	state, err := tls.ParseSessionState(k.State)
	if err != nil {
		return nil, false
	}
	s, err := tls.NewResumptionState(k.Ticket, state)
	return s, err == nil
}

// Put implements tls.ClientSessionCache.
func (p purse) Put(addr string, s *tls.ClientSessionState) {
	if s == nil {
		return // it has expired, and Get has taken it
	}
	ticket, state, err := s.ResumptionState()
	if err != nil || state == nil {
		return
	}
	b, err := state.Bytes()
	if err != nil {
		return
	}
	p.all.keep(keptTicket{Addr: addr, Own: p.own, Ticket: ticket, State: b})
}

// take returns the ticket for a peer, which serves once.
func (t *Tickets) take(addr string) (keptTicket, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.kept, func(k keptTicket) bool { return k.Addr == addr })
	if i < 0 {
		return keptTicket{}, false
	}
	k := t.kept[i]
	t.kept = slices.Delete(t.kept, i, i+1)
	return k, true
}

// keep takes a ticket in the place of an older one for the same peer, or of the
// oldest of all.
func (t *Tickets) keep(k keptTicket) {
	t.take(k.Addr)
	t.mu.Lock()
	t.kept = append(t.kept, k)
	t.kept = t.kept[max(0, len(t.kept)-mostKept):]
	t.mu.Unlock()
	select {
	case t.changed <- struct{}{}:
	default: // who saves has not come to the last change yet
	}
}
