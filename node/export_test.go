package node

import (
	"testing"
	"time"

	"peerphone/node/contacts"
	"peerphone/node/identity"
)

// LoadLog reads the log of calls that a node has kept.
func LoadLog(s State) ([]contacts.Entry, error) {
	b, err := s.read(logFile)
	if err != nil {
		return nil, err
	}
	return contacts.LoadLog(b)
}

// Cut closes the socket at once, as a power cut does: nobody hears of it.
func (n *Node) Cut() { n.socket.close() }

// MustSettle lets every input that was taken for one of near cores be followed by
// a look at all: nothing may be left to be routed, and no far core may want to be
// called at another time.
func MustSettle(t *testing.T) {
	nearlySettled = func(c *Core, now time.Time) {
		if c.round(now) {
			t.Error("a far core was left out")
		}
		if c.near.known && !c.near.far.Equal(c.farNext()) {
			t.Errorf("a far core wants to be called at %v, not at %v", c.farNext(), c.near.far)
		}
	}
	t.Cleanup(func() { nearlySettled = nil })
}

// NodeID is the key of the node.
func (c *Core) NodeID() identity.ID { return c.nodeID() }
