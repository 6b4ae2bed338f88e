package directory

import (
	"errors"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// caller drives a Client whose homes the test plays.
type caller struct {
	script
	*Client
	asked map[wire.Index][]uint32 // questions under way, by home
}

func newCaller(t *testing.T, homes ...wire.Index) *caller {
	c := &caller{script: script{T: t, now: start}, Client: NewClient(config(1)), asked: map[wire.Index][]uint32{}}
	c.core = c.Client
	c.SetHomes(start, homes)
	return c
}

// want compares the events and remembers the questions.
func (c *caller) want(want ...string) []Event {
	c.Helper()
	events := c.script.want(want...)
	for _, e := range events {
		if s, ok := e.(Send); ok {
			switch m := s.Message.(type) {
			case wire.Find:
				c.asked[s.Index] = append(c.asked[s.Index], m.Query)
			case wire.Publish:
				c.asked[s.Index] = append(c.asked[s.Index], m.Query)
			}
		}
	}
	return events
}

// pop returns the oldest question that home has not answered.
func (c *caller) pop(home wire.Index) uint32 {
	c.Helper()
	if len(c.asked[home]) == 0 {
		c.Fatalf("home %d was asked nothing", home)
	}
	q := c.asked[home][0]
	c.asked[home] = c.asked[home][1:]
	return q
}

func (c *caller) found(home wire.Index, code wire.FindCode, record []byte) {
	c.Helper()
	c.Handle(c.now, home, wire.Found{Query: c.pop(home), Code: code, Record: record})
}

func (c *caller) stored(home wire.Index, code wire.StoreCode, copies uint8) {
	c.Helper()
	c.Handle(c.now, home, wire.Stored{Query: c.pop(home), Code: code, Copies: copies})
}

func TestFindByNumberAndByName(t *testing.T) {
	o := newOwner(t, "1002", "workshop")
	byName, err := BuildRecord(seeded(9), network.LookupName("workshop"), o.own.Placements[1], o.keys[1], 5, start.Add(time.Hour),
		wire.Listing{Name: o.own.Certificate, Devices: []wire.Device{o.own.Device}})
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, 1, 2, 3)
	for i, test := range []struct {
		lookup identity.Lookup
		record []byte
	}{
		{network.LookupNumber("1002"), o.record(t, 5, start.Add(time.Hour))},
		{network.LookupName("workshop"), byName},
	} {
		id := c.Find(c.now, test.lookup)
		if int(id) != i+1 {
			t.Errorf("query %d, want %d", id, i+1)
		}
		c.want("to 1 find")
		c.advance(40 * time.Millisecond)
		c.found(1, wire.FindRecord, test.record)
		r := took[Result](&c.script)[0]
		if r.Query != id || r.Outcome != Located || r.Name.Number != "1002" || r.Elapsed != 40*time.Millisecond {
			t.Errorf("result %+v", r)
		}
		if r.Listing.Devices[0].Homes[2] != homes(3)[0] {
			t.Errorf("listing %+v", r.Listing)
		}
		c.advance(time.Minute)
		c.want()
	}
}

func TestASilentHomeIsRaced(t *testing.T) {
	o := newOwner(t, "1002", "workshop")
	c := newCaller(t, 1, 2, 3)
	c.Find(c.now, o.lookup())
	c.want("to 1 find")
	c.advance(findRace - time.Millisecond)
	c.want()
	c.advance(time.Millisecond)
	c.want("mute 1", "to 2 find", "to 3 find")
	c.found(2, wire.FindNone, nil)
	c.want() // one denial of three is not enough
	c.found(3, wire.FindRecord, o.record(t, 1, start.Add(time.Hour)))
	c.want("result 1 Located")
	c.found(1, wire.FindRecord, o.record(t, 1, start.Add(time.Hour))) // too late
	c.want()
	if c.Counters().Unasked != 1 {
		t.Error("not counted")
	}
}

func TestAbsentTakesAllHomes(t *testing.T) {
	c := newCaller(t, 1, 2, 3)
	c.Find(c.now, network.LookupNumber("1009"))
	c.want("to 1 find")
	c.found(1, wire.FindNone, nil)
	c.want("to 2 find") // at once
	c.found(2, wire.FindNone, nil)
	c.want("to 3 find")
	c.found(3, wire.FindNone, nil)
	c.want("result 1 Absent")

	c = newCaller(t, 1, 2)
	c.Find(c.now, network.LookupNumber("1009"))
	c.want("to 1 find")
	c.found(1, wire.FindNone, nil)
	c.want("to 2 find")
	c.SetHomes(c.now, []wire.Index{1}) // the only one left has denied
	c.want("result 1 Absent")

	c = newCaller(t, 1)
	c.Find(c.now, network.LookupNumber("1009"))
	c.want("to 1 find")
	c.found(1, wire.FindNone, nil)
	c.want("result 1 Absent") // there is no other

	o := newOwner(t, "1002", "workshop")
	c = newCaller(t, 1, 2)
	c.Find(c.now, o.lookup())
	c.want("to 1 find")
	c.found(1, wire.FindNone, nil) // a liar
	c.want("to 2 find")
	c.found(2, wire.FindRecord, o.record(t, 1, start.Add(time.Hour)))
	c.want("result 1 Located")
}

func TestUnsure(t *testing.T) {
	for _, code := range []wire.FindCode{wire.FindUnsure, wire.FindNotSynced} {
		c := newCaller(t, 1, 2)
		c.Find(c.now, network.LookupNumber("1009"))
		c.want("to 1 find")
		c.found(1, code, nil)
		c.want("to 2 find")
		c.found(2, wire.FindNone, nil)
		c.want("result 1 Unsure")
	}
	c := newCaller(t, 1, 2)
	c.Find(c.now, network.LookupNumber("1009"))
	c.advance(findWait)
	c.want("to 1 find", "mute 1", "to 2 find", "result 1 Unsure")
	c = newCaller(t)
	c.Find(c.now, network.LookupNumber("1009"))
	c.advance(time.Second)
	c.want()
	c.SetHomes(c.now, []wire.Index{7})
	c.want("to 7 find")
	c.SetHomes(c.now, []wire.Index{8}) // 7 is lost
	c.want("to 8 find")
	c.advance(findWait)
	c.want("result 1 Unsure")
}

func TestAHomeThatLiesIsNotBelieved(t *testing.T) {
	o, other := newOwner(t, "1002", "workshop"), newOwner(t, "1003", "attic")
	squat := newOwner(t, "1002", "workshop")
	squat.own.Certificate = other.own.Certificate // another's name in a record at the right place
	for name, f := range faulty(t, o) {
		if len(f.record) > wire.MaxRecord {
			continue // wire refuses it
		}
		c := newCaller(t, 1, 2)
		c.Find(c.now, o.lookup())
		c.want("to 1 find")
		c.found(1, wire.FindRecord, f.record)
		c.want("to 2 find")
		if c.Counters().Faults == (Faults{}) {
			t.Errorf("%s: not counted", name)
		}
		c.found(2, wire.FindRecord, o.record(t, 1, start.Add(time.Hour)))
		c.want("result 1 Located")
	}
	for _, record := range [][]byte{other.record(t, 1, start.Add(time.Hour)), squat.record(t, 1, start.Add(time.Hour))} {
		c := newCaller(t, 1)
		c.Find(c.now, o.lookup())
		c.want("to 1 find")
		c.found(1, wire.FindRecord, record)
		c.want("result 1 Unsure")
		if f := c.Counters().Faults; f.Misplaced+f.Listing != 1 {
			t.Errorf("counted %+v", f)
		}
	}
}

func TestSearchesOfAPhoneAreBounded(t *testing.T) {
	c := newCaller(t, 1)
	for range 3 * maxFinds {
		c.Find(c.now, network.LookupNumber("1009"))
	}
	if n := len(took[Result](&c.script)); n != 2*maxFinds {
		t.Errorf("%d refused, want %d", n, 2*maxFinds)
	}
	c.advance(time.Minute)
	if len(c.finds) != 0 {
		t.Error("searches are left")
	}
}

func TestUnaskedAnswersAreDropped(t *testing.T) {
	o := newOwner(t, "1002", "workshop")
	c := newCaller(t, 1, 2)
	c.Find(c.now, o.lookup())
	c.want("to 1 find")
	q := c.pop(1)
	record := o.record(t, 1, start.Add(time.Hour))
	for _, m := range []wire.Message{
		wire.Found{Query: q + 1, Code: wire.FindRecord, Record: record}, wire.Stored{Query: q, Code: wire.StoreOK, Copies: 1}, wire.Bye{},
	} {
		c.Handle(c.now, 1, m)
	}
	c.Handle(c.now, 2, wire.Found{Query: q, Code: wire.FindRecord, Record: record}) // it was not asked
	c.want()
	if n := c.Counters().Unasked; n != 4 {
		t.Errorf("%d counted, want 4", n)
	}
}

// sequence returns the sequence of the record in the last Publish.
func sequence(t *testing.T, events []Event) uint64 {
	t.Helper()
	for i := len(events) - 1; i >= 0; i-- {
		if s, ok := events[i].(Send); ok {
			if p, ok := s.Message.(wire.Publish); ok {
				r, err := ParseRecord(p.Record)
				if err != nil {
					t.Fatal(err)
				}
				return r.Sequence
			}
		}
	}
	t.Fatal("nothing was published")
	return 0
}

func TestPublishing(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	c := newCaller(t, 1, 2, 3)
	c.SetListing(c.now, o.own)
	first := sequence(t, c.want("to 1 publish", "to 1 publish"))
	c.stored(1, wire.StoreOK, 3)
	c.want()
	c.stored(1, wire.StoreOK, 2)
	c.want("published at 2")

	c.advance(time.Second)
	o.own.Device.Homes = homes(1, 2, 4) // a home has changed
	c.SetListing(c.now, o.own)
	second := sequence(t, c.want("to 1 publish", "to 1 publish"))
	if second <= first {
		t.Errorf("sequence %d after %d", second, first)
	}
	c.stored(1, wire.StoreOK, 3)
	c.stored(1, wire.StoreOK, 3)
	c.want("published at 3")

	c.advance(2*proofWait + 2*findWait)
	if asked := c.script.take(); len(asked) != 4 { // whether they find it; and nobody answers
		t.Errorf("homes are asked %v, want two about two records", asked)
	}
	c.advance(Resign - Resign/10 - time.Second - 2*proofWait - 2*findWait)
	c.want()
	c.advance(Resign/10 + time.Second) // in this tenth both are signed anew, not together
	for _, p := range c.pubs {
		if r, err := ParseRecord(p.record); err != nil || r.Sequence <= second {
			t.Errorf("record %d: sequence %d after %d", p.which, r.Sequence, second)
		} else if left := time.Unix(r.Expires, 0).Sub(c.now); left > Lifetime || left < Lifetime-Resign/10-time.Second {
			t.Errorf("record %d expires in %v", p.which, left)
		}
	}
	c.script.take()

	again := newCaller(t, 1) // a restart: the sequence goes on
	again.now = c.now
	again.SetListing(again.now, o.own)
	if fourth := sequence(t, again.want("to 1 publish", "to 1 publish")); fourth <= second {
		t.Errorf("after a restart sequence %d, was %d", fourth, second)
	}
}

func TestPublishingGoesOnUntilStored(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	c := newCaller(t)
	c.SetListing(c.now, o.own)
	c.want()
	c.SetHomes(c.now, []wire.Index{1, 2})
	c.want("to 1 publish", "to 1 publish")
	c.advance(publishWait)
	c.want("to 2 publish", "to 2 publish")
	c.stored(2, wire.StoreFull, 0)
	c.want("error directory: supernodes refuse the record: no room")
	c.stored(1, wire.StoreOK, 1) // the other record, late
	c.advance(10 * time.Second)
	c.stored(2, wire.StoreOK, 1)
	for range 100 {
		for _, e := range c.take() {
			if p, ok := publishIn(e); ok {
				c.Handle(c.now, e.(Send).Index, wire.Stored{Query: p.Query, Code: wire.StoreOK, Copies: 2})
			}
		}
		c.advance(10 * time.Second)
	}
	for _, p := range c.pubs {
		if p.state != published {
			t.Errorf("record %d is %v", p.which, p.state)
		}
	}
}

func TestALostHomeDoesNotStopPublishing(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	c := newCaller(t, 1, 2)
	c.SetListing(c.now, o.own)
	c.want("to 1 publish", "to 1 publish")
	c.SetHomes(c.now, []wire.Index{2})
	c.want("to 2 publish", "to 2 publish")
	c.SetHomes(c.now, nil)
	c.advance(time.Hour)
	c.want()
	c.SetHomes(c.now, []wire.Index{5})
	c.want("to 5 publish", "to 5 publish")
}

func TestAClockThatWentBackCatchesUp(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	c := newCaller(t, 1)
	c.SetListing(c.now, o.own)
	c.want("to 1 publish", "to 1 publish")
	held := uint64(start.Add(20 * time.Hour).UnixMilli()) // from before the clock was reset
	c.stored(1, wire.StoreOK, 1)
	refusals := 0
	for c.pubs[1].state != published {
		if refusals > 20 {
			t.Fatal("it never catches up")
		}
		q := c.pop(1)
		r, _ := ParseRecord(c.pubs[1].record)
		if r.Sequence > held {
			c.Handle(c.now, 1, wire.Stored{Query: q, Code: wire.StoreOK, Copies: 1})
			break
		}
		refusals++
		c.Handle(c.now, 1, wire.Stored{Query: q, Code: wire.StoreOlder})
		c.script.take()
		for c.pubs[1].state == pausing {
			c.advance(time.Second)
		}
		c.want("to 1 publish")
	}
	t.Logf("a clock that lags 20 h catches up after %d refusals", refusals)
	if c.pubs[1].state != published {
		t.Error("not published")
	}
}

func TestFewCopiesArePublishedAgain(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	c := newCaller(t, 1)
	c.SetListing(c.now, o.own)
	c.SetListing(c.now, o.own) // the same: nothing new to say
	var published []time.Duration
	answer := func(copies uint8) {
		for _, e := range c.take() {
			s, ok := e.(Send)
			if !ok {
				continue
			}
			p := s.Message.(wire.Publish)
			if r, _ := ParseRecord(p.Record); r.Placement.Index == o.lookup().Index {
				published = append(published, c.now.Sub(start).Round(10*time.Minute))
			}
			c.Handle(c.now, 1, wire.Stored{Query: p.Query, Code: wire.StoreOK, Copies: copies})
		}
	}
	for c.now.Before(start.Add(48 * time.Hour)) {
		answer(1)
		c.advance(time.Second)
	}
	if n := len(published); n < 11 || n > 14 {
		t.Errorf("a lonely record was published %d times in two days: %v", n, published)
	}
	c.SetListing(c.now, Own{})
	c.SetListing(c.now, o.own)
	published = nil
	for c.now.Before(start.Add(70 * time.Hour)) {
		answer(3)
		c.advance(time.Second)
	}
	if n := len(published); n != 1 && n != 2 {
		t.Errorf("a record with three copies was published %d times in a day: %v", n, published)
	}
}

func TestWithdrawing(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	c := newCaller(t, 1)
	c.SetListing(c.now, o.own)
	c.take()
	c.SetListing(c.now, Own{})
	c.advance(100 * time.Hour)
	c.want()
	o.own.Device.Homes = nil
	c.SetListing(c.now, o.own)
	c.want()
	o.own.Device.Homes = homes(1)
	o.own.Placements[0], o.own.Placements[1] = o.own.Placements[1], o.own.Placements[0]
	c.SetListing(c.now, o.own)
	for _, p := range took[Published](&c.script) {
		if !errors.Is(p.Err, ErrMisplaced) {
			t.Errorf("wrong placements: %v", p.Err)
		}
	}
}

func publishIn(e Event) (wire.Publish, bool) {
	s, _ := e.(Send)
	p, ok := s.Message.(wire.Publish)
	return p, ok
}
