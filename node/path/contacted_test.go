package path

import (
	"net/netip"
	"testing"
	"time"
)

func TestWhomWeHaveSentTo(t *testing.T) {
	var c contacted
	at := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}) }
	now := time.Unix(1_700_000_000, 0)
	for n := range 2 * maxContact {
		c.note(now, at(n))
	}
	if len(c.list) != maxContact || c.lately(now, at(0)) || !c.lately(now, at(maxContact)) {
		t.Errorf("%d are remembered, the first %v, a later one %v", len(c.list), c.lately(now, at(0)), c.lately(now, at(maxContact)))
	}
	if got := c.latest(); len(got) != maxNot || got[0] != at(2*maxContact-1) {
		t.Errorf("named: %v", got)
	}
	now = now.Add(contactLife - time.Second)
	c.note(now, at(maxContact)) // again
	now = now.Add(time.Second)
	if !c.lately(now, at(maxContact)) || c.lately(now, at(maxContact+1)) {
		t.Errorf("after %v: who was sent to again %v, others %v", contactLife, c.lately(now, at(maxContact)), c.lately(now, at(maxContact+1)))
	}
	c.note(now, at(1))
	if got := c.latest(); len(got) != 2 || got[0] != at(1) || got[1] != at(maxContact) {
		t.Errorf("named after %v: %v", contactLife, got)
	}
}
