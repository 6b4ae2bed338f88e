package node

import (
	"testing"

	"peerphone/node/path"
)

// The router is not asked for a port while UDP is known not to pass, and asked when
// it does again.
func TestTheRouterIsNotAskedInVain(t *testing.T) {
	open := func(n *Node) bool {
		select {
		case <-n.unblocked:
			return true
		default:
			return false
		}
	}
	for udp, asked := range map[path.Finding]bool{path.Unknown: true, path.Yes: true, path.No: false} {
		n := new(Node)
		n.holdMapping(path.NAT{UDP: udp})
		if open(n) != asked {
			t.Errorf("UDP passes: %v; the router is asked %v, want %v", udp, !asked, asked)
		}
		n.mapWhenUDP(path.NAT{UDP: path.No, TCP: path.Yes})
		if open(n) != asked {
			t.Errorf("UDP passed: %v, and does not now: that changes something", udp)
		}
		for range 2 {
			if n.mapWhenUDP(path.NAT{UDP: path.Yes}); !open(n) {
				t.Errorf("UDP passed: %v, and passes now: the router is not asked", udp)
			}
		}
	}
}
