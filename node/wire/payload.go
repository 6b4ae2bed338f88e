package wire

import "peerphone/node/identity"

// Payload is the type of a sealed payload: its first byte.
type Payload uint8

// The types of payload. Every value from PayloadMedia up is media.
const (
	PayloadControl Payload = 0x01
	PayloadAck     Payload = 0x02
	PayloadPath    Payload = 0x03
	PayloadLane    Payload = 0x04
	PayloadClose   Payload = 0x05
	PayloadTrain   Payload = 0x06
	PayloadRefresh Payload = 0x07
	PayloadDoubt   Payload = 0x08
	PayloadOffer   Payload = 0x09
	PayloadMedia   Payload = 0x80
)

// PayloadOf returns the type of an opened payload, 0 when it is empty.
func PayloadOf(b []byte) Payload {
	switch {
	case len(b) == 0:
		return 0
	case b[0] >= byte(PayloadMedia):
		return PayloadMedia
	}
	return Payload(b[0])
}

// A LaneOp is what a lane payload does.
type LaneOp uint8

// The operations of the introduction lane.
const (
	LaneOpen   LaneOp = 1 // caller to home: carries the first frame and names the node that it is for
	LaneFrame  LaneOp = 2 // either way: a further frame of this attempt
	LaneRefuse LaneOp = 3 // home to caller, or home to callee: this attempt has ended
)

// A LaneRefusal says why a home carries an attempt no further.
type LaneRefusal uint8

// The refusals.
const (
	LaneUnknown LaneRefusal = 1 // no such node is attached here
	LaneSpent   LaneRefusal = 2 // the attempt has used up its bytes
	LaneBusy    LaneRefusal = 3 // too many attempts of this caller or for this callee
	LaneGone    LaneRefusal = 4 // the other side's session has ended
)

// Lane is a payload of the introduction lane:
//
//	 1  PayloadLane
//	 1  LaneOp
//	 4  Attempt
//	32  Target, only with LaneOpen
//	 n  Frame (LaneOpen, LaneFrame), or one byte of LaneRefusal
type Lane struct {
	Op      LaneOp
	Attempt uint32 // chosen by the caller on its leg, by the home on the callee's leg
	Target  identity.ID
	Refusal LaneRefusal
	Frame   []byte // at most MaxInner bytes
}

// MaxLaneHeader is what a lane adds to a frame.
const MaxLaneHeader = 1 + 1 + 4 + 32

// AppendLane appends l.
func AppendLane(dst []byte, l Lane) []byte {
	dst = append(dst, byte(PayloadLane), byte(l.Op),
		byte(l.Attempt>>24), byte(l.Attempt>>16), byte(l.Attempt>>8), byte(l.Attempt))
	switch l.Op {
	case LaneOpen:
		dst = append(dst, l.Target[:]...)
	case LaneRefuse:
		return append(dst, byte(l.Refusal))
	}
	return append(dst, l.Frame...)
}

// ParseLane reads a lane payload; Frame points into b.
func ParseLane(b []byte) (l Lane, ok bool) {
	if len(b) < 7 || PayloadOf(b) != PayloadLane {
		return Lane{}, false
	}
	l.Op = LaneOp(b[1])
	l.Attempt = uint32(b[2])<<24 | uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5])
	rest := b[6:]
	switch l.Op {
	case LaneOpen:
		if len(rest) <= len(l.Target) {
			return Lane{}, false
		}
		copy(l.Target[:], rest)
		l.Frame = rest[len(l.Target):]
	case LaneFrame:
		l.Frame = rest
	case LaneRefuse:
		l.Refusal = LaneRefusal(rest[0])
		return l, len(rest) == 1
	default:
		return Lane{}, false
	}
	return l, len(l.Frame) <= MaxInner
}
