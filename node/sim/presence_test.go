package sim

import (
	"testing"
	"time"

	"peerphone/node"
)

// sights counts what phones that are on say of contacts that they may watch,
// and that are on as wanted, by the words of ContactView.
func (w *World) sights(on func(*Node) bool, want bool) map[string]int {
	count := map[string]int{}
	for _, n := range w.nodes {
		if !n.phone || !on(n) {
			continue
		}
		for _, c := range n.core.Snapshot(w.now).Contacts {
			if c.Watched && on(w.byNumber(c)) == want {
				count[c.State]++
			}
		}
	}
	return count
}

func (w *World) byNumber(c node.ContactView) *Node {
	for _, n := range w.nodes {
		if string(numberOf(n.number)) == c.Number {
			return n
		}
	}
	return nil
}

// Contacts that have talked with each other see who is there, through homes
// that know neither; who goes without a word is seen to have gone.
func TestPresence(t *testing.T) {
	w := town(t, Config{Seed: *seed, Supernodes: 6, Phones: 16, MediaEvery: time.Second}, 40*time.Minute)
	off := map[*Node]bool{}
	on := func(n *Node) bool { return !off[n] }
	got := w.sights(on, true)
	t.Logf("all on: %v", got)
	if got["reachable"] < 16 || got["not reachable"] > 0 || got["unknown"]*20 > got["reachable"] {
		t.Errorf("all are there, but %v", got)
	}
	for _, n := range w.nodes {
		if n.phone && len(off) < 4 {
			off[n] = true
			n.user.mind++ // nobody is at home
			n.switchOff()
		}
	}
	w.Run(4 * time.Minute)
	t.Logf("gone: %v, there: %v", w.sights(on, false), w.sights(on, true))
	if got := w.sights(on, false); got["reachable"]+got["unknown"] > 0 || got["not reachable"] == 0 {
		t.Errorf("four minutes after they have gone without a word: %v", got)
	}
	if got := w.sights(on, true); got["not reachable"] > 0 || got["reachable"] == 0 {
		t.Errorf("of those who are there: %v", got)
	}
}

// A contact who was away for hours and comes back at other homes is seen by all who
// watch it within half a minute.
func TestPresenceOfWhoComesBack(t *testing.T) {
	w := town(t, Config{Seed: *seed, Supernodes: 12, Phones: 8, MediaEvery: time.Second}, 40*time.Minute)
	for _, n := range w.nodes {
		if n.phone {
			n.user.retired = true
		}
	}
	w.Run(5 * time.Minute)
	back := w.nodes[len(w.nodes)-1]
	only := func(n *Node) bool { return n == back }
	seen := func(word string) (is, watchers int) {
		for _, n := range w.nodes {
			if !n.phone || n == back {
				continue
			}
			for _, c := range n.core.Snapshot(w.now).Contacts {
				if c.Watched && only(w.byNumber(c)) {
					watchers++
					if c.State == word {
						is++
					}
				}
			}
		}
		return is, watchers
	}
	back.user.mind++
	back.switchOff()
	w.Run(3 * time.Hour)
	gone, watchers := seen("not reachable")
	if watchers < 2 || gone < watchers {
		t.Fatalf("%d of %d say that it has gone", gone, watchers)
	}
	back.switchOn(w.now)
	began := w.now
	for there := 0; there < watchers; there, _ = seen("reachable") {
		if w.now.Sub(began) > 30*time.Second {
			t.Fatalf("%d of %d see it after 30 s", there, watchers)
		}
		w.Run(250 * time.Millisecond)
	}
	t.Logf("%d see it after %v", watchers, w.now.Sub(began))
}
