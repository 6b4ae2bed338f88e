package main

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"peerphone/firmware/lab/natlab"
	"peerphone/node/wire"
)

// sound is a datagram of sound, or a TCP segment that carries some, as it came
// in at a host's interface. What it holds is sealed: that it is sound is
// concluded from its length, and that it is new from the packet counter in the
// clear header of the session's frame.
type sound struct {
	at     time.Time
	link   string // interface
	source netip.AddrPort
	via    soundWay
	to     wire.Index // of the session; 0 in a stream
}

// soundWay is how sound travels.
type soundWay uint8

// The ways.
const (
	noWay     soundWay = iota // none
	directWay                 // direct
	relayWay                  // relay
	streamWay                 // stream
)

// Lengths of a session frame with sound, in bytes: header, tag, media header,
// and one packet of speech at 6 to 40 kb/s. Acknowledgements (34 bytes) are
// shorter, most messages longer. A packet of silence can be as short as an
// acknowledgement. Challenges and their answers are all of one length, in which
// hardly a packet of speech is.
const (
	aChallenge   = wire.SessionHeader + wire.Tag + 2 + 16
	leastSound   = wire.SessionHeader + wire.Tag + wire.MediaHeader + 12
	mostSound    = wire.SessionHeader + wire.Tag + wire.MediaHeader + 400
	leastSilence = wire.SessionHeader + wire.Tag + 12
)

// relayHeader is what the pair relay puts before a session frame: 0x40 and a
// channel.
const relayHeader = 4

// frameID tells new frames of a session from those that came before.
type frameID struct {
	to      wire.Index
	phase   uint8
	counter uint16
}

// sounds returns the new sounds of at least a length that came in at a host, in
// order. What a public host says for itself is none.
func sounds(packets []natlab.Packet, public func(netip.Addr) bool, least int) (list []sound) {
	seen := map[frameID]bool{}
	segments := map[netip.AddrPort]uint32{} // what follows the last new segment of a stream
	for _, p := range packets {
		if p.Out {
			continue
		}
		s := sound{at: p.At, link: p.Link, source: p.Src}
		switch p.Protocol {
		case protocolUDP:
			id, relayed, ok := soundFrame(p.Payload(), p.Length-len(p.Data)+len(p.Payload()), least)
			if !ok || seen[id] || !relayed && public(p.Src.Addr()) {
				continue
			}
			seen[id], s.to, s.via = true, id.to, directWay
			if relayed {
				s.via = relayWay
			}
		case protocolTCP:
			if !newSegment(p, segments) {
				continue
			}
			s.via = streamWay
		default:
			continue
		}
		list = append(list, s)
	}
	return list
}

// IANA's numbers.
const protocolTCP, protocolUDP = 6, 17

// soundFrame looks into a datagram of some length, of which b is the
// beginning.
func soundFrame(b []byte, length, least int) (id frameID, relayed, ok bool) {
	if wire.KindOf(b) == wire.RelayFrame && len(b) > relayHeader {
		b, length, relayed = b[relayHeader:], length-relayHeader, true
	}
	if length < least || length > mostSound || length == aChallenge {
		return frameID{}, relayed, false
	}
	h, ok := wire.ParseHeader(b)
	return frameID{h.To, h.Phase, h.Counter}, relayed, ok
}

// newSegment reports whether a TCP segment carries what was not there before,
// enough of it to be sound.
func newSegment(p natlab.Packet, next map[netip.AddrPort]uint32) bool {
	seq, size, ok := segment(p)
	if !ok || size < leastSound || size > mostSound+100 {
		return false
	}
	if expected, known := next[p.Src]; known && int32(seq-expected) < 0 {
		return false
	}
	next[p.Src] = seq + uint32(size)
	return true
}

// segment reads the TCP header (RFC 9293, section 3.1) that precedes the
// payload.
func segment(p natlab.Packet) (seq uint32, size int, ok bool) {
	header := len(p.Data) - len(p.Payload())
	if len(p.Payload()) == 0 || len(headerTCP(p)) < 20 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(headerTCP(p)[4:]), p.Length - header, true
}

// headerTCP is the TCP header of a segment and what follows it.
func headerTCP(p natlab.Packet) []byte {
	start := 20
	if p.Src.Addr().Is6() {
		start = 40
	}
	return p.Data[min(start, len(p.Data)):]
}

// trainPause and trainLength tell sound from single messages: sound comes as a
// train of frames, each at most a pause after the one before.
const (
	trainPause  = 150 * time.Millisecond
	trainLength = 5
)

// trains returns those sounds that are part of a train, of either way.
func trains(list []sound) (out []sound) {
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].at.Sub(list[j-1].at) <= trainPause {
			j++
		}
		if j-i >= trainLength {
			out = append(out, list[i:j]...)
		}
		i = j
	}
	return out
}

// A call's sound, which may be silence at first, has begun when that many
// packets follow in a while; of ten that are due two may be late or lost.
const (
	beginTime    = 200 * time.Millisecond
	beginPackets = 8
)

// begins returns the first sound with which a call's sound begins.
func begins(list []sound) (first sound, ok bool) {
	for i := 0; i+beginPackets < len(list); i++ {
		if list[i+beginPackets].at.Sub(list[i].at) <= beginTime {
			return list[i], true
		}
	}
	return sound{}, false
}

// between returns the sounds of a time.
func between(list []sound, from, to time.Time) []sound {
	return slices.DeleteFunc(slices.Clone(list), func(s sound) bool { return s.at.Before(from) || s.at.After(to) })
}

// frame is how much sound a packet holds, and so the pause between two when
// none is missing.
const frame = 20 * time.Millisecond

// gap returns the longest pause between two sounds that follow each other,
// less the usual one, and when it began.
func gap(list []sound) (longest time.Duration, began time.Time) {
	for i := 1; i < len(list); i++ {
		if d := list[i].at.Sub(list[i-1].at) - frame; d > longest {
			longest, began = d, list[i-1].at
		}
	}
	return longest, began
}
