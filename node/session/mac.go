package session

import (
	"crypto/hmac"
	"crypto/sha256"

	"peerphone/node/identity"
)

// macSize is the size of a frame's MAC and of a cookie in bytes.
const macSize = 16

// macKey keys the MAC of handshake frames: SHA-256 of a label and of whom the
// initiator dials. It proves that the sender knows whom it asks for, as
// WireGuard's mac1 does (whitepaper section 5.4.4).
type macKey [sha256.Size]byte

func macKeyOf(whom [32]byte) macKey {
	return sha256.Sum256(append([]byte("peerphone mac1"), whom[:]...))
}

// macKeyFor returns the key of a dial.
func macKeyFor(w Want) macKey {
	if w.Peer.IsZero() {
		return macKeyOf(w.Network)
	}
	return macKeyOf(w.Peer)
}

// sum returns the MAC of b.
func (k macKey) sum(b []byte) (mac [macSize]byte) {
	h := hmac.New(sha256.New, k[:])
	h.Write(b)
	copy(mac[:], h.Sum(nil))
	return mac
}

// append appends the MAC of the whole of b to it.
func (k macKey) append(b []byte) []byte {
	mac := k.sum(b)
	return append(b, mac[:]...)
}

// verify reports whether b ends in its MAC.
func (k macKey) verify(b []byte) bool {
	if len(b) < macSize {
		return false
	}
	n := len(b) - macSize
	mac := k.sum(b[:n])
	return hmac.Equal(mac[:], b[n:])
}

// An address is one of the names under which this node answers first flights.
type address struct {
	key      macKey
	role     Role
	laneOnly bool // answered only when introduced
}

// addresses returns what a node answers to. A device is answered AsPhone, so
// only who knows the device learns its name; node and network AsNode.
func addresses(node, before, device identity.ID, network identity.Network, public bool) []address {
	var as []address
	for _, id := range []identity.ID{node, before} {
		if !id.IsZero() {
			as = append(as, address{key: macKeyOf(id), role: AsNode, laneOnly: !public})
		}
	}
	if !device.IsZero() {
		as = append(as, address{key: macKeyOf(device), role: AsPhone, laneOnly: true})
	}
	if network != (identity.Network{}) {
		as = append(as, address{key: macKeyOf(network), role: AsNode, laneOnly: !public})
	}
	return as
}
