package node

// Cut closes the socket at once, as a power cut does: nobody hears of it.
func (n *Node) Cut() { n.socket.close() }
