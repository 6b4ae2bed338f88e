package main

import (
	"bytes"
	"fmt"
	"time"

	"peerphone/firmware/lab/natlab"
	"peerphone/node/wire"
)

// trace writes what both interfaces saw of a call: times are since the answer,
// or since the last key if there was none.
func (c *townCall) trace(dir folder, name string) error {
	zero := c.answered
	if zero.IsZero() {
		zero = c.dialled
	}
	return c.traceBetween(dir, name, zero, time.Time{}, time.Now())
}

// traceBetween writes what both interfaces saw in a time, one packet a line: time
// in milliseconds since zero, interface, own port, direction, the far address, bytes of IP, and what
// it is.
func (c *townCall) traceBetween(dir folder, name string, zero, from, to time.Time) error {
	var b bytes.Buffer
	for _, p := range c.parties() {
		if p.capture == nil {
			continue
		}
		fmt.Fprintf(&b, "%s (%v), number %s\n", p.residence, p.interfaces(), p.number)
		for _, q := range p.capture.Packets() {
			if !q.At.Before(from) && !q.At.After(to) {
				b.WriteString(p.line(q, zero))
			}
		}
	}
	return dir.write(name+".txt", b.Bytes())
}

// interfaces are the addresses of the phone's interfaces.
func (p party) interfaces() (list []string) {
	for _, u := range p.host.Uplinks() {
		list = append(list, fmt.Sprintf("%s %v %v", u.Name(), u.Addr4(), u.Addr6()))
	}
	return list
}

func (p party) line(q natlab.Packet, zero time.Time) string {
	arrow, near, far := "<", q.Dst, q.Src
	if q.Out {
		arrow, near, far = ">", q.Src, q.Dst
	}
	name := far.String()
	if s := p.town.supernodeAt(far.Addr()); s != nil {
		name = s.Name()
	}
	return fmt.Sprintf("%9.1f %s %5d %s %-28s %5d  %s\n", ms(q.At.Sub(zero)), q.Link, near.Port(), arrow, name, q.Length, describe(q))
}

// describe tells what the clear part of a packet says of it.
func describe(q natlab.Packet) string {
	b := q.Payload()
	switch {
	case q.Protocol == protocolTCP:
		return fmt.Sprintf("TCP, %d bytes", len(b))
	case q.Protocol != protocolUDP:
		return fmt.Sprintf("protocol %d", q.Protocol)
	}
	switch wire.KindOf(b) {
	case wire.STUNFrame:
		return "STUN"
	case wire.HandshakeFrame:
		return fmt.Sprintf("handshake %#x", b[0])
	case wire.RelayFrame:
		if channel, inner, ok := wire.ParseRelay(b); ok {
			return fmt.Sprintf("relay %06x: %s", channel, describeSession(inner))
		}
	case wire.SessionFrame:
		return describeSession(b)
	}
	return "unknown"
}

func describeSession(b []byte) string {
	h, ok := wire.ParseHeader(b)
	if !ok {
		return "too short"
	}
	what := ""
	switch {
	case len(b) == aChallenge:
		what = ", as long as a challenge"
	case len(b) >= leastSound && len(b) <= mostSound:
		what = ", as long as sound"
	}
	return fmt.Sprintf("session %06x, packet %d, %d bytes%s", h.To, h.Counter, len(b), what)
}
