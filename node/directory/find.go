package directory

import (
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

const (
	// findWait ends a Find: a home gives up after askEnd, so two can be asked
	// one after the other.
	findWait = 5 * time.Second
	// maxFinds bounds the searches of a phone.
	maxFinds = 32
	// enoughDenials is how many homes must deny before Absent, or all when there
	// are fewer. A home could lie: with two in five supernodes lying, two homes
	// agree on a lie for a third of the phones, three for one in sixteen.
	enoughDenials = 3
)

// find is a search of this phone.
type find struct {
	id      QueryID
	lookup  identity.Lookup
	began   time.Time
	open    []question   // under way
	asked   []wire.Index // homes, each once
	denials int          // homes that say FindNone
	own     *ownWalk     // once the homes have no record; nil before

	latest raceState // of the home that was asked last
	race   time.Time // when the next home is asked; set while one is left, cleared otherwise
	end    time.Time // when it ends as Unsure
}

// Find looks for the account at l; a Result answers.
func (c *Client) Find(now time.Time, l identity.Lookup) QueryID {
	c.last++
	f := &find{id: c.last, lookup: l, began: now, end: now.Add(findWait)}
	if len(c.finds) >= maxFinds {
		c.emit(Result{Query: f.id, Outcome: Unsure})
		return f.id
	}
	c.finds = append(c.finds, f)
	c.askNext(now, f)
	if c.anyDoubted(now) {
		c.askNext(now, f)
	}
	return f.id
}

// askNext asks the best home that has not been asked.
func (c *Client) askNext(now time.Time, f *find) {
	f.race, f.latest = time.Time{}, unheard
	home, ok := c.bestHome(now, f.asked)
	if !ok {
		return
	}
	query := c.ask(home, func(q uint32) wire.Message {
		return wire.Find{Query: q, Key: f.lookup.Index}
	})
	f.asked = append(f.asked, home)
	f.open = append(f.open, question{home, query})
	if len(f.asked) < len(c.homes) {
		f.race = now.Add(c.cfg.Patience(now, home))
	}
}

// findHomes goes on after the homes have changed: lost ones answer no more,
// and a new one is asked if nobody else is.
func (c *Client) findHomes(now time.Time, f *find) {
	f.open = slices.DeleteFunc(f.open, func(q question) bool { return !slices.Contains(c.homes, q.home) })
	c.goOn(now, f)
}

func (c *Client) handleFound(now time.Time, ix wire.Index, m wire.Found) {
	f := c.findOf(question{ix, m.Query})
	if f == nil && c.proved(now, question{ix, m.Query}, m) {
		return
	}
	if f == nil {
		c.counters.Unasked++
		return
	}
	f.open = slices.DeleteFunc(f.open, func(q question) bool { return q.query == m.Query })
	switch m.Code {
	case wire.FindRecord:
		if r, err := c.open(now, f.lookup, m.Record); err == nil {
			r.Query = f.id
			c.finish(now, f, r)
			return
		}
	case wire.FindNone:
		f.denials++
	}
	c.goOn(now, f)
}

func (c *Client) findOf(q question) *find {
	for _, f := range c.finds {
		if slices.Contains(f.open, q) {
			return f
		}
	}
	return nil
}

// goOn decides after an answer that was not the record, and asks the next home
// at once.
func (c *Client) goOn(now time.Time, f *find) {
	if f.own != nil {
		return // a home that is late may find it yet
	}
	if f.denials >= min(enoughDenials, max(len(c.homes), 1)) {
		c.doubt(now, f, Absent)
		return
	}
	if len(f.open) > 0 && f.denials == 0 {
		return
	}
	if f.race.IsZero() && len(f.open) == 0 && len(f.asked) > 0 && c.allAsked(f) {
		c.doubt(now, f, Unsure)
		return
	}
	c.askNext(now, f)
}

func (c *Client) allAsked(f *find) bool {
	return len(c.homes) > 0 && !slices.ContainsFunc(c.homes, func(h wire.Index) bool { return !slices.Contains(f.asked, h) })
}

func (c *Client) finish(now time.Time, f *find, r Result) {
	c.finds = slices.DeleteFunc(c.finds, func(g *find) bool { return g == f })
	c.walks = slices.DeleteFunc(c.walks, func(w *ownWalk) bool { return w == f.own })
	r.Elapsed = now.Sub(f.began)
	c.emit(r)
}

func (c *Client) advanceFind(now time.Time, f *find) {
	switch {
	case f.own != nil: // advanceWalk ends it
	case passed(f.end, now):
		c.doubt(now, f, Unsure)
	case passed(f.race, now):
		c.hurry(now, f)
	}
}

// open checks and opens a record: its signatures, its place, and that the name
// certificate in it is for the number or name that leads there.
func (c *Client) open(now time.Time, l identity.Lookup, b []byte) (Result, error) {
	r, err := ParseRecord(b)
	if err == nil && r.Placement.Index != l.Index {
		err = ErrMisplaced
	}
	if err == nil {
		err = CheckRecord(r, now, c.cfg.Issuing(), c.cfg.Verify)
	}
	if err != nil {
		return Result{}, c.counters.count(err)
	}
	listing, err := OpenRecord(l, r)
	if err != nil {
		return Result{}, c.counters.count(err)
	}
	listing.Devices = slices.DeleteFunc(listing.Devices, func(d wire.Device) bool { return c.cfg.Revoked(d.Device) || c.cfg.Revoked(d.Node) })
	name, err := c.checkListing(now, l, listing)
	if err != nil {
		return Result{}, c.counters.count(err)
	}
	return Result{Outcome: Located, Listing: listing, Name: name}, nil
}

func (c *Client) checkListing(now time.Time, l identity.Lookup, listing wire.Listing) (identity.NameCertificate, error) {
	name, err := c.cfg.CheckName(listing.Name, now)
	if err != nil || len(listing.Devices) == 0 {
		return name, ErrListing
	}
	if c.cfg.Network.LookupNumber(name.Number) != l && c.cfg.Network.LookupName(name.Name) != l {
		return name, ErrListing
	}
	return name, nil
}
