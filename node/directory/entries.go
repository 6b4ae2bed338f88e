package directory

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// OwnEntries are what a phone publishes under the words of its display name. The
// zero value is nothing.
type OwnEntries struct {
	Card       wire.Card
	Placements []wire.WordPlacement // for the words of Card.Display, in their order
	// Stale are placements under which something may lie that is not wanted any more.
	Stale []wire.WordPlacement
	// Key returns the key that signs what lies at an index.
	Key func(index identity.IndexKey) identity.Key
}

// ownEntry is what a publication under a word needs beside it.
type ownEntry struct {
	card      wire.Card
	placement wire.WordPlacement
	key       identity.Key
}

// maxGone bounds the keys that are known to hold nothing of ours.
const maxGone = 64

// SetEntries tells what to publish under words. What lies in the index and is not
// wanted any more is withdrawn at once.
func (c *Client) SetEntries(now time.Time, own OwnEntries) {
	wanted := map[identity.IndexKey]bool{}
	for i, word := range identity.Words(own.Card.Display) {
		if i >= len(own.Placements) {
			break
		}
		placement := own.Placements[i]
		wanted[placement.Index] = true
		c.enter(now, c.cfg.Network.LookupWord(word), ownEntry{own.Card, placement, own.Key(placement.Index)})
	}
	for _, p := range slices.Clone(c.entries) {
		if !wanted[p.lookup.Index] {
			c.withdrawEntry(now, p)
		}
	}
	for _, placement := range own.Stale {
		l := identity.Lookup{Index: placement.Index} // what is withdrawn is sealed to nobody
		if !wanted[l.Index] && c.entryAt(l.Index) == nil && !slices.Contains(c.gone, l.Index) {
			p := &publication{lookup: l, older: olderStep, entry: &ownEntry{placement: placement, key: own.Key(l.Index)}}
			c.entries = append(c.entries, p)
			c.withdrawEntry(now, p)
		}
	}
}

func (c *Client) entryAt(index identity.IndexKey) *publication {
	i := slices.IndexFunc(c.entries, func(p *publication) bool { return p.lookup.Index == index })
	if i < 0 {
		return nil
	}
	return c.entries[i]
}

// enter publishes an entry, unless it is published already. A placement that was
// merely renewed serves from the next signing on.
func (c *Client) enter(now time.Time, l identity.Lookup, own ownEntry) {
	p := c.entryAt(l.Index)
	if p != nil && !p.withdraw && p.entry.card == own.card {
		p.entry.placement = own.placement
		return
	}
	if p == nil {
		p = &publication{older: olderStep}
		c.entries = append(c.entries, p)
	}
	p.lookup, p.entry, p.withdraw, p.fails = l, &own, false, 0
	c.gone = slices.DeleteFunc(c.gone, func(index identity.IndexKey) bool { return index == l.Index })
	c.sign(now, p)
}

func (c *Client) withdrawEntry(now time.Time, p *publication) {
	if !p.withdraw {
		p.withdraw, p.fails = true, 0
		p.entry.card = wire.Card{}
		c.sign(now, p)
	}
}

// entered goes on when keepers have an entry of ours, or its withdrawal.
func (c *Client) entered(p *publication) {
	if p.withdraw {
		c.entries = slices.DeleteFunc(c.entries, func(q *publication) bool { return p == q })
		if len(c.gone) >= maxGone {
			c.gone = slices.Delete(c.gone, 0, 1)
		}
		c.gone = append(c.gone, p.lookup.Index)
	}
	c.emit(Entered{c.standing()})
}

// standing counts the words under which we lie in the index, those too that are
// being withdrawn.
func (c *Client) standing() (n int) {
	for _, p := range c.entries {
		if p.copies > 0 {
			n++
		}
	}
	return n
}

// build makes the record or entry of a publication.
func (c *Client) build(now time.Time, p *publication) ([]byte, error) {
	life := Lifetime
	if p.withdraw {
		life = withdrawLife
	}
	expires := now.Add(life)
	if e := p.entry; e != nil {
		return BuildEntry(c.cfg.Rand, p.lookup, e.placement, e.key, c.sequence, expires, e.card)
	}
	return BuildRecord(c.cfg.Rand, p.lookup, c.own.Placements[p.which], c.own.RecordKeys[p.which],
		c.sequence, expires, wire.Listing{Name: c.own.Certificate, Devices: []wire.Device{c.own.Device}})
}

// message asks a home to publish p.
func (p *publication) message(query uint32) wire.Message {
	if p.entry != nil {
		return wire.Shelve{Query: query, Key: p.lookup.Index, Entry: p.record}
	}
	return wire.Publish{Query: query, Record: p.record}
}

// publications yields the records, then the entries.
func (c *Client) publications(yield func(*publication) bool) {
	for _, p := range c.pubs {
		if p != nil && !yield(p) {
			return
		}
	}
	for _, p := range c.entries {
		if !yield(p) {
			return
		}
	}
}
