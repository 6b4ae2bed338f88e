package directory

import (
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// findRace is how long a home may take to show that it has a question, where
	// nobody measures that.
	findRace = 80 * time.Millisecond
	// findSlow is how long a home that has shown it may search before the next one is
	// asked as well: longer than a search takes while all is well, for a second one
	// costs ten kilobytes.
	findSlow = 150 * time.Millisecond
)

// raceState says what the home that was asked last has shown.
//
//	unheard -- anything comes from it --> heeded
//
// A home acknowledges a question at once. So one that has it and searches is told
// from one that is dead, or a question that was lost, after a round trip.
type raceState uint8

const (
	unheard raceState = iota
	heeded
)

// Heard tells that something authentic has come from a home.
func (c *Client) Heard(now time.Time, home wire.Index) (concerns bool) {
	for _, f := range c.finds {
		if !f.race.IsZero() && f.latest == unheard && f.asked[len(f.asked)-1] == home {
			f.latest, f.race = heeded, now.Add(findSlow)
			concerns = true
		}
	}
	return concerns
}

// hurry goes on when the home that was asked last keeps us waiting. If it is only
// slow another one is asked; if it is silent all others are: it may be dead, and
// when one is many are.
func (c *Client) hurry(now time.Time, f *find) {
	slow := f.latest == heeded
	if !slow {
		c.emit(Mute{f.asked[len(f.asked)-1]})
	}
	c.askNext(now, f)
	for !slow && !f.race.IsZero() {
		c.askNext(now, f)
	}
}

// bestHome returns the best home but those: of whom a sign of life is overdue come
// last.
func (c *Client) bestHome(now time.Time, but []wire.Index) (best wire.Index, ok bool) {
	for _, h := range c.homes {
		switch {
		case slices.Contains(but, h):
		case c.cfg.Patience(now, h) > 0:
			return h, true
		case !ok:
			best, ok = h, true
		}
	}
	return best, ok
}

// anyDoubted reports whether a sign of life of some home is overdue.
func (c *Client) anyDoubted(now time.Time) bool {
	return slices.ContainsFunc(c.homes, func(h wire.Index) bool { return c.cfg.Patience(now, h) == 0 })
}
