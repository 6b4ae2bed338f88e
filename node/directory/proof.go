package directory

import (
	"bytes"
	"slices"
	"time"

	"peerphone/node/wire"
)

// A home may say that it has stored a record and have thrown it away. So when one
// says so, another home is asked a while later whether it finds the record; if it
// does not, it is asked to publish it, and the next one is asked whether it finds
// it. When no home is left that could find it we walk to its key ourselves (ownwalk.go).
const (
	// proofWait is how long after the publication the question comes, and up to
	// twice that: until it is answered nobody may find us, and a home spreads a
	// record within storeEnd.
	proofWait = 3 * time.Second
	// proofSoon is how long after another home has published it.
	proofSoon = 2 * time.Second
)

// proof is how far one record is known to be where it belongs: until asked it
// rests.
type proof struct {
	homes []wire.Index // that have said that they stored it, or were asked whether they find it
	asked question     // under way: does it find the record, or will it publish it; zero: none
	// at is when the next home is asked, or asked is given up. Set when a home has
	// stored the record, cleared when another has found it or none is left.
	at time.Time
}

// claim notes that a home says that it has stored the record.
func (p *publication) claim(now time.Time, c *Client, home wire.Index) {
	wait := proofSoon
	if len(p.proof.homes) == 0 {
		wait = proofWait + time.Duration(c.rand.Int64N(int64(proofWait)))
	}
	p.proof.homes = append(p.proof.homes, home)
	p.proof.at = now.Add(wait)
}

// prove goes on with a proof that is due: whoever was asked keeps silent, or it is
// time to ask the next home.
func (c *Client) prove(now time.Time, p *publication) {
	p.proof.asked, p.proof.at = question{}, time.Time{}
	i := slices.IndexFunc(c.homes, func(h wire.Index) bool { return !slices.Contains(p.proof.homes, h) })
	if p.state != published {
		return
	}
	if i < 0 {
		if p.entry == nil && !p.withdraw {
			c.placeOwn(now, p)
		}
		return
	}
	home := c.homes[i]
	p.proof.homes = append(p.proof.homes, home)
	if p.entry != nil { // many lie there: asking costs more than publishing it again
		c.proofAsks(now, p, home, p.message)
		return
	}
	c.proofAsks(now, p, home, func(q uint32) wire.Message { return wire.Find{Query: q, Key: p.lookup.Index} })
}

func (c *Client) proofAsks(now time.Time, p *publication, home wire.Index, m func(query uint32) wire.Message) {
	p.proof.asked = question{home, c.ask(home, m)}
	p.proof.at = now.Add(findWait)
}

func (c *Client) provingBy(q question) *publication {
	for p := range c.publications {
		if p.proof.asked == q {
			return p
		}
	}
	return nil
}

// proved takes what a home has found; false: m answers no proof.
func (c *Client) proved(now time.Time, q question, m wire.Found) bool {
	p := c.provingBy(q)
	switch {
	case p == nil:
		return false
	case m.Code == wire.FindRecord && c.isOurs(now, p, m.Record):
		p.proof.asked, p.proof.at = question{}, time.Time{}
	default:
		c.counters.Disproved++
		c.proofAsks(now, p, q.home, p.message)
	}
	return true
}

// isOurs reports whether a home has found the record that we have published, or a
// later one: of another phone of our account.
func (c *Client) isOurs(now time.Time, p *publication, found []byte) bool {
	if bytes.Equal(found, p.record) {
		return true
	}
	r, err := ParseRecord(found)
	return err == nil && r.Placement.Index == p.lookup.Index && r.Sequence > c.sequence &&
		CheckRecord(r, now, c.cfg.Issuing(), c.cfg.Verify) == nil
}

// provedStored takes the answer of a home that had not found the record; false: m
// answers no proof.
func (c *Client) provedStored(now time.Time, q question) bool {
	p := c.provingBy(q)
	if p == nil {
		return false
	}
	p.proof.asked, p.proof.at = question{}, now.Add(proofSoon)
	return true
}
