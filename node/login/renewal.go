package login

import (
	"errors"
	"time"

	"peerphone/node/identity"
)

// When the client asks (our own choices).
const (
	// askTimeout is for a node that loses an Ask; Exchange gives up earlier.
	askTimeout = time.Minute
	// restBase doubles with every request that failed. The real rest is drawn
	// between restLeast and that, so that the phones that a dead server leaves
	// behind do not come back together.
	restBase  = time.Second
	restLeast = 250 * time.Millisecond
	// maxRest bounds it while the phone cannot take part, maxRestIn while its
	// certificates serve: then there are three weeks of time.
	maxRest   = time.Minute
	maxRestIn = 6 * time.Hour
	// renewalSpread is over what time the phones of one birthday spread their
	// renewals.
	renewalSpread = 24 * time.Hour
	// turnSpread is over what time all phones change to the node certificates
	// of a new epoch: each change is three new attachments. turnMargin is for
	// peers whose clocks are slow.
	turnSpread = 4 * 24 * time.Hour
	turnMargin = time.Hour
	// overdueSpread is for phones that start with a renewal overdue.
	overdueSpread = time.Minute
)

// renewalAt returns when to renew g: when it is seven days old, and some jitter.
// Then its name certificate has three weeks left, and its node certificates,
// with that of the next epoch, at least as long.
func (c *Client) renewalAt(now time.Time, g Granted) time.Time {
	if at := g.Time.Add(identity.NameRenewal + c.jitter(renewalSpread)); at.After(now) {
		return at
	}
	return now.Add(c.jitter(overdueSpread))
}

// rest puts the next request off after one that failed with err.
func (c *Client) rest(now time.Time, err error) {
	limit := maxRest
	if !c.granted.IsZero() {
		limit = maxRestIn
	}
	span := limit
	if c.attempt < 16 {
		span = min(limit, restBase<<c.attempt)
	}
	c.restFor(now, err, restLeast+c.jitter(span))
}

func (c *Client) restFor(now time.Time, err error, d time.Duration) {
	c.attempt++
	c.errand, c.problem = errandResting, err
	c.giveUpAt, c.askAt = time.Time{}, now.Add(d)
	c.emit(Changed{})
}

// jitter draws a duration from 0 to span; without randomness it is span.
func (c *Client) jitter(span time.Duration) time.Duration { return jitter(c.cfg.Rand, span) }

// errLost is the problem of an Ask that nobody answered.
var errLost = errors.New("login: a request was lost")

// Next returns when Advance wants to be called, zero for never.
func (c *Client) Next() time.Time {
	return earlier(earlier(c.askAt, c.giveUpAt), earlier(c.turnAt, c.expireAt))
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Advance does what is due at now.
func (c *Client) Advance(now time.Time) {
	if due(c.expireAt, now) {
		c.lose(now)
	}
	if due(c.turnAt, now) {
		c.turn()
	}
	if due(c.giveUpAt, now) {
		c.rest(now, errLost)
	}
	if due(c.askAt, now) {
		c.ask(now)
	}
}

// turn changes to the node certificate of the epoch that has begun.
func (c *Client) turn() {
	g := c.granted.turned()
	c.granted, c.turnAt = &g, time.Time{}
	c.emit(Changed{})
}

// lose takes note that the certificates have expired, and asks at once.
func (c *Client) lose(now time.Time) {
	c.granted, c.turnAt, c.expireAt = new(Granted), time.Time{}, time.Time{}
	if c.errand == errandResting {
		c.askAt = now
	}
	c.emit(Changed{})
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }
