package path

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// Config is what a Table or an Introducer needs.
type Config struct {
	Rand io.Reader // lane numbers and tokens
}

// Counters count what a Table dropped, and why. They only grow.
type Counters struct {
	NoRoute   uint64 // frames for or from a session that has no route here
	NoWay     uint64 // frames that were kept, or dropped, because no lane was left
	TooLong   uint64 // frames that fit no lane
	Unasked   uint64 // responses, frames and refusals of lanes that nobody asked for
	Withheld  uint64 // direct frames of a peer that may not have a direct way
	Malformed uint64 // path payloads
	Limited   uint64 // challenges and sources beyond the limits
}

// Table holds the routes of all sessions. The zero value is not usable.
type Table struct {
	rand     io.Reader
	routes   map[wire.Index]*route
	latest   *route        // that was looked for: a packet asks for one several times; nil: none, or it is gone
	laned    []*route      // routes with lanes, by age
	timed    []*route      // routes with a timer that is set
	narrow   bool          // the line of a call has room for little else
	patience time.Duration // with a lane
	sockets  []Socket      // one for each uplink
	gates    wire.Index    // whose spray has sockets open; 0: nobody's
	owed     owed          // while a challenge is dealt with
	out      []Event
	counters Counters
}

// laneKey names one leg of an attempt.
type laneKey struct {
	home    wire.Index
	attempt uint32
}

// New returns an empty Table.
func New(cfg Config) *Table {
	return &Table{rand: cfg.Rand, routes: map[wire.Index]*route{}, sockets: []Socket{0}}
}

// Take returns what has been asked since the last Take, oldest first.
func (t *Table) Take() []Event {
	out := t.out
	t.out = nil
	return out
}

// Counters returns the counters.
func (t *Table) Counters() Counters { return t.counters }

// Narrow tells whether our line is a narrow one, on which challenges and their
// answers are late, and kept back for the sake of sound: relays are borne for longer
// there. Sound that stays away is found out without them.
func (t *Table) Narrow(on bool) { t.narrow = on }

// Len returns the number of routes.
func (t *Table) Len() int { return len(t.routes) }

// Open begins the route of session ix, whose frames go by w: the address that
// node dials, or the way by which a peer's first frame came. A session that
// came by a lane has no direct way until Permit or Candidates.
func (t *Table) Open(now time.Time, ix wire.Index, w Way) {
	r := t.begin(ix)
	switch {
	case w.Direct():
		r.state, r.at, r.heard = Direct, w, now
		r.prober = newProber()
	case w.IsLane():
		r.state = Laned
		t.addLane(r, &lane{home: w.Home, attempt: w.Attempt, state: laneAnswered})
	}
	r.best = t.bestOf(r)
	r.told = r.best
}

// OpenLanes begins the route of session ix to the node target through its
// homes: sessions with them that are up, the best first. The first is tried
// with the first frame, each further one after 150 ms, or Patience, without an answer, or at
// once when a lane is refused.
func (t *Table) OpenLanes(now time.Time, ix wire.Index, target identity.ID, homes []wire.Index) {
	r := t.begin(ix)
	r.state, r.target = Opening, target
	for _, home := range homes {
		t.AddHome(now, ix, home)
	}
}

func (t *Table) begin(ix wire.Index) *route {
	t.drop(ix)
	r := &route{ix: ix}
	t.routes[ix], t.latest = r, r
	return r
}

// Shut ends the route of session ix, and its stream after the last frame.
func (t *Table) Shut(now time.Time, ix wire.Index) {
	if r := t.routes[ix]; r != nil && r.stream.id != 0 {
		t.emit(StreamEnd{Stream: r.stream.id})
	}
	t.shutGates(ix)
	t.drop(ix)
}

func (t *Table) drop(ix wire.Index) {
	r := t.routes[ix]
	if r == nil {
		return
	}
	delete(t.routes, ix)
	t.latest = nil
	t.laned = without(t.laned, r)
	t.timed = without(t.timed, r)
}

// find returns the route of a session; nil: there is none.
func (t *Table) find(ix wire.Index) *route {
	if t.latest == nil || t.latest.ix != ix {
		t.latest = t.routes[ix]
	}
	return t.latest
}

// Way returns the way by which frames of session ix go now.
func (t *Table) Way(ix wire.Index) (Way, bool) {
	r := t.find(ix)
	if r == nil || r.best.IsZero() {
		return Way{}, false
	}
	return r.best, true
}

// State returns where the route of session ix stands.
func (t *Table) State(ix wire.Index) (State, bool) {
	r := t.routes[ix]
	if r == nil {
		return Opening, false
	}
	return r.state, true
}

// Send carries a frame of session ix by its best way; the Table owns frame
// from then on. Media do not pass here: they follow Moved.
func (t *Table) Send(now time.Time, ix wire.Index, frame []byte) {
	r := t.find(ix)
	if r == nil {
		t.counters.NoRoute++
		return
	}
	switch r.state {
	case Direct:
		t.sendDirect(r, frame)
		return
	case Streaming:
		t.emit(StreamFrame{Stream: r.stream.id, Frame: frame})
		return
	case Relayed:
		t.sendByRelay(now, r.best, frame)
		return
	}
	if len(frame) > wire.MaxInner {
		t.counters.TooLong++
		return
	}
	t.sendByLane(now, r, frame)
}

// sendDirect sends by the way in use, and by where the peer seems to have moved.
func (t *Table) sendDirect(r *route, frame []byte) {
	t.emit(UDP{Socket: r.at.Socket, Addr: r.at.Addr, Frame: frame})
	if r.trial.IsZero() {
		return
	}
	if q := r.prober.find(r.trial); q != nil && q.credit.spend(len(frame)) {
		t.emit(UDP{Socket: r.trial.Socket, Addr: r.trial.Addr, Frame: frame})
	}
}

// sorted returns all sessions, in an order that does not depend on the map's.
func (t *Table) sorted() []wire.Index { return slices.Sorted(maps.Keys(t.routes)) }

// Heard tells that an authentic frame of session ix, of size bytes, came by w: one that its
// channel opened, or a handshake frame that session accepted. Node calls it
// before it hands on what was in the frame, but for path payloads that came
// directly: they tell more than that, to Payload.
func (t *Table) Heard(now time.Time, ix wire.Index, w Way, size int) {
	r := t.find(ix)
	switch {
	case r == nil:
		t.counters.NoRoute++
	case w.IsLane():
		t.heardLane(now, r, w)
	case w.IsRelay():
		t.heardRelay(now, r, w)
	case w.Direct():
		t.heardDirect(now, r, w, size)
	}
}

// Next returns when Advance wants to be called; zero: never.
func (t *Table) Next() time.Time {
	var next time.Time
	for _, r := range t.timed {
		next = earlier(next, r.due())
	}
	return next
}

// Advance fires what is due.
func (t *Table) Advance(now time.Time) {
	for _, r := range slices.Clone(t.timed) {
		if due := r.due(); !due.IsZero() && !due.After(now) {
			t.advanceLanes(now, r)
			t.advanceProbes(now, r)
			t.advanceStream(now, r)
			t.advanceRelays(now, r)
			t.advanceSeek(now, r)
		}
	}
	t.timed = slices.DeleteFunc(t.timed, func(r *route) bool { return r.due().IsZero() })
}

// arm makes Next and Advance look at r.
func (t *Table) arm(r *route) {
	if !slices.Contains(t.timed, r) {
		t.timed = append(t.timed, r)
	}
}

func (t *Table) emit(e Event) { t.out = append(t.out, e) }

// settle tells the best way when it works and is another than was told.
func (t *Table) settle(r *route) {
	r.best = t.bestOf(r)
	if r.state != Opening && !r.best.IsZero() && r.best != r.told {
		r.told = r.best
		t.emit(Moved{Index: r.ix, Way: r.best})
	}
	t.tellWays(r)
}

func (t *Table) bestOf(r *route) Way {
	switch r.state {
	case Direct:
		return r.at
	case Streaming:
		return Way{Stream: r.stream.id}
	case Relayed:
		if q := r.bestRelay(); q != nil {
			return q.way
		}
	}
	if l := r.bestLane(); l != nil {
		return Way{Home: l.home, Attempt: l.attempt}
	}
	return Way{}
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// draw32 draws a number that is not 0.
func draw32(rand io.Reader) uint32 {
	for {
		var b [4]byte
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			panic(fmt.Sprintf("path: no randomness: %v", err))
		}
		if n := binary.BigEndian.Uint32(b[:]); n&^homeBit != 0 {
			return n
		}
	}
}

func without[T comparable](s []T, x T) []T {
	if i := slices.Index(s, x); i >= 0 {
		return slices.Delete(s, i, i+1)
	}
	return s
}
