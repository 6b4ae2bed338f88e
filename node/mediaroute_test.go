package node

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/path"
)

// outlet records what a mediaRoute does.
type outlet struct {
	sent     []path.Way
	told     []path.Way // nominated
	strays   []path.Way
	silence  int
	unrouted path.Way // of which this host has none any more
}

func (o *outlet) send(w MediaWay, _ []byte) bool {
	o.sent = append(o.sent, w.Way)
	return w.Way != o.unrouted
}
func (o *outlet) nominated(w path.Way)    { o.told = append(o.told, w) }
func (o *outlet) stray(w path.Way, _ int) { o.strays = append(o.strays, w) }
func (o *outlet) silent()                 { o.silence++ }
func (o *outlet) total() uint64           { return 0 }

// routeTest is a script of one end of a call.
type routeTest struct {
	*testing.T
	now   hal.Instant
	out   outlet
	route *mediaRoute
	seq   int
}

var (
	direct = path.Way{Addr: netip.MustParseAddrPort("203.0.113.9:4000")}
	first  = path.Way{Home: 8, Channel: 0xa0}
	second = path.Way{Home: 9, Channel: 0xb0}
)

// ranked gives ways the ranks that both ends know.
func ranked(ways ...path.Way) []MediaWay {
	ranks := map[path.Way]int{direct: 0, other: 0, first: 1, second: 2}
	var list []MediaWay
	for _, w := range ways {
		list = append(list, MediaWay{Way: w, Via: w, Rank: ranks[w]})
	}
	return list
}

func newRouteTest(t *testing.T, active path.Way, standby ...path.Way) *routeTest {
	r := &routeTest{T: t, now: hal.Instant(time.Hour), seq: 250} // it will wrap
	r.route = newMediaRoute(r.now, 0, &r.out)
	r.steer(active, standby...)
	return r
}

func (r *routeTest) steer(active path.Way, standby ...path.Way) {
	r.route.steer(r.now, ranked(active)[0], ranked(standby...), MediaWay{})
}

// packet lets 20 ms go by, in which a packet comes by each of the ways, and
// returns by which ways our own packet goes.
func (r *routeTest) packet(from ...path.Way) []path.Way {
	r.now = r.now.Add(20 * time.Millisecond)
	for _, w := range from {
		r.route.hear(r.now, w, newStamp(uint8(r.seq), uint16(2*r.seq)), 100)
	}
	r.seq++
	r.out.sent = nil
	r.route.sendAt(r.now, nil)
	return r.out.sent
}

func (r *routeTest) want(what string, got []path.Way, want ...path.Way) {
	r.Helper()
	if !slices.Equal(got, want) {
		r.Errorf("%s: goes by %v, want %v", what, got, want)
	}
}

func TestSoundGoesByTheActiveWay(t *testing.T) {
	r := newRouteTest(t, direct, first, second)
	for range 200 {
		r.want("heard as ever", r.packet(direct), direct)
	}
	if len(r.out.told)+len(r.out.strays)+r.out.silence != 0 {
		t.Errorf("the loop is told %+v", r.out)
	}
}

// The far end falls silent: after two packets sound goes by all ways, and then by the
// one by which it is heard again.
func TestSilenceIsBridged(t *testing.T) {
	r := newRouteTest(t, first, second)
	for range 100 {
		r.packet(first)
	}
	for range 2 {
		r.want("not silent long enough", r.packet(), first)
	}
	r.want("silent", r.packet(), first, second)
	r.want("silent", r.packet(), first, second)
	r.want("heard by the standby", r.packet(second), second)
	if !slices.Equal(r.out.told, []path.Way{second}) || r.out.silence == 0 {
		t.Errorf("the loop is told %+v", r.out)
	}
	for range 300 {
		r.want("moved", r.packet(second), second)
	}
}

// At first nothing is heard for a round trip, and no harm is meant by it.
func TestACallBeginsInSilence(t *testing.T) {
	r := newRouteTest(t, first, second)
	for range int(begins / (20 * time.Millisecond)) {
		r.want("at first", r.packet(), first)
	}
	for range 4 {
		r.packet()
	}
	r.want("silent", r.packet(), first, second)
	if r.out.silence == 0 {
		t.Error("the loop was not told")
	}
}

// Packets of 60 ms that come each 60 ms are no silence.
func TestLongPackets(t *testing.T) {
	r := newRouteTest(t, first, second)
	twice := 0
	for n := range 100 {
		r.now = r.now.Add(60 * time.Millisecond)
		r.route.hear(r.now, first, newStamp(uint8(n), uint16(6*n)), 100)
		r.now = r.now.Add(15 * time.Millisecond) // the next one is late
		r.out.sent = nil
		r.route.sendAt(r.now.Add(60*time.Millisecond), nil)
		twice += len(r.out.sent) - 1
	}
	if twice > 2 {
		t.Errorf("%d packets were sent twice", twice)
	}
	r.now = r.now.Add(110 * time.Millisecond)
	r.want("silent", r.packet(), first, second)
}

// On a thin line sound waits for whatever else is sent; to send it by all ways
// would choke them all.
func TestThinLines(t *testing.T) {
	r := newRouteTest(t, first, second)
	r.route = newMediaRoute(r.now, 2000, &r.out)
	r.steer(first, second)
	r.now = r.now.Add(begins + narrowPatience)
	r.want("nothing has come yet", r.packet(), first)
	r.packet(first)
	r.now = r.now.Add(narrowPatience)
	r.want("one packet has come", r.packet(), first)
	for n := range 20 {
		r.now = r.now.Add(longPacket)
		r.route.hear(r.now, first, newStamp(uint8(n), uint16(12*n)), 100)
		r.now = r.now.Add(narrowPatience)
		r.want("sound waits", r.packet(), first)
	}
	if r.out.silence > 0 {
		t.Errorf("the loop is told %d times", r.out.silence)
	}
	r.now = r.now.Add(longPacket)
	for range 10 {
		r.want("silent", r.packet(), first, second)
	}
	if r.out.silence != 1 {
		t.Errorf("the loop is told %d times in 200 ms, want once", r.out.silence)
	}
}

// What comes by two ways is a straggler on a narrow line, and no reason to send by
// both; elsewhere the far end may hear nothing.
func TestStragglersOnANarrowLine(t *testing.T) {
	for line, doubled := range map[int]bool{2000: false, 100_000: true} {
		r := newRouteTest(t, direct, first)
		r.route = newMediaRoute(r.now, line, &r.out)
		r.steer(direct, first)
		for range 100 {
			r.packet(direct)
		}
		twice := 0
		for range 20 {
			twice += len(r.packet(direct, first)) - 1
		}
		if twice > 0 != doubled {
			t.Errorf("a line of %d: %d packets go by both ways", line, twice)
		}
	}
}

// A far end without a microphone shall not make us send everything twice.
func TestAMuteFarEnd(t *testing.T) {
	r := newRouteTest(t, first, second)
	twice := 0
	for n := range 1000 {
		var keepAlive []path.Way
		if n%100 == 0 {
			keepAlive = []path.Way{first}
		}
		r.now = r.now.Add(20 * time.Millisecond)
		for _, w := range keepAlive {
			r.route.hear(r.now, w, -1, 100)
		}
		r.out.sent = nil
		r.route.sendAt(r.now, nil)
		twice += len(r.out.sent) - 1
	}
	if limit := int(strewFor / (20 * time.Millisecond)); twice > limit {
		t.Errorf("%d packets were sent twice, want at most %d", twice, limit)
	}
}

// A call moves from a relay to the direct way without a packet lost or sent
// twice, however far apart the ends are, and although each end hears packets
// that were sent before the other has moved.
func TestFromRelayToDirect(t *testing.T) {
	for _, packets := range []int{1, 5, 15} { // round trips of 40 ms to 600 ms
		r := newRouteTest(t, first, second)
		for range 100 {
			r.packet(first)
		}
		r.steer(direct, first, second)
		sent := 0
		for range packets {
			got := r.packet(first) // the far end has not moved yet
			sent += len(got)
			if got[0] != direct && got[0] != first {
				t.Errorf("goes by %v", got)
			}
		}
		got := r.packet(direct) // it has
		r.want("heard directly", got, direct)
		for range 3 {
			r.seq -= 6 // what was on its way by the relay
			sent += len(r.packet(first))
			r.seq += 5
		}
		if sent != packets+3 {
			t.Errorf("%d packets on the way: %d copies were sent of %d", packets, sent, packets+3)
		}
		r.want("moved", r.packet(direct), direct)
	}
}

// One direction dies: the far end hears nothing and sends by all ways. We hear
// it well, and understand why.
func TestTheFarEndHearsNothing(t *testing.T) {
	r := newRouteTest(t, direct, first)
	for range 100 {
		r.packet(direct)
	}
	r.want("it hears us", r.packet(direct), direct)
	r.want("it sends by all", r.packet(direct, first), direct, first)
	r.want("it sends by all", r.packet(direct, first), direct, first)
	r.want("it has moved", r.packet(first), direct, first)
	for range 8 {
		r.packet(first)
	}
	r.want("so have we", r.packet(first), first)
}

// Both ends use another relay: they settle on the one that both rank first.
func TestBothEndsSettle(t *testing.T) {
	a, b := newRouteTest(t, first, second), newRouteTest(t, second, first)
	fromA, fromB := a.packet(), b.packet()
	for range 50 {
		fromA, fromB = a.packet(fromB...), b.packet(fromA...)
	}
	a.want("a", fromA, first)
	b.want("b", fromB, first)
}

// A frame from an address that is no way yet is told to the loop, now and then.
func TestStraysAreTold(t *testing.T) {
	r := newRouteTest(t, direct)
	elsewhere := path.Way{Addr: netip.MustParseAddrPort("198.51.100.7:9")}
	for range 20 {
		r.want("by a stray", r.packet(elsewhere), direct)
	}
	if n := len(r.out.strays); n < 3 || n > 7 || r.out.strays[0] != elsewhere {
		t.Errorf("told %v in 400 ms", r.out.strays)
	}
}

// While the control plane tries another way, sound goes by it as well.
// A trial may be a stranger's address, written on a frame: no more goes there
// than comes from there.
func TestATrialIsPaidFor(t *testing.T) {
	r := newRouteTest(t, direct)
	elsewhere := path.Way{Addr: netip.MustParseAddrPort("198.51.100.7:9")}
	r.route.steer(r.now, ranked(direct)[0], nil, MediaWay{Way: elsewhere, Via: elsewhere})
	r.want("nothing has come by it", r.packet(direct), direct)
	r.want("a packet has", r.packet(direct, elsewhere), direct, elsewhere)
	r.want("one pays for two small ones", r.packet(direct), direct, elsewhere)
	r.want("and for no more", r.packet(direct), direct)
}

func TestTrial(t *testing.T) {
	r := newRouteTest(t, direct, first)
	elsewhere := path.Way{Addr: netip.MustParseAddrPort("198.51.100.7:9")}
	r.route.steer(r.now, ranked(direct)[0], ranked(first), MediaWay{Way: elsewhere, Via: elsewhere})
	r.want("on trial", r.packet(elsewhere), direct, elsewhere)
	r.steer(elsewhere, first)
	r.want("it was right", r.packet(elsewhere), elsewhere)
}

// The way to a relay changes under the call.
func TestTheWayToTheRelayChanges(t *testing.T) {
	r := newRouteTest(t, first, second)
	r.packet(first)
	w := ranked(first)[0]
	w.Via = path.Way{Stream: 4}
	r.route.steer(r.now, w, ranked(second), MediaWay{})
	r.packet(path.Way{Channel: first.Channel}) // as a reader knows it
	if via := r.route.active.Load().Via; via != w.Via {
		t.Errorf("sound goes to the relay by %v, want %v", via, w.Via)
	}
	if len(r.out.told) != 0 {
		t.Errorf("the loop is told %v", r.out.told)
	}
}

func TestSteeringNowhere(t *testing.T) {
	r := &routeTest{T: t, now: hal.Instant(time.Hour)}
	r.route = newMediaRoute(r.now, 0, &r.out)
	r.want("no ways yet", r.packet(direct))
}

func TestMediaRouteDoesNotAllocate(t *testing.T) {
	r := newRouteTest(t, direct, first, second)
	r.out.sent = make([]path.Way, 0, 8)
	if n := testing.AllocsPerRun(1000, func() {
		r.out.sent = r.out.sent[:0]
		r.route.hear(r.now, direct, newStamp(7, 7), 100)
		r.route.hear(r.now, path.Way{Channel: first.Channel}, newStamp(7, 7), 100)
		r.route.sendAt(r.now, nil)
	}); n != 0 {
		t.Errorf("%v allocations a packet, want none", n)
	}
}

// Who has sent by several ways does not take the far end's answer for a reason to
// go on: after a stall here, and at the beginning of a call.
func TestTheEchoOfOurCopiesIsNoReason(t *testing.T) {
	r := newRouteTest(t, direct, first)
	for range 100 {
		r.packet(direct)
	}
	for range 10 { // 200 ms of silence
		r.packet()
	}
	for range 20 {
		r.want("the far end answers", r.packet(direct, first), direct)
	}
	r = &routeTest{T: t, now: hal.Instant(time.Hour)}
	r.route = newMediaRoute(r.now, 0, &r.out)
	r.route.steer(r.now, ranked(first)[0], nil, ranked(second)[0])
	for range 10 {
		r.want("nothing is known", r.packet(first, second), first, second)
	}
	r.steer(first, second)
	for range 20 {
		r.want("both work", r.packet(first, second), first)
	}
}

// Two ends that send by all ways because they hear each other by all come to
// rest.
func TestTwoEchoesEnd(t *testing.T) {
	a, b := newRouteTest(t, direct, first), newRouteTest(t, direct, first)
	for range 100 {
		a.packet(direct)
		b.packet(direct)
	}
	from := []path.Way{direct, first} // one stall is enough to begin it
	last := 0
	for i := range 200 {
		from = b.packet(a.packet(from...)...)
		if len(from) > 1 {
			last = i
		}
	}
	if limit := int((echoLimit + 2*echoFor) / (20 * time.Millisecond)); last == 0 || last > limit {
		t.Errorf("sound goes by all ways for %d packets, want some, and %d at most", last, limit)
	}
}

// TestWhatAWayCosts adds up the headers that a packet has besides those of a
// session in IPv4 and UDP.
func TestWhatAWayCosts(t *testing.T) {
	six := path.Way{Addr: netip.MustParseAddrPort("[2001:db8::9]:4000")}
	mapped := path.Way{Addr: netip.MustParseAddrPort("[::ffff:203.0.113.9]:4000")}
	stream := path.Way{Stream: 3}
	for _, c := range []struct {
		name string
		w    MediaWay
		want int
	}{
		{"IPv4", MediaWay{Way: direct, Via: direct}, 0},
		{"IPv4 in a socket of both", MediaWay{Way: mapped, Via: mapped}, 0},
		{"IPv6", MediaWay{Way: six, Via: six}, 20},
		{"relay", MediaWay{Way: first, Via: direct}, 4},
		{"relay over IPv6", MediaWay{Way: first, Via: six}, 24},
		{"stream", MediaWay{Way: stream, Via: stream}, 48},
		{"relay in a stream", MediaWay{Way: first, Via: stream}, 52},
	} {
		r := newMediaRoute(0, 0, &outlet{})
		if got := r.extra(); got != 0 {
			t.Errorf("no way costs %d bytes", got)
		}
		r.steer(0, c.w, nil, MediaWay{})
		if got := r.extra(); got != c.want {
			t.Errorf("%s: %d bytes a packet, want %d", c.name, got, c.want)
		}
	}
}

// TestWhatKeepingWaysCosts: a direct way is asked from both ends every two
// seconds, a relay that stands by every five, and TCP answers what comes in a
// stream.
func TestWhatKeepingWaysCosts(t *testing.T) {
	r := newMediaRoute(0, 0, &outlet{})
	if got := r.beside(); got != 0 {
		t.Errorf("no way costs %d bytes a second", got)
	}
	near, home, stream := MediaWay{Way: direct, Via: direct}, MediaWay{Way: first, Via: direct}, MediaWay{Way: first, Via: path.Way{Stream: 3}}
	for _, c := range []struct {
		used    MediaWay
		standby []MediaWay
		want    int
	}{
		{near, nil, toHomes + 68},
		{near, []MediaWay{home}, toHomes + 68 + 72/5},
		{home, nil, toHomes + 72/2},
		{stream, nil, toHomes + (72+48+52)/2 + 5*52},
	} {
		r.steer(0, c.used, c.standby, MediaWay{})
		if got := r.beside(); got != c.want {
			t.Errorf("%v and %v: %d bytes a second, want %d", c.used.Way, c.standby, got, c.want)
		}
	}
}
