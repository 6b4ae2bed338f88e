package session

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"peerphone/node/identity"
)

// counted counts what is written to a connection.
type counted struct {
	net.Conn
	bytes int
}

// RemoteAddr is the same each time.
func (c *counted) RemoteAddr() net.Addr { return &net.TCPAddr{Port: 443} }

func (c *counted) Write(b []byte) (int, error) {
	c.bytes += len(b)
	return c.Conn.Write(b)
}

// couple is an initiator and a responder whose streams may be resumed.
type couple struct {
	w    *world
	a, b *testNode
}

func newCouple(t *testing.T) *couple {
	t.Helper()
	w := newWorld(t, 1)
	p := &couple{w, w.join("kitchen"), w.join("workshop")}
	p.remember(p.a, NewTickets())
	p.remember(p.b, NewTickets())
	return p
}

func (p *couple) remember(n *testNode, x *Tickets) { n.port.(*TLS).Remember(x) }

func (p *couple) tickets(n *testNode) *Tickets { return n.port.(*TLS).tickets }

// connect makes a stream, ends it, and says whether it was resumed, and how many bytes
// were written for it.
func (p *couple) connect(t *testing.T, r Role) (resumed bool, bytes int) {
	t.Helper()
	ca, cb := loopback(t)
	x, y := &counted{Conn: ca}, &counted{Conn: cb}
	peer := p.b.node.ID()
	if r == AsPhone {
		peer = p.b.device.ID()
	}
	sa, sb, ea, eb := streams(p.a, p.b, x, y, 1, 2, Want{Role: r, Peer: peer})
	must(t, errors.Join(ea, eb))
	defer sa.Close()
	defer sb.Close()
	if sa.Adoption().Peer.ID != peer || sb.adoption.Peer.ID != p.a.id(r) {
		t.Error("not the peers that they are")
	}
	resumed = sa.conn.ConnectionState().DidResume
	if sb.conn.ConnectionState().DidResume != resumed {
		t.Error("the ends disagree on whether they have met")
	}
	return resumed, x.bytes + y.bytes
}

// wants fails unless the next stream is resumed, or is not.
func (p *couple) wants(t *testing.T, when string, want bool) {
	t.Helper()
	if got, _ := p.connect(t, AsNode); got != want {
		t.Errorf("%s: resumed is %t", when, got)
	}
}

// TestStreamsAreResumed: the second stream of two nodes takes far fewer bytes, and so
// does the third, with another ticket.
func TestStreamsAreResumed(t *testing.T) {
	p := newCouple(t)
	resumed, first := p.connect(t, AsNode)
	if resumed {
		t.Error("the first stream was resumed")
	}
	for range 2 {
		resumed, again := p.connect(t, AsNode)
		if !resumed || again > first-600 {
			t.Errorf("resumed is %t, with %d bytes; the first had %d", resumed, again, first)
		}
	}
}

// TestCallsAreNotResumed: what phones say to each other has keys of its own.
func TestCallsAreNotResumed(t *testing.T) {
	p := newCouple(t)
	for range 2 {
		if resumed, _ := p.connect(t, AsPhone); resumed {
			t.Error("a phone's stream was resumed")
		}
	}
}

// TestTicketsServeOnce: who copied a phone's tickets comes too late.
func TestTicketsServeOnce(t *testing.T) {
	p := newCouple(t)
	p.wants(t, "the first time", false)
	saved, err := p.tickets(p.a).Save()
	must(t, err)
	p.wants(t, "with a ticket", true)
	p.remember(p.a, LoadTickets(saved))
	p.wants(t, "with the same ticket", false)
}

// TestTicketsAreKept: they outlive the initiator's process, and not the responder's.
func TestTicketsAreKept(t *testing.T) {
	p := newCouple(t)
	p.wants(t, "the first time", false)
	select {
	case <-p.tickets(p.a).Changed():
	default:
		t.Error("nothing says that there is something to save")
	}
	saved, err := p.tickets(p.a).Save()
	must(t, err)
	p.remember(p.a, LoadTickets(saved))
	p.wants(t, "after the initiator's restart", true)
	p.remember(p.b, NewTickets())
	p.wants(t, "after the responder's restart", false)
	p.wants(t, "then", true)
}

// TestTicketsOfOthers: whose certificate is another one shows that.
func TestTicketsOfOthers(t *testing.T) {
	p := newCouple(t)
	p.wants(t, "the first time", false)
	p.a.certify(p.w.issuing, p.w.now.Add(time.Hour))
	p.w.now = p.w.now.Add(2 * time.Hour)
	p.wants(t, "with a new certificate", false)
	p.wants(t, "then", true)
	p.b.certify(p.w.issuing, p.w.now.Add(time.Hour))
	p.w.now = p.w.now.Add(2 * time.Hour)
	p.wants(t, "when the responder has a new one", false)
	p.w.now = p.w.now.Add(8 * 24 * time.Hour) // RFC 8446 section 4.6.1: seven days
	p.wants(t, "nine days later", false)
}

// TestTicketsAreWorthNothingToTheRefused: whose certificate has expired cannot resume
// what he began with it, nor gets a ticket of use.
func TestTicketsAreWorthNothingToTheRefused(t *testing.T) {
	p := newCouple(t)
	p.wants(t, "the first time", false)
	given := len(p.tickets(p.b).given)
	p.a.certify(p.w.issuing, p.w.now.Add(-100*24*time.Hour))
	ca, cb := loopback(t)
	_, _, ea, eb := streams(p.a, p.b, &counted{Conn: ca}, cb, 1, 2, Want{Role: AsNode, Peer: p.b.node.ID()})
	if ea == nil || eb == nil {
		t.Fatal("an expired certificate is good enough")
	}
	if len(p.tickets(p.b).given) != given {
		t.Error("who was refused has a ticket")
	}
}

// TestTicketsDoNotOutliveTrust: who is not of our network any more is refused, whatever
// was said before.
func TestTicketsDoNotOutliveTrust(t *testing.T) {
	p := newCouple(t)
	p.wants(t, "the first time", false)
	p.w.trust.Issuing = p.w.key().ID()
	ca, cb := loopback(t)
	_, _, ea, eb := streams(p.a, p.b, &counted{Conn: ca}, cb, 1, 2, Want{Role: AsNode, Peer: p.b.node.ID()})
	if !errors.Is(ea, identity.ErrForeign) || eb == nil {
		t.Errorf("initiator: %v; responder: %v", ea, eb)
	}
}

// TestTicketsAreBounded: whoever comes, and however often.
func TestTicketsAreBounded(t *testing.T) {
	x := NewTickets()
	for range mostGiven + 100 {
		_, err := x.give(&check{}, [32]byte{}, &tls.SessionState{})
		must(t, err)
	}
	if len(x.given) > mostGiven || len(x.order) > mostGiven {
		t.Errorf("%d are given, in an order of %d", len(x.given), len(x.order))
	}
	for n := range byte(3 * mostKept) {
		x.keep(keptTicket{Addr: string(rune(n))})
	}
	if len(x.kept) != mostKept || x.kept[mostKept-1].Addr[0] != 3*mostKept-1 {
		t.Errorf("%d are kept", len(x.kept))
	}
}

// TestDamagedTickets: whatever is on the disk, a node connects.
func TestDamagedTickets(t *testing.T) {
	p := newCouple(t)
	p.wants(t, "the first time", false)
	saved, err := p.tickets(p.a).Save()
	must(t, err)
	for name, damaged := range map[string][]byte{
		"none": nil, "no JSON": []byte("{"), "null": []byte("null"), "half": saved[:len(saved)/2],
		"other keys": bytes.ReplaceAll(saved, []byte("state"), []byte("stale")),
	} {
		t.Run(name, func(t *testing.T) {
			p.remember(p.a, LoadTickets(damaged))
			p.wants(t, name, false)
		})
	}
	if x := NewTickets(); x.redeem(nil, [32]byte{}) != nil || x.redeem(make([]byte, ticketSize), [32]byte{}) != nil {
		t.Error("a ticket that nobody gave is redeemed")
	}
}
