package overlay

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// notDead lets everybody who is asked for so long answer, but for some nodes, and
// returns who was asked.
func (s *script) notDead(d time.Duration, dead ...int) map[int]int {
	asked := map[int]int{}
	for end := s.now.Add(d); s.now.Before(end); {
		s.advance(50 * time.Millisecond)
		for _, e := range took[Ping](s) {
			n := int(e.Member.Node[0])<<8 | int(e.Member.Node[1])
			asked[n]++
			if !slices.Contains(dead, n) {
				s.Pong(s.now, e.Member.Addr, e.Nonce, 0)
			}
		}
	}
	return asked
}

// lost lets a session with a node end, so that it is asked whether it is there.
func (s *script) lost(n int) {
	i := slices.IndexFunc(s.links, func(l *link) bool { return l.node == nodeID(n) })
	s.Down(s.now, s.links[i].ix, errDead)
}

// bury lets three others bear witness that a node is dead.
func (s *script) bury(n int) {
	s.Helper()
	for by := n + 1; by <= n+witnesses; by++ {
		s.take(s.now, mustNews(s.T, testimony(n, by, 0)), testimony(n, by, 0))
	}
	if s.table.alive(placeOfNode(n)) != nil {
		s.Fatalf("node %d lives", n)
	}
}

// Whoever has found two dead itself asks all its fellows, and those near its place;
// once, and who answers is left in peace.
func TestTwoDeadCallAMuster(t *testing.T) {
	s := acquainted(t, 40)
	for n := 41; n <= 400; n++ {
		s.take(s.now, mustNews(t, announced(n, 0)), announced(n, 0))
	}
	s.audit, s.suspicions = time.Time{}, nil // nobody else is asked
	s.lost(1)
	s.want("asked while one is dead", len(s.notDead(5*time.Second, 1, 2)), 1)
	s.lost(2)
	asked := s.notDead(8*time.Second, 1, 2)
	delete(asked, 2)
	for n := 3; n <= 40; n++ {
		if asked[n] == 0 {
			t.Errorf("fellow %d is not asked", n)
		}
	}
	for _, at := range s.table.nearest(nil, s.place, musterNear) {
		if m := s.table.rows[at].member(); m.Node != s.self.Node && m.Node != nodeID(1) && m.Node != nodeID(2) && asked[int(m.Node[0])<<8|int(m.Node[1])] == 0 {
			t.Errorf("%v, near to us, is not asked", m)
		}
	}
	if len(asked) > 38+4*musterNear {
		t.Errorf("%d are asked", len(asked))
	}
	for n, times := range asked {
		if times != 1 {
			t.Errorf("node %d is asked %d times though it answers", n, times)
		}
	}
	s.want("testified", s.Counters().Testified, uint64(2))
	s.want("members", len(s.Members()), 401)
}

// Members with whom nobody has a session are asked now and then, and oftener when many
// have died.
func TestUnrestAsksOftener(t *testing.T) {
	s := acquainted(t, 20)
	pause := func() time.Duration {
		s.now = s.audit
		s.advanceSuspicions(s.now)
		return s.audit.Sub(s.now)
	}
	if d := pause(); d < auditEvery/2 {
		t.Errorf("somebody is asked %v later though all is calm", d)
	}
	s.callMuster(s.now)
	if d := s.audit.Sub(s.now); d > auditUnrest {
		t.Errorf("somebody is asked %v after many have died", d)
	}
	if d := pause(); d > auditUnrest*3/2 {
		t.Errorf("somebody is asked %v later though many have died", d)
	}
}

// Deaths that others bear witness to call musters, too, but no more than one each
// musterPause: a storm of news is none of questions.
func TestManyDeathsCallFewMusters(t *testing.T) {
	s := acquainted(t, 100)
	s.audit = time.Time{}
	s.notDead(clearedFor + 2*time.Second)
	for n := 1; n <= 20; n += 4 {
		s.bury(n)
	}
	s.want("unrest", s.muster.unrest(s.now), true)
	first := s.notDead(4 * time.Second)
	if len(first) < maxMesh {
		t.Errorf("%d of 95 are asked", len(first))
	}
	for n := 21; n <= 60; n += 4 {
		s.bury(n)
	}
	s.want("asked again at once", len(s.notDead(time.Second)), 0)
	s.notDead(unrestTime)
	s.want("unrest a minute later", s.muster.unrest(s.now), false)
}

// Members come and go: as many deaths as make an upheaval, one after the other, call
// no muster.
func TestChurnCallsNoMuster(t *testing.T) {
	s := acquainted(t, 100)
	for n := 1; n <= 40; n += 4 {
		s.now = s.now.Add(deadTime)
		s.bury(n)
	}
	s.want("unrest", s.muster.unrest(s.now), false)
}

// A session may outlast its peer by more than a minute. What the dead are told is
// lost: only fellows hear of news of whom nothing says that they are dead.
func TestTheDeadAreToldNothing(t *testing.T) {
	s := acquainted(t, 12)
	s.audit = time.Time{}
	s.want("fellows", len(s.fellows(20)), 12)
	s.bury(1) // others have found it
	s.bury(5)
	s.Unanswered(s.now, memberOf(9)) // we do, though there is a session
	s.notDead(2*hurriedPing, 9)
	s.want("fellows that hear", len(s.fellows(20)), 9)
	s.notDead(pings*2*time.Second, 9)
	s.want("testified", s.testified(placeOfNode(9)), true)
	for _, l := range s.fellows(20) {
		if n := int(l.node[1]); n == 1 || n == 5 || n == 9 {
			t.Errorf("node %d is told news", n)
		}
	}
}

// What keeps silent to us keeps no record for us, whatever others say; the members
// stay what three witnesses say.
func TestWhoIsSilentToUsKeepsNothing(t *testing.T) {
	s := acquainted(t, 60)
	s.audit = time.Time{}
	key := identity.IndexKey{}
	binary.BigEndian.PutUint64(key[:], uint64(s.place))
	near := s.Nearest(key, Neighbourhood+1)
	gone := near[3]
	before, rank := s.Keepers(key)
	s.want("our rank", rank, 0)
	s.Settled()
	took[Event](s)
	s.Unanswered(s.now, gone)
	n := int(gone.Node[0])<<8 | int(gone.Node[1])
	for s.Counters().Testified == 0 {
		s.advance(hurriedPing)
	}
	s.want("told", len(took[NeighboursChanged](s)), 1)
	s.want("still a member", s.HasMember(gone.Node), true)
	s.want("left", s.Left(key, Neighbourhood), slices.Delete(slices.Clone(near), 3, 4))
	if after, _ := s.Keepers(key); after == before {
		t.Error("the keepers are the same as before")
	}
	back := announced(n, 1)
	s.take(s.now, mustNews(t, back), back)
	s.want("left when it has refuted that", len(s.Left(key, 100)), 61)
	after, _ := s.Keepers(key)
	s.want("the keepers then", after, before)
}

// Who owes an answer is asked; strangers, and who answers, are not made anything of.
func TestWhoOwesAnAnswerIsAsked(t *testing.T) {
	s := acquainted(t, 8)
	s.audit = time.Time{}
	s.Unanswered(s.now, memberOf(77))
	s.want("asked about a stranger", len(s.notDead(time.Second)), 0)
	s.Unanswered(s.now, memberOf(3))
	s.want("asked", s.notDead(5*time.Second), map[int]int{3: 1})
	s.want("testified", s.Counters().Testified, uint64(0))
}

// Most who die have more witnesses than are needed. What the others say is asked
// for once; what has overtaken the news that it needs, again.
func TestNewsOfNoUseIsAskedForOnce(t *testing.T) {
	s := acquainted(t, 8)
	s.bury(1)
	late, early := testimony(1, 5, 0), testimony(20, 5, 0) // nobody knows 20 yet
	ids := func(news []byte) []byte { return binary.BigEndian.AppendUint64(nil, ident(string(news))) }
	for _, test := range []struct {
		news  []byte
		again int
	}{{late, 0}, {early, 1}} {
		s.Offered(s.now, 2, ids(test.news))
		took[Event](s)
		s.Handle(s.now, 2, wire.Gossip{News: test.news})
		s.now = s.now.Add(wantWait)
		took[Event](s)
		s.Offered(s.now, 3, ids(test.news))
		s.want("asked again", len(took[Send](s)), test.again)
		s.Handle(s.now, 4, wire.Gossip{Want: ids(test.news)})
		s.want("given", len(took[Send](s)), 0)
	}
	unasked := len(s.gossip.young)
	s.Handle(s.now, 2, wire.Gossip{News: testimony(1, 6, 0)})
	s.want("remembered though nobody asked for it", len(s.gossip.young), unasked)
}

// Where two know something else the buckets round our own place come first.
func TestTheNeighbourhoodIsComparedFirst(t *testing.T) {
	s := acquainted(t, 60)
	own := bucketOf(s.place)
	var buckets []uint8 // in which somebody is, the nearest first
	for i := range wire.Buckets {
		if b := own ^ uint8(i); s.table.sums.ids[b] != 0 {
			buckets = append(buckets, b)
		}
	}
	s.Handle(s.now, 1, wire.Digest{Root: 1, Live: 1, Sums: make([]byte, 4*wire.Buckets), Done: true})
	var rolls []uint8
	for _, e := range took[Send](s) {
		if r, ok := e.Message.(wire.Roll); ok {
			rolls = append(rolls, r.Bucket)
		}
	}
	s.want("rolls", len(rolls), exchangeRolls)
	s.want("the first", rolls[:exchangeRolls/2], buckets[:exchangeRolls/2])
}

// A minute may go by until a session with the dead ends. When seven in ten die at once
// those who are left agree long before that.
func TestMostDieAndTheOthersAgree(t *testing.T) {
	for seed := byte(1); seed <= 3; seed++ {
		w := newWorld(t, seed)
		w.deadEnds = time.Minute
		chain(w, 50)
		w.run(10 * time.Second)
		for _, r := range w.nodes[:35] {
			w.kill(r)
		}
		took := w.runUntil(20*time.Second, w.agreed)
		t.Logf("seed %d: 35 of 50 killed: the others agree after %v", seed, took)
	}
}
