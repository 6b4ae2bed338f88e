package directory

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// repairer returns supernode 0 with a record, the keeper of this rank among so
// many others, who are new.
func repairer(t *testing.T, rank, others int) (*keeper, *owner) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 1)
	k.cfg.Nearest = k.nearest
	k.answer(wire.Publish{Record: o.record(t, 5, start.Add(48*time.Hour))}, "ok 1")
	k.near = nil
	for n := 1; n <= others; n++ {
		k.near = append(k.near, homes(n)...)
	}
	k.near = slices.Insert(k.near, rank, homes(0)...)
	k.NeighboursChanged(k.now)
	return k, o
}

// asked returns whom the questions since the last call went to.
func (k *keeper) asked() (have, publish []int) {
	for _, a := range took[Ask](&k.script) {
		n := numberOf(a.To.Node)
		k.asks[n] = a.Nonce
		if _, ok := a.Message.(wire.Have); ok {
			have = append(have, n)
		} else {
			publish = append(publish, n)
		}
	}
	slices.Sort(have)
	slices.Sort(publish)
	return slices.Compact(have), slices.Compact(publish)
}

// nextAsked passes time until somebody is asked whether it has the record.
func (k *keeper) nextAsked(limit time.Duration) []int {
	for end := k.now.Add(limit); k.now.Before(end); {
		k.advance(50 * time.Millisecond)
		if have, _ := k.asked(); len(have) > 0 {
			return have
		}
	}
	return nil
}

func (k *keeper) has(by int, copies uint8) {
	k.Reply(k.now, addrOf(by), k.asks[by], wire.Stored{Code: wire.StoreOK, Copies: copies})
}

func TestTheNearestKeeperGivesToAllWhoHaveNot(t *testing.T) {
	k, _ := repairer(t, 0, 4)
	if have := k.nextAsked(reviewWait + repairStep); !slices.Equal(have, []int{1, 2, 3, 4}) {
		t.Fatalf("asked %v", have)
	}
	k.has(1, 1)
	k.has(2, 0)
	k.has(3, 0)
	if _, publish := k.asked(); !slices.Equal(publish, []int{2, 3}) {
		t.Errorf("gives to %v, want 2 and 3", publish)
	}
	k.has(2, 1)
	k.has(3, 1)
	k.advance(repairEnd) // 4 says nothing
	if len(k.jobs) != 0 || k.repairs != 0 || len(k.Index.asks) != 0 || len(k.tasks) != 1 {
		t.Errorf("%d jobs, %d repairs, %d questions, %d tasks are left, want one task", len(k.jobs), k.repairs, len(k.Index.asks), len(k.tasks))
	}
	if c := k.Counters(); c.Repaired != 2 {
		t.Errorf("%d repaired, want 2", c.Repaired)
	}
	k.asked()
	if have := k.nextAsked(2 * repairAgain); !slices.Equal(have, []int{1, 2, 3, 4}) {
		t.Errorf("then asks %v, want all again, for one was silent", have)
	}
	for n := 1; n <= 4; n++ {
		k.has(n, 1)
	}
	k.NeighboursChanged(k.now)
	k.advance(time.Minute)
	if have, _ := k.asked(); len(have) > 0 {
		t.Errorf("asks %v though nothing has changed", have)
	}
}

// The nearest to a key may have come without the record. Once somebody gives it
// to it, it sees to it that all have it.
func TestTheNearestKeeperWhoHadNothingGivesToAll(t *testing.T) {
	for _, test := range []struct {
		had   bool // an earlier record, which its owner has signed anew
		rank  int
		after time.Duration // the change
		want  []int
	}{
		{false, 0, time.Second, []int{1, 2, 3}},
		{true, 0, time.Second, []int{1, 2, 3}},
		{false, 1, time.Second, nil},
		{false, 0, 2 * inheritTime, nil}, // then it is its owner who publishes it
	} {
		o := newOwner(t, "1001", "kitchen")
		k := newKeeper(t, 1)
		k.cfg.Nearest = k.nearest
		k.near = slices.Insert(homes(1, 2, 3), test.rank, homes(0)...)
		if test.had {
			k.answer(wire.Publish{Record: o.record(t, 1, start.Add(24*time.Hour))}, "ok 1")
		}
		k.NeighboursChanged(k.now)
		k.advance(test.after)
		k.answer(wire.Publish{Record: o.record(t, 2, start.Add(48*time.Hour))}, "ok 1")
		if have := k.nextAsked(time.Minute); !slices.Equal(have, test.want) {
			t.Errorf("%+v: asked %v", test, have)
		}
	}
}

// Whoever never answers is not asked for ever, but is when others come or go.
// debtors are a membership that notes who owes an answer.
type debtors struct {
	strangers
	owe []identity.ID
}

func (d *debtors) Unanswered(_ time.Time, m wire.Member) { d.owe = append(d.owe, m.Node) }

// Who should keep what we keep and does not say whether it does may have died.
func TestTheMembershipHearsWhoIsSilent(t *testing.T) {
	k, _ := repairer(t, 0, 3)
	d := &debtors{}
	k.cfg.Members = d
	k.nextAsked(reviewWait + repairStep)
	k.has(1, 1)
	k.has(2, 1)
	k.advance(repairWait)
	if want := homes(3)[0].Node; !slices.Equal(d.owe, []identity.ID{want}) {
		t.Errorf("%v owe an answer, want %v", d.owe, want)
	}
}

func TestASilentKeeperIsAskedAgainSomeTimes(t *testing.T) {
	k, _ := repairer(t, 0, 2)
	for round := range 1 + maxAgain {
		if have := k.nextAsked(time.Hour); !slices.Equal(have, []int{1, 2}) {
			t.Fatalf("round %d: asks %v, want both", round, have)
		}
		k.has(1, 1)
		k.advance(repairWait)
		k.asked()
	}
	if have := k.nextAsked(time.Hour); len(have) > 0 || len(k.tasks) > 0 {
		t.Errorf("asks %v yet, %d tasks are left", have, len(k.tasks))
	}
	k.near = append(k.near, homes(7)...)
	k.NeighboursChanged(k.now)
	if have := k.nextAsked(time.Minute); len(have) != 3 {
		t.Errorf("asks %v after the neighbours have changed, want all three", have)
	}
}

// A change brings a repair forward that was put off.
func TestARepairIsNotPutOffByAnother(t *testing.T) {
	k, o := repairer(t, 0, 2)
	s := k.store.at(o.lookup().Index)
	k.plan(s, k.now.Add(time.Hour))
	k.plan(s, k.now.Add(time.Minute))
	k.plan(s, k.now.Add(2*time.Hour))
	k.NeighboursChanged(k.now)
	if have := k.nextAsked(reviewWait + repairStep); len(have) != 2 {
		t.Errorf("asks %v, want both at once", have)
	}
	k.has(1, 1)
	k.has(2, 1)
	k.advance(2 * time.Hour)
	if c := k.Counters().Repairs; c != 1 || len(k.tasks) != 0 {
		t.Errorf("%d repairs, %d tasks are left, want 1 and 0", c, len(k.tasks))
	}
}

// A keeper that is not the nearest waits for its turn and asks two; if one has
// nothing the nearest has failed, and it does the work.
func TestTheNextKeepersLookWhetherItIsDone(t *testing.T) {
	for _, done := range []bool{true, false} {
		k, _ := repairer(t, 2, 6)
		k.advance(reviewWait + 2*repairStep - time.Millisecond)
		if have, _ := k.asked(); len(have) > 0 {
			t.Fatalf("asks %v before its turn", have)
		}
		var first []int
		for range repairStep / (50 * time.Millisecond) {
			k.advance(50 * time.Millisecond)
			if first, _ = k.asked(); len(first) > 0 {
				break
			}
		}
		if want := []int{3, 4}; !slices.Equal(first, want) { // the next after it, which nobody else may look after
			t.Fatalf("asks %v, want %v", first, want)
		}
		k.has(first[0], 1)
		if done {
			k.has(first[1], 1)
			k.advance(time.Minute)
			if have, _ := k.asked(); len(have) > 0 || len(k.jobs) > 0 {
				t.Errorf("asks %v though all is done", have)
			}
			continue
		}
		k.has(first[1], 0)
		rest, publish := k.asked()
		if len(rest) != 6-repairSample || !slices.Equal(publish, first[1:]) {
			t.Errorf("then asks %v and gives to %v", rest, publish)
		}
	}
}

func TestRepairsAreBounded(t *testing.T) {
	k := newKeeper(t, 17)
	k.cfg.Nearest = k.nearest
	k.store = newStore(5000, nil)
	for n := range 3 * maxRepairs {
		r := wire.Record{Placement: wire.Placement{Index: identity.IndexKey{byte(n), byte(n >> 8)}}, Expires: start.Unix() + 3600}
		if err := k.store.put(r, r.Placement.Index[:]); err != nil {
			t.Fatal(err)
		}
	}
	k.NeighboursChanged(k.now)
	k.advance(reviewWait + repairStep)
	if k.repairs != maxRepairs || len(k.tasks) == 0 {
		t.Errorf("%d repairs at a time, %d wait", k.repairs, len(k.tasks))
	}
	k.advance(time.Hour) // nobody answers
	if k.repairs != 0 || len(k.tasks) != 0 || k.Counters().Repairs != 3*maxRepairs*(1+maxAgain) {
		t.Errorf("%d repairs and %d tasks are left, %d begun", k.repairs, len(k.tasks), k.Counters().Repairs)
	}
}

// A new supernode of a large network denies nothing until the others have given
// it what it should keep.
func TestANewSupernodeWaitsBeforeItDenies(t *testing.T) {
	for _, of := range []int{Replicas, Replicas + 1} {
		k := newKeeper(t, of)
		k.cfg.Nearest = k.nearest
		k.sync = fresh
		k.Synced(k.now)
		if of > Replicas {
			k.answer(wire.Find{Key: network.LookupNumber("1009").Index}, "not synced")
			k.advance(settleWait)
		}
		k.answer(wire.Find{Key: network.LookupNumber("1009").Index}, "none")
	}
}
