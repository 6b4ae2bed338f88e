package directory

import (
	"math/rand/v2"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// ClientCounters count what a Client met. They only grow.
type ClientCounters struct {
	Faults
	Unasked uint64 // answers to questions that nobody asked, or asked elsewhere
	Asked   uint64 // questions sent, publications included

	Walks  uint64 // begun, because the homes had no record
	Walked uint64 // of these, ended at a record
	Placed uint64 // copies of our own records given to who should keep them

	Disproved uint64 // records that a home did not find, though another had said that it stored them
}

// Client is the phone's half. The zero value is not usable.
type Client struct {
	cfg       Config
	rand      *rand.Rand
	homes     []wire.Index // the best first
	asked     uint32       // the last query number on the wire
	finds     []*find      // by age
	walks     []*ownWalk   // likewise
	last      QueryID
	inquiries []*inquiry // by age

	pubs      [2]*publication     // under the number and the name; nil before SetListing; of an unlisted number, but until it is withdrawn
	withdrawn bool                // nothing of ours lies under the number any more
	entries   []*publication      // under the words of the display name
	gone      []identity.IndexKey // where entries of ours have been withdrawn
	sequence  uint64              // the highest used
	own       Own

	out      []Event
	counters ClientCounters
}

// NewClient returns a Client without homes.
func NewClient(cfg Config) *Client {
	return &Client{cfg: cfg.withDefaults(), rand: newRand(cfg.Rand)}
}

// Take returns what has been asked since the last Take, oldest first.
func (c *Client) Take() []Event {
	out := c.out
	c.out = nil
	return out
}

// Counters returns the counters.
func (c *Client) Counters() ClientCounters { return c.counters }

func (c *Client) emit(e Event) { c.out = append(c.out, e) }

// SetHomes tells the sessions with the homes that are attached now, the best
// first. Questions under way in other sessions are asked anew.
func (c *Client) SetHomes(now time.Time, homes []wire.Index) {
	c.homes = slices.Clone(homes)
	for _, f := range slices.Clone(c.finds) {
		c.findHomes(now, f)
	}
	c.inquiryHomes(now)
	for p := range c.publications {
		c.publishHomes(now, p)
	}
}

// Handle takes a Found, Stored or Entries that came in session ix.
func (c *Client) Handle(now time.Time, ix wire.Index, m wire.Message) {
	switch m := m.(type) {
	case wire.Found:
		c.handleFound(now, ix, m)
	case wire.Stored:
		c.handleStored(now, ix, m)
	case wire.Entries:
		c.handleEntries(now, ix, m)
	default:
		c.counters.Unasked++
	}
}

// Next returns when Advance wants to be called; zero: never.
func (c *Client) Next() time.Time {
	var next time.Time
	for _, f := range c.finds {
		next = earlier(next, earlier(f.race, f.end))
	}
	for _, w := range c.walks {
		next = earlier(next, w.due())
	}
	for _, q := range c.inquiries {
		next = earlier(next, q.end)
	}
	for p := range c.publications {
		next = earlier(next, earlier(p.at, p.proof.at))
	}
	return next
}

// Advance fires what is due.
func (c *Client) Advance(now time.Time) {
	for _, f := range slices.Clone(c.finds) {
		c.advanceFind(now, f)
	}
	for _, w := range slices.Clone(c.walks) {
		c.advanceWalk(now, w)
	}
	for _, q := range c.inquiries {
		c.advanceInquiry(now, q)
	}
	for p := range c.publications {
		if passed(p.at, now) {
			c.advancePublication(now, p)
		}
		if passed(p.proof.at, now) {
			c.prove(now, p)
		}
	}
}

// ask sends a question to home and returns its number.
func (c *Client) ask(home wire.Index, m func(query uint32) wire.Message) uint32 {
	c.asked++
	c.counters.Asked++
	c.emit(Send{Index: home, Message: m(c.asked)})
	return c.asked
}

// question is one that is under way.
type question struct {
	home  wire.Index
	query uint32
}
