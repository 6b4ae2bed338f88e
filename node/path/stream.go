package path

import (
	"net/netip"
	"slices"
	"time"

	"peerphone/node/wire"
)

const (
	// A session that goes by a stream looks for UDP after tryUDPFirst, then
	// after pauses that double up to tryUDPLast: a firewall may have been
	// changed, or the phone carried elsewhere.
	tryUDPFirst = 5 * time.Second
	tryUDPLast  = time.Minute
	// tryUDPTimes is how often a try asks, tryUDPPause the pause after the first:
	// as a rule in vain, for hours.
	tryUDPTimes = 3
	tryUDPPause = 200 * time.Millisecond
	// streamLinger is how long a stream is kept after the session has moved to
	// UDP, so that the peer can move as well.
	streamLinger = 10 * time.Second
)

// streamLeg is the TLS connection of a route. The zero value is none.
type streamLeg struct {
	id    StreamID
	udp   netip.AddrPort // where the peer takes UDP; not valid at who was dialled
	pause time.Duration  // after the last try

	// try is when udp is tried. Set by OpenStream and each try, cleared when
	// the route is Direct.
	try time.Time

	// drop is when the stream is given up. Set when the route becomes Direct,
	// where udp is known.
	drop time.Time
}

func (s *streamLeg) due() time.Time { return earlier(s.try, s.drop) }

// OpenStream begins the route of session ix in the stream id. Who has dialled
// names the address at which the peer takes UDP: it is tried now and then, and
// the session moves there when it answers.
func (t *Table) OpenStream(now time.Time, ix wire.Index, id StreamID, udp netip.AddrPort) {
	r := t.begin(ix)
	r.state, r.prober = Streaming, newProber()
	r.stream = streamLeg{id: id, udp: udp}
	r.best = t.bestOf(r)
	r.told = r.best
	if udp.IsValid() {
		r.stream.pause, r.stream.try = tryUDPFirst, now.Add(tryUDPFirst)
		t.arm(r)
	}
}

// StreamLost tells that the stream of session ix has ended. The route is
// Stranded unless it has moved before.
func (t *Table) StreamLost(now time.Time, ix wire.Index) {
	r := t.routes[ix]
	if r == nil {
		return
	}
	r.stream = streamLeg{}
	if r.state == Streaming {
		r.state, r.best, r.told = Stranded, Way{}, Way{}
	}
}

// overtaken notes that the route has an address now: UDP passes, and the other
// sessions that go by streams try it at once.
func (t *Table) overtaken(now time.Time, r *route) {
	r.stream.try = time.Time{}
	if r.stream.id == 0 || !r.stream.udp.IsValid() {
		return
	}
	r.stream.drop = now.Add(streamLinger)
	t.TryUDP(now)
}

// TryUDP tells that UDP may pass now: each session that goes by a stream tries
// it.
func (t *Table) TryUDP(now time.Time) {
	for _, ix := range t.streaming() {
		r := t.routes[ix]
		r.stream.pause = tryUDPFirst
		t.tryUDP(now, r)
	}
}

// streaming returns the sessions that go by a stream and look for UDP.
func (t *Table) streaming() []wire.Index {
	var list []wire.Index
	for _, r := range t.timed {
		if r.state == Streaming && !r.stream.try.IsZero() {
			list = append(list, r.ix)
		}
	}
	slices.Sort(list)
	return list
}

// tryUDP challenges the address at which the peer takes UDP.
func (t *Table) tryUDP(now time.Time, r *route) {
	s := &r.stream
	s.try = now.Add(s.pause)
	w := Way{Addr: s.udp}
	if r.prober.find(w) != nil {
		return
	}
	t.probe(now, r, w, credit{free: true}, 0)
	if q := r.prober.find(w); q != nil {
		q.sent, q.pause, q.at = 1+probeTries-tryUDPTimes, tryUDPPause, now.Add(tryUDPPause)
	}
}

// advanceStream tries UDP when that is due, and gives up a stream that is not
// needed any more. Of the streams that have been tried in vain one tries for all:
// what lies before them is the same firewall.
func (t *Table) advanceStream(now time.Time, r *route) {
	s := &r.stream
	if !s.try.IsZero() && !s.try.After(now) {
		first := s.pause == tryUDPFirst
		s.pause = min(2*s.pause, tryUDPLast)
		if all := t.streaming(); first || slices.Index(all, r.ix) == 0 {
			t.tryUDP(now, r)
		} else {
			s.try = now.Add(s.pause)
		}
	}
	if !s.drop.IsZero() && !s.drop.After(now) {
		t.emit(StreamEnd{Stream: s.id})
		*s = streamLeg{}
	}
}
