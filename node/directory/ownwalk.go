package directory

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

// A phone whose homes deny a record, or find none in time, looks for it itself
// before it believes them: all three may lie, as they do for one phone in sixteen
// where two in five supernodes are liars. It walks to the key from supernodes of
// its host cache, of whom its homes know nothing.
const (
	// walkSeeds is from how many a walk begins: three on each of its paths.
	walkSeeds = 3 * paths
	// walkTime bounds the walk of a phone: somebody holds the receiver.
	walkTime = 2500 * time.Millisecond
	// A question of a walk is asked again after stepAgain, and in vain after
	// stepWait.
	stepAgain = 400 * time.Millisecond
	stepWait  = time.Second
)

// ownWalk is the search of a phone that does not believe its homes yet.
type ownWalk struct {
	walk    *walk
	open    []ownStep
	outcome Outcome   // what the homes say
	end     time.Time // when they are believed
}

// ownStep is a question that is under way.
type ownStep struct {
	*step
	nonce      uint64
	again, end time.Time // again: zero when it has been asked twice
}

// doubt ends a find without a record: at once if nobody else is known, else after
// a walk of our own.
func (c *Client) doubt(now time.Time, f *find, outcome Outcome) {
	var seeds []wire.Contact
	if c.cfg.Seeds != nil && f.own == nil {
		seeds = c.cfg.Seeds(now, walkSeeds)
	}
	if len(seeds) == 0 {
		c.finish(now, f, Result{Query: f.id, Outcome: outcome})
		return
	}
	c.counters.Walks++
	f.own = &ownWalk{walk: newWalk(placeOfKey(f.lookup.Index), seeds, nil), outcome: outcome, end: now.Add(walkTime)}
	f.race, f.end = time.Time{}, f.own.end
	c.stride(now, f)
}

// stride asks whoever is to be asked now, and believes the homes when nobody is
// left.
func (c *Client) stride(now time.Time, f *find) {
	w := f.own
	for _, to := range w.walk.next(now) {
		s := ownStep{step: to, nonce: c.rand.Uint64(), again: now.Add(stepAgain), end: now.Add(stepWait)}
		w.open = append(w.open, s)
		c.askStep(f, s)
	}
	if w.walk.done() {
		c.finish(now, f, Result{Query: f.id, Outcome: w.outcome})
	}
}

func (c *Client) askStep(f *find, s ownStep) {
	c.counters.Asked++
	c.emit(Ask{To: s.Member, Nonce: s.nonce, Message: wire.Seek{Key: f.lookup.Index}})
}

// Reply takes the answer that came from an address to the Ask with this nonce;
// false: it was not ours.
func (c *Client) Reply(now time.Time, from netip.AddrPort, nonce uint64, m wire.Message) bool {
	for _, f := range c.finds {
		if f.own == nil {
			continue
		}
		i := slices.IndexFunc(f.own.open, func(s ownStep) bool { return s.nonce == nonce && s.Member.At(from) })
		if i < 0 {
			continue
		}
		s := f.own.open[i]
		f.own.open = slices.Delete(f.own.open, i, i+1)
		c.heard(now, f, s, m)
		return true
	}
	return false
}

// heard takes an answer: the record, or who stands nearer. One that does not hold
// is as good as silence.
func (c *Client) heard(now time.Time, f *find, s ownStep, m wire.Message) {
	switch m := m.(type) {
	case wire.Found:
		if r, err := c.open(now, f.lookup, m.Record); m.Code == wire.FindRecord && err == nil {
			c.counters.Walked++
			r.Query = f.id
			c.finish(now, f, r)
			return
		}
		f.own.walk.mute(s.step)
	case wire.Guide:
		node, ok := c.cfg.Routing.Proves(now, s.Contact, m.Self)
		if ok && c.cfg.Verify(node, wire.GuideMessage(s.nonce, f.lookup.Index, m), m.Signature) {
			f.own.walk.spoke(s.step, node, m.Code, contacts(m.Near))
		} else {
			c.counters.Forged++
			f.own.walk.mute(s.step)
		}
	default:
		c.counters.Unasked++
		f.own.walk.mute(s.step)
	}
	c.stride(now, f)
}

// contacts reads those whom a Guide names.
func contacts(b []byte) (list []wire.Contact) {
	for len(b) > 0 {
		c, rest, ok := wire.CutContact(b)
		if !ok {
			break
		}
		list, b = append(list, c), rest
	}
	return list
}

// advanceWalk goes on with a walk: whoever is silent is asked again, or given up.
func (c *Client) advanceWalk(now time.Time, f *find) {
	w := f.own
	if passed(w.end, now) {
		c.finish(now, f, Result{Query: f.id, Outcome: w.outcome})
		return
	}
	w.open = slices.DeleteFunc(w.open, func(s ownStep) bool {
		if passed(s.end, now) {
			w.walk.mute(s.step)
			return true
		}
		return false
	})
	for i := range w.open {
		if s := &w.open[i]; passed(s.again, now) {
			s.again = time.Time{}
			c.askStep(f, *s)
		}
	}
	c.stride(now, f)
}

// due returns when something is to be done.
func (w *ownWalk) due() time.Time {
	due := earlier(w.end, w.walk.due())
	for _, s := range w.open {
		due = earlier(due, earlier(s.again, s.end))
	}
	return due
}
