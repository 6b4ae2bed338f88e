package node

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/path"
)

// roamTrip is the round trip of a roamTest, and roamJitter how much longer it
// takes at most.
const (
	roamTrip   = 100 * time.Millisecond
	roamJitter = 4 * time.Millisecond
)

// roamTest is a call over several ways, of which some die before the first end's
// door, in steps of virtual time. Only the data plane acts: what the loop would do comes later.
type roamTest struct {
	rand  *rand.Rand
	now   hal.Instant
	every time.Duration // of the packets
	dead  map[path.Way]bool
	ends  [2]*roamEnd
}

// roamEnd is one end of it.
type roamEnd struct {
	outlet
	test     *roamTest
	far      *roamEnd
	route    *mediaRoute
	seq      int
	next     hal.Instant // when it has recorded a packet
	pulse    hal.Instant
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

// moved is where nobody was heard before.
var moved = path.Way{Addr: netip.MustParseAddrPort("203.0.113.78:4000")}

func newRoamTest(seed uint64, every time.Duration, active path.Way, standby ...path.Way) *roamTest {
	r := &roamTest{rand: rand.New(rand.NewPCG(seed, 1)), now: hal.Instant(time.Hour), every: every, dead: map[path.Way]bool{}}
	for i := range r.ends {
		e := &roamEnd{test: r, newest: -1, next: r.now.Add(r.within(every)), pulse: r.now.Add(r.within(pulseTime))}
		e.route = newMediaRoute(r.now, 0, e)
		e.route.steer(r.now, ranked(active)[0], ranked(standby...), MediaWay{})
		r.ends[i] = e
	}
	r.ends[0].far, r.ends[1].far = r.ends[1], r.ends[0]
	return r
}

// pulseTime is how often the capture goroutine looks.
const pulseTime = 10 * time.Millisecond

// within returns a time of less than d.
func (r *roamTest) within(d time.Duration) time.Duration {
	return time.Duration(r.rand.Int64N(int64(d)))
}

// send takes the packet to the far end, if the way has not died.
func (e *roamEnd) send(w MediaWay, payload []byte) bool {
	r := e.test
	late := r.within(roamJitter / 2)
	if e != r.ends[0] || !r.dead[w.Way] {
		e.far.coming = append(e.far.coming, roamPacket{r.now.Add(roamTrip/2 + late), w.Way, int(binary.BigEndian.Uint32(payload))})
	}
	return e.outlet.send(w, payload)
}

// run lets time pass.
func (r *roamTest) run(d time.Duration) {
	for end := r.now.Add(d); r.now < end; r.now = r.now.Add(250 * time.Microsecond) {
		for _, e := range r.ends {
			r.receive(e)
			if r.now >= e.pulse {
				e.pulse = e.pulse.Add(pulseTime)
				e.route.pulseAt(r.now)
			}
			if r.now >= e.next {
				r.speak(e)
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
		e.route.hear(p.at, p.way, newStamp(uint8(p.seq), uint16(r.every/(10*time.Millisecond))*uint16(p.seq)), 100)
		if p.seq > e.newest {
			if e.measured {
				e.longest = max(e.longest, p.at.Sub(e.last)-20*time.Millisecond)
			}
			e.newest, e.last = p.seq, p.at
		}
		return true
	})
}

// speak has an end send the packet that it has recorded.
func (r *roamTest) speak(e *roamEnd) {
	e.next = e.next.Add(r.every)
	e.route.sendAt(r.now, binary.BigEndian.AppendUint32(nil, uint32(e.seq)))
	e.seq++
}

// after lets ways die once all is calm, does what else happens, and returns the
// longest pause between new packets at either end.
func (r *roamTest) after(what func(), die ...path.Way) time.Duration {
	r.run(3*time.Second + r.within(r.every))
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

// packetTimes are the lengths of packets with which ways are lost.
var packetTimes = []time.Duration{20 * time.Millisecond, 40 * time.Millisecond}

// A way that swallows everything is left within 60 ms and a round trip: by then
// the far end has heard us by another one, and we have heard it.
func TestAHoleIsBridged(t *testing.T) {
	for _, every := range packetTimes {
		for _, standby := range []path.Way{other, first} {
			wantPause(t, "packets of "+every.String()+" by "+standby.String(), p99(200, func(seed uint64) time.Duration {
				r := newRoamTest(seed, every, direct, standby)
				return r.after(func() {}, direct)
			}), 60*time.Millisecond+roamTrip)
		}
	}
}

// So it is while one end sends by all ways already, of its own accord: the far end
// then hears the copies, and must be told that the way in use brings nothing more.
func TestAHoleIsBridgedWhileCopiesGo(t *testing.T) {
	for _, every := range packetTimes {
		wantPause(t, "packets of "+every.String(), p99(200, func(seed uint64) time.Duration {
			r := newRoamTest(seed, every, direct, other, first)
			r.run(time.Second)
			r.ends[0].route.shaken.Store(int64(r.now.Add(time.Minute)))
			return r.after(func() {}, direct)
		}), 60*time.Millisecond+roamTrip)
	}
}

// A cable that is pulled is seen at once, and not only when the far end has
// fallen silent. It hears us by a way that it does not know, and by one that it
// does.
func TestAPulledCableIsBridged(t *testing.T) {
	for _, every := range packetTimes {
		wantPause(t, "the kernel tells of it, packets of "+every.String(), p99(200, func(seed uint64) time.Duration {
			r := newRoamTest(seed, every, direct, other)
			return r.after(func() {
				r.run(changePause)
				r.ends[0].route.shake(r.now)
				r.run(roamTrip / 2)
				r.ends[1].route.steer(r.now, ranked(direct)[0], ranked(other), ranked(moved)[0])
			}, direct)
		}), changePause+every-20*time.Millisecond+roamTrip+roamJitter)
		wantPause(t, "packets cannot be sent, each of "+every.String(), p99(200, func(seed uint64) time.Duration {
			r := newRoamTest(seed, every, direct, other)
			return r.after(func() { r.ends[0].unrouted = direct }, direct)
		}), every+10*time.Millisecond+roamTrip)
	}
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
