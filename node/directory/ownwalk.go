package directory

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A phone whose homes deny a record, or find none in time, looks for it itself
// before it believes them: all three may lie, as they do for one phone in sixteen
// where two in five supernodes are liars. It walks to the key from supernodes of
// its host cache, of whom its homes know nothing. So it does too when no home has
// shown that a record of its own is where it belongs, and gives it to the nearest.
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

// ownWalk is the walk of a phone that does not believe its homes: it looks for a
// record of somebody else, or for who should keep one of its own.
type ownWalk struct {
	key     identity.IndexKey
	walk    *walk
	open    []ownStep
	find    *find     // nil: it places record
	outcome Outcome   // of find: what the homes say
	record  []byte    // nil: it finds
	end     time.Time // when the homes are believed
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
	if f.own != nil || !c.setOut(now, &ownWalk{key: f.lookup.Index, find: f, outcome: outcome}) {
		c.finish(now, f, Result{Query: f.id, Outcome: outcome})
	}
}

// placeOwn gives a record of ours to whoever should keep it: no home has shown that
// it has.
func (c *Client) placeOwn(now time.Time, p *publication) {
	c.setOut(now, &ownWalk{key: p.lookup.Index, record: p.record})
}

// setOut begins a walk; false: from nobody.
func (c *Client) setOut(now time.Time, w *ownWalk) bool {
	var seeds []wire.Contact
	if c.cfg.Seeds != nil && len(c.walks) < maxFinds {
		seeds = c.cfg.Seeds(now, walkSeeds)
	}
	if len(seeds) == 0 {
		return false
	}
	c.counters.Walks++
	w.walk, w.end = newWalk(placeOfKey(w.key), seeds, nil), now.Add(walkTime)
	c.walks = append(c.walks, w)
	if f := w.find; f != nil {
		f.own, f.race, f.end = w, time.Time{}, w.end
	}
	c.stride(now, w)
	return true
}

// stride asks whoever is to be asked now, and ends the walk when nobody is left.
func (c *Client) stride(now time.Time, w *ownWalk) {
	for _, to := range w.walk.next(now) {
		s := ownStep{step: to, nonce: c.rand.Uint64(), again: now.Add(stepAgain), end: now.Add(stepWait)}
		w.open = append(w.open, s)
		c.askStep(w, s)
	}
	if w.walk.done() {
		c.arrive(now, w)
	}
}

func (c *Client) askStep(w *ownWalk, s ownStep) {
	c.counters.Asked++
	c.emit(Ask{To: s.Member, Nonce: s.nonce, Message: wire.Seek{Key: w.key, Only: w.find == nil}})
}

// arrive ends a walk that has found no record: the homes are believed, or a record
// of ours is given to the nearest who have it not.
func (c *Client) arrive(now time.Time, w *ownWalk) {
	c.walks = slices.DeleteFunc(c.walks, func(x *ownWalk) bool { return x == w })
	if w.find != nil {
		c.finish(now, w.find, Result{Query: w.find.id, Outcome: w.outcome})
		return
	}
	for _, s := range w.walk.nearest() {
		if s.state == spoke && s.code != wire.FindRecord {
			c.counters.Placed++
			c.emit(Ask{To: s.Member, Nonce: c.rand.Uint64(), Message: wire.Publish{Record: w.record}})
		}
	}
}

// Reply takes the answer that came from an address to the Ask with this nonce;
// false: it was not ours.
func (c *Client) Reply(now time.Time, from netip.AddrPort, nonce uint64, m wire.Message) bool {
	for _, w := range c.walks {
		i := slices.IndexFunc(w.open, func(s ownStep) bool { return s.nonce == nonce && s.Member.At(from) })
		if i < 0 {
			continue
		}
		s := w.open[i]
		w.open = slices.Delete(w.open, i, i+1)
		c.heard(now, w, s, m)
		return true
	}
	return false
}

// heard takes an answer: the record, or who stands nearer. One that does not hold
// is as good as silence.
func (c *Client) heard(now time.Time, w *ownWalk, s ownStep, m wire.Message) {
	switch m := m.(type) {
	case wire.Found:
		if f := w.find; f != nil && m.Code == wire.FindRecord {
			if r, err := c.open(now, f.lookup, m.Record); err == nil {
				c.counters.Walked++
				r.Query = f.id
				c.finish(now, f, r)
				return
			}
		}
		w.walk.mute(s.step)
	case wire.Guide:
		node, ok := c.cfg.Routing.Proves(now, s.Contact, m.Self)
		if ok && c.cfg.Verify(node, wire.GuideMessage(s.nonce, w.key, m), m.Signature) {
			w.walk.spoke(s.step, node, m.Code, contacts(m.Near))
		} else {
			c.counters.Forged++
			w.walk.mute(s.step)
		}
	default:
		c.counters.Unasked++
		w.walk.mute(s.step)
	}
	c.stride(now, w)
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
func (c *Client) advanceWalk(now time.Time, w *ownWalk) {
	if passed(w.end, now) {
		c.arrive(now, w)
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
			c.askStep(w, *s)
		}
	}
	c.stride(now, w)
}

// due returns when something is to be done.
func (w *ownWalk) due() time.Time {
	due := earlier(w.end, w.walk.due())
	for _, s := range w.open {
		due = earlier(due, earlier(s.again, s.end))
	}
	return due
}
