package path

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// keeper is a script of a Legkeeper.
type keeper struct {
	*testing.T
	now  time.Time
	legs *Legkeeper
}

func newKeeper(t *testing.T) *keeper {
	return &keeper{t, time.Unix(1_000_000, 0), NewLegkeeper(Config{Rand: rand.NewChaCha8([32]byte{2})})}
}

var (
	callerKey = identity.KeyFromSeed([32]byte{1, 0x1e})
	calleeKey = identity.KeyFromSeed([32]byte{2, 0x1e})
)

// relayNamed is the supernode with this letter.
func relayNamed(name byte) wire.Member {
	return wire.Member{Node: identity.ID{name}, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, name}), 7000)}
}

func (k *keeper) offer(names string) {
	var relays []wire.Member
	for i := range len(names) {
		relays = append(relays, relayNamed(names[i]))
	}
	k.legs.Offer(k.now, ours, calleeKey, relays)
}

// tickets are the far phone's for the relays with these letters.
func (k *keeper) tickets(names string) []wire.Ticket {
	var list []wire.Ticket
	for i := range len(names) {
		list = append(list, NewTicket(k.now, k.legs.rand, relayNamed(names[i]), callerKey.ID(), calleeKey))
	}
	return list
}

func (k *keeper) take(names string) {
	k.legs.Tickets(k.now, ours, callerKey.ID(), k.tickets(names))
}

// leg finds our leg at the relay name.
func (k *keeper) leg(name byte) *ownLeg {
	k.Helper()
	_, l := k.legs.leg(func(l *ownLeg) bool { return l.ticket.Relay == relayNamed(name) })
	if l == nil {
		k.Fatalf("there is no leg at %c", name)
	}
	return l
}

// opened lets the relay name grant our leg, in the session named like it.
func (k *keeper) opened(name byte) {
	k.legs.Opened(k.now, wire.Index(name), identity.ID{name},
		wire.RelayOpened{Serial: k.leg(name).ticket.Serial, Channel: uint32(name)})
}

func (k *keeper) refused(name byte) {
	k.legs.Refused(k.now, identity.ID{name}, wire.RelayRefused{Serial: k.leg(name).ticket.Serial, Code: wire.RelayBusy, After: 9})
}

func (k *keeper) advance(d time.Duration) {
	k.now = k.now.Add(d)
	if next := k.legs.Next(); !next.IsZero() && !next.After(k.now) {
		k.legs.Advance(k.now)
	}
}

// want compares all that was asked since, in words.
func (k *keeper) want(want ...string) {
	k.Helper()
	var got []string
	for _, e := range k.legs.Take() {
		got = append(got, sayRelay(e))
	}
	if !slices.Equal(got, want) {
		k.Fatalf("\n got %s\nwant %s", strings.Join(got, "; "), strings.Join(want, "; "))
	}
}

func sayRelay(e Event) string {
	switch e := e.(type) {
	case RelayAsk:
		return fmt.Sprintf("%s %c", strings.TrimPrefix(fmt.Sprintf("%T", e.Message), "wire.Relay"), e.Relay.Node[0])
	case RelayOffer:
		var names string
		for _, t := range e.Tickets {
			names += string(t.Relay.Node[:1])
		}
		return "offer " + names
	case RelayUp:
		return fmt.Sprintf("up %c %d", rune(e.Way.Home), e.Order)
	case RelayDown:
		return fmt.Sprintf("down %c", rune(e.Way.Home))
	case RelayWanted:
		var names string
		for _, id := range e.Tried {
			names += string(id[:1])
		}
		return "wanted but " + names
	}
	return fmt.Sprintf("%T", e)
}

// The callee makes two tickets, and another one whenever a relay is lost.
func TestTheCalleeKeepsTwoRelays(t *testing.T) {
	k := newKeeper(t)
	k.legs.Meet(k.now, ours, callerKey.ID())
	k.legs.Meet(k.now, ours, callerKey.ID())
	k.want("wanted but ")
	k.offer("ABC")
	for _, name := range "AB" {
		ticket := k.leg(byte(name)).ticket
		if !calleeKey.ID().Verify(wire.TicketMessage(ticket), ticket.Signature) || ticket.Caller != callerKey.ID() {
			t.Errorf("ticket for %c: %+v", name, ticket)
		}
	}
	k.want("Open A", "Open B", "offer AB")
	k.opened('A')
	k.opened('B')
	k.want("up A 0", "up B 1")
	k.legs.Silent(k.now, k.leg('A').way)
	k.want("Closed A", "down A", "wanted but AB")
	k.offer("C")
	k.want("Open C", "offer C")
	k.opened('C')
	k.want("up C 2")
	k.legs.Lost(k.now, 'B')
	k.want("Closed B", "down B", "wanted but ABC")
	k.legs.Closed(k.now, 'C', wire.RelayClosed{Channel: 'C', Code: wire.RelaySpent})
	k.want("Closed C", "down C", "wanted but ABC")
	k.offer("") // there is none
	k.advance(relayAgain)
	k.want("wanted but ") // those that were tried may serve again
	k.legs.Shut(ours)
	k.advance(time.Hour)
	k.want()
}

func TestARelayThatDoesNotOpenIsReplaced(t *testing.T) {
	k := newKeeper(t)
	k.legs.Meet(k.now, ours, callerKey.ID())
	k.offer("AB")
	k.want("wanted but ", "Open A", "Open B", "offer AB")
	k.refused('A')
	k.want("wanted but AB")
	k.legs.Unreachable(k.now, identity.ID{'B'})
	k.want("wanted but AB")
	k.offer("CD")
	k.want("Open C", "Open D", "offer CD")
	k.advance(legPatience)
	k.want("wanted but ABCD", "wanted but ABCD")
}

// The caller takes the callee's tickets; the newest take the place of what does
// not work.
func TestTheCallerTakesTickets(t *testing.T) {
	k := newKeeper(t)
	k.take("AB")
	k.want("Open A", "Open B")
	k.opened('B')
	k.want("up B 1")
	k.take("C")
	k.want("Open C")
	k.opened('C')
	k.want("up C 2")
	k.take("D")
	k.want("Closed B", "down B", "Open D")
	k.legs.Opened(k.now, 'A', identity.ID{'A'}, wire.RelayOpened{Serial: 5, Channel: 'A'})
	k.want("Closed A")
	k.legs.Silent(k.now, k.leg('C').way)
	k.want("Closed C", "down C")
}

// What is not for us is passed over, but counts: both ends give the same order.
func TestForeignTicketsArePassedOver(t *testing.T) {
	k := newKeeper(t)
	list := k.tickets("AB")
	list[0].Caller = identity.ID{9}
	k.legs.Tickets(k.now, ours, callerKey.ID(), list)
	k.want("Open B")
	k.opened('B')
	k.want("up B 1")
	k.legs.Tickets(k.now, ours, calleeKey.ID(), list) // we are the callee ourselves
	k.legs.Tickets(k.now, ours, callerKey.ID(), []wire.Ticket{NewTicket(k.now, k.legs.rand, wire.Member{Node: callerKey.ID()}, callerKey.ID(), calleeKey)})
	k.want()
	for range maxOffers {
		k.take("C")
	}
	n := len(k.legs.Take())
	k.take("DE")
	k.want()
	if n > 2*maxOffers+3 {
		t.Errorf("%d things asked for %d tickets", n, maxOffers)
	}
}

func TestWholeWays(t *testing.T) {
	k := newKeeper(t)
	k.take("A")
	k.opened('A')
	whole := Way{Home: 'A', Channel: 'A'}
	for w, want := range map[Way]Way{
		{Channel: 'A'}: whole, whole: whole, {Channel: 'B'}: {}, {Stream: 3}: {Stream: 3},
	} {
		if got := k.legs.Whole(w); got != want {
			t.Errorf("%v is %v, want %v", w, got, want)
		}
	}
	if k.legs.Order(whole) != 0 || k.legs.Order(Way{Channel: 'B'}) != 0 {
		t.Error("bad orders")
	}
}

// ready lets the relay name say that our leg may be used.
func (k *keeper) ready(name byte, serial uint64) {
	k.legs.Ready(k.now, wire.Index(name), identity.ID{name}, wire.RelayReady{Serial: serial, Channel: uint32(name)})
}

// A relay calls the caller to its leg, before the ticket comes or after it.
func TestTheCallerIsReadyBeforeItHasAsked(t *testing.T) {
	k := newKeeper(t)
	list := k.tickets("AB")
	k.ready('A', list[0].Serial)
	k.legs.Tickets(k.now, ours, callerKey.ID(), list)
	k.want("Open A", "up A 0", "Open B")
	k.ready('B', list[1].Serial)
	k.want("up B 1")
	k.opened('A') // the answer to what we have asked: nothing new
	k.opened('B')
	k.ready('B', list[1].Serial)
	k.want()
	k.refused('A')
	k.want("Closed A", "down A")
}

func TestWhoIsNotAskedCallsInVain(t *testing.T) {
	k := newKeeper(t)
	list := k.tickets("AB")
	k.ready('B', list[0].Serial) // another relay's ticket
	for i := range uint64(maxReady) {
		k.ready('A', i)
	}
	if n := len(k.legs.ready); n != maxReady {
		t.Errorf("%d legs without a ticket are remembered", n)
	}
	k.legs.Tickets(k.now, ours, callerKey.ID(), list)
	k.want("Open A", "Open B")

	callee := newKeeper(t)
	callee.legs.Meet(callee.now, ours, callerKey.ID())
	callee.offer("A")
	callee.want("wanted but ", "Open A", "offer A")
	callee.ready('A', callee.leg('A').ticket.Serial)
	callee.want()
}
