package sim

import (
	"fmt"
	"testing"
	"time"

	"peerphone/node"
)

// inquire lets n search for words and returns what it has been told when that is
// settled.
func (w *World) inquire(t *testing.T, n *Node, words string) node.InquiryView {
	t.Helper()
	n.core.Inquire(w.now, words)
	n.flush(w.now)
	for range 100 {
		w.Run(100 * time.Millisecond)
		if v := n.core.Snapshot(w.now).Inquiry; v.Settled {
			return v
		}
	}
	t.Fatalf("seed %d: the search of node %d for %q does not end", *seed, n.number, words)
	return node.InquiryView{}
}

// wantFoundByWords lets some phones look for others by words, and for nobody.
func (w *World) wantFoundByWords(t *testing.T) {
	t.Helper()
	phones := w.phones()
	for i, n := range phones[:min(len(phones), 8)] {
		other := phones[(7*i+3)%len(phones)]
		if v := w.inquire(t, n, fmt.Sprint("no", other.number)); len(v.Found) != 1 || v.Found[0].Number != string(other.dial) || !v.Whole {
			t.Errorf("seed %d: node %d, who looks for %d by a word, is told %+v", *seed, n.number, other.number, v)
		}
	}
	all, found := len(phones), map[string]bool{}
	v := w.inquire(t, phones[0], "telephone")
	for v.More {
		phones[0].core.InquireMore(w.now)
		phones[0].flush(w.now)
		w.Run(3 * time.Second)
		v = phones[0].core.Snapshot(w.now).Inquiry
	}
	for _, f := range v.Found {
		found[f.Name] = true
	}
	if len(found) != all || !v.Whole {
		t.Errorf("seed %d: by a word of everybody %d of %d are found, whole %v", *seed, len(found), all, v.Whole)
	}
	if v := w.inquire(t, phones[1], "nobody"); v.Outcome != "nobody" {
		t.Errorf("seed %d: by a word of nobody: %+v", *seed, v)
	}
}

// Where each knows a part only people are found by words as well as where everybody
// knows all.
func TestWords(t *testing.T) {
	for _, c := range []Config{
		{Supernodes: 20, Phones: 30},
		{Supernodes: 80, Phones: 40, Mode: Kademlia},
	} {
		t.Run(c.Mode.String(), func(t *testing.T) {
			c.Seed, c.Loss, c.Latencies, c.Silent, c.Old, c.Searchable = *seed, 0.01, PlanetLab(*seed), true, true, true
			w, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			tr := trial{World: w}
			tr.switchOn(w.supernodes(), wakeTime) // later ones would be taken for dead, and nobody could deny anything
			w.Run(15 * time.Second)
			tr.switchOn(w.phones(), 10*time.Second)
			w.Run(30 * time.Second)
			w.wantFoundByWords(t)
		})
	}
}
