package directory

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// keeper drives an Index, which is supernode 0, among others that the test
// plays.
type keeper struct {
	script
	*Index
	near []wire.Member
	asks map[int]uint64 // questions under way, by supernode
	last uint32
}

// newKeeper returns supernode 0 of so many.
func newKeeper(t *testing.T, of int) *keeper {
	k := &keeper{script: script{T: t, now: start}, Index: NewIndex(config(2)), asks: map[int]uint64{}}
	k.SetSelf(nodeID(0), signAs(0))
	k.core = k.Index
	for n := range of {
		k.near = append(k.near, homes(n)...)
	}
	k.Synced(start)
	return k
}

const aPhone wire.Index = 50

func (k *keeper) nearest(_ identity.IndexKey, n int) []wire.Member {
	return slices.Clone(k.near[:min(n, len(k.near))])
}

// find lets a phone ask.
func (k *keeper) find(from wire.Index, l identity.Lookup) {
	k.last++
	k.Handle(k.now, from, wire.Find{Query: k.last, Key: l.Index}, k.nearest)
}

func (k *keeper) publish(from wire.Index, record []byte) {
	k.last++
	k.Handle(k.now, from, wire.Publish{Query: k.last, Record: record}, k.nearest)
}

// answer lets a supernode ask, and compares the answer in the words of say.
func (k *keeper) answer(m wire.Message, want string) wire.Message {
	k.Helper()
	reply := k.Answer(k.now, 7, m, func(identity.IndexKey, int) []wire.Place { return []wire.Place{1, 2} })
	if got := sayMessage(reply); got != want {
		k.Fatalf("answers %s, want %s", got, want)
	}
	return reply
}

func (k *keeper) want(want ...string) []Event {
	k.Helper()
	events := k.script.want(want...)
	for _, e := range events {
		if a, ok := e.(Ask); ok {
			k.asks[numberOf(a.To.Node)] = a.Nonce
		}
	}
	return events
}

// found lets supernode by answer; what is no record it signs.
func (k *keeper) found(by int, code wire.FindCode, record []byte) {
	f := wire.Found{Code: code, Record: record}
	if a := k.Index.asks[k.asks[by]]; a != nil && code != wire.FindRecord {
		f.Signature = signAs(by)(wire.DenialMessage(a.nonce, a.m.(wire.Find).Key, f))
	}
	k.Reply(k.now, addrOf(by), k.asks[by], f)
}

func (k *keeper) stored(by int, code wire.StoreCode) {
	k.Reply(k.now, addrOf(by), k.asks[by], wire.Stored{Code: code, Copies: 1})
}

// asking returns "ask N find" for these supernodes.
func asking(what string, from, to int) []string {
	var out []string
	for n := from; n <= to; n++ {
		out = append(out, fmt.Sprintf("ask %d %s", n, what))
	}
	return out
}

func TestARecordIsKeptAndReplaced(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 1)
	k.answer(wire.Find{Key: o.lookup().Index}, "none")
	five, six := o.record(t, 5, start.Add(time.Hour)), o.record(t, 6, start.Add(2*time.Hour))
	for _, step := range []struct {
		record []byte
		answer string
	}{{five, "ok 1"}, {five, "ok 1"}, {six, "ok 1"}, {five, "older 0"}, {o.record(t, 6, start.Add(time.Hour)), "older 0"}} {
		k.answer(wire.Publish{Record: step.record}, step.answer)
	}
	if c := k.Counters(); c.Older != 2 || c.Stored != 3 {
		t.Errorf("counters %+v", c)
	}
	got := k.answer(wire.Find{Key: o.lookup().Index}, "record").(wire.Found).Record
	if string(got) != string(six) {
		t.Error("not the later record")
	}
	if k.Records() != 1 {
		t.Errorf("%d records of one placement", k.Records())
	}
	k.advance(2 * time.Hour)
	k.answer(wire.Find{Key: o.lookup().Index}, "none")
	if k.Records() != 0 {
		t.Error("an expired record is kept")
	}
}

func TestFaultyRecordsAreRefusedWithTheirCode(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	words := map[wire.StoreCode]string{2: "forged", 3: "expired", 5: "far"}
	for name, f := range faulty(t, o) {
		for _, phone := range []bool{false, true} {
			k := newKeeper(t, 3)
			if phone {
				k.publish(aPhone, f.record)
				k.want("to 50 " + words[f.code] + " 0")
			} else {
				k.answer(wire.Publish{Record: f.record}, words[f.code]+" 0")
			}
			if k.Records() != 0 {
				t.Errorf("%s: kept", name)
			}
			var counted Faults
			counted.count(f.err)
			if k.Counters().Faults != counted {
				t.Errorf("%s: counted %+v", name, k.Counters().Faults)
			}
		}
	}
}

func TestNothingIsStoredBeforeTheLogin(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 1)
	k.cfg.Issuing = func() identity.ID { return identity.ID{} }
	k.publish(aPhone, o.record(t, 5, start.Add(time.Hour)))
	k.want("to 50 full 0") // come back later: it is not the record's fault
}

func TestAPublicationGoesToTheNearest(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 40)
	record := o.record(t, 5, start.Add(time.Hour))
	k.publish(aPhone, record)
	k.want(asking("publish", 1, 15)...)
	for n := 1; n <= 12; n++ {
		k.stored(n, wire.StoreOK)
	}
	k.stored(14, wire.StoreFull)
	k.want()
	k.advance(askAgain)
	k.want("ask 13 publish", "ask 15 publish")
	k.advance(storeEnd - askAgain) // they say nothing
	k.want("to 50 ok 13")
	k.stored(15, wire.StoreOK)
	if c := k.Counters(); c.Unasked != 1 || c.Silent != 2 {
		t.Errorf("counters %+v", c)
	}
}

func TestTheMajorityOfKeepersDecides(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	for _, test := range []struct {
		answers [2]wire.StoreCode
		want    string
	}{
		{[2]wire.StoreCode{wire.StoreOK, wire.StoreOlder}, "ok 2"},
		{[2]wire.StoreCode{wire.StoreOlder, wire.StoreOlder}, "older 1"},
		{[2]wire.StoreCode{wire.StoreFull, wire.StoreFar}, "ok 1"},
	} {
		k := newKeeper(t, 3)
		k.publish(aPhone, o.record(t, 5, start.Add(time.Hour)))
		k.want(asking("publish", 1, 2)...)
		k.stored(1, test.answers[0])
		k.stored(2, test.answers[1])
		k.want("to 50 " + test.want)
	}
	k := newKeeper(t, 3)
	k.near = k.near[1:] // not one of the nearest itself
	k.publish(aPhone, o.record(t, 5, start.Add(time.Hour)))
	k.want(asking("publish", 1, 2)...)
	k.advance(storeEnd)
	k.want(append(asking("publish", 1, 2), "to 50 full 0")...)
}

func TestASearchAsksFourThenEight(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 40)
	k.find(aPhone, o.lookup())
	k.want(asking("find", 1, 4)...)
	for n := 1; n <= 4; n++ {
		k.found(n, wire.FindNone, nil)
	}
	k.want(asking("find", 5, 12)...)
	k.advance(waveWait) // these are slow
	k.want(asking("find", 13, 15)...)
	record := o.record(t, 5, start.Add(time.Hour))
	k.found(9, wire.FindRecord, record)
	got := k.want("to 50 record")
	if string(got[0].(Send).Message.(wire.Found).Record) != string(record) {
		t.Error("another record")
	}
	later := o.record(t, 6, start.Add(time.Hour))
	k.found(13, wire.FindRecord, later) // replaces the cached one
	k.advance(askEnd)
	k.want()
	if len(k.jobs) != 0 || len(k.asks) != 15 || len(k.Index.asks) != 0 {
		t.Errorf("%d jobs and %d questions are left", len(k.jobs), len(k.Index.asks))
	}
	k.find(aPhone, o.lookup())
	got = k.want("to 50 record")
	if string(got[0].(Send).Message.(wire.Found).Record) != string(later) {
		t.Error("the cache holds the earlier record")
	}
}

func TestARecordBeatsAnyNumberOfDenials(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 16)
	k.find(aPhone, o.lookup())
	k.want(asking("find", 1, 4)...)
	for n := 1; n <= 4; n++ {
		k.found(n, wire.FindNone, nil)
	}
	k.want(asking("find", 5, 12)...)
	for n := 5; n <= 12; n++ {
		k.found(n, wire.FindNone, nil)
	}
	k.want(asking("find", 13, 15)...)
	k.found(13, wire.FindNone, nil)
	k.found(14, wire.FindNone, nil)
	k.want() // 15 of 16 deny
	k.found(15, wire.FindRecord, o.record(t, 5, start.Add(time.Hour)))
	k.want("to 50 record")
}

func TestAbsentTakesThreeQuarters(t *testing.T) {
	for _, test := range []struct {
		of, deny int
		last     wire.FindCode // of the others that answer; 0: silence
		want     string
	}{
		{1, 0, 0, "none"}, // we are alone
		{2, 1, 0, "none"},
		{2, 0, 0, "unsure"},
		{3, 2, 0, "none"},
		{3, 1, 0, "unsure"},
		{3, 1, wire.FindNotSynced, "unsure"},
		{4, 2, 0, "none"},
		{4, 1, wire.FindUnsure, "unsure"},
		{16, 11, 0, "none"},
		{16, 10, wire.FindNotSynced, "unsure"},
		{16, 15, 0, "none"},
	} {
		k := newKeeper(t, test.of)
		k.find(aPhone, network.LookupNumber("1009"))
		answered := map[int]bool{}
		for range 4 {
			for _, e := range k.script.take() {
				if a, ok := e.(Ask); ok {
					n := numberOf(a.To.Node)
					k.asks[n] = a.Nonce
				} else {
					k.events = append(k.events, e)
				}
			}
			for n := 1; n < test.of; n++ {
				switch {
				case k.asks[n] == 0 || answered[n]:
				case n <= test.deny:
					answered[n] = true
					k.found(n, wire.FindNone, nil)
				case test.last != 0:
					answered[n] = true
					k.found(n, test.last, nil)
				}
			}
			held := k.events
			k.events = nil
			k.advance(waveWait + time.Millisecond)
			k.events = append(held, k.events...)
		}
		k.advance(askEnd)
		got := took[Send](&k.script)
		if len(got) != 1 || sayMessage(got[0].Message) != test.want {
			t.Errorf("%d deny of %d, others %d: %v, want %s", test.deny, test.of, test.last, got, test.want)
		}
	}
}

func TestAFreshSupernodeDeniesNothing(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 1)
	k.sync = fresh
	k.answer(wire.Find{Key: o.lookup().Index}, "not synced")
	k.find(aPhone, o.lookup())
	k.want("to 50 not synced")
	k.answer(wire.Publish{Record: o.record(t, 1, start.Add(time.Hour))}, "ok 1")
	k.answer(wire.Find{Key: o.lookup().Index}, "record")
	k.Synced(k.now)
	k.answer(wire.Find{Key: network.LookupNumber("1009").Index}, "none")
}

// When many supernodes have died, what was found before leads nowhere.
func TestAnUpheavalForgetsResults(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 2)
	for range 2 {
		k.find(aPhone, o.lookup())
		k.want("ask 1 find")
		k.found(1, wire.FindRecord, o.record(t, 5, start.Add(time.Hour)))
		k.want("to 50 record")
		k.find(aPhone, o.lookup())
		k.want("to 50 record")
		k.Upheaval()
	}
}

func TestResultsAreCached(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 2)
	k.find(aPhone, o.lookup())
	k.want("ask 1 find")
	k.found(1, wire.FindNone, nil)
	k.want("to 50 none")
	k.advance(cacheNone - time.Second)
	k.find(aPhone, o.lookup())
	k.want("to 50 none")
	k.advance(time.Second)
	k.find(aPhone, o.lookup())
	k.want("ask 1 find")
	k.found(1, wire.FindRecord, o.record(t, 5, start.Add(time.Hour)))
	k.want("to 50 record")
	k.advance(cacheFound - time.Second)
	k.find(aPhone, o.lookup())
	k.want("to 50 record")
	k.advance(time.Second)
	k.find(aPhone, o.lookup())
	k.want("ask 1 find")
	k.found(1, wire.FindRecord, o.record(t, 5, k.now.Add(2*time.Second)))
	k.want("to 50 record")
	k.advance(2 * time.Second)
	k.find(aPhone, o.lookup())
	k.want("ask 1 find") // no longer than the record lives
	k.found(1, wire.FindNone, nil)
	k.want("to 50 none")
	k.publish(aPhone, o.record(t, 7, k.now.Add(time.Hour)))
	k.want("ask 1 publish")
	k.stored(1, wire.StoreOK)
	k.find(aPhone, o.lookup())
	k.want("to 50 ok 2", "to 50 record") // a denial does not outlive a publication
}

func TestManyPhonesShareOneSearch(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 2)
	for n := range 5 {
		k.find(aPhone+wire.Index(n), o.lookup())
	}
	k.want("ask 1 find")
	k.Lost(k.now, aPhone+2)
	k.found(1, wire.FindRecord, o.record(t, 5, start.Add(time.Hour)))
	k.want("to 50 record", "to 51 record", "to 53 record", "to 54 record")
}

func TestRepliesNobodyAskedForAreDropped(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 3)
	k.find(aPhone, o.lookup())
	k.want(asking("find", 1, 2)...)
	record := o.record(t, 5, start.Add(time.Hour))
	k.Reply(k.now, addrOf(2), k.asks[1], wire.Found{Code: wire.FindRecord, Record: record}) // 1 was asked
	k.Reply(k.now, addrOf(1), k.asks[1]+9, wire.Found{Code: wire.FindRecord, Record: record})
	k.Handle(k.now, aPhone, wire.Found{Code: wire.FindRecord, Record: record}, k.nearest)
	k.want()
	k.Reply(k.now, addrOf(1), k.asks[1], wire.Stored{Code: wire.StoreOK}) // an answer to another kind of question
	k.want()
	k.found(1, wire.FindRecord, record) // it has spoken
	k.want()
	if n := k.Counters().Unasked; n != 5 {
		t.Errorf("%d counted, want 5", n)
	}
	k.found(2, wire.FindRecord, record)
	k.want("to 50 record")
}

func TestASupernodeThatAnswersWithAFaultyRecordIsIgnored(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	other := newOwner(t, "1002", "workshop")
	k := newKeeper(t, 3)
	k.find(aPhone, o.lookup())
	k.want(asking("find", 1, 2)...)
	k.found(1, wire.FindRecord, other.record(t, 9, start.Add(time.Hour)))
	k.want()
	if k.Counters().Misplaced != 1 {
		t.Error("not counted")
	}
	k.found(2, wire.FindRecord, faulty(t, o)["forged"].record)
	k.want("to 50 unsure")
	if k.Counters().Forged != 1 {
		t.Error("not counted")
	}
}

func TestTheStoreIsBounded(t *testing.T) {
	s := newStore(3, nil)
	put := func(n int, sequence uint64, expires int64) error {
		r := wire.Record{Placement: wire.Placement{Index: identity.IndexKey{byte(n)}}, Sequence: sequence, Expires: start.Unix() + expires}
		return s.put(r, fmt.Append(r.Placement.Index[:], sequence, expires))
	}
	kept := func() []int {
		var ns []int
		for i := range s.list {
			ns = append(ns, int(s.list[i].key()[0]))
		}
		slices.Sort(ns)
		return ns
	}
	for _, step := range []struct {
		n       int
		seq     uint64
		expires int64
		err     error
		kept    []int
	}{
		{1, 1, 100, nil, []int{1}}, {2, 1, 300, nil, []int{1, 2}}, {3, 1, 200, nil, []int{1, 2, 3}},
		{4, 1, 50, errFull, []int{1, 2, 3}}, // it would be the first to expire
		{4, 1, 150, nil, []int{2, 3, 4}},
		{3, 2, 400, nil, []int{2, 3, 4}}, // one record for each placement
		{5, 1, 500, nil, []int{2, 3, 5}},
	} {
		if err := put(step.n, step.seq, step.expires); err != step.err {
			t.Fatalf("%+v: %v", step, err)
		}
		if got := kept(); !slices.Equal(got, step.kept) {
			t.Fatalf("%+v: kept %v", step, got)
		}
	}
	s.expire(start.Add(400 * time.Second))
	if got := kept(); !slices.Equal(got, []int{5}) {
		t.Errorf("after 400 s kept %v", got)
	}
}

// A denial that its supernode did not sign counts as silence.
func TestAForgedDenialIsSilence(t *testing.T) {
	k := newKeeper(t, 2)
	k.find(aPhone, network.LookupNumber("1009"))
	k.want("ask 1 find")
	k.Reply(k.now, addrOf(1), k.asks[1], wire.Found{Code: wire.FindNone, Signature: make([]byte, 64)})
	k.want("to 50 unsure")
	if k.Counters().Forged != 1 {
		t.Error("not counted")
	}
}

// No answer is longer than a question for it.
func TestAnswersFitTheirQuestions(t *testing.T) {
	k := newKeeper(t, 1)
	near := make([]wire.Place, wire.MaxNear)
	denial := k.Answer(k.now, 1, wire.Find{}, func(identity.IndexKey, int) []wire.Place { return near })
	longest := wire.Found{Code: wire.FindRecord, Record: make([]byte, wire.MaxRecord)}
	for _, m := range []wire.Message{denial, longest, wire.Publish{Record: longest.Record}} {
		if n := wire.QuestionHeader + len(wire.Append(nil, m)); n > wire.MaxQuestion {
			t.Errorf("%T takes %d bytes, a question %d", m, n, wire.MaxQuestion)
		}
	}
}
