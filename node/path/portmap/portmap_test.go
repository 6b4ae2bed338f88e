package portmap

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// fake is a router that grants, or does not.
type fake struct {
	granted  Mapping
	err      error
	asked    int
	released int
}

func (f *fake) obtain(context.Context) (Mapping, error) { f.asked++; return f.granted, f.err }
func (f *fake) release(context.Context) error           { f.released++; return nil }

func none() (netip.Addr, bool) { return netip.Addr{}, false }

func TestAMappingIsRenewedAndGivenBack(t *testing.T) {
	router := &fake{granted: Mapping{Addr: netip.MustParseAddrPort("203.0.113.1:4000"), Lease: 2 * time.Minute, By: "NAT-PMP"}}
	m := New(4000, none, nil)
	m.held = router
	for range 2 {
		got, err := m.ask(t.Context())
		if err != nil || got != router.granted {
			t.Fatalf("got %+v, %v", got, err)
		}
		if at := pause(got, err); at != time.Minute {
			t.Errorf("renewed after %v, want half of the lease", at)
		}
	}
	m.giveBack()
	if router.asked != 2 || router.released != 1 {
		t.Errorf("asked %d times, released %d times, want 2 and 1", router.asked, router.released)
	}
}

func TestARouterThatTakesItBackIsForgotten(t *testing.T) {
	router := &fake{err: errors.New("no")}
	m := New(4000, none, nil)
	m.held = router
	got, err := m.ask(t.Context())
	if !errors.Is(err, ErrNone) || m.held != nil || got != (Mapping{}) {
		t.Errorf("got %+v, %v, held %v", got, err, m.held)
	}
	if at := pause(got, err); at != retry {
		t.Errorf("asked again after %v, want %v", at, retry)
	}
	m.giveBack() // nothing to give
	if router.released != 0 {
		t.Error("given back what was lost")
	}
}

func TestRunTellsOnce(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	told := 0
	m := New(4000, none, func(_ Mapping, err error) {
		told++
		if !errors.Is(err, ErrNone) {
			t.Errorf("told %v", err)
		}
		stop()
	})
	m.Run(ctx)
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

func TestEndless(t *testing.T) {
	if at := pause(Mapping{}, nil); at != Lease/2 {
		t.Errorf("a mapping without a lease is looked after every %v", at)
	}
	if at := pause(Mapping{Lease: 1}, nil); at != time.Second {
		t.Errorf("a short lease is renewed after %v", at)
	}
}
