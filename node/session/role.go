package session

import "peerphone/node/identity"

//go:generate go tool stringer -type=Role,Refusal,State,Level -output=strings.go

// Role says as what both ends of a session appear.
type Role uint8

// The roles. AsNode shows the node certificate: sessions with and between
// supernodes. AsPhone shows [device, name]: sessions between two phones.
const (
	AsNode Role = iota
	AsPhone
)

// Want says whom a dial must reach.
type Want struct {
	Role    Role             // as what we appear, and what the peer must show
	Peer    identity.ID      // node or device that the peer must prove; zero, AsNode only: any valid one
	Network identity.Network // keys the first flight's MAC when Peer is zero
	Padded  bool             // pad the first flight to the size of the answer: needed where our address is unproven, a waste on a lane
}

// Peer is the far end of a session as its certificates prove it.
type Peer struct {
	Role  Role
	ID    identity.ID    // of its node or, AsPhone, of its device
	Phone identity.Phone // AsPhone only
}
