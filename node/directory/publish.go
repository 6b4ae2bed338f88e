package directory

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// publishWait is how long a home may take to store a record: it waits
	// storeEnd for the others itself.
	publishWait = 2 * time.Second
	// A refused record is tried again after a random time below retryBase,
	// doubled each time, at most retryMax.
	retryBase = time.Second
	retryMax  = 5 * time.Minute
	// olderStep is by how much the sequence leaps when a keeper holds a higher
	// one: our clock has gone back. It doubles each time; the first is one hour
	// of milliseconds.
	olderStep = uint64(time.Hour / time.Millisecond)
	// A record that fewer than fewCopies supernodes hold is published again
	// after thinPause, doubled each time, at most Resign: the network may just
	// be starting, and one copy dies with its keeper.
	fewCopies = 3
	// withdrawLife is how long the record lives that takes the place of one that is
	// withdrawn: clocks may differ.
	withdrawLife = clockAllowance + 5*time.Minute
	thinPause    = time.Minute
)

// Own is what a phone publishes of itself. Index 0 of the arrays is for the
// number, 1 for the name.
type Own struct {
	Certificate []byte // name certificate, DER
	Device      wire.Device
	Number      identity.Number
	Name        identity.Name
	Placements  [2]wire.Placement
	RecordKeys  [2]identity.Key
	// Unlisted: nothing is published under the number, for numbers can be found by
	// trying. Who knows the name finds it under that.
	Unlisted bool
}

// equal reports whether a and b make the same records but for their age.
func (a Own) equal(b Own) bool {
	same := a.Unlisted == b.Unlisted && bytes.Equal(a.Certificate, b.Certificate) && a.Number == b.Number && a.Name == b.Name &&
		a.Device.Device == b.Device.Device && a.Device.Node == b.Device.Node && slices.Equal(a.Device.Homes, b.Device.Homes)
	for i := range a.Placements {
		same = same && bytes.Equal(a.Placements[i].Signature, b.Placements[i].Signature)
	}
	return same
}

// ErrRefused is wrapped by the Err of Published when supernodes refuse.
var ErrRefused = errors.New("directory: supernodes refuse the record")

// publishState says how far one record has got.
//
//	 SetListing, at 24 h, or home lost          Stored, StoreOK
//	----------------------------> publishing ------------------> published
//	                               |  ^                              |
//	    refused, silent, no home   v  | pause over, a home attached  | 24 h
//	                              pausing                            |
//	                               +--(publishing)<------------------+
type publishState uint8

const (
	publishing publishState = iota
	pausing
	published
)

// publication is one of the two records, or an entry under a word.
type publication struct {
	which  int       // 0 number, 1 name
	entry  *ownEntry // nil of a record
	state  publishState
	lookup identity.Lookup
	record []byte
	open   []question
	home   int // how many homes have been tried with this record
	// withdraw: the record is to vanish from the index. Whatever is there is
	// replaced by one that expires soon, and then the publication ends.
	withdraw bool
	fails    int
	copies   int
	thin     int    // how often it was stored with few copies, in a row
	older    uint64 // next leap of the sequence
	proof    proof
	// at is when publishing is tried at the next home, pausing ends, or
	// published is signed anew; zero in pausing without homes.
	at time.Time
}

// SetListing tells what to publish; what differs from before replaces it at
// once. A listing without homes is not published. The zero Own stops.
func (c *Client) SetListing(now time.Time, own Own) {
	if c.pubs[1] != nil && c.own.equal(own) {
		return
	}
	c.own = own
	c.pubs = [2]*publication{}
	if len(own.Certificate) == 0 || len(own.Device.Homes) == 0 {
		return
	}
	lookups := [2]identity.Lookup{c.cfg.Network.LookupNumber(own.Number), c.cfg.Network.LookupName(own.Name)}
	if !own.Unlisted {
		c.withdrawn = false
	}
	for i := range c.pubs {
		p := &publication{which: i, lookup: lookups[i], older: olderStep, withdraw: own.Unlisted && i == 0}
		if p.withdraw && c.withdrawn {
			continue
		}
		c.pubs[i] = p
		c.sign(now, p)
	}
}

// sign builds the record anew, with a higher sequence, and publishes it. The
// sequence is wall time in milliseconds, so that it survives a restart.
func (c *Client) sign(now time.Time, p *publication) {
	c.sequence = max(c.sequence+1, uint64(max(now.UnixMilli(), 0)))
	record, err := c.build(now, p)
	if err != nil {
		p.state, p.at = pausing, now.Add(retryMax)
		c.emit(Published{Err: err})
		return
	}
	p.record, p.home, p.open, p.proof = record, 0, nil, proof{}
	c.publish(now, p)
}

// publish sends the record to the next home.
func (c *Client) publish(now time.Time, p *publication) {
	if len(c.homes) == 0 {
		p.state, p.at = pausing, time.Time{}
		return
	}
	p.state, p.at = publishing, now.Add(publishWait)
	home := c.homes[p.home%len(c.homes)]
	p.home++
	query := c.ask(home, p.message)
	p.open = append(p.open, question{home, query})
}

// publishHomes goes on after the homes have changed.
func (c *Client) publishHomes(now time.Time, p *publication) {
	p.open = slices.DeleteFunc(p.open, func(q question) bool { return !slices.Contains(c.homes, q.home) })
	switch {
	case p.state == publishing && len(p.open) == 0, p.state == pausing && p.at.IsZero():
		c.publish(now, p)
	}
}

func (c *Client) handleStored(now time.Time, ix wire.Index, m wire.Stored) {
	p := c.publicationOf(question{ix, m.Query})
	if p == nil && c.provedStored(now, question{ix, m.Query}) {
		return
	}
	if p == nil {
		c.counters.Unasked++
		return
	}
	p.open = slices.DeleteFunc(p.open, func(q question) bool { return q.query == m.Query })
	switch {
	case m.Code == wire.StoreOK && m.Copies > 0, m.Code == wire.StoreFull && p.entry != nil: // some have room, and if none has, later
		if !p.withdraw {
			p.claim(now, c, ix)
		}
		c.stored(now, p, int(m.Copies))
	case m.Code == wire.StoreOlder:
		c.sequence += p.older
		p.older *= 2
		c.refused(now, p, m.Code)
	case m.Code == wire.StoreFar && p.older > olderStep: // leapt too far: the highest that is taken
		c.sequence = uint64(now.Add(Lifetime-clockAllowance).UnixMilli()) - 1
		c.refused(now, p, m.Code)
	default:
		c.refused(now, p, m.Code)
	}
}

func (c *Client) publicationOf(q question) *publication {
	for p := range c.publications {
		if slices.Contains(p.open, q) {
			return p
		}
	}
	return nil
}

func (c *Client) stored(now time.Time, p *publication, copies int) {
	p.state, p.fails, p.copies, p.older, p.open = published, 0, copies, olderStep, nil
	p.at = now.Add(p.nextSigning(c))
	if p.entry != nil {
		c.entered(p)
		return
	}
	if p.withdraw {
		c.withdrawn, c.pubs[p.which] = true, nil
	}
	fewest := 0
	for _, p := range c.pubs {
		switch {
		case p == nil:
		case p.state != published:
			return
		case fewest == 0 || p.copies < fewest:
			fewest = p.copies
		}
	}
	c.emit(Published{Copies: fewest})
}

// nextSigning returns how long a stored record is left alone.
func (p *publication) nextSigning(c *Client) time.Duration {
	pause := Resign
	if p.copies >= fewCopies {
		p.thin = 0
	} else if p.thin < 11 {
		pause = min(thinPause<<p.thin, Resign)
		p.thin++
	}
	return pause - time.Duration(c.rand.Int64N(int64(pause/10)))
}

// refused tries again later, at another home.
func (c *Client) refused(now time.Time, p *publication, code wire.StoreCode) {
	p.pause(now, c)
	c.emit(Published{Err: fmt.Errorf("%w: %s", ErrRefused, refusals[code])})
}

// refusals words a StoreCode for the log.
var refusals = map[wire.StoreCode]string{
	wire.StoreOK:      "nobody holds it",
	wire.StoreForged:  "a signature does not hold",
	wire.StoreExpired: "it has expired; is the clock right?",
	wire.StoreOlder:   "a later one is known",
	wire.StoreFar:     "it expires too far ahead; is the clock right?",
	wire.StoreFull:    "no room",
}

func (p *publication) pause(now time.Time, c *Client) {
	limit := retryMax
	if p.fails < 8 {
		limit = min(retryBase<<p.fails, retryMax)
	}
	p.fails++
	p.state = pausing
	p.at = now.Add(limit/4 + time.Duration(c.rand.Int64N(int64(limit))))
}

// advancePublication moves on when a home is silent, a pause is over, or the
// record is a day old.
func (c *Client) advancePublication(now time.Time, p *publication) {
	switch {
	case p.state != publishing:
		c.sign(now, p)
	case p.home < len(c.homes):
		c.publish(now, p) // the first may still answer
	default:
		p.pause(now, c)
	}
}
