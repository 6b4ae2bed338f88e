package node

import (
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

// NodeID is the key of the node.
func (c *Core) NodeID() identity.ID { return c.nodeID() }
