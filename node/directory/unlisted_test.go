package directory

import (
	"testing"
	"time"
)

// A number that its owner takes out of the index is not found any more within
// minutes, wherever its record was; its name is, and so is the number when it is
// listed again.
func TestAnUnlistedNumberVanishes(t *testing.T) {
	w := newTown(t, 7, 20, 3)
	w.run(3 * time.Second)
	s := w.phones[1]
	list := func(unlisted bool) {
		own := s.owner.own
		own.Unlisted = unlisted
		s.SetListing(w.now, own)
		w.settlePhone(s)
		w.run(3 * time.Second)
	}
	if r := w.find(0, s.number); r.Outcome != Located {
		t.Fatalf("before: %v", r.Outcome)
	}
	list(true)
	if s.pubs[0] != nil || s.pubs[1] == nil || s.copies == 0 {
		t.Errorf("publishes %v at %d supernodes, want the name alone", s.pubs, s.copies)
	}
	w.run(withdrawLife)
	if r := w.find(0, s.number); r.Outcome != Absent {
		t.Errorf("the number: %v, want absent", r.Outcome)
	}
	s.results = nil
	caller := w.phones[0]
	caller.results = nil
	caller.Find(w.now, network.LookupName(s.name))
	w.settlePhone(caller)
	w.run(2 * time.Second)
	if len(caller.results) != 1 || caller.results[0].Outcome != Located {
		t.Errorf("the name: %v, want located", caller.results)
	}
	for _, k := range w.keepers {
		if k.Holds(w.now, s.lookup().Index) {
			t.Errorf("keeper %d holds the record yet", k.n)
		}
	}
	stored := w.keepers[0].Counters().Stored
	s.owner.own.Device.Homes = homes(4, 5, 6)
	list(true) // another home: nothing is withdrawn twice
	if s.pubs[0] != nil || w.keepers[0].Counters().Stored > stored+1 {
		t.Error("it is withdrawn again")
	}
	w.run(4 * 24 * time.Hour)
	if r := w.find(0, s.number); r.Outcome != Absent {
		t.Errorf("days later: %v, want absent", r.Outcome)
	}
	list(false)
	w.run(cacheNone)
	if r := w.find(0, s.number); r.Outcome != Located {
		t.Errorf("listed again: %v, want located", r.Outcome)
	}
}
