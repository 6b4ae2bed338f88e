package session

import (
	"errors"
	"testing"
	"time"

	"peerphone/node/wire"
)

// TestTheCallerSpeaksAtOnce has who calls a phone speak right behind its last
// flight: it is heard as soon as that is checked, a round and a half after the dial.
func TestTheCallerSpeaksAtOnce(t *testing.T) {
	const hop, check = 10 * time.Millisecond, 3 * time.Millisecond
	at := 3*hop + 5*check // the answer is two steps of TLS
	for _, c := range []struct {
		name  string
		carry func(frame []byte, nth int) []time.Duration // of the caller's
		heard time.Duration
	}{
		{"in order", func([]byte, int) []time.Duration { return []time.Duration{hop} }, at},
		{"overtaking", func(frame []byte, _ int) []time.Duration {
			if wire.KindOf(frame) == wire.SessionFrame {
				return []time.Duration{hop / 2}
			}
			return []time.Duration{hop}
		}, at},
		{"twice", func([]byte, int) []time.Duration { return []time.Duration{hop, hop} }, at},
		{"last flight lost", func(frame []byte, nth int) []time.Duration {
			if wire.KindOf(frame) == wire.HandshakeFrame && nth == 3 {
				return nil
			}
			return []time.Duration{hop}
		}, at + firstResend},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 11)
			w.delay = check
			a, b := w.join("kitchen"), w.join("workshop")
			a.greeting = "I call"
			nth := 0
			w.carry = func(from, _ *testNode, frame []byte) []time.Duration {
				if from == b {
					return []time.Duration{hop}
				}
				nth++
				return c.carry(frame, nth)
			}
			a.dial(b, AsPhone)
			w.run(c.heard)
			b.wantHeard(b.wantUp(a, AsPhone), "I call")
			w.run(time.Minute)
			b.wantHeard(b.wantUp(a, AsPhone), "I call")
			if s := a.table.State(a.wantUp(b, AsPhone)); s != Live {
				t.Errorf("the caller's session is %v", s)
			}
			w.wantNoHandshakes()
		})
	}
}

// TestNodesWaitForEachOther: of two that dial at once one session stays, and what
// was said in the other would be lost.
func TestNodesWaitForEachOther(t *testing.T) {
	w := newWorld(t, 12)
	a, b := w.join("kitchen"), w.join("workshop")
	ix := a.dial(b, AsNode)
	w.run(25 * time.Millisecond)
	if s := a.table.State(ix); s != Confirming {
		t.Fatalf("the session is %v, want %v", s, Confirming)
	}
	if err := a.table.Send(w.now, ix, []byte("hello")); !errors.Is(err, ErrNoSession) {
		t.Errorf("said before it is up: %v", err)
	}
}

// TestWordsAheadAreFew floods a responder that has not verified its caller yet.
func TestWordsAheadAreFew(t *testing.T) {
	w := newWorld(t, 13)
	a, b := w.join("kitchen"), w.join("workshop")
	a.dial(b, AsPhone)
	w.run(15 * time.Millisecond)
	var ix wire.Index
	for i, s := range b.table.sessions {
		if s.state == Answering {
			ix = i
		}
	}
	junk := append(wire.AppendHeader(nil, wire.Header{To: ix}), make([]byte, 100)...)
	for range 2 * maxEarly {
		b.table.Ahead(ix, junk)
	}
	b.table.Ahead(ix^1, junk)
	b.table.Ahead(ix, make([]byte, wire.MaxInner+1))
	if n, stray := len(b.table.sessions[ix].hs.ahead), b.table.Counts().Stray; n != maxEarly || stray != maxEarly+2 {
		t.Errorf("%d frames are kept, %d counted as stray", n, stray)
	}
	w.run(time.Minute)
	a.say(a.wantUp(b, AsPhone), "still here")
	w.run(time.Second)
	b.wantHeard(b.wantUp(a, AsPhone), "still here")
}
