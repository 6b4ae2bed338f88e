package path

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/node/wire"
)

// raceTest is a Racer with one dial, number 1.
type raceTest struct {
	*testing.T
	Racer
	began, now time.Time
}

func newRace(t *testing.T, ports wire.Ports) *raceTest {
	began := time.Unix(1000, 0)
	r := &raceTest{T: t, began: began, now: began}
	r.Start(1, netip.MustParseAddrPort("192.0.2.1:4000"), ports)
	if next := r.Next(); !next.IsZero() {
		t.Fatalf("before anything is sent it wants to be called at %v", next)
	}
	r.Sent(began, 1)
	r.Sent(began.Add(time.Hour), 1) // sent again: the clock goes on
	return r
}

// until lets time pass to at after the start and wants these ports to be tried.
func (r *raceTest) until(at time.Duration, want ...uint16) {
	r.Helper()
	for r.now = r.began.Add(at); ; {
		next := r.Next()
		if next.IsZero() || next.After(r.now) {
			break
		}
		r.Advance(next)
	}
	r.tried(want...)
}

func (r *raceTest) tried(want ...uint16) {
	r.Helper()
	var got []uint16
	for _, e := range r.Take() {
		got = append(got, e.(TryStream).Addr.Port())
	}
	if !slices.Equal(got, want) {
		r.Fatalf("after %v tried %v, want %v", r.now.Sub(r.began), got, want)
	}
}

func TestStreamsFollowASilentDial(t *testing.T) {
	r := newRace(t, 0)
	r.until(149 * time.Millisecond)
	r.until(150*time.Millisecond, 443)
	r.until(399 * time.Millisecond)
	r.until(400*time.Millisecond, 80)
	r.until(650*time.Millisecond, 4000)
	r.until(time.Hour)
	if len(r.races) != 0 {
		t.Error("a race without anything left is kept")
	}
}

func TestOnlyThePortsThatAreOpenAreTried(t *testing.T) {
	r := newRace(t, wire.Port80|wire.SamePort)
	r.until(time.Minute, 80, 4000)
	r = newRace(t, wire.Port443)
	r.until(time.Minute, 443)
}

func TestARefusedPortIsFollowedAtOnce(t *testing.T) {
	r := newRace(t, 0)
	r.until(150*time.Millisecond, 443)
	r.until(160 * time.Millisecond)
	r.Ended(r.now, 1)
	r.tried(80)
	r.until(409 * time.Millisecond)
	r.until(410*time.Millisecond, 4000)
	r.Ended(r.now, 1) // there is no more: nothing happens
	r.tried()
}

func TestAnAnswerByUDPHoldsStreamsBack(t *testing.T) {
	r := newRace(t, 0)
	r.until(100 * time.Millisecond)
	r.Answered(r.now, 1)
	r.until(2 * time.Second)
	r.until(2100*time.Millisecond, 443) // it did not come up
	r.Stop(1)
	r.until(time.Hour)
}

// What was given up for the sake of an answer comes again when that leads
// nowhere, also when it was the last.
func TestGivenUpPortsComeAgain(t *testing.T) {
	r := newRace(t, wire.Port443)
	r.until(160*time.Millisecond, 443)
	r.Answered(r.now, 1, netip.MustParseAddrPort("192.0.2.1:443"))
	r.until(2159 * time.Millisecond)
	r.until(2160*time.Millisecond, 443)
}
