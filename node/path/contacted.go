package path

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// contactLife is how long whom we have sent to may get in because of that:
	// routers remember it for two minutes at least, five as a rule (RFC 4787
	// section 4.3).
	contactLife = 5 * time.Minute
	// maxContact bounds whom we remember, maxNot whom we name (wire.CallBack).
	maxContact = 256
	maxNot     = 16
)

// contacted are the addresses to which we have sent lately: what comes from
// there shows nothing about who gets in. The zero value has none.
type contacted struct {
	list []contact // who was sent to last is last
}

type contact struct {
	addr netip.Addr
	at   time.Time
}

// note tells that we send to an address. Of too many the oldest is forgotten.
func (c *contacted) note(now time.Time, a netip.Addr) {
	over := 0 // they are in the order of their times
	for over < len(c.list) && now.Sub(c.list[over].at) >= contactLife {
		over++
	}
	c.list = slices.Delete(c.list, 0, over)
	for i := len(c.list) - 1; i >= 0; i-- {
		if c.list[i].addr == a {
			copy(c.list[i:], c.list[i+1:])
			c.list[len(c.list)-1] = contact{a, now}
			return
		}
	}
	if len(c.list) == maxContact {
		c.list = slices.Delete(c.list, 0, 1)
	}
	c.list = append(c.list, contact{a, now})
}

// lately reports whether we have sent to an address within contactLife.
func (c *contacted) lately(now time.Time, a netip.Addr) bool {
	return slices.ContainsFunc(c.list, func(x contact) bool { return x.addr == a && now.Sub(x.at) < contactLife })
}

// latest returns up to maxNot of them, who was sent to last first: those within
// contactLife of the last.
func (c *contacted) latest() []netip.Addr {
	var list []netip.Addr
	for _, x := range slices.Backward(c.list) {
		if len(list) < maxNot && c.list[len(c.list)-1].at.Sub(x.at) < contactLife {
			list = append(list, x.addr)
		}
	}
	return list
}
