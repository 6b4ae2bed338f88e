package directory

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// crossroads is a membership of which a part is known: the supernode with number n
// stands at place n<<40, and its announcement is one byte of that value.
type crossroads struct {
	known    []int
	whole    bool
	heard    []string
	proposed int
	closed   []wire.Place
}

func crossing(n int) wire.Contact {
	return wire.Contact{Place: wire.Place(n) << 40, Member: wire.Member{Node: nodeID(n), Addr: addrOf(n)}}
}

func numberAt(p wire.Place) int { return int(p >> 40) }

func (c *crossroads) Partial() bool { return !c.whole }
func (c *crossroads) Own() []byte   { return []byte{0} }
func (c *crossroads) Toward(key identity.IndexKey, n int) []wire.Contact {
	var cs []wire.Contact
	for _, i := range c.known {
		cs = append(cs, crossing(i))
	}
	return cs[:min(n, len(cs))]
}

func (c *crossroads) Proves(_ time.Time, to wire.Contact, announcement []byte) (identity.ID, bool) {
	n := numberAt(to.Place)
	return nodeID(n), len(announcement) == 1 && int(announcement[0]) == n && to.Member.Addr == addrOf(n)
}

func (c *crossroads) Heard(_ time.Time, to wire.Contact, announcement []byte) {
	word := "silent"
	if announcement != nil {
		word = "heard"
	}
	c.heard = append(c.heard, fmt.Sprint(word, " ", numberAt(to.Place)))
}
func (c *crossroads) Propose(time.Time, []byte)                                  { c.proposed++ }
func (c *crossroads) Closed(_ time.Time, _ identity.IndexKey, near []wire.Place) { c.closed = near }

// walker drives an Index that is supernode 0 and knows some others.
type walker struct {
	*keeper
	roads *crossroads
	asked map[int][]Ask
}

func newWalker(t *testing.T, known ...int) *walker {
	k := newKeeper(t, 1)
	w := &walker{keeper: k, roads: &crossroads{known: known}, asked: map[int][]Ask{}}
	k.cfg.Routing = w.roads
	return w
}

// wantAsked compares who is asked now.
func (w *walker) wantAsked(numbers ...int) {
	w.Helper()
	var got []int
	for _, a := range took[Ask](&w.script) {
		n := int(a.To.Addr.Addr().As4()[3])
		got = append(got, n)
		w.asked[n] = append(w.asked[n], a)
	}
	slices.Sort(got)
	if !slices.Equal(got, numbers) {
		w.Fatalf("after %v %v are asked, want %v", w.now.Sub(start), got, numbers)
	}
}

// guide is what supernode n answers to the last question to it.
func (w *walker) guide(n int, near ...int) wire.Guide {
	a := w.asked[n][len(w.asked[n])-1]
	g := wire.Guide{Code: wire.FindNone, Self: []byte{byte(n)}}
	for _, other := range near {
		g.Near = wire.AppendContacts(g.Near, []wire.Contact{crossing(other)})
	}
	g.Signature = signAs(n)(wire.GuideMessage(a.Nonce, a.Message.(wire.Seek).Key, g))
	return g
}

func (w *walker) answers(n int, m wire.Message) {
	w.Reply(w.now, addrOf(n), w.asked[n][len(w.asked[n])-1].Nonce, m)
}

// A walk goes from one to the next until one has the record; whoever else answers
// later is listened to, and then it is over.
func TestAWalkFindsARecord(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	w := newWalker(t, 1, 2)
	w.find(aPhone, o.lookup())
	w.wantAsked(1, 2)
	w.answers(1, w.guide(1, 3, 4))
	w.wantAsked(3, 4)
	w.answers(3, wire.Found{Code: wire.FindRecord, Record: o.record(t, 7, start.Add(time.Hour))})
	w.want("to 50 record")
	w.answers(2, w.guide(2))
	w.answers(4, wire.Found{Code: wire.FindRecord, Record: o.record(t, 8, start.Add(time.Hour))})
	if c := w.Counters(); c.Located != 1 || c.Hops != 2 || len(w.jobs) != 0 {
		t.Errorf("located %d, hops %d, %d jobs left", c.Located, c.Hops, len(w.jobs))
	}
	w.find(aPhone, o.lookup())
	if found := took[Send](&w.script)[0].Message.(wire.Found); string(found.Record) != string(o.record(t, 8, start.Add(time.Hour))) {
		t.Error("the later record is not in the cache")
	}
	w.wantHeard("heard 1", "heard 2")
}

func (w *walker) wantHeard(words ...string) {
	w.Helper()
	if !slices.Equal(w.roads.heard, words) {
		w.Errorf("the routing has heard %q, want %q", w.roads.heard, words)
	}
}

// Whoever cannot prove where it stands, or what it says, has said nothing, and
// leads nowhere; nor does an answer that nobody asked for, or from elsewhere.
func TestBadGuidesLeadNowhere(t *testing.T) {
	w := newWalker(t, 1, 2, 3, 4)
	w.find(aPhone, network.LookupNumber("1001"))
	w.wantAsked(1, 2, 3, 4)
	forged := w.guide(1, 9)
	forged.Near = w.guide(1, 8).Near
	w.answers(1, forged)
	another := w.guide(2, 9)
	another.Self = []byte{3}
	w.answers(2, another)
	w.answers(3, wire.Stored{Code: wire.StoreOK})
	w.Reply(w.now, addrOf(5), w.asked[4][0].Nonce, w.guide(4, 9)) // not whom we asked
	w.Reply(w.now, addrOf(4), w.asked[4][0].Nonce+1, w.guide(4, 9))
	w.wantAsked()
	w.answers(4, w.guide(4))
	w.want("to 50 unsure") // three of four have not spoken
	if c := w.Counters(); c.Unasked != 3 || c.Faults.Forged != 2 {
		t.Errorf("counters %+v", c)
	}
	w.wantHeard("heard 4")
}

// A record that does not hold, or lies elsewhere, does not end a walk.
func TestABadRecordDoesNotEndAWalk(t *testing.T) {
	o, other := newOwner(t, "1001", "kitchen"), newOwner(t, "1002", "hall")
	w := newWalker(t, 1, 2, 3)
	w.find(aPhone, o.lookup())
	w.wantAsked(1, 2, 3)
	bad := o.record(t, 7, start.Add(time.Hour))
	bad[len(bad)-1] ^= 1
	w.answers(1, wire.Found{Code: wire.FindRecord, Record: bad})
	w.answers(2, wire.Found{Code: wire.FindRecord, Record: other.record(t, 7, start.Add(time.Hour))})
	w.want()
	w.answers(3, wire.Found{Code: wire.FindRecord, Record: o.record(t, 7, start.Add(time.Hour))})
	w.want("to 50 record")
}

// "None" is said when three quarters of the closed set deny; silence is waited
// for, asked again, and told to the routing.
func TestAWalkDenies(t *testing.T) {
	w := newWalker(t, 1, 2, 3, 4)
	w.find(aPhone, network.LookupNumber("1001"))
	w.wantAsked(1, 2, 3, 4)
	for n := 1; n <= 3; n++ {
		w.answers(n, w.guide(n, 1, 2, 3, 4))
	}
	w.want()
	w.advance(askAgain)
	w.wantAsked(4)
	w.advance(askWait - askAgain)
	w.want("to 50 none") // with ourselves nobody but 4 has not denied
	w.wantHeard("heard 1", "heard 2", "heard 3", "silent 4")
	if len(w.roads.closed) != 4 && len(w.roads.closed) != 3 {
		t.Errorf("closed with %v", w.roads.closed)
	}
}

// A phone's record is stored at whoever the walk has found nearest, and the walk
// asks for no record.
func TestAWalkPublishes(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	w := newWalker(t, 1)
	w.publish(aPhone, o.record(t, 7, start.Add(time.Hour)))
	w.wantAsked(1)
	if m := w.asked[1][0].Message.(wire.Seek); !m.Only || len(m.Self) == 0 {
		t.Errorf("asks %+v", m)
	}
	w.answers(1, w.guide(1, 2))
	w.wantAsked(2)
	w.answers(2, w.guide(2, 1))
	events := w.take()
	if len(events) != 2 {
		t.Fatalf("%d events, want two questions to publish", len(events))
	}
	for _, e := range events {
		a := e.(Ask)
		if _, ok := a.Message.(wire.Publish); !ok || a.To.Node.IsZero() {
			t.Errorf("asks %v %+v", a.To, a.Message)
		}
		w.Reply(w.now, a.To.Addr, a.Nonce, wire.Stored{Code: wire.StoreOK, Copies: 1})
	}
	w.want("to 50 ok 2")
	x := newWalker(t) // who knows nobody stores nothing
	x.publish(aPhone, o.record(t, 7, start.Add(time.Hour)))
	x.want("to 50 full 0")
}

// Whoever is asked gives the record, or says who stands nearer and signs that.
func TestAGuideIsGiven(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	w := newWalker(t, 1, 2)
	key := o.lookup().Index
	g := w.Answer(w.now, 7, wire.Seek{Key: key, Self: []byte{5}}, nil).(wire.Guide)
	if !nodeID(0).Verify(wire.GuideMessage(7, key, g), g.Signature) || g.Code != wire.FindNone || len(g.Near) != 2*15 || w.roads.proposed != 1 {
		t.Errorf("guide %+v, %d proposed", g, w.roads.proposed)
	}
	w.Answer(w.now, 7, wire.Publish{Record: o.record(t, 7, start.Add(time.Hour))}, nil)
	if _, ok := w.Answer(w.now, 7, wire.Seek{Key: key}, nil).(wire.Found); !ok {
		t.Error("the record is not given")
	}
	if g := w.Answer(w.now, 7, wire.Seek{Key: key, Only: true}, nil).(wire.Guide); g.Code != wire.FindRecord {
		t.Errorf("who asks for the nearest only gets %+v", g)
	}
	w.SetSelf(nodeID(0), nil)
	if m := w.Answer(w.now, 7, wire.Seek{Key: network.LookupNumber("1").Index}, nil); m != nil {
		t.Errorf("who is not certified says %+v", m)
	}
}

// Looking for a place tells the routing who is there.
func TestLookFor(t *testing.T) {
	w := newWalker(t, 1)
	w.LookFor(w.now, identity.IndexKey{1})
	w.wantAsked(1)
	w.answers(1, w.guide(1, 2))
	w.wantAsked(2)
	w.answers(2, w.guide(2))
	w.want()
	slices.Sort(w.roads.closed)
	if want := []wire.Place{1 << 40, 2 << 40}; !slices.Equal(w.roads.closed, want) {
		t.Errorf("closed with %v, want %v", w.roads.closed, want)
	}
}

// A walk leaves a hot record with those who have led it, the nearest two, once a
// minute; one that is not hot with nobody.
func TestAWalkLeavesAHotRecordOnItsWay(t *testing.T) {
	for _, hot := range []bool{true, false} {
		o := newOwner(t, "1001", "kitchen")
		w := newWalker(t, 1, 2, 3)
		w.find(aPhone, o.lookup())
		w.wantAsked(1, 2, 3)
		for n := 1; n <= 3; n++ {
			w.answers(n, w.guide(n, 4))
		}
		w.wantAsked(4)
		w.answers(4, wire.Found{Code: wire.FindRecord, Record: o.record(t, 7, start.Add(time.Hour)), Hot: hot})
		lent := 0
		for _, a := range took[Ask](&w.script) {
			if _, ok := a.Message.(wire.Lend); ok {
				lent++
			}
		}
		if want := map[bool]int{true: leaveAt, false: 0}[hot]; lent != want {
			t.Errorf("hot %v: left with %d, want %d", hot, lent, want)
		}
	}
}
