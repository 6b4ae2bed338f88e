package overlay

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// candidate drives a Candidacy by explicit time.
type candidate struct {
	*testing.T
	*Candidacy
	now    time.Time
	events []string
}

func newCandidate(t *testing.T) *candidate {
	return &candidate{T: t, Candidacy: NewCandidacy(seeded(3)), now: time.Unix(1_700_000_000, 0)}
}

func (c *candidate) collect() {
	for _, e := range c.Take() {
		c.events = append(c.events, strings.TrimPrefix(fmt.Sprintf("%T", e), "overlay."))
	}
}

func (c *candidate) advance(d time.Duration) {
	for end := c.now.Add(d); ; {
		c.collect()
		next := c.Next()
		if next.IsZero() || next.After(end) {
			c.now = end
			return
		}
		c.now = next
		c.Candidacy.Advance(c.now)
		if again := c.Next(); !again.IsZero() && !again.After(c.now) {
			c.Fatal("Advance leaves a timer that is due")
		}
	}
}

// until passes time until something is asked for.
func (c *candidate) until(limit time.Duration) {
	for end := c.now.Add(limit); len(c.events) == 0 && c.now.Before(end); {
		c.advance(time.Second)
	}
}

func (c *candidate) want(events ...string) {
	c.Helper()
	c.collect()
	if got := strings.Join(c.events, " "); got != strings.Join(events, " ") {
		c.Fatalf("got %q, want %q", got, strings.Join(events, " "))
	}
	c.events = nil
}

var here = netip.MustParseAddrPort("192.0.2.1:4000")

// word lets supernode n say that it has reached us at addr.
func (c *candidate) word(n int, from string, addr netip.AddrPort) {
	c.Word(c.now, nodeID(n), netip.MustParseAddr(from), addr)
}

func (c *candidate) promoted() *candidate {
	c.Able(c.now, true)
	c.until(2 * upFor)
	c.want("SeekWords")
	for n := 1; n <= 3; n++ {
		c.word(n, fmt.Sprintf("198.51.%d.1", n), here)
	}
	c.want("Promoted")
	return c
}

func TestAPhoneIsPromotedByThreeWords(t *testing.T) {
	c := newCandidate(t)
	c.advance(24 * time.Hour)
	c.want() // not able
	c.Able(c.now, true)
	c.word(9, "198.51.9.1", here) // unasked
	c.advance(upFor - time.Second)
	c.want() // not up for long enough
	c.until(upFor + time.Minute)
	c.want("SeekWords")
	c.word(1, "198.51.1.1", here)
	c.word(1, "198.51.2.1", here)                                     // the same supernode
	c.word(2, "198.51.1.2", here)                                     // of the same prefix
	c.word(3, "198.51.3.1", netip.MustParseAddrPort("192.0.2.1:999")) // at another port
	c.word(4, "198.51.4.1", here)
	c.want()
	c.word(5, "2001:db8::1", here)
	c.want("Promoted")
	c.word(6, "198.51.6.1", here)
	c.advance(time.Hour)
	c.want()
}

// In one's own network prefixes say nothing.
func TestThreeWordsOfALaboratory(t *testing.T) {
	c := newCandidate(t)
	c.Able(c.now, true)
	c.until(2 * upFor)
	c.want("SeekWords")
	for n := 1; n <= 3; n++ {
		c.word(n, fmt.Sprintf("10.0.0.%d", n), here)
	}
	c.want("Promoted")
}

func TestWhoIsNotReachableAsksAgainMoreAndMoreSeldom(t *testing.T) {
	c := newCandidate(t)
	c.Able(c.now, true)
	c.advance(100 * time.Hour)
	if n := len(c.events); n < 6 || n > 14 {
		t.Errorf("asked %d times in a hundred hours", n)
	}
	c.events = nil
	c.Able(c.now, false)
	c.advance(100 * time.Hour)
	c.want()
}

func TestASupernodeStaysByOneWordAndLeavesWithoutAny(t *testing.T) {
	c := newCandidate(t).promoted()
	for range 3 {
		c.until(2 * renewEvery)
		c.want("SeekWords")
		c.word(7, "198.51.7.1", here)
		c.want()
	}
	for range renewTries - 1 {
		c.until(2 * renewEvery)
		c.want("SeekWords")
		c.advance(askFor)
		c.want()
	}
	c.until(2 * renewPause)
	c.want("SeekWords")
	c.advance(askFor)
	c.want("SteppingDown")
	c.advance(leaveFor)
	c.want("Retired")
	c.until(2 * againMax)
	c.want("SeekWords")
}

func TestWhoIsNotAbleAnyMoreStepsDown(t *testing.T) {
	c := newCandidate(t).promoted()
	c.Able(c.now, false)
	c.want("SteppingDown")
	c.word(7, "198.51.7.1", here)
	c.advance(leaveFor)
	c.want("Retired")
	c.advance(1000 * time.Hour)
	c.want()
	c.Able(c.now, true)
	c.until(2 * upFor)
	c.want("SeekWords")
}

// A phone that is promoted is known to all, serves guests, and is gone for all
// when it steps down; its guests have other homes.
func TestAPhoneBecomesASupernodeAndAPhoneAgain(t *testing.T) {
	w := newWorld(t, 14)
	chain(w, 12)
	w.run(10 * time.Second)
	r := w.add(100, Config{Homes: 3}, 1, 2, 3)
	w.run(10 * time.Second)
	for round := range 2 {
		r.Promote(w.now, addrOf(100))
		w.settle(r)
		t.Logf("all know it after %v", w.runUntil(30*time.Second, w.agreed))
		if len(r.Homes()) != 3 || r.Known() != 13 {
			t.Errorf("round %d: it has %d homes and knows %d supernodes", round, len(r.Homes()), r.Known())
		}
		for n := range 20 {
			w.add(200+100*round+n, Config{Homes: 3}, 100, 1, 2, 3)
		}
		w.run(2 * time.Minute)
		if r.Guests() == 0 {
			t.Error("nobody is attached to it")
		}
		r.Demote(w.now)
		w.settle(r)
		t.Logf("all know that it is gone after %v", w.runUntil(30*time.Second, w.agreed))
		w.run(2 * time.Minute)
		if len(r.Homes()) != 3 || r.Guests() != 0 || r.Known() == 0 {
			t.Errorf("round %d: then it has %d homes, %d guests, and %d in its cache", round, len(r.Homes()), r.Guests(), r.Known())
		}
		for _, p := range w.nodes[13:] {
			if len(p.Homes()) != 3 {
				t.Errorf("phone %d has %d homes", p.n, len(p.Homes()))
			}
			for _, h := range p.Homes() {
				if h.Member.Node == nodeID(100) {
					t.Errorf("phone %d is at home at who is no supernode", p.n)
				}
			}
		}
	}
}
