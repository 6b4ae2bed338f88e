package node

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/path"
)

// roamTrip is the round trip of a roamTest.
const roamTrip = 100 * time.Millisecond

// roamTest is a call over several ways, of which some die before the first end's
// door, in steps of virtual time. Only the data plane acts: what the loop would do comes later.
type roamTest struct {
	rand *rand.Rand
	now  hal.Instant
	dead map[path.Way]bool
	ends [2]*roamEnd
}

// roamEnd is one end of it.
type roamEnd struct {
	outlet
	route    *mediaRoute
	seq      int
	next     hal.Instant // when it has recorded a packet
	coming   []roamPacket
	newest   int         // highest seq that came
	last     hal.Instant // when that came
	longest  time.Duration
	measured bool
}

type roamPacket struct {
	at  hal.Instant
	way path.Way
	seq int
}

// other is a second direct way.
var other = path.Way{Addr: netip.MustParseAddrPort("203.0.113.77:4000"), Socket: 1}

func newRoamTest(seed uint64, active path.Way, standby ...path.Way) *roamTest {
	r := &roamTest{rand: rand.New(rand.NewPCG(seed, 1)), now: hal.Instant(time.Hour), dead: map[path.Way]bool{}}
	for i := range r.ends {
		e := &roamEnd{newest: -1, next: r.now.Add(time.Duration(r.rand.IntN(20_000)) * time.Microsecond)}
		e.route = newMediaRoute(r.now, 0, &e.outlet)
		e.route.steer(r.now, ranked(active)[0], ranked(standby...), MediaWay{})
		r.ends[i] = e
	}
	return r
}

// run lets time pass.
func (r *roamTest) run(d time.Duration) {
	for end := r.now.Add(d); r.now < end; r.now = r.now.Add(250 * time.Microsecond) {
		for i, e := range r.ends {
			r.receive(e)
			if r.now >= e.next {
				r.send(e, r.ends[1-i])
			}
		}
	}
}

func (r *roamTest) receive(e *roamEnd) {
	e.coming = slices.DeleteFunc(e.coming, func(p roamPacket) bool {
		switch {
		case p.at > r.now:
			return false
		case e == r.ends[0] && r.dead[p.way]:
			return true
		}
		e.route.hear(p.at, p.way, newStamp(uint8(p.seq), uint16(2*p.seq)), 100)
		if p.seq > e.newest {
			if e.measured {
				e.longest = max(e.longest, p.at.Sub(e.last)-20*time.Millisecond)
			}
			e.newest, e.last = p.seq, p.at
		}
		return true
	})
}

func (r *roamTest) send(from, to *roamEnd) {
	from.next = from.next.Add(20 * time.Millisecond)
	from.sent = nil
	from.route.sendAt(r.now, nil)
	for _, w := range from.sent {
		if jitter := time.Duration(r.rand.IntN(2000)) * time.Microsecond; from != r.ends[0] || !r.dead[w] {
			to.coming = append(to.coming, roamPacket{r.now.Add(roamTrip/2 + jitter), w, from.seq})
		}
	}
	from.seq++
}

// after lets ways die once all is calm, does what else happens, and returns the
// longest pause between new packets at either end.
func (r *roamTest) after(what func(), die ...path.Way) time.Duration {
	r.run(3*time.Second + time.Duration(r.rand.IntN(20_000))*time.Microsecond)
	for _, e := range r.ends {
		e.measured = true
	}
	for _, w := range die {
		r.dead[w] = true
	}
	what()
	r.run(time.Second)
	return max(r.ends[0].longest, r.ends[1].longest)
}

// p99 is the longest pause of 99 in 100 changes.
func p99(runs int, one func(seed uint64) time.Duration) time.Duration {
	var all []time.Duration
	for seed := range uint64(runs) {
		all = append(all, one(seed))
	}
	slices.Sort(all)
	return all[(99*runs+99)/100-1]
}

func wantPause(t *testing.T, what string, got, limit time.Duration) {
	t.Helper()
	if got > limit {
		t.Errorf("%s: nothing new for %v in one of a hundred changes, want %v at most", what, got, limit)
	}
}

// A way that swallows everything is left within 60 ms and a round trip: by then
// the far end has heard us by another one, and we have heard it.
func TestAHoleIsBridged(t *testing.T) {
	for _, standby := range []path.Way{other, first} {
		wantPause(t, "by "+standby.String(), p99(200, func(seed uint64) time.Duration {
			r := newRoamTest(seed, direct, standby)
			return r.after(func() {}, direct)
		}), 60*time.Millisecond+roamTrip)
	}
}

// A cable that is pulled is seen at once, and not only when the far end has
// fallen silent.
func TestAPulledCableIsBridged(t *testing.T) {
	wantPause(t, "the kernel tells of it", p99(200, func(seed uint64) time.Duration {
		r := newRoamTest(seed, direct, other)
		return r.after(func() {
			r.run(changePause)
			r.ends[0].route.shake(r.now)
		}, direct)
	}), 45*time.Millisecond+roamTrip)
	wantPause(t, "packets cannot be sent", p99(200, func(seed uint64) time.Duration {
		r := newRoamTest(seed, direct, other)
		return r.after(func() { r.ends[0].unrouted = direct }, direct)
	}), 30*time.Millisecond+roamTrip)
}

// After two false alarms the call is not doubted so soon again.
func TestFalseAlarmsAreRemembered(t *testing.T) {
	r := newRouteTest(t, direct, first)
	for range 600 {
		r.packet(direct)
	}
	for range 2 {
		for range 2 {
			r.want("a packet is late", r.packet(), direct)
		}
		r.want("three packets are late", r.packet(), direct, first)
		r.seq -= 3 // they were not lost
		for range 20 {
			r.packet(direct)
		}
	}
	if r.out.silence != 0 {
		t.Error("the loop is told of a doubt")
	}
	for range 3 {
		r.want("late again", r.packet(), direct)
	}
	r.want("silent", r.packet(), direct, first)
	if r.out.silence == 0 {
		t.Error("the loop is not told of the silence")
	}
}
