package directory

import (
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// A home that shows that it has the question is given time to search; then one
// other is asked, and after that the last.
func TestAHomeThatSearchesIsGivenTime(t *testing.T) {
	o := newOwner(t, "1002", "workshop")
	c := newCaller(t, 1, 2, 3)
	c.Find(c.now, o.lookup())
	c.want("to 1 find")
	c.advance(30 * time.Millisecond)
	c.Heard(c.now, 2) // says nothing of the first
	c.Heard(c.now, 1)
	c.advance(findSlow - time.Millisecond)
	c.want()
	c.advance(time.Millisecond)
	c.want("to 2 find")
	c.Heard(c.now, 1) // it is not the last that was asked any more
	c.advance(findRace)
	c.want("mute 2", "to 3 find")
	c.found(1, wire.FindRecord, o.record(t, 1, start.Add(time.Hour)))
	c.want("result 1 Located")
}

// A home whose sign of life is overdue is asked last, and two are asked at once.
func TestDoubtedHomesAreAskedLast(t *testing.T) {
	patience := map[wire.Index]time.Duration{1: 0, 2: 40 * time.Millisecond, 3: 60 * time.Millisecond}
	c := newCaller(t, 1, 2, 3)
	c.cfg.Patience = func(_ time.Time, home wire.Index) time.Duration { return patience[home] }
	c.Find(c.now, newOwner(t, "1002", "workshop").lookup())
	c.want("to 2 find", "to 3 find")
	c.advance(60*time.Millisecond - 1)
	c.want()
	c.advance(1)
	c.want("mute 3", "to 1 find")
}

// Who has answered fast is asked first, who was silent lately last.
func TestASearchBeginsWithThoseWhoAnswerSoonest(t *testing.T) {
	k := newKeeper(t, 40)
	k.find(aPhone, newOwner(t, "1001", "kitchen").lookup())
	k.want(asking("find", 1, 4)...)
	k.advance(20 * time.Millisecond)
	for n := 1; n <= 4; n++ {
		k.found(n, wire.FindNone, nil)
	}
	k.want(asking("find", 5, 12)...)
	k.advance(10 * time.Millisecond)
	k.found(9, wire.FindNone, nil)
	k.advance(askEnd)
	k.events = nil
	k.find(aPhone+1, newOwner(t, "1002", "hall").lookup())
	got := took[Ask](&k.script)
	var first []int
	for _, a := range got {
		first = append(first, nodeNumbers[a.To.Node])
	}
	if len(first) != waveNext || !slices.Equal(first[:5], []int{9, 1, 2, 3, 4}) {
		t.Errorf("asked %d, want eight, for many were silent: first 9, then 1 to 4, then those", first)
	}
}

// The next wave goes out when the second of the first is overdue, as they have
// answered before.
func TestAWaveIsWaitedForAsLongAsItsSecondTakes(t *testing.T) {
	var l fellows
	asked := start
	wave := homes(1, 2, 3, 4)
	if got := l.patience(start, wave); got != due(strangerRTT) {
		t.Errorf("for strangers %v", got)
	}
	for n, rtt := range map[int]time.Duration{1: 300 * time.Millisecond, 2: 40 * time.Millisecond, 3: 20 * time.Millisecond} {
		l.answered(asked.Add(rtt), &ask{to: homes(n)[0], asked: asked, pause: askAgain})
	}
	if got := l.patience(start, wave); got != 70*time.Millisecond {
		t.Errorf("waits %v, want 70 ms", got)
	}
	l.answered(asked.Add(500*time.Millisecond), &ask{to: homes(3)[0], asked: asked, pause: 2 * askAgain})
	if got := l.find(nodeID(3)).rtt; got != 20*time.Millisecond {
		t.Errorf("an answer to one of two questions is %v", got)
	}
}

func TestFellowsAreBounded(t *testing.T) {
	var l fellows
	for n := range 2 * maxFellows {
		var id [32]byte
		id[0], id[1] = byte(n), byte(n>>8)
		l.put(start, id, fellow{rtt: time.Millisecond})
	}
	if n := len(l.young) + len(l.old); n > maxFellows {
		t.Errorf("%d are remembered", n)
	}
}

// Only a question that takes a while is acknowledged before it is answered.
func TestASearchTellsThatItIsAtWork(t *testing.T) {
	o := newOwner(t, "1001", "kitchen")
	k := newKeeper(t, 40)
	k.find(aPhone, o.lookup())
	if got := took[AtWork](&k.script); len(got) != 1 || got[0].Index != aPhone {
		t.Errorf("told %v", got)
	}
	k.Answer(k.now, 1, wire.Publish{Record: o.record(t, 5, start.Add(time.Hour))}, nil)
	k.find(aPhone+1, o.lookup())
	if got := took[AtWork](&k.script); len(got) != 0 {
		t.Errorf("told %v though the record is here", got)
	}
}
