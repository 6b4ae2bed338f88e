package path

import (
	"fmt"
	"net/netip"
	"time"

	"peerphone/node/wire"
)

// Way is how frames reach a peer. It is comparable; the zero Way leads nowhere.
// Exactly one of Addr, Home and Stream is set; with Home, either Attempt or
// Channel is.
type Way struct {
	Addr    netip.AddrPort // direct, over UDP
	Socket  Socket         // with Addr: by which of our sockets
	Home    wire.Index     // a lane or a relay, by the session with this supernode
	Attempt uint32         // the lane's number in that session
	Channel uint32         // our leg at the relay
	Stream  StreamID       // a TLS connection with the peer
}

// StreamID is the number that node draws for a TLS connection; 0 is none.
type StreamID uint32

// Socket names one of a node's UDP sockets: 0 is the one that everything uses,
// the others are bound to one uplink each or are opened for a while, to get
// through a NAT.
type Socket uint8

// Direct reports whether frames go straight to an address.
func (w Way) Direct() bool { return w.Addr.IsValid() }

// IsLane reports whether frames go through an introduction lane.
func (w Way) IsLane() bool { return w.Home != 0 && w.Channel == 0 }

// IsRelay reports whether frames go through a pair relay.
func (w Way) IsRelay() bool { return w.Channel != 0 }

// IsStream reports whether frames go through a TLS connection with the peer.
func (w Way) IsStream() bool { return w.Stream != 0 }

// CheckPause is how far apart CheckFrames are on average that go out by w between
// phones, used or standing by. Both ends challenge a direct way; by a relay one
// end does and the other answers.
func (w Way) CheckPause(used bool) time.Duration {
	switch {
	case w.Direct():
		return checkEvery / 2
	case used:
		return relayCheck
	}
	return relaySpare
}

// IsZero reports whether w leads nowhere.
func (w Way) IsZero() bool { return w == Way{} }

func (w Way) String() string {
	switch {
	case w.Direct() && w.Socket != 0:
		return fmt.Sprintf("%v by socket %d", w.Addr, w.Socket)
	case w.Direct():
		return w.Addr.String()
	case w.IsLane():
		return fmt.Sprintf("lane %08x by session %06x", w.Attempt, uint32(w.Home))
	case w.IsRelay():
		return fmt.Sprintf("relay channel %06x by session %06x", w.Channel, uint32(w.Home))
	case w.IsStream():
		return fmt.Sprintf("stream %d", w.Stream)
	}
	return "nowhere"
}

// homeBit is set in the lane numbers that homes draw.
const homeBit uint32 = 1 << 31
