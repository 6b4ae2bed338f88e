package call

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A desk is one phone in a script: the test is the far phone and the network.
type desk struct {
	t     *testing.T
	now   time.Time
	calls *Calls
}

func newDesk(t *testing.T) *desk {
	seed := [32]byte{1}
	return &desk{t: t, now: noon, calls: New(Config{
		Rand: rand.NewChaCha8(seed), Codecs: []wire.Codec{wire.CodecPCM16}, Self: kitchen,
	})}
}

func (d *desk) advance(by time.Duration) {
	d.now = d.now.Add(by)
	if next := d.calls.Next(); !next.IsZero() && !next.After(d.now) {
		d.calls.Advance(d.now)
	}
}

func (d *desk) wantState(want State) {
	d.t.Helper()
	if got := d.calls.Current().State; got != want {
		d.t.Fatalf("state is %v, want %v", got, want)
	}
}

func (d *desk) wantEnded(want Reason) {
	d.t.Helper()
	if v := d.calls.Current(); v.State != Ended || v.Reason != want {
		d.t.Fatalf("call is %v (%v), want ended (%v)", v.State, v.Reason, want)
	}
}

// want takes the outbox, without Changed, and compares it.
func (d *desk) want(want ...Event) {
	d.t.Helper()
	var got []Event
	for _, e := range d.calls.Take() {
		if _, ok := e.(Changed); !ok {
			got = append(got, e)
		}
	}
	if !slices.EqualFunc(got, want, equalEvents) {
		d.t.Fatalf("events\n got  %#v\n want %#v", got, want)
	}
}

func equalEvents(a, b Event) bool {
	sa, ok := a.(Send)
	sb, ok2 := b.(Send)
	if ok != ok2 {
		return false
	}
	if !ok {
		return a == b
	}
	if ia, ok := sa.Message.(wire.Invite); ok {
		ib, ok := sb.Message.(wire.Invite)
		return ok && ia.Call == ib.Call && slices.Equal(ia.Codecs, ib.Codecs) && sa.Index == sb.Index
	}
	return sa == sb
}

// The steps of a call that we make.
func (d *desk) dial() ID {
	d.calls.Dial(d.now, workshop.Number)
	return d.calls.Current().ID
}

func (d *desk) invite(ix wire.Index) wire.CallID {
	id := d.dial()
	d.calls.Located(d.now, id, workshop)
	d.calls.Connected(d.now, id, ix)
	d.wantState(Inviting)
	d.calls.Take()
	return d.calls.call.name
}

func (d *desk) invited(ix wire.Index, from Peer, name wire.CallID) {
	d.calls.Opened(d.now, ix, from.Device)
	d.calls.Invited(d.now, ix, from, wire.Invite{Call: name, Codecs: []wire.Codec{wire.CodecOpus, wire.CodecPCM16}})
}

func TestOutgoing(t *testing.T) {
	d := newDesk(t)
	id := d.dial()
	d.want(Search{1, "1002"})
	d.calls.Located(d.now, id, workshop)
	d.want(Connect{1, workshop})
	d.calls.Connected(d.now, id, 7)
	name := d.calls.call.name
	d.want(Send{7, wire.Invite{Call: name, Codecs: []wire.Codec{wire.CodecPCM16}}})
	d.advance(time.Second)
	d.calls.Handle(d.now, 7, wire.Ringing{Call: name})
	d.wantState(RingingFar)
	d.advance(5 * time.Second)
	d.calls.Handle(d.now, 7, wire.Accept{Call: name, Codec: wire.CodecPCM16})
	d.want(StartMedia{1, 7, wire.CodecPCM16})
	d.wantState(Talking)
	if next := d.calls.Next(); !next.IsZero() {
		t.Errorf("Next is %v while talking, want never", next)
	}
	d.advance(time.Hour)
	d.calls.Handle(d.now, 7, wire.Bye{Call: name})
	d.want(StopMedia{1}, Release{7})
	d.wantEnded(HungUpThere)

	v := d.calls.Current()
	want := View{
		State: Ended, ID: 1, Peer: workshop, Reason: HungUpThere, Codec: wire.CodecPCM16,
		Dialled: noon, Rang: noon.Add(time.Second), Answered: noon.Add(6 * time.Second), Over: noon.Add(6*time.Second + time.Hour),
	}
	if v != want || v.Incoming() {
		t.Errorf("view\n got  %+v\n want %+v", v, want)
	}
}

func TestIncoming(t *testing.T) {
	d := newDesk(t)
	name := wire.CallID{1}
	d.invited(3, workshop, name)
	d.want(Send{3, wire.Ringing{Call: name}})
	d.wantState(RingingHere)
	if !d.calls.Current().Incoming() {
		t.Error("the call is not incoming")
	}
	d.calls.Answer(d.now)
	d.want(Send{3, wire.Accept{Call: name, Codec: wire.CodecPCM16}}, StartMedia{1, 3, wire.CodecPCM16})
	d.calls.HangUp(d.now)
	d.want(StopMedia{1}, Send{3, wire.Bye{Call: name}})
	d.wantEnded(HungUpHere)
	d.advance(lingerFor)
	d.want(Release{3})
}

// TestReasons ends calls in every way.
func TestReasons(t *testing.T) {
	reject := func(code wire.RejectCode) func(d *desk) {
		return func(d *desk) {
			name := d.invite(7)
			d.calls.Handle(d.now, 7, wire.Reject{Call: name, Code: code})
		}
	}
	for _, c := range []struct {
		name string
		do   func(d *desk)
		want Reason
	}{
		{"no number", func(d *desk) { d.calls.Dial(d.now, "12") }, NotFound},
		{"no text", func(d *desk) { d.calls.Dial(d.now, "") }, NotFound},
		{"our own number", func(d *desk) { d.calls.Dial(d.now, kitchen.Number) }, Busy},
		{"our own account", func(d *desk) {
			d.calls.SetSelf(Peer{})
			id := d.dial()
			d.calls.SetSelf(kitchen)
			d.calls.Located(d.now, id, kitchen)
		}, Busy},
		{"not found", func(d *desk) { d.calls.Absent(d.now, d.dial(), NotFound) }, NotFound},
		{"cannot tell", func(d *desk) { d.calls.Absent(d.now, d.dial(), Unreachable) }, Unreachable},
		{"search takes too long", func(d *desk) { d.dial(); d.advance(searchFor) }, Unreachable},
		{"unreachable", func(d *desk) {
			id := d.dial()
			d.calls.Located(d.now, id, workshop)
			d.calls.Unreachable(d.now, id)
		}, Unreachable},
		{"connecting takes too long", func(d *desk) {
			d.calls.Located(d.now, d.dial(), workshop)
			d.advance(connectFor)
		}, Unreachable},
		{"no word", func(d *desk) { d.invite(7); d.advance(inviteFor) }, Unreachable},
		{"nobody answers there", func(d *desk) {
			d.calls.Handle(d.now, 7, wire.Ringing{Call: d.invite(7)})
			d.advance(ringbackFor)
		}, NoAnswer},
		{"busy", reject(wire.RejectBusy), Busy},
		{"declined", reject(wire.RejectDeclined), Declined},
		{"no answer", reject(wire.RejectNoAnswer), NoAnswer},
		{"no codec there", reject(wire.RejectCodec), NoCodec},
		{"unknown codec", func(d *desk) {
			d.calls.Handle(d.now, 7, wire.Accept{Call: d.invite(7), Codec: 9})
		}, NoCodec},
		{"vanished", func(d *desk) { d.invite(7); d.calls.Lost(d.now, 7) }, Vanished},
		{"we hang up", func(d *desk) { d.dial(); d.calls.HangUp(d.now) }, HungUpHere},
		{"nobody answers here", func(d *desk) { d.invited(3, workshop, wire.CallID{1}); d.advance(ringFor) }, NoAnswer},
		{"we decline", func(d *desk) { d.invited(3, workshop, wire.CallID{1}); d.calls.HangUp(d.now) }, Declined},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			c.do(d)
			d.t = t
			d.wantEnded(c.want)
		})
	}
}

// TestNoRandomness ends the call instead of inventing a CallID.
func TestNoRandomness(t *testing.T) {
	d := newDesk(t)
	d.calls.call.rand = broken{}
	id := d.dial()
	d.calls.Located(d.now, id, workshop)
	d.calls.Take()
	d.calls.Connected(d.now, id, 7)
	d.want(Release{7})
	d.wantEnded(Unreachable)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("out of order") }

func TestBusy(t *testing.T) {
	second := wire.CallID{2}
	busy := []Event{Send{4, wire.Reject{Call: second, Code: wire.RejectBusy}}}
	t.Run("during a call", func(t *testing.T) {
		d := newDesk(t)
		d.invited(3, workshop, wire.CallID{1})
		d.calls.Answer(d.now)
		d.calls.Take()
		d.invited(4, stranger, second)
		d.want(busy...)
		d.wantState(Talking)
	})
	t.Run("receiver off", func(t *testing.T) {
		d := newDesk(t)
		d.calls.Engaged(d.now, true)
		d.invited(4, stranger, second)
		d.want(busy...)
		d.wantState(Idle)
		d.calls.Engaged(d.now, false)
		d.invited(4, stranger, wire.CallID{3})
		d.wantState(RingingHere)
	})
	t.Run("no codec", func(t *testing.T) {
		d := newDesk(t)
		d.calls.Invited(d.now, 4, stranger, wire.Invite{Call: second, Codecs: []wire.Codec{5}})
		d.want(Send{4, wire.Reject{Call: second, Code: wire.RejectCodec}})
		d.wantState(Idle)
	})
}

// TestForeign does not let a stranger touch a call whose CallID he knows.
func TestForeign(t *testing.T) {
	d := newDesk(t)
	name := d.invite(7)
	d.calls.Opened(d.now, 8, stranger.Device)
	for _, m := range []wire.Message{
		wire.Ringing{Call: name}, wire.Accept{Call: name, Codec: wire.CodecPCM16},
		wire.Reject{Call: name, Code: wire.RejectBusy}, wire.Bye{Call: name},
	} {
		d.calls.Handle(d.now, 8, m)
		d.wantState(Inviting)
	}
	d.want(Send{8, wire.Bye{Call: name}}, Send{8, wire.Bye{Call: name}})
	d.invited(8, stranger, name)
	d.want(Send{8, wire.Reject{Call: name, Code: wire.RejectBusy}})
	d.wantState(Inviting)
}

// TestGuests bounds the sessions that say nothing.
func TestGuests(t *testing.T) {
	d := newDesk(t)
	for ix := wire.Index(1); ix <= maxGuests+2; ix++ {
		d.calls.Opened(d.now, ix, identity.ID{byte(ix)})
		d.calls.Opened(d.now, ix, identity.ID{byte(ix)}) // once is enough
	}
	d.want(Release{1}, Release{2})
	d.advance(arriveFor - 1)
	d.want()
	d.advance(1)
	if got := len(d.calls.Take()); got != maxGuests {
		t.Errorf("%d sessions released, want %d", got, maxGuests)
	}
}

// TestShut leaves nothing behind.
func TestShut(t *testing.T) {
	d := newDesk(t)
	name := wire.CallID{1}
	d.invited(3, workshop, name)
	d.calls.Answer(d.now)
	d.calls.Opened(d.now, 4, stranger.Device)
	d.calls.Take()
	d.calls.Shut(d.now)
	d.want(StopMedia{1}, Send{3, wire.Bye{Call: name}}, Release{4}, Release{3})
	if next := d.calls.Next(); !next.IsZero() {
		t.Errorf("Next is %v after Shut", next)
	}
}

// TestRedial does not take the session of the last farewell for the new call's.
func TestRedial(t *testing.T) {
	d := newDesk(t)
	name := d.invite(7)
	d.calls.HangUp(d.now)
	d.want(Send{7, wire.Bye{Call: name}})
	id := d.dial()
	d.calls.Located(d.now, id, workshop)
	d.want(Search{2, "1002"}, Release{7}, Connect{2, workshop})
}

// TestGlareInOrder is the usual case: both Invites cross in one session.
func TestGlareInOrder(t *testing.T) {
	for _, c := range []struct {
		theirs wire.CallID
		want   State
	}{{wire.CallID{}, Talking}, {wire.CallID{0xff}, Inviting}} {
		d := newDesk(t)
		ours := d.invite(7)
		c.theirs[15] = 1
		d.calls.Invited(d.now, 7, workshop, wire.Invite{Call: c.theirs, Codecs: []wire.Codec{wire.CodecPCM16}})
		d.wantState(c.want)
		if c.want == Talking {
			d.want(Send{7, wire.Bye{Call: ours}},
				Send{7, wire.Accept{Call: c.theirs, Codec: wire.CodecPCM16}}, StartMedia{1, 7, wire.CodecPCM16})
			if d.calls.Current().Incoming() {
				t.Error("our user dialled, yet the call is incoming")
			}
		} else {
			d.want()
		}
	}
}

// TestRulesAreDrawn holds the table to the states' drawing: what is live can be
// hung up, and what has a session can lose it.
func TestRulesAreDrawn(t *testing.T) {
	for s := State(0); s < states; s++ {
		if got := standard[s][inHangUp] != nil; got != s.Live() {
			t.Errorf("%v can be hung up: %v", s, got)
		}
		if got := standard[s][inLost] != nil; got != (s.Live() && s > Connecting) {
			t.Errorf("%v can lose its session: %v", s, got)
		}
		if got := standard[s][inTimeout] != nil; got != (s.Live() && s != Talking) {
			t.Errorf("%v can time out: %v", s, got)
		}
	}
}
