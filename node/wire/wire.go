// Package wire holds every byte that is sent. It is pure: Append writes, Parse
// reads, nothing here keeps state. Sizes are bounded before anything is parsed,
// and what is not exactly as Append writes it is refused.
//
// # Datagrams
//
// The first byte of a UDP datagram, or of a frame in a TLS stream, says what
// it is:
//
//	0x00-0x03  STUN (RFC 8489 section 5)
//	0x20-0x2f  handshake frame (package session has its layout)
//	0x30-0x31  question or answer outside of sessions (Question)
//	0x32       a home's pulse (AppendBeat)
//	0x40       relay frame: 3 bytes of channel, then a session frame
//	0x80-0x81  session frame; bit 0 is the key phase
//
// A session frame:
//
//	 1  0x80 | key phase
//	 3  Index, chosen by the receiver in the handshake
//	 2  low 16 bits of the packet counter
//	 n  sealed payload
//	16  AEAD tag; the six bytes of header are the additional data
//
// All numbers are big endian. The payload begins with its type (Payload):
//
//	0x01       control segment (package session)
//	0x02       acknowledgement (package session)
//	0x03       path challenge or response (package path)
//	0x04       introduction lane (Lane, below)
//	0x05       close: one byte of reason
//	0x06       train (AppendTrain)
//	0x07       a phone's word to its home (Refresh)
//	0x08       a supernode is silent (Doubt)
//	0x80-0xff  media (Media, below)
//
// # Messages
//
// Control segments carry messages: one byte of Kind, then a map in
// deterministic CBOR (RFC 8949 section 4.2.1) with small integer keys. Unknown
// keys, duplicate keys, indefinite lengths, tags and trailing bytes are
// refused: a newer protocol uses a new Kind.
//
// Golden vectors of all that lie under testdata; the tests' -update flag writes
// them anew, which is right only before the first release.
package wire

// Sizes in bytes.
const (
	// MaxDatagram is the largest UDP payload that we send.
	MaxDatagram = 1200
	// MaxInner is the largest frame that fits into an introduction lane, so
	// that the datagram around it stays within MaxDatagram.
	MaxInner = 1120
	// SessionHeader and Tag enclose a sealed payload.
	SessionHeader = 6
	Tag           = 16
	// MaxMessage is the largest message, its Kind included: it fits into one
	// segment of a frame that fits into a lane.
	MaxMessage = 1080
	// MaxRecord is the largest record of the global index.
	MaxRecord = 800
)

// Index is the number by which the receiver of a session frame finds the
// session: 24 bits, drawn at random by the receiver, unique among its sessions.
// Locally it is also the name of the session. 0 is no session.
type Index uint32

// MaxIndex is the largest Index.
const MaxIndex Index = 1<<24 - 1

// A FrameKind is what the first byte of a datagram says.
type FrameKind uint8

// The kinds of frame.
const (
	UnknownFrame FrameKind = iota
	STUNFrame
	HandshakeFrame
	QuestionFrame
	BeatFrame
	RelayFrame
	SessionFrame
)

// First bytes of frames.
const (
	HandshakeByte byte = 0x20
	SessionByte   byte = 0x80
	PhaseBit      byte = 0x01
)

// KindOf tells what a datagram is by its first byte.
func KindOf(b []byte) FrameKind {
	switch {
	case len(b) == 0:
		return UnknownFrame
	case b[0] <= 0x03:
		return STUNFrame
	case b[0]&0xf0 == HandshakeByte:
		return HandshakeFrame
	case b[0] == questionByte || b[0] == answerByte:
		return QuestionFrame
	case b[0] == beatByte:
		return BeatFrame
	case b[0] == RelayByte:
		return RelayFrame
	case b[0]&^PhaseBit == SessionByte:
		return SessionFrame
	}
	return UnknownFrame
}

// Header is the clear part of a session frame.
type Header struct {
	Phase   uint8 // key phase, 0 or 1
	To      Index
	Counter uint16 // low bits of the packet counter
}

// AppendHeader appends the six bytes of h.
func AppendHeader(dst []byte, h Header) []byte {
	return append(dst, SessionByte|h.Phase&PhaseBit,
		byte(h.To>>16), byte(h.To>>8), byte(h.To), byte(h.Counter>>8), byte(h.Counter))
}

// ParseHeader reads the header of a session frame; ok is false when b is none
// or too short to hold a tag and a payload type.
func ParseHeader(b []byte) (h Header, ok bool) {
	if len(b) < SessionHeader+1+Tag || KindOf(b) != SessionFrame {
		return Header{}, false
	}
	return Header{
		Phase:   b[0] & PhaseBit,
		To:      Index(b[1])<<16 | Index(b[2])<<8 | Index(b[3]),
		Counter: uint16(b[4])<<8 | uint16(b[5]),
	}, true
}
