package directory

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// believing is a Routing that takes any announcement of one byte: the number of
// its node.
type believing struct{ everybody }

func (believing) Proves(_ time.Time, _ wire.Contact, announcement []byte) (identity.ID, bool) {
	return nodeID(int(announcement[0])), announcement[0] > 0
}

// doubter returns a caller with three homes whose host cache names the supernodes
// 1 and 2, at the places 0x101 and 0x102.
func doubter(t *testing.T) (*caller, *owner) {
	c := newCaller(t, 10, 20, 30)
	c.cfg.Routing = believing{}
	c.cfg.Seeds = func(time.Time, int) []wire.Contact { return contactsAt(0x101, 0x102) }
	return c, newOwner(t, "1002", "workshop")
}

// homesDeny lets all homes deny what is looked for, and returns whom the phone asks
// then.
func (c *caller) homesDeny() []Ask {
	c.Helper()
	for _, home := range []wire.Index{10, 20, 30} {
		c.want("to " + map[wire.Index]string{10: "10", 20: "20", 30: "30"}[home] + " find")
		c.found(home, wire.FindNone, nil)
	}
	return took[Ask](&c.script)
}

// guides answers an Ask with whom to ask next, as node n.
func (c *caller) guides(a Ask, l identity.Lookup, n int, near ...wire.Place) {
	c.Helper()
	g := wire.Guide{Code: wire.FindNone, Self: []byte{byte(n)}, Near: wire.AppendContacts(nil, contactsAt(near...))}
	g.Signature = signAs(n)(wire.GuideMessage(a.Nonce, l.Index, g))
	if !c.Reply(c.now, a.To.Addr, a.Nonce, g) {
		c.Fatalf("node %d was not asked", n)
	}
}

func askedOf(asks []Ask) (list []string) {
	for _, a := range asks {
		list = append(list, a.To.Addr.String())
	}
	slices.Sort(list)
	return list
}

func wantAsked(t *testing.T, asks []Ask, places ...wire.Place) {
	t.Helper()
	var want []string
	for _, c := range contactsAt(places...) {
		want = append(want, c.Member.Addr.String())
	}
	slices.Sort(want)
	if got := askedOf(asks); !slices.Equal(got, want) {
		t.Fatalf("asks %v, want %v", got, want)
	}
}

// A phone whose homes all deny looks for the record itself.
func TestAPhoneDoesNotBelieveItsHomesAlone(t *testing.T) {
	c, o := doubter(t)
	c.Find(c.now, o.lookup())
	asks := c.homesDeny()
	wantAsked(t, asks, 0x101, 0x102)
	c.guides(asks[0], o.lookup(), 1, 0x103)
	asks = took[Ask](&c.script)
	wantAsked(t, asks, 0x103)
	if c.Reply(c.now, addrOf(9), asks[0].Nonce, wire.Found{Code: wire.FindRecord}) || c.Reply(c.now, asks[0].To.Addr, 1, nil) {
		t.Error("an answer of somebody else is taken")
	}
	c.Reply(c.now, asks[0].To.Addr, asks[0].Nonce, wire.Found{Code: wire.FindRecord, Record: o.record(t, 5, start.Add(time.Hour))})
	c.want("result 1 Located")
	if n := c.Counters(); n.Walks != 1 || n.Walked != 1 {
		t.Errorf("%d walks, %d found, want one", n.Walks, n.Walked)
	}
}

// When nobody has it, or nobody answers, the homes are right after all.
func TestAWalkThatFindsNothingBelievesTheHomes(t *testing.T) {
	c, o := doubter(t)
	c.Find(c.now, o.lookup())
	for i, a := range c.homesDeny() {
		c.guides(a, o.lookup(), i+1)
	}
	c.want("result 1 Absent")

	c.Find(c.now, o.lookup())
	c.homesDeny()
	c.advance(stepAgain)
	wantAsked(t, took[Ask](&c.script), 0x101, 0x102)
	c.advance(stepWait)
	c.want("result 2 Absent")
}

// Nothing that does not hold leads a walk astray, and it ends in time.
func TestAPhonesWalkIsBounded(t *testing.T) {
	c, o := doubter(t)
	c.Find(c.now, o.lookup())
	asks := c.homesDeny()
	forged := wire.Guide{Code: wire.FindNone, Self: []byte{1}, Near: wire.AppendContacts(nil, contactsAt(7)), Signature: make([]byte, 64)}
	c.Reply(c.now, asks[0].To.Addr, asks[0].Nonce, forged)
	if n := c.Counters().Forged; n != 1 {
		t.Errorf("%d forgeries counted, want 1", n)
	}
	c.Reply(c.now, asks[1].To.Addr, asks[1].Nonce, wire.Found{Code: wire.FindRecord, Record: []byte("no record")})
	c.want("result 1 Absent")

	c.Find(c.now, o.lookup())
	asks = c.homesDeny()
	for next := wire.Place(0x200); c.now.Before(start.Add(walkTime)); next++ { // each names two more that are nearer
		for _, a := range asks {
			c.guides(a, o.lookup(), 1, next<<8, next<<8|1)
		}
		c.advance(50 * time.Millisecond)
		var results []Event
		asks = nil
		for _, e := range c.take() {
			if a, ok := e.(Ask); ok {
				asks = append(asks, a)
			} else {
				results = append(results, e)
			}
		}
		if len(results) > 0 {
			return
		}
	}
	c.advance(walkTime)
	if results := took[Result](&c.script); len(results) != 1 {
		t.Errorf("%d results after %v, want 1", len(results), walkTime)
	}
}

// When no home has found a record of ours that another says it has stored, it is
// given to whoever should keep it.
func TestARecordThatNoHomeFindsIsPlaced(t *testing.T) {
	for _, honest := range []bool{false, true} {
		c, o := doubter(t)
		c.SetListing(c.now, o.own)
		var last []Ask
		for range 1200 {
			for _, e := range c.take() {
				switch e := e.(type) {
				case Ask:
					last = append(last, e)
				case Send:
					switch m := e.Message.(type) {
					case wire.Publish:
						c.Handle(c.now, e.Index, wire.Stored{Query: m.Query, Code: wire.StoreOK, Copies: 16})
					case wire.Find:
						found := wire.Found{Query: m.Query, Code: wire.FindNone}
						if p := c.provingBy(question{e.Index, m.Query}); honest {
							found = wire.Found{Query: m.Query, Code: wire.FindRecord, Record: p.record}
						}
						c.Handle(c.now, e.Index, found)
					}
				}
			}
			if len(last) > 0 {
				break
			}
			c.advance(100 * time.Millisecond)
		}
		if honest {
			if len(last) > 0 {
				t.Fatal("a phone walks though a home has found its record")
			}
			continue
		}
		for i, a := range last[:2] {
			g := wire.Guide{Code: wire.FindNone, Self: []byte{byte(i + 1)}}
			if i == 1 {
				g.Code = wire.FindRecord // it has it
			}
			seek := a.Message.(wire.Seek)
			g.Signature = signAs(i + 1)(wire.GuideMessage(a.Nonce, seek.Key, g))
			if !seek.Only || !c.Reply(c.now, a.To.Addr, a.Nonce, g) {
				t.Fatalf("asked %+v", seek)
			}
		}
		asks := took[Ask](&c.script)
		if len(asks) != 1 || asks[0].To.Addr != last[0].To.Addr || c.Counters().Placed != 1 {
			t.Errorf("gives the record to %v, want the first of %v", askedOf(asks), askedOf(last))
		}
	}
}
