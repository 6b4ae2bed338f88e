package main

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"peerphone/node/identity"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// oursBed is a peerphone that is a supernode, in a network of its own. The
// phones of the legs are made here: their certificates are signed with the
// network's issuing key, their sessions and tickets are real.
type oursBed struct {
	dir         folder
	steps       *steps
	environment []string // of the relay's process, besides ours

	network *network
	issuing identity.Key
	trust   identity.Trust
	relay   wire.Member
	legs    []*oursLeg
	each    float64 // memory that a leg takes, in bytes
}

// relayStation is the supernode, relayRate what its owner lets it relay, in
// kbit/s: a new one trusts its line with twenty calls.
const (
	relayStation = "relay"
	relayRate    = 1_000_000
)

func (b *oursBed) start(ctx context.Context) (err error) {
	if err := os.RemoveAll(string(b.dir)); err != nil {
		return err
	}
	p := plan{supernodes: []station{{name: relayStation, number: "9001", rate: relayRate, environment: b.environment}}}
	if b.network, err = startNetwork(ctx, b.dir, p, b.steps); err != nil {
		return err
	}
	state := folder(b.network.folder.path(loginFolder, loginState))
	pem, err := os.ReadFile(state.path("issuing.key"))
	if err != nil {
		return err
	}
	if b.issuing, err = identity.ParseKey(pem); err != nil {
		return err
	}
	params, err := os.ReadFile(state.path("params"))
	if err != nil {
		return err
	}
	id, err := identity.NetworkOfParams(params)
	b.trust = identity.Trust{Network: id, Issuing: b.issuing.ID()}
	b.relay.Addr = b.network.live[relayStation].listen
	return err
}

// open brings up the sessions of all legs, and then the legs.
func (b *oursBed) open(ctx context.Context, legs int) (flows []flow, err error) {
	for range legs {
		l, err := b.dial(ctx)
		if err != nil {
			return nil, err
		}
		b.legs = append(b.legs, l)
	}
	for i := 0; i < legs; i += 2 {
		caller, callee := b.legs[i], b.legs[i+1]
		ticket := b.ticket(caller, callee)
		for _, l := range []*oursLeg{caller, callee} {
			if err := l.open(ctx, ticket); err != nil {
				return nil, err
			}
		}
		flows = append(flows, flow{caller.socket, callee.socket, caller.packet()}, flow{callee.socket, caller.socket, callee.packet()})
	}
	return flows, nil
}

func (b *oursBed) usage() (procUsage, error) {
	return usageOf(b.network.live[relayStation].child.Pid())
}

func (b *oursBed) perLeg(int) float64 { return b.each }

func (b *oursBed) carried(datagram []byte) bool { return wire.KindOf(datagram) == wire.RelayFrame }

// tend answers what the relay has asked the phones meanwhile.
func (b *oursBed) tend() error {
	for _, l := range b.legs {
		if err := l.settle(); err != nil {
			return err
		}
	}
	return nil
}

// stop is nothing before the start.
func (b *oursBed) stop() error {
	if b.network == nil {
		return nil
	}
	return b.network.stop()
}

// ticket lets two legs meet.
func (b *oursBed) ticket(caller, callee *oursLeg) wire.Ticket {
	t := wire.Ticket{
		Relay: b.relay, Caller: caller.key.ID(), Callee: callee.key.ID(), Serial: rand.Uint64(),
		Expiry: time.Now().Add(10 * time.Minute).Unix(), Budget: 1 << 30,
	}
	t.Signature = callee.key.Sign(wire.TicketMessage(t))
	return t
}

// oursLeg is a phone, as far as a relay knows one.
type oursLeg struct {
	socket  udpSocket
	key     identity.Key // of its node
	table   *session.Table
	tls     *session.TLS
	ix      wire.Index
	peer    identity.ID // the relay, once the session is up
	channel uint32      // once the leg is open
	failed  error
}

// dial brings up a session with the relay. The first one learns who that is.
func (b *oursBed) dial(ctx context.Context) (*oursLeg, error) {
	key, err := identity.NewKey(cryptorand.Reader)
	if err != nil {
		return nil, err
	}
	l := &oursLeg{key: key}
	certificate, err := identity.IssueNode(b.issuing, l.key.ID(), time.Now())
	if err != nil {
		return nil, err
	}
	if l.socket, err = listenLoopback(); err != nil {
		return nil, err
	}
	if err := l.socket.connect(b.relay.Addr); err != nil {
		return nil, err
	}
	credentials := session.Credentials{Chain: [][]byte{certificate.DER}, Key: l.key}
	l.tls = session.NewTLS(func(session.Role) session.Credentials { return credentials },
		func() identity.Trust { return b.trust }, time.Now)
	l.table = session.New(session.Config{Rand: cryptorand.Reader, Node: l.key.ID(), Network: b.trust.Network})
	l.ix = l.table.Dial(time.Now(), session.Want{Role: session.AsNode, Peer: b.relay.Node, Network: b.trust.Network, Padded: true})
	if err := l.until(ctx, "a session", func() bool { return !l.peer.IsZero() }); err != nil {
		return nil, err
	}
	b.relay.Node = l.peer
	return l, nil
}

// open opens the leg.
func (l *oursLeg) open(ctx context.Context, t wire.Ticket) error {
	if err := l.table.Send(time.Now(), l.ix, wire.Append(nil, wire.RelayOpen{Ticket: t})); err != nil {
		return err
	}
	return l.until(ctx, "a leg", func() bool { return l.channel != 0 })
}

// packet is a relay frame with what looks like a session frame of the two
// phones.
func (l *oursLeg) packet() []byte {
	inner := wire.AppendHeader(nil, wire.Header{To: 1})
	return wire.AppendRelay(nil, l.channel, append(inner, make([]byte, relayPayload-len(inner))...))
}

// legPatience is how long a session or a leg may take.
const legPatience = time.Minute

func (l *oursLeg) until(ctx context.Context, what string, good func() bool) error {
	for start := time.Now(); ; {
		if err := l.settle(); err != nil {
			return err
		}
		switch {
		case good():
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Since(start) > legPatience:
			return fmt.Errorf("the relay gives no %s after %v", what, legPatience)
		}
		buf := make([]byte, 2048)
		if n, ok := l.socket.await(buf, 10*time.Millisecond); ok {
			l.hear(buf[:n])
		}
	}
}

// settle reads what is there, and lets the session act.
func (l *oursLeg) settle() error {
	buf := make([]byte, 2048)
	for {
		n, ok := l.socket.await(buf, 0)
		if !ok {
			break
		}
		l.hear(buf[:n])
	}
	if at := l.table.Next(); !at.IsZero() && !at.After(time.Now()) {
		l.table.Advance(time.Now())
	}
	for events := l.table.Take(); len(events) > 0; events = l.table.Take() {
		for _, e := range events {
			l.act(e)
		}
	}
	return l.failed
}

// hear takes a datagram.
func (l *oursLeg) hear(b []byte) {
	switch wire.KindOf(b) {
	case wire.HandshakeFrame:
		l.table.Handle(time.Now(), append([]byte(nil), b...), false)
	case wire.SessionFrame:
		ch := l.table.Channel(l.ix)
		if ch == nil {
			return
		}
		if payload, err := ch.Open(nil, b); err == nil {
			l.table.Payload(time.Now(), l.ix, payload)
		}
	}
}

// act does what the session asks.
func (l *oursLeg) act(e session.Event) {
	switch e := e.(type) {
	case session.Datagram:
		_ = l.socket.send(e.Frame) // the network's errors are for who sends again
	case session.Request:
		l.table.Progress(time.Now(), e.Session(), l.tls.Do(e))
	case session.Up:
		l.peer = e.Peer.ID
	case session.Message:
		l.message(e.Body)
	case session.Down:
		l.failed = fmt.Errorf("the session with the relay has ended: %w", e.Reason)
	}
}

func (l *oursLeg) message(body []byte) {
	m, err := wire.Parse(body)
	if err != nil {
		return
	}
	switch m := m.(type) {
	case wire.RelayOpened:
		l.channel = m.Channel
	case wire.RelayRefused:
		l.failed = fmt.Errorf("the relay refuses a leg: code %d", m.Code)
	case wire.RelayClosed:
		l.failed = errors.New("the relay has closed a leg")
	}
}
