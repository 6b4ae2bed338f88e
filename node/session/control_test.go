package session

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"peerphone/node/wire"
)

// TestMessagesThroughLoss says how long messages take on a bad line.
func TestMessagesThroughLoss(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed)
		a, b := w.join("kitchen"), w.join("workshop")
		ia, ib := w.connect(a, b, AsNode)
		w.badNet(0.25)
		want := []string{}
		for i := range 100 {
			text := fmt.Sprint(i, strings.Repeat(".", w.rand.IntN(wire.MaxMessage-10)))
			want = append(want, text)
			a.say(ia, text)
		}
		w.run(30 * time.Second)
		if len(b.messages[ib]) != len(want) {
			t.Fatalf("seed %d: %d of %d messages arrived", seed, len(b.messages[ib]), len(want))
		}
		b.wantHeard(ib, want...)
		if s := a.table.sessions[ia]; len(s.control.queue) != 0 || !s.control.resend.IsZero() {
			t.Fatalf("seed %d: %d messages are still queued", seed, len(s.control.queue))
		}
	}
}

// TestOneLostMessage loses the first copy of one of three: the gap is closed
// by the time-out after a round trip or so, not after seconds.
func TestOneLostMessage(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsNode)
	n := 0
	w.carry = func(from, _ *testNode, _ []byte) []time.Duration {
		if from == a {
			if n++; n == 1 {
				return nil
			}
		}
		return []time.Duration{10 * time.Millisecond}
	}
	for _, text := range []string{"one", "two", "three"} {
		a.say(ia, text)
	}
	w.run(50 * time.Millisecond)
	b.wantHeard(ib)
	w.run(100 * time.Millisecond)
	b.wantHeard(ib, "one", "two", "three")
}

func TestSendErrors(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsNode)
	if err := a.table.Send(w.now, ia+1, nil); !errors.Is(err, ErrNoSession) {
		t.Errorf("no session: %v", err)
	}
	if err := a.table.Send(w.now, ia, make([]byte, wire.MaxMessage+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if err := a.table.Send(w.now, a.dial(b, AsPhone), nil); !errors.Is(err, ErrNoSession) {
		t.Errorf("not up: %v", err)
	}
	longest := strings.Repeat("m", wire.MaxMessage)
	for i := range maxQueue {
		if err := a.table.Send(w.now, ia, []byte(longest)); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if err := a.table.Send(w.now, ia, nil); !errors.Is(err, ErrBacklog) {
		t.Errorf("backlog: %v", err)
	}
	flying := 0
	for _, e := range a.table.Take() {
		if d, ok := e.(Datagram); ok && wire.KindOf(d.Frame) == wire.SessionFrame {
			if flying++; len(d.Frame) > wire.MaxInner {
				t.Fatalf("a frame of %d bytes", len(d.Frame))
			}
			w.carryFrame(a, b, d.Frame)
		}
	}
	if flying != windowMessages {
		t.Errorf("%d messages on their way, want %d", flying, windowMessages)
	}
	w.run(5 * time.Second)
	if len(b.messages[ib]) != maxQueue || b.messages[ib][0] != longest {
		t.Errorf("%d messages arrived", len(b.messages[ib]))
	}
}

// TestSequenceWraps starts both ends shortly before the sequence wraps.
func TestSequenceWraps(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsNode)
	a.table.sessions[ia].control.base = math.MaxUint32 - 20
	b.table.sessions[ib].control.expect = math.MaxUint32 - 20
	w.badNet(0.2)
	want := []string{}
	for i := range 90 {
		want = append(want, fmt.Sprint(i))
		a.say(ia, fmt.Sprint(i))
	}
	w.run(20 * time.Second)
	b.wantHeard(ib, want...)
}

func TestPeerVanishedWithMessages(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, _ := w.connect(a, b, AsNode)
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	a.say(ia, "hello?")
	before := a.frames
	w.run(giveUp + 3*time.Second)
	a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
	if n := a.frames - before; n > 20 {
		t.Errorf("%d copies of one message", n)
	}
}

// What is withheld for want of room says nothing of the peer: the session lives, and
// all is heard when there is room. Not for ever: the peer may be gone.
func TestWhatIsWithheldEndsNoSession(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsNode)
	full := true
	w.carry = func(from, _ *testNode, frame []byte) []time.Duration {
		if full && from == a {
			a.table.Withheld(w.now, ia)
			return nil
		}
		return []time.Duration{10 * time.Millisecond}
	}
	a.say(ia, "one")
	a.say(ia, "two")
	w.run(2 * giveUp)
	if len(a.downs) > 0 {
		t.Fatalf("down after %v: %v", 2*giveUp, a.downs)
	}
	full = false
	w.run(5 * time.Second)
	b.wantHeard(ib, "one", "two")
	full = true
	a.say(ia, "three")
	w.run(10 * giveUp)
	a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
}

// TestKeepAlive lets the peer vanish and measures how soon that is noticed.
func TestKeepAlive(t *testing.T) {
	for _, every := range []time.Duration{500 * time.Millisecond, time.Second, 5 * time.Second, 25 * time.Second} {
		w := newWorld(t, 1)
		a, b := w.join("kitchen"), w.join("workshop")
		ia, _ := w.connect(a, b, AsNode)
		a.table.KeepAlive(ia, every)
		w.run(10 * time.Minute)
		if len(a.downs) > 0 {
			t.Fatalf("every %v: down while the peer is there", every)
		}
		if n := b.frames; n < int(8*time.Minute/(every*3/2)) {
			t.Errorf("every %v: only %d signs of life", every, n)
		}
		w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
		gone := w.now
		limit := every*3/2 + max(every, shortestPatience)
		for len(a.downs) == 0 && w.now.Sub(gone) < 2*limit {
			w.run(10 * time.Millisecond)
		}
		a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
		if d := w.now.Sub(gone); d > limit+10*time.Millisecond {
			t.Errorf("every %v: noticed after %v, want at most %v", every, d, limit)
		} else {
			t.Logf("every %v: noticed after %v", every, d)
		}
	}
}

// An idle session costs one look and one question in each pause.
func TestKeepAliveLooksOnce(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, _ := w.connect(a, b, AsNode)
	w.run(time.Minute)
	before, looks := a.frames+b.frames, 0
	a.table.KeepAlive(ia, 20*time.Second)
	for end := w.now.Add(10 * time.Minute); w.now.Before(end); {
		if next := a.table.Next(); !next.IsZero() && !next.After(w.now) {
			looks++
		}
		w.run(time.Millisecond)
	}
	if n := a.frames + b.frames - before; looks > 31 || n < 56 || n > 60 {
		t.Errorf("%d looks and %d datagrams in ten minutes, want 30 and twice as many", looks, n)
	}
}

// A peer that is seldom asked is soon known to be gone when its time has come.
func TestWatch(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, _ := w.connect(a, b, AsNode)
	a.table.Watch(ia, time.Minute, 5*time.Second)
	w.run(10*time.Minute + 10*time.Second)
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	gone := w.now
	for len(a.downs) == 0 && w.now.Sub(gone) < 3*time.Minute {
		w.run(10 * time.Millisecond)
	}
	a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
	if d := w.now.Sub(gone); d > 66*time.Second {
		t.Errorf("noticed after %v, want a minute and five seconds at most", d)
	}
}

// Twenty peers that are asked seldom are looked at together.
func TestSeldomLooksComeTogether(t *testing.T) {
	w := newWorld(t, 1)
	a := w.join("kitchen")
	for i := range 20 {
		ia, _ := w.connect(a, w.join("fellow"+string(rune('a'+i))), AsNode)
		a.table.Watch(ia, time.Minute, 5*time.Second)
		w.run(700 * time.Millisecond)
	}
	w.run(2 * time.Minute)
	before, looks := a.frames, 0
	for end := w.now.Add(10 * time.Minute); w.now.Before(end); {
		if next := a.table.Next(); !next.IsZero() && !next.After(w.now) {
			looks++
		}
		w.run(10 * time.Millisecond)
	}
	if n := a.frames - before; looks > 61 || n < 195 || n > 240 {
		t.Errorf("%d looks and %d questions in ten minutes, want 60 and 200", looks, n)
	}
}

// What the table does not see counts as life when it is told of it.
func TestHears(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsNode)
	a.table.KeepAlive(ia, time.Minute)
	w.run(time.Second)
	before := a.frames
	for range 10 {
		w.run(50 * time.Second)
		frame := b.table.Channel(ib).Seal(nil, []byte{byte(wire.PayloadOffer)})
		if _, err := a.table.Channel(ia).Open(nil, frame); err != nil {
			t.Fatal(err)
		}
		a.table.Hears(w.now, ia)
	}
	if n := a.frames - before; n > 0 {
		t.Errorf("asked %d times while offers came", n)
	}
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	w.run(80 * time.Second)
	a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
}

// TestBear has a peer that is away for a while.
func TestBear(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, _ := w.connect(a, b, AsPhone)
	a.table.KeepAlive(ia, 2*time.Second)
	a.table.Bear(ia, 8*time.Second)
	w.run(time.Minute)
	carry := w.carry
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	w.run(7900 * time.Millisecond)
	w.carry = carry
	w.run(time.Minute)
	if len(a.downs) > 0 {
		t.Fatal("down although the peer came back within eight seconds")
	}
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	w.run(11500 * time.Millisecond)
	a.wantDown(func(err error) bool { return err == ErrTimeout }, "by time")
}

// TestKeepAliveThroughLoss keeps a session up on a line that loses a fifth.
func TestKeepAliveThroughLoss(t *testing.T) {
	down := 0
	for seed := range uint64(10) {
		w := newWorld(t, seed)
		a, b := w.join("kitchen"), w.join("workshop")
		ia, ib := w.connect(a, b, AsNode)
		a.table.KeepAlive(ia, time.Second)
		b.table.KeepAlive(ib, time.Second)
		w.badNet(0.2)
		w.run(5 * time.Minute)
		down += len(a.downs)
	}
	if down > 1 {
		t.Errorf("%d of 10 sessions did not last 5 minutes", down)
	}
}

// TestMediaCountsAsLife has no control traffic at all, but media.
func TestMediaCountsAsLife(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsPhone)
	a.table.KeepAlive(ia, time.Second)
	before := a.frames
	for range 100 {
		frame := b.table.Channel(ib).Seal(nil, []byte{byte(wire.PayloadMedia), 0, 0, 1})
		if _, err := a.table.Channel(ia).Open(nil, frame); err != nil {
			t.Fatal(err)
		}
		w.run(100 * time.Millisecond)
	}
	if n := a.frames - before; n > 0 {
		t.Errorf("asked %d times while media came", n)
	}
	a.table.KeepAlive(ia, 0)
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	w.run(time.Hour)
	if len(a.downs) > 0 || a.frames != before {
		t.Error("looked after the peer though told not to")
	}
}

// TestCloseDelivers closes right after a message on a bad line.
func TestCloseDelivers(t *testing.T) {
	lost := 0
	for seed := range uint64(40) {
		w := newWorld(t, seed)
		a, b := w.join("kitchen"), w.join("workshop")
		ia, ib := w.connect(a, b, AsPhone)
		w.badNet(0.2)
		a.say(ia, "bye")
		a.table.Close(w.now, ia)
		a.drain()
		if err := a.table.Send(w.now, ia, nil); err != ErrNoSession {
			t.Fatalf("sent after close: %v", err)
		}
		w.run(10 * time.Second)
		b.wantHeard(ib, "bye")
		a.wantDown(func(err error) bool { return err == ErrEnded }, "closed here")
		if len(b.downs) == 0 {
			lost++ // both copies of the close
			b.table.Close(w.now, ib)
			b.drain()
		} else {
			b.wantDown(func(err error) bool { return err == ErrClosed }, "closed by the peer")
		}
		w.wantNothing()
	}
	if lost > 6 {
		t.Errorf("%d of 40 closes were lost on a line that loses a fifth", lost)
	}
}

// TestOldAcknowledgements gives acknowledgements of what was never sent.
func TestHostileAcknowledgements(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsNode)
	w.carry = func(_, _ *testNode, _ []byte) []time.Duration { return nil }
	a.say(ia, "one")
	a.say(ia, "two")
	for _, next := range []uint32{3, 1 << 31, math.MaxUint32} {
		ack := []byte{byte(wire.PayloadAck), 0, 0, 0, byte(next >> 24), byte(next >> 16), byte(next >> 8), byte(next), 255, 255, 255, 255}
		a.table.Payload(w.now, ia, ack)
	}
	if n := len(a.table.sessions[ia].control.queue); n != 2 {
		t.Fatalf("%d messages wait, want 2", n)
	}
	for _, bad := range [][]byte{nil, {1}, {2}, {5}, {5, 1, 1}, {3, 1}, make([]byte, 12), {2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}} {
		before := a.table.Counts().Malformed
		a.table.Payload(w.now, ia, bad)
		if a.table.Counts().Malformed != before+1 {
			t.Errorf("payload %x was not counted as malformed", bad)
		}
	}
	// Far ahead of the window: acknowledged with what is there, not kept.
	far := []byte{byte(wire.PayloadControl), 0, 0, 1, 0, 0, 0, 0, 0, 'x'}
	b.table.Payload(w.now, ib, far)
	for _, held := range b.table.sessions[ib].control.held {
		if held != nil {
			t.Fatal("a message beyond the window is kept")
		}
	}
}

// Who is at work on a message acknowledges it at once, and once.
func TestAtWorkItIsAcknowledgedAtOnce(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.join("kitchen"), w.join("workshop")
	ia, ib := w.connect(a, b, AsNode)
	w.run(time.Second)
	acks := 0
	w.carry = func(from, _ *testNode, _ []byte) []time.Duration {
		if from == b {
			acks++
		}
		return []time.Duration{10 * time.Millisecond}
	}
	a.say(ia, "find")
	w.run(11 * time.Millisecond)
	if b.wantHeard(ib, "find"); acks != 0 {
		t.Fatalf("%d acknowledgements at once", acks)
	}
	b.table.Acknowledge(ib)
	b.table.Acknowledge(ib)
	b.drain()
	w.run(100 * time.Millisecond)
	if acks != 1 || len(a.table.sessions[ia].control.queue) != 0 {
		t.Errorf("%d acknowledgements, %d messages queued", acks, len(a.table.sessions[ia].control.queue))
	}
}
