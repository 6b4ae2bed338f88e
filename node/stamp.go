package node

import (
	"time"

	"peerphone/node/wire"
)

// stamp is the sequence number and time of a packet of sound, and whether there
// is none in it, as on hold; < 0: it is another payload.
type stamp int64

const restStamp stamp = 1 << 24

// stampOf returns the stamp of a payload.
func stampOf(payload []byte) stamp {
	if wire.PayloadOf(payload) != wire.PayloadMedia || len(payload) < wire.MediaHeader {
		return -1
	}
	s := newStamp(payload[1], uint16(payload[2])<<8|uint16(payload[3]))
	if len(payload) == wire.MediaHeader+wire.ReportSize {
		s |= restStamp
	}
	return s
}

func newStamp(seq uint8, time uint16) stamp { return stamp(seq)<<16 | stamp(time) }

func (s stamp) seq() int { return int(s >> 16 & 0xff) }

func (s stamp) rests() bool { return s&restStamp != 0 }

// since returns how much later than before s was captured.
func (s stamp) since(before stamp) time.Duration {
	return time.Duration(uint16(s)-uint16(before)) * 10 * time.Millisecond
}
