package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/overlay"
)

const revokedFile = "revoked"

// revokedLately is the list that came with the last grant, or from disk before it.
func (c *Core) revokedLately(now time.Time) {
	for _, raw := range [][]byte{c.keptRevoked, c.granted.Revoked} {
		if len(raw) > 0 {
			c.revoker.Set(now, raw)
		}
	}
	c.keptRevoked = nil
	if c.granted.Trust.Revoked != c.revoker.List() {
		c.distrust(c.revoker.List())
	}
}

// distrust makes list the one that counts.
func (c *Core) distrust(list *identity.Revocations) {
	g := *c.granted
	g.Trust.Revoked = list
	c.granted = &g
}

// fromRevoker takes a newer revocation list: whoever is on it is believed no more,
// and the sessions with him end.
func (c *Core) fromRevoker(now time.Time, e overlay.Event) {
	switch e := e.(type) {
	case overlay.Send:
		c.send(now, e.Index, e.Message)
	case overlay.Revoked:
		c.distrust(e.List)
		c.do(Certified{c.granted})
		c.do(SaveRevoked{e.Raw})
		c.do(Log{Info, "revocation list", []any{"sequence", e.List.Sequence, "keys", e.List.Len()}})
		c.shun(now, e.List)
	case overlay.Withholds:
		c.do(Log{Warn, "a node withholds the revocation list; its session ends", []any{"node", c.peers.nodes[e.Index]}})
		c.sessions.Close(now, e.Index)
	}
}

// shun ends what we have to do with those who are revoked.
func (c *Core) shun(now time.Time, list *identity.Revocations) {
	for _, ix := range slices.Sorted(maps.Keys(c.peers.nodes)) {
		if list.Has(c.peers.nodes[ix]) {
			c.sessions.Close(now, ix)
		}
	}
	for _, ix := range slices.Sorted(maps.Keys(c.attempts.phones)) {
		if p := c.attempts.phones[ix]; list.Has(p.Device) || list.Has(p.Account) {
			c.sessions.Close(now, ix)
		}
	}
	c.overlay.Expel(now, list.Has)
}

// revoked reports whether a key is on the revocation list.
func (c *Core) revoked(id identity.ID) bool { return c.revoker.List().Has(id) }

// PhoneView is a phone of our account.
type PhoneView struct {
	ID   string `json:"id"`
	Self bool   `json:"self"` // it is this one
}

func (c *Core) phoneViews() []PhoneView {
	list := []PhoneView{}
	for _, d := range c.granted.Devices {
		list = append(list, PhoneView{ID: d.String(), Self: d == c.device.ID()})
	}
	return list
}

// ErrNoPhone says that the account has no other phone of this name.
var ErrNoPhone = errors.New("node: the account has no other phone of this name")

// RevokePhone revokes another phone of our account, by its name in the snapshot:
// ErrNoPhone, ErrNotNow.
func (n *Node) RevokePhone(ctx context.Context, id string) error {
	var device identity.ID
	err := n.Do(ctx, func(c *Core, _ time.Time) {
		for _, d := range c.granted.Devices {
			if d.String() == id && d != c.device.ID() {
				device = d
			}
		}
	})
	switch {
	case err != nil:
		return err
	case device.IsZero():
		return ErrNoPhone
	}
	return n.Revoke(ctx, device)
}

// ErrNotNow says that the login server cannot be asked just now.
var ErrNotNow = errors.New("node: the login server is being asked something else, or has certified nothing yet; try again in a minute")

// Revoke asks the login server that another phone of our account be believed no
// more: ErrNotNow. The list with it on spreads from here.
func (n *Node) Revoke(ctx context.Context, device identity.ID) error {
	asked := false
	err := n.Do(ctx, func(c *Core, now time.Time) {
		asked = c.login.Revoke(now, device)
		c.settle(now)
	})
	if err == nil && !asked {
		err = ErrNotNow
	}
	return err
}

// RevokerCounters returns what was met with revocation lists.
func (c *Core) RevokerCounters() overlay.RevokerCounters { return c.revoker.Counters() }
