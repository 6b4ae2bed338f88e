package path

import (
	"io"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// ticketLife is how long a ticket may be used to open a leg. It also covers
	// clocks that differ: some boards have none of their own.
	ticketLife = 2 * time.Hour
	// maxTicketLife bounds how long a relay remembers a ticket that was used.
	maxTicketLife = 24 * time.Hour
	// ticketBudget is what a ticket is good for: four hours of the best sound
	// that we send, both ways. A longer call gets a new one.
	ticketBudget = 256 << 20
)

// NewTicket makes a ticket for the caller, signed by key: the callee's node
// key.
func NewTicket(now time.Time, rand io.Reader, relay wire.Member, caller identity.ID, key identity.Key) wire.Ticket {
	t := wire.Ticket{
		Relay: relay, Caller: caller, Callee: key.ID(),
		Serial: uint64(draw32(rand))<<32 | uint64(draw32(rand)),
		Expiry: now.Add(ticketLife).Unix(), Budget: ticketBudget,
	}
	t.Signature = key.Sign(wire.TicketMessage(t))
	return t
}

// ticketKey names a ticket: a callee draws its serials.
type ticketKey struct {
	callee identity.ID
	serial uint64
}

func keyOf(t wire.Ticket) ticketKey { return ticketKey{t.Callee, t.Serial} }

// fits reports what is wrong with a ticket that asker shows to the relay self,
// its signature apart; 0: nothing.
func fits(now time.Time, t wire.Ticket, self, asker identity.ID) wire.RelayCode {
	switch {
	case t.Relay.Node != self, asker != t.Caller && asker != t.Callee, t.Caller == t.Callee:
		return wire.RelayForeign
	case t.Expiry <= now.Unix():
		return wire.RelayExpired
	case t.Expiry > now.Add(maxTicketLife).Unix():
		return wire.RelayForeign
	}
	return 0
}
