package sim

import (
	"crypto/sha256"
	"fmt"
	"time"

	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/wire"
)

// display is the display name of a node, empty unless it wants to be found by it: one
// word is everybody's, one its own.
func (n *Node) display() string {
	if !n.w.cfg.Searchable || !n.phone {
		return ""
	}
	return fmt.Sprintf("Telephone No%d", n.number)
}

// words signs where the account's entries lie.
func (n *Node) words(account identity.Key, until time.Time) []wire.WordPlacement {
	card := wire.Card{Display: n.display(), Name: n.name(), Number: n.dial}
	var places []wire.WordPlacement
	for _, word := range identity.Words(card.Display) {
		index := n.w.network.LookupWord(word).Index
		p := wire.WordPlacement{Index: index, RecordKey: login.WordKey(account, index).ID(), Card: card.Hash(), NotAfter: until.Unix()}
		id := account.ID()
		holder := sha256.Sum256(append(id[:], index[:]...))
		p.Holder = wire.Holder(holder[:16])
		p.Signature = n.w.issuing.Sign(wire.WordPlacementMessage(p))
		places = append(places, p)
	}
	return places
}
