package overlay

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
)

// Promotion: a phone whose owner does not mind serves others as a supernode when
// it is able to, has been up for a while, and three supernodes in different
// prefixes say that they have reached it at one address.
const (
	// upFor is how long a phone must have been up, and as long again at random:
	// after a power cut not all shall be promoted at once.
	upFor = 30 * time.Minute
	// askFor is how long the word of others may take, enoughWords how many make it
	// reachable.
	askFor      = 15 * time.Second
	enoughWords = 3
	// Who is not reachable asks again after againAfter, doubled each time, at most
	// againMax.
	againAfter = time.Hour
	againMax   = 24 * time.Hour
	// A supernode asks anew each renewEvery. One word is enough to stay: where
	// many have gone there may be nobody to give three, and who serves does not
	// quit then. Without any it asks renewTries times, renewPause apart.
	renewEvery = 6 * time.Hour
	renewPause = 10 * time.Minute
	renewTries = 3
	// Who steps down goes on with what others are about for leaveFor.
	leaveFor = 5 * time.Minute
)

// candidacyState says how far a phone is on the way to be a supernode.
//
//	             wished, able, and up for a while          words enough
//	resting -----------------------------------> asking -----------------> serving
//	 ^   ^                                         | too few in time         |  |  ^
//	 |   +-----------------------------------------+        renewEvery over  |  |  | a word
//	 |                                                                       v  |  |
//	 |                                          no word in renewTries     renewing |
//	 |                                             +-------------------------+-----+
//	 |        leaveFor over                        v   not wished, not able  |
//	 +---------------------------------------- leaving <---------------------+
type candidacyState uint8

const (
	resting candidacyState = iota
	asking
	serving
	renewing
	leaving
)

// SeekWords asks to let supernodes try to reach us: Candidacy.Word takes what they
// say.
type SeekWords struct{}

// Promoted tells that this node shall serve others, who reach it at Addr.
type Promoted struct{ Addr netip.AddrPort }

// SteppingDown tells that it shall take nothing new on, Retired that it shall end
// what is left.
type (
	SteppingDown struct{}
	Retired      struct{}
)

func (SeekWords) event()    {}
func (Promoted) event()     {}
func (SteppingDown) event() {}
func (Retired) event()      {}

// Candidacy decides whether a phone serves others. The zero value is not usable.
type Candidacy struct {
	rand  *rand.Rand
	state candidacyState
	able  bool
	words []word // of this round
	tries int    // rounds in vain, in a row

	// at is when something is due: resting, the next round, zero while not able or
	// before Start; asking and renewing, the round ends; serving, the next round;
	// leaving, the end.
	at  time.Time
	out []Event
}

// word is that of a supernode which has reached us.
type word struct {
	by   identity.ID
	from netip.Prefix // its own
	addr netip.AddrPort
}

// NewCandidacy returns one that waits for Start.
func NewCandidacy(seed io.Reader) *Candidacy {
	var b [32]byte
	if _, err := io.ReadFull(seed, b[:]); err != nil {
		panic(fmt.Sprintf("overlay: no randomness: %v", err))
	}
	return &Candidacy{rand: rand.New(rand.NewChaCha8(b))}
}

// Take returns what has been asked since the last Take, oldest first: SeekWords,
// Promoted, SteppingDown, Retired.
func (c *Candidacy) Take() []Event {
	out := c.out
	c.out = nil
	return out
}

// Next returns when Advance wants to be called; zero: never.
func (c *Candidacy) Next() time.Time { return c.at }

// Able tells whether this node has what a supernode needs. The first call starts
// the time for which it must have been up.
func (c *Candidacy) Able(now time.Time, able bool) {
	before := c.able
	c.able = able
	switch {
	case able == before:
	case able && c.state == resting:
		c.at = now.Add(upFor + c.jitter(upFor))
	case able:
	case c.state == resting, c.state == asking:
		c.state, c.at = resting, time.Time{}
	case c.state == serving, c.state == renewing:
		c.leave(now)
	}
}

// Word takes that of the supernode by, which speaks from an address, that it has
// reached us at addr.
func (c *Candidacy) Word(now time.Time, by identity.ID, from netip.Addr, addr netip.AddrPort) {
	if c.state != asking && c.state != renewing {
		return
	}
	w := word{by: by, from: prefixOf(from), addr: addr}
	if slices.ContainsFunc(c.words, func(o word) bool { return o.by == by || o.from == w.from && !exempt(from) }) {
		return // one of each, and one of a prefix
	}
	c.words = append(c.words, w)
	switch {
	case c.state == renewing:
		c.serve(now)
	case c.count(addr) >= enoughWords:
		c.serve(now)
		c.out = append(c.out, Promoted{Addr: addr})
	}
}

func (c *Candidacy) count(addr netip.AddrPort) int {
	n := 0
	for _, w := range c.words {
		if w.addr == addr {
			n++
		}
	}
	return n
}

func (c *Candidacy) serve(now time.Time) {
	c.state, c.tries, c.words = serving, 0, nil
	c.at = now.Add(renewEvery/2 + c.jitter(renewEvery))
}

func (c *Candidacy) leave(now time.Time) {
	c.state, c.tries, c.words = leaving, 0, nil
	c.at = now.Add(leaveFor)
	c.out = append(c.out, SteppingDown{})
}

func (c *Candidacy) ask(now time.Time, s candidacyState) {
	c.state, c.words, c.at = s, nil, now.Add(askFor)
	c.out = append(c.out, SeekWords{})
}

// Advance fires what is due.
func (c *Candidacy) Advance(now time.Time) {
	if !passed(c.at, now) {
		return
	}
	switch c.state {
	case resting:
		c.ask(now, asking)
	case serving:
		c.ask(now, renewing)
	case asking:
		c.rest(now, min(againAfter<<min(c.tries, 8), againMax))
	case renewing:
		c.tries++
		c.state, c.at = serving, now.Add(renewPause+c.jitter(renewPause))
		if c.tries == renewTries {
			c.leave(now)
		}
	case leaving:
		c.out = append(c.out, Retired{})
		c.rest(now, againMax)
	}
}

// rest waits before the next round.
func (c *Candidacy) rest(now time.Time, pause time.Duration) {
	c.tries++
	c.state, c.words, c.at = resting, nil, now.Add(pause/2+c.jitter(pause))
	if !c.able {
		c.at = time.Time{}
	}
}

func (c *Candidacy) jitter(d time.Duration) time.Duration {
	return time.Duration(c.rand.Int64N(int64(d)))
}
