package overlay

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

// beatsOf counts the beats to a session and forgets them.
func (s *script) beatsOf(ix wire.Index) (n int) {
	for _, b := range took[Beat](s) {
		if b.Index == ix {
			n++
		}
	}
	return n
}

// A guest is heard when it wants, and no longer than it says that it is there.
func TestBeatsEndWithTheGuest(t *testing.T) {
	s := supernode(t)
	ix := s.visit(5)
	s.Handle(s.now, ix, wire.Attach{})
	took[Event](s)
	s.Refreshed(s.now, ix, wire.Refresh{Nonce: 1, First: 4 * time.Second, Every: 10 * time.Second})
	s.want("at once", s.beatsOf(ix), 0)
	s.advance(4*time.Second - time.Millisecond)
	s.want("before its time", s.beatsOf(ix), 0)
	s.advance(time.Millisecond)
	s.want("in time", s.beatsOf(ix), 1)
	s.advance(20 * time.Second)
	s.want("then", s.beatsOf(ix), 2)
	s.advance(time.Hour)
	if n := s.beatsOf(ix); n > int(beatFor/(10*time.Second)) {
		t.Errorf("%d beats to a guest that is silent", n)
	}
	s.want("guests", s.Guests(), 0)
	s.Refreshed(s.now, ix, wire.Refresh{Nonce: 2, Every: 10 * time.Second})
	s.want("to one who is none any more", s.beatsOf(ix), 0)
	again := s.visit(5)
	s.Handle(s.now, again, wire.Attach{})
	took[Event](s)
	s.Refreshed(s.now, again, wire.Refresh{Nonce: 3})
	s.want("at once, if that is wanted", s.beatsOf(again), 1)
	s.advance(time.Minute)
	s.want("and no other", s.beatsOf(again), 0)
}

func TestADetachedGuestHasNoBeats(t *testing.T) {
	s := supernode(t)
	ix := s.visit(5)
	s.Refreshed(s.now, ix, wire.Refresh{Nonce: 1, Every: 10 * time.Second})
	s.want("to one who is no guest", s.beatsOf(ix), 0)
	s.Handle(s.now, ix, wire.Attach{})
	s.Refreshed(s.now, ix, wire.Refresh{Nonce: 1, Every: time.Second})
	took[Event](s)
	s.advance(20 * time.Second)
	s.want("in 20 s, though it wants one each second", s.beatsOf(ix), 4)
	s.Handle(s.now, ix, wire.Detach{})
	s.advance(time.Minute)
	s.want("after its Detach", s.beatsOf(ix), 0)
}
