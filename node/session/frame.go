package session

import (
	"encoding/binary"

	"peerphone/node/wire"
)

// frameKind is the first byte of a handshake frame.
type frameKind byte

// The kinds of handshake frame.
const (
	helloFrame  frameKind = frameKind(wire.HandshakeByte) + iota // initiator to responder
	answerFrame                                                  // responder to initiator
	retryFrame                                                   // responder to initiator: show this cookie first
	refuseFrame                                                  // either way
)

// Sizes of the parts of a frame in bytes; doc.go has the layout.
const (
	headerSize    = 1 + 3 + 3 + 8
	bodySize      = 1 + 2 + 2 + 2 // cookie length, ack, offset, length
	sealedNumber  = 2
	sealedHeader  = 1 + 2 + 2 // flags, ack, offset
	sealedAround  = sealedNumber + sealedHeader + wire.Tag
	smallestFrame = headerSize + 1 + macSize
)

// attemptID names a handshake; the initiator draws it.
type attemptID [8]byte

// frame is a handshake frame, taken apart. Its slices point into the datagram.
type frame struct {
	kind     frameKind
	to, from wire.Index
	attempt  attemptID

	// Hello and Answer; cookie also Retry.
	cookie []byte
	ack    int    // Initial-level bytes acknowledged
	offset int    // of plain
	plain  []byte // Initial-level bytes
	before []byte // all that precedes sealed: its additional data
	sealed []byte // with its number; empty in first flights

	refusal Refusal // Refuse only
}

// first reports whether f belongs to a first flight.
func (f *frame) first() bool { return f.kind == helloFrame && f.to == 0 }

// parseFrame takes a handshake frame apart; ok is false when it is none. It
// does not check the MAC.
func parseFrame(b []byte) (f frame, ok bool) {
	if len(b) < smallestFrame || len(b) > wire.MaxInner {
		return frame{}, false
	}
	f.kind = frameKind(b[0])
	f.to, f.from = index24(b[1:]), index24(b[4:])
	copy(f.attempt[:], b[7:])
	body := b[headerSize : len(b)-macSize]
	switch f.kind {
	case helloFrame, answerFrame:
		return f, f.from != 0 && (f.kind == helloFrame || f.to != 0) && f.parseBody(b, body)
	case retryFrame:
		f.cookie = body
		return f, f.to != 0 && len(body) == macSize
	case refuseFrame:
		f.refusal = Refusal(body[0])
		return f, f.to != 0 && len(body) == 1
	}
	return frame{}, false
}

// parseBody reads the body of a Hello or Answer, which lies within the frame
// whole.
func (f *frame) parseBody(whole, body []byte) bool {
	n := int(body[0])
	if (n != 0 && (n != macSize || !f.first())) || len(body) < bodySize+n {
		return false
	}
	f.cookie, body = body[1:1+n], body[1+n:]
	f.ack = int(binary.BigEndian.Uint16(body))
	f.offset = int(binary.BigEndian.Uint16(body[2:]))
	length := int(binary.BigEndian.Uint16(body[4:]))
	body = body[6:]
	if length > len(body) {
		return false
	}
	f.plain, body = body[:length], body[length:]
	if f.first() {
		return true // the rest is padding
	}
	f.sealed = body
	f.before = whole[:len(whole)-macSize-len(body)]
	return len(body) == 0 || len(body) >= sealedAround
}

func index24(b []byte) wire.Index {
	return wire.Index(b[0])<<16 | wire.Index(b[1])<<8 | wire.Index(b[2])
}

// appendHeader appends the part that all kinds of frame have in common.
func (f *frame) appendHeader(dst []byte) []byte {
	dst = append(dst, byte(f.kind), byte(f.to>>16), byte(f.to>>8), byte(f.to),
		byte(f.from>>16), byte(f.from>>8), byte(f.from))
	return append(dst, f.attempt[:]...)
}

// append appends f but for sealed part, padding and MAC.
func (f *frame) append(dst []byte) []byte {
	dst = f.appendHeader(dst)
	switch f.kind {
	case retryFrame:
		return append(dst, f.cookie...)
	case refuseFrame:
		return append(dst, byte(f.refusal))
	}
	dst = append(append(dst, byte(len(f.cookie))), f.cookie...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(f.ack))
	dst = binary.BigEndian.AppendUint16(dst, uint16(f.offset))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(f.plain)))
	return append(dst, f.plain...)
}

// part is a sealed part, opened.
type part struct {
	flags   byte
	ack     int // Handshake-level bytes acknowledged
	offset  int
	data    []byte // Handshake-level bytes
	refusal Refusal
}

// Flags of a sealed part.
const (
	partDone    byte = 0x01 // the responder has verified the initiator
	partRefused byte = 0x02
)

func parsePart(b []byte) (p part, ok bool) {
	if len(b) < sealedHeader {
		return part{}, false
	}
	p.flags = b[0]
	p.ack = int(binary.BigEndian.Uint16(b[1:]))
	p.offset = int(binary.BigEndian.Uint16(b[3:]))
	p.data = b[sealedHeader:]
	switch p.flags {
	case 0, partDone:
		return p, true
	case partRefused:
		if len(p.data) != 1 {
			return part{}, false
		}
		p.refusal, p.data = Refusal(p.data[0]), nil
		return p, true
	}
	return part{}, false
}

func (p part) append(dst []byte) []byte {
	dst = append(dst, p.flags)
	dst = binary.BigEndian.AppendUint16(dst, uint16(p.ack))
	dst = binary.BigEndian.AppendUint16(dst, uint16(p.offset))
	if p.flags&partRefused != 0 {
		return append(dst, byte(p.refusal))
	}
	return append(dst, p.data...)
}
