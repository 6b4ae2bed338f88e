package path

import (
	"io"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

//go:generate go tool stringer -type=legState -output=legstate_string.go

const (
	// wantedRelays is how many relays a call has: one in use, one standing by.
	wantedRelays = 2
	// legPatience is how long a relay may take to open a leg: it may have to be
	// dialled first, which takes three round trips.
	// On a narrow line it takes narrowPatience, as dialling does.
	legPatience    = 2500 * time.Millisecond
	narrowPatience = 15 * time.Second
	// relayAgain is the pause before a callee looks for another relay when the
	// ones that it knows are all tried; it doubles up to relayRest.
	relayAgain = time.Second
	relayRest  = 30 * time.Second
	// maxMeetings bounds the sessions that have relays, maxOffers the tickets
	// that a caller takes in one of them: a call of a day, on poor relays.
	maxMeetings = 16
	maxOffers   = 64
	// maxReady bounds the legs that relays have told of before their tickets came:
	// those of a few calls. Of more the oldest are forgotten, which costs a round trip.
	maxReady = 8
)

// legState says how far our leg at a relay has got.
//
//	         Opened, Ready
//	legAsked -------> legOpen
//	   |                 |  refused, closed, silent, its session lost
//	   +----> (removed) <+
type legState uint8

const (
	legAsked legState = iota
	legOpen
)

// ownLeg is our leg at a relay.
type ownLeg struct {
	ticket wire.Ticket
	order  int // of the ticket among those of its session, the same at both ends
	state  legState
	way    Way       // legOpen
	until  time.Time // legAsked: when we give up
}

// meeting is the legs of one session between two phones.
type meeting struct {
	ix     wire.Index
	far    identity.ID // callee's side: for whom tickets are made; zero: the far phone makes them
	legs   []*ownLeg   // the preferred first; at most wantedRelays
	tried  []identity.ID
	offers int           // tickets taken or made
	again  time.Time     // callee's side: when to look for more relays; zero: there are enough
	pause  time.Duration // before that
}

// Legkeeper is the phone's half of relaying: it makes tickets where we are
// called and takes them where we call, opens our legs, and sees to it that a
// call has two relays as long as it lasts. The zero value is not usable.
type Legkeeper struct {
	rand     io.Reader
	narrow   bool // the line
	meetings []*meeting
	ready    []ready // that no ticket has come for, the oldest first; at most maxReady
	out      []Event
}

// ready is a leg that may be used, as a relay says.
type ready struct {
	relay identity.ID
	home  wire.Index // of the session in which it said so
	wire.RelayReady
}

// NewLegkeeper returns one without legs.
func NewLegkeeper(cfg Config) *Legkeeper { return &Legkeeper{rand: cfg.Rand} }

// RelayAsk asks to send Message to the supernode Relay, which is dialled when
// need be.
type RelayAsk struct {
	Relay   wire.Member
	Message wire.Message
}

// RelayOffer asks to give Tickets to the far phone of session Index.
type RelayOffer struct {
	Index   wire.Index
	Tickets []wire.Ticket
}

// RelayUp tells that our leg at a relay is open.
type RelayUp struct {
	Index wire.Index
	Way   Way
	Order int // among the relays of the session; both ends prefer the lower one
}

// RelayWanted asks for relays, to be named to Offer: other ones than Tried.
type RelayWanted struct {
	Index wire.Index
	Tried []identity.ID
}

// RelayDown tells that a leg that was up is no more.
type RelayDown struct {
	Index wire.Index
	Way   Way
}

func (RelayAsk) event()    {}
func (RelayOffer) event()  {}
func (RelayUp) event()     {}
func (RelayWanted) event() {}
func (RelayDown) event()   {}

// Take returns what has been asked since the last Take, oldest first.
func (k *Legkeeper) Take() []Event {
	out := k.out
	k.out = nil
	return out
}

func (k *Legkeeper) emit(e Event) { k.out = append(k.out, e) }

// Narrow tells whether our line has so little room that relays take long to answer.
func (k *Legkeeper) Narrow(on bool) { k.narrow = on }

// Asks reports whether the supernode is asked for a leg.
func (k *Legkeeper) Asks(relay identity.ID) bool {
	_, l := k.leg(func(l *ownLeg) bool { return l.state == legAsked && l.ticket.Relay.Node == relay })
	return l != nil
}

// Meet begins to keep relays for session ix with the node far, which calls us:
// RelayWanted follows.
func (k *Legkeeper) Meet(now time.Time, ix wire.Index, far identity.ID) {
	if k.find(ix) != nil || far.IsZero() {
		return
	}
	if m := k.begin(ix); m != nil {
		m.far = far
		k.want(now, m)
	}
}

// Offer makes tickets for relays, the preferred first, as many as are wanted,
// signed by key: that of our node. None: there is no further one to be had now.
func (k *Legkeeper) Offer(now time.Time, ix wire.Index, key identity.Key, relays []wire.Member) {
	m := k.find(ix)
	if m == nil || m.far.IsZero() {
		return
	}
	var tickets []wire.Ticket
	for _, relay := range relays {
		if len(m.legs) == wantedRelays {
			break
		}
		t := NewTicket(now, k.rand, relay, m.far, key)
		tickets = append(tickets, t)
		m.tried = append(m.tried, relay.Node)
		k.ask(now, m, t)
	}
	if len(tickets) > 0 {
		k.emit(RelayOffer{ix, tickets})
	}
	k.plan(now, m)
}

// Tickets takes the far phone's tickets; our node is self. A ticket for somebody
// else, or of ourselves, is passed over.
func (k *Legkeeper) Tickets(now time.Time, ix wire.Index, self identity.ID, tickets []wire.Ticket) {
	m := k.find(ix)
	if m == nil {
		m = k.begin(ix)
	}
	if m == nil || !m.far.IsZero() {
		return
	}
	for _, t := range tickets {
		if t.Caller != self || t.Callee == self || t.Relay.Node == self || m.offers >= maxOffers {
			m.offers++
			continue
		}
		if len(m.legs) == wantedRelays {
			k.remove(m, m.legs[k.worst(m)])
		}
		k.ask(now, m, t)
	}
}

// worst returns which leg goes when a ticket for another one comes: one that is
// not open, else the older.
func (k *Legkeeper) worst(m *meeting) int {
	if i := slices.IndexFunc(m.legs, func(l *ownLeg) bool { return l.state == legAsked }); i >= 0 {
		return i
	}
	return 0
}

func (k *Legkeeper) begin(ix wire.Index) *meeting {
	if len(k.meetings) >= maxMeetings {
		return nil
	}
	m := &meeting{ix: ix, pause: relayAgain}
	k.meetings = append(k.meetings, m)
	return m
}

func (k *Legkeeper) find(ix wire.Index) *meeting {
	for _, m := range k.meetings {
		if m.ix == ix {
			return m
		}
	}
	return nil
}

// ask opens a leg.
func (k *Legkeeper) ask(now time.Time, m *meeting, t wire.Ticket) {
	patience := legPatience
	if k.narrow {
		patience = narrowPatience
	}
	m.legs = append(m.legs, &ownLeg{ticket: t, order: m.offers, until: now.Add(patience)})
	m.offers++
	k.emit(RelayAsk{t.Relay, wire.RelayOpen{Ticket: t}})
	if i := slices.IndexFunc(k.ready, func(r ready) bool { return r.Serial == t.Serial && r.relay == t.Relay.Node }); i >= 0 {
		r := k.ready[i]
		k.ready = slices.Delete(k.ready, i, i+1)
		k.open(m, m.legs[len(m.legs)-1], Way{Home: r.home, Channel: r.Channel})
	}
}

// Ready takes a RelayReady of the node from, which came in the session home, and
// often before the ticket: it has a shorter way.
func (k *Legkeeper) Ready(_ time.Time, home wire.Index, from identity.ID, r wire.RelayReady) {
	m, l := k.leg(func(l *ownLeg) bool { return l.ticket.Serial == r.Serial && l.ticket.Relay.Node == from })
	switch {
	case l == nil:
		k.ready = append(k.ready, ready{from, home, r})
		k.ready = k.ready[max(0, len(k.ready)-maxReady):]
	case l.state == legAsked && m.far.IsZero():
		k.open(m, l, Way{Home: home, Channel: r.Channel})
	}
}

// open notes that our leg l may be used.
func (k *Legkeeper) open(m *meeting, l *ownLeg, w Way) {
	l.state, l.way, l.until = legOpen, w, time.Time{}
	m.pause = relayAgain
	k.emit(RelayUp{m.ix, w, l.order})
}

// Opened takes a RelayOpened of the node from, which came in the session home.
func (k *Legkeeper) Opened(now time.Time, home wire.Index, from identity.ID, o wire.RelayOpened) {
	m, l := k.leg(func(l *ownLeg) bool { return l.ticket.Serial == o.Serial && l.ticket.Relay.Node == from })
	if l == nil {
		k.emit(RelayAsk{wire.Member{Node: from}, wire.RelayClosed{Channel: o.Channel, Code: wire.RelayDone}})
		return
	}
	w := Way{Home: home, Channel: o.Channel}
	switch {
	case l.state == legOpen && l.way == w:
		return // as the relay has said before
	case l.state == legOpen:
		k.emit(RelayDown{m.ix, l.way})
	}
	k.open(m, l, w)
}

// Refused takes a RelayRefused of the node from.
func (k *Legkeeper) Refused(now time.Time, from identity.ID, r wire.RelayRefused) {
	m, l := k.leg(func(l *ownLeg) bool { return l.ticket.Serial == r.Serial && l.ticket.Relay.Node == from })
	k.gone(now, m, l)
}

// Closed takes a RelayClosed that came in the session home.
func (k *Legkeeper) Closed(now time.Time, home wire.Index, c wire.RelayClosed) {
	k.Silent(now, Way{Home: home, Channel: c.Channel})
}

// Silent tells that nothing comes through by w any more. The relay hears that
// we do not need it, should it live.
func (k *Legkeeper) Silent(now time.Time, w Way) {
	m, l := k.leg(func(l *ownLeg) bool { return l.state == legOpen && l.way == w })
	k.gone(now, m, l)
}

// Lost tells that the session with a supernode has ended, and our legs in it.
func (k *Legkeeper) Lost(now time.Time, home wire.Index) {
	for {
		m, l := k.leg(func(l *ownLeg) bool { return l.state == legOpen && l.way.Home == home })
		if l == nil {
			return
		}
		k.gone(now, m, l)
	}
}

// Unreachable tells that a supernode cannot be dialled.
func (k *Legkeeper) Unreachable(now time.Time, relay identity.ID) {
	for {
		m, l := k.leg(func(l *ownLeg) bool { return l.state == legAsked && l.ticket.Relay.Node == relay })
		if l == nil {
			return
		}
		k.gone(now, m, l)
	}
}

// Shut ends what was kept for session ix.
func (k *Legkeeper) Shut(ix wire.Index) {
	if m := k.find(ix); m != nil {
		for len(m.legs) > 0 {
			k.remove(m, m.legs[0])
		}
		k.meetings = without(k.meetings, m)
	}
}

func (k *Legkeeper) leg(is func(*ownLeg) bool) (*meeting, *ownLeg) {
	for _, m := range k.meetings {
		if i := slices.IndexFunc(m.legs, is); i >= 0 {
			return m, m.legs[i]
		}
	}
	return nil, nil
}

// gone removes a leg and looks for another one, if it is for us to do so.
func (k *Legkeeper) gone(now time.Time, m *meeting, l *ownLeg) {
	if l == nil {
		return
	}
	k.remove(m, l)
	if !m.far.IsZero() {
		k.want(now, m)
	}
}

func (k *Legkeeper) remove(m *meeting, l *ownLeg) {
	m.legs = without(m.legs, l)
	if l.state == legOpen {
		k.emit(RelayAsk{l.ticket.Relay, wire.RelayClosed{Channel: l.way.Channel, Code: wire.RelayDone}})
		k.emit(RelayDown{m.ix, l.way})
	}
}

// want asks for relays at once, and plans to ask again.
func (k *Legkeeper) want(now time.Time, m *meeting) {
	k.emit(RelayWanted{m.ix, slices.Clone(m.tried)})
	k.plan(now, m)
}

// plan sets when more relays are looked for.
func (k *Legkeeper) plan(now time.Time, m *meeting) {
	m.again = time.Time{}
	if len(m.legs) < wantedRelays {
		m.again = now.Add(m.pause)
	}
}

// Whole returns the way of a leg of which the data plane knows the channel only,
// the zero Way when it is none of ours. Other ways come back as they are.
func (k *Legkeeper) Whole(w Way) Way {
	if !w.IsRelay() || w.Home != 0 {
		return w
	}
	if _, l := k.leg(func(l *ownLeg) bool { return l.state == legOpen && l.way.Channel == w.Channel }); l != nil {
		return l.way
	}
	return Way{}
}

// Order returns RelayUp.Order of a leg that is up.
func (k *Legkeeper) Order(w Way) int {
	if _, l := k.leg(func(l *ownLeg) bool { return l.state == legOpen && l.way == w }); l != nil {
		return l.order
	}
	return 0
}

// Again tells that there may be other relays than before.
func (k *Legkeeper) Again(now time.Time) {
	for _, m := range k.meetings {
		if !m.again.IsZero() {
			m.again, m.pause = now, relayAgain
		}
	}
}

// Next returns when Advance wants to be called; zero: never.
func (k *Legkeeper) Next() time.Time {
	var next time.Time
	for _, m := range k.meetings {
		next = earlier(next, m.again)
		for _, l := range m.legs {
			next = earlier(next, l.until)
		}
	}
	return next
}

// Advance gives up legs that do not open and looks for relays anew: by then
// those that were tried may serve again.
func (k *Legkeeper) Advance(now time.Time) {
	for _, m := range slices.Clone(k.meetings) {
		for _, l := range slices.Clone(m.legs) {
			if !l.until.IsZero() && !l.until.After(now) {
				k.gone(now, m, l)
			}
		}
		if !m.again.IsZero() && !m.again.After(now) {
			m.pause = min(2*m.pause, relayRest)
			m.tried = m.tried[:0]
			for _, l := range m.legs {
				m.tried = append(m.tried, l.ticket.Relay.Node)
			}
			k.want(now, m)
		}
	}
}
