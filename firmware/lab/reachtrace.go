package main

import (
	"bytes"
	"fmt"
	"slices"
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
		outside := func(q natlab.Packet) bool { return q.At.Before(from) || q.At.After(to) }
		p.describe(&b, slices.DeleteFunc(p.capture.Packets(), outside), zero)
	}
	return dir.write(name+".txt", b.Bytes())
}

// describe writes packets that the phone's interfaces saw.
func (r *resident) describe(b *bytes.Buffer, packets []natlab.Packet, zero time.Time) {
	fmt.Fprintf(b, "%s (%v), number %s\n", r.residence, r.interfaces(), r.number)
	for _, q := range packets {
		b.WriteString(r.line(q, zero))
	}
}

// interfaces are the addresses of the phone's interfaces.
func (r *resident) interfaces() (list []string) {
	for _, u := range r.host.Uplinks() {
		list = append(list, fmt.Sprintf("%s %v %v", u.Name(), u.Addr4(), u.Addr6()))
	}
	return list
}

func (r *resident) line(q natlab.Packet, zero time.Time) string {
	arrow, near, far := "<", q.Dst, q.Src
	if q.Out {
		arrow, near, far = ">", q.Src, q.Dst
	}
	name := far.String()
	if s := r.town.supernodeAt(far.Addr()); s != nil {
		name = s.Name()
	}
	return fmt.Sprintf("%9.1f %s %5d %s %-28s %5d  %s\n", ms(q.At.Sub(zero)), q.Link, near.Port(), arrow, name, q.Length, describe(q))
}

// describe tells what the clear part of a packet says of it.
func describe(q natlab.Packet) string {
	b := q.Payload()
	switch {
	case q.Protocol == protocolTCP:
		return "TCP" + describeTLS(b)
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

// recordTypes are names of TLS records.
var recordTypes = map[byte]string{tlsChange: ", change", tlsHandshake: ", handshake", tlsSealed: ", sealed"}

// describeTLS names what a segment begins with, which may be the midst of a
// record.
func describeTLS(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return fmt.Sprintf(", %d bytes%s", len(b), recordTypes[b[0]])
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
