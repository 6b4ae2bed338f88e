package sim

import (
	"fmt"
	"strings"
)

// Mode is the shape of a network: all follow from its parameters.
type Mode uint8

// The modes.
const (
	KaZaA    Mode = iota // supernodes serve phones, and each knows all others
	Napster              // one index serves all
	Gnutella             // every phone is a supernode
	Kademlia             // supernodes serve phones, and each knows a few hundred others
)

// ParseMode reads "kazaa", "napster", "gnutella" or "kademlia"; "" is KaZaA.
func ParseMode(s string) (Mode, error) {
	for m := KaZaA; m <= Kademlia; m++ {
		if strings.EqualFold(s, m.String()) {
			return m, nil
		}
	}
	if s == "" {
		return KaZaA, nil
	}
	return KaZaA, fmt.Errorf("sim: %q is no mode: kazaa, napster, gnutella or kademlia", s)
}

// shape makes the world's numbers fit its mode.
func (c *Config) shape() {
	switch c.Mode {
	case Napster:
		c.Supernodes = 1
		c.MaxGuests = 2 * c.Phones // a machine that was bought for it
		c.AttachRate = max(float64(c.Phones)/60, 50)
	case Gnutella:
		c.Supernodes, c.Phones = max(c.Supernodes, c.Phones), 0
	}
}

// maxGuests is how many attachments a supernode admits.
func (c *Config) maxGuests() int {
	if c.MaxGuests == 0 {
		return 1000
	}
	return c.MaxGuests
}
