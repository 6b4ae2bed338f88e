package overlay

import (
	"testing"
	"time"

	"peerphone/node/wire"
)

func TestTheHostCacheHoldsTwoHundred(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1, 2, 3))
	s.dials()
	for n := 1; n <= 3; n++ {
		s.attachTo(n)
	}
	for n := 100; n < 1100; n++ {
		s.Learn(s.now, []wire.Member{memberOf(n)})
	}
	s.want("cache", len(s.Cache()), maxCache)
	for i, m := range s.Cache()[:3] {
		if m != memberOf(i+1) {
			t.Errorf("entry %d is %v, want a home, reached last, first", i, m)
		}
	}
}

func TestHearsayPushesOutNothingThatWorks(t *testing.T) {
	s := newScript(t, Config{Homes: maxCache})
	for n := 1; n <= maxCache; n++ {
		s.Learn(s.now, []wire.Member{memberOf(n)})
		ix := s.attachTo(n)
		s.Down(s.now, ix, nil) // lost: one failure
		s.attachTo(n)
		s.now = s.now.Add(time.Second)
	}
	s.Learn(s.now, []wire.Member{memberOf(900)})
	for _, m := range s.Cache() {
		if m == memberOf(900) {
			t.Fatal("hearsay has pushed out a node that works")
		}
	}
	s.Down(s.now, 2, nil)
	s.Failed(s.now, memberOf(1), errDial)
	s.Learn(s.now, []wire.Member{memberOf(901)})
	s.want("cache", len(s.Cache()), maxCache)
	s.want("the newcomer", s.Cache()[maxCache-1], memberOf(901))
}

func TestBootstrapEntriesStay(t *testing.T) {
	s := phone(t)
	s.Learn(s.now, bootstraps(1))
	for n := 100; n < 1100; n++ {
		s.Learn(s.now, []wire.Member{memberOf(n)})
	}
	for i := range 10 {
		s.Failed(s.now, wire.Member{Addr: addrOf(1)}, errDial)
		s.Learn(s.now, []wire.Member{memberOf(2000 + i)})
	}
	if s.cache.find(wire.Member{Addr: addrOf(1)}) == nil {
		t.Error("the bootstrap entry is gone")
	}
	for n := 5000; n < 5100; n++ {
		s.Learn(s.now, bootstraps(n))
	}
	if n := s.cache.bootstraps(); n > maxBootstrap {
		t.Errorf("%d bootstrap entries", n)
	}
	if n := len(s.cache.entries); n > maxCache {
		t.Errorf("%d entries", n)
	}
}

func TestABootstrapAddressMayChangeItsNode(t *testing.T) {
	s := newScript(t, Config{Homes: 1})
	s.Learn(s.now, bootstraps(1))
	s.dials()
	ix := s.attachTo(1)
	s.Down(s.now, ix, nil)
	s.advance(2 * time.Second)
	s.want("the node is asked for", took[Dial](s), []Dial{{memberOf(1)}})
	s.Failed(s.now, memberOf(1), errDial)
	s.advance(3 * time.Second)
	s.want("now anybody there", took[Dial](s), []Dial{{wire.Member{Addr: addrOf(1)}}})
}

func TestCacheChangedIsRare(t *testing.T) {
	s := phone(t)
	for n := range 300 {
		s.Learn(s.now, []wire.Member{memberOf(n + 1)})
		s.advance(time.Second)
	}
	if n := len(took[CacheChanged](s)); n < 4 || n > 6 {
		t.Errorf("told %d times in five minutes, want about five", n)
	}
}
