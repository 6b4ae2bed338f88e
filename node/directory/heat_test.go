package directory

import (
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// clamour lets everybody ask for one number again and again, and returns how many
// questions the busiest supernode got in the last two minutes of four, and how many
// all got.
func clamour(t *testing.T, hot int) (busiest, all int) {
	w := newTown(t, 11, 80, 60)
	for _, k := range w.keepers {
		k.cfg.Nearest, k.heat.from = w.nearest, hot
	}
	w.run(3 * time.Second)
	for round := range 8 {
		if round == 4 {
			w.finds = map[int]int{}
		}
		for a, s := range w.phones[1:] {
			w.after(time.Duration(a)*400*time.Millisecond, func() {
				s.Find(w.now, network.LookupNumber("1000"))
				w.settlePhone(s)
			})
		}
		w.run(30 * time.Second)
	}
	for a, s := range w.phones[1:] {
		for _, r := range s.results {
			if r.Outcome != Located {
				t.Fatalf("phone %d: %v", a+1, r.Outcome)
			}
		}
		if len(s.results) != 8 {
			t.Fatalf("phone %d has %d answers", a+1, len(s.results))
		}
	}
	for _, n := range w.finds {
		busiest, all = max(busiest, n), all+n
	}
	return busiest, all
}

// When everybody asks for the same number, its keepers lend the record to others,
// and nobody has more to do than a fraction of what the nearest would have.
func TestAHotKeyIsSpread(t *testing.T) {
	before, sum := clamour(t, -1)
	after, sumAfter := clamour(t, 10)
	t.Logf("questions to the busiest keeper in two minutes: %d of %d before, %d of %d when it is lent", before, sum, after, sumAfter)
	if after*3 > before {
		t.Errorf("the busiest keeper gets %d questions, and %d when the record is lent: want a third", before, after)
	}
}

func TestALoanIsNoRecord(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 60)
	k.cfg.Nearest = func(identity.IndexKey, int) []wire.Member { return homes(0, 1, 2) }
	lend := func(b []byte) { k.Answer(k.now, 1, wire.Lend{Record: b}, nil) }
	lend(o.record(t, 5, start.Add(time.Hour)))
	if k.Counters().Borrowed != 1 || k.Records() != 0 {
		t.Fatalf("borrowed %d, keeps %d", k.Counters().Borrowed, k.Records())
	}
	key := o.lookup().Index
	found, ok := k.answerFind(k.now, key)
	if !ok || !found.Hot || found.Code != wire.FindRecord {
		t.Errorf("a loan is answered with %+v", found)
	}
	lend(o.record(t, 4, start.Add(time.Hour))) // an older one changes nothing
	if k.Counters().Borrowed != 1 {
		t.Error("an older record is borrowed")
	}
	for what, f := range faulty(t, o) {
		before := k.Counters().Borrowed
		if lend(f.record); k.Counters().Borrowed != before {
			t.Errorf("%s: it is borrowed", what)
		}
	}
	k.cfg.Nearest = func(identity.IndexKey, int) []wire.Member { return homes(7, 8, 9) }
	far := newOwner(t, "1002", "attic")
	if lend(far.record(t, 5, start.Add(time.Hour))); k.Counters().Misplaced == 0 || k.Counters().Borrowed != 1 {
		t.Error("a record that is asked for elsewhere is borrowed")
	}
	k.advance(loanLife + time.Second)
	if _, ok := k.answerFind(k.now, key); ok {
		t.Error("a loan is answered after its time")
	}
}

func TestHeatIsBounded(t *testing.T) {
	h := heat{from: 5}
	for n := range 3 * maxHeat {
		h.asked(start, identity.IndexKey{byte(n), byte(n >> 8), 1})
		h.tell(start, identity.IndexKey{byte(n), byte(n >> 8), 1})
	}
	if len(h.now) > maxHeat || len(h.told) > maxHot {
		t.Errorf("%d keys are counted, %d are known to be hot", len(h.now), len(h.told))
	}
	hot := identity.IndexKey{0, 0, 1}
	for range 5 {
		h.asked(start, hot)
	}
	if !h.asked(start.Add(hotSpan), hot) || h.asked(start.Add(5*hotSpan), hot) {
		t.Error("a key is hot for one span longer than it is asked for, and not for ever")
	}
}
