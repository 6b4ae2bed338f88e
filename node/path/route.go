package path

import (
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

//go:generate go tool stringer -type=State,laneState,probeState,SurveyState,sprayState,freshState -output=state_string.go

// State says how far a route has got.
//
//	  OpenLanes           a lane answered          a challenge was answered
//	------------> Opening ----------------> Laned --------------------------> Direct
//	                 |   <-- Open(lane) -->   |                                 ^
//	                 | the last lane ended    |                                 |
//	                 +-------> Stranded <-----+                     Open(address)
//	                             ^  AddHome: Opening
//	                             |  a frame by a lane: Laned
//	                             |  a challenge was answered: Direct
//	  OpenStream                 | StreamLost
//	------------> Streaming -----+
//	                 | a challenge was answered: Direct
//
// From Opening, Laned and Stranded a frame through a relay leads to Relayed; there
// a challenge that was answered at an address leads to Direct. When the last relay
// is lost, back to the lanes, or to Stranded. Nominate leads from Direct to
// Relayed, when the address is silent and sound comes by a relay, and back.
//
// A Direct route stays Direct; its address changes when another one has
// answered a challenge and the old one is silent.
type State uint8

// The states of a route.
const (
	Opening   State = iota // lanes are tried, none has answered
	Laned                  // frames go by a lane that has answered
	Direct                 // frames go to an address
	Stranded               // every lane has ended, and there is no address
	Streaming              // frames go through a TLS connection
	Relayed                // frames go through a pair relay
)

// route is how the frames of one session go.
//
// What a direct way needs for each packet comes first.
type route struct {
	ix     wire.Index
	state  State
	prober *prober   // nil: no direct way is permitted
	heard  time.Time // when something last came by at
	at     Way       // in state Direct
	trial  Way       // by which the peer seems to send now; zero: none. Unproven, challenged
	best   Way

	told     Way         // last Moved, or what Open said
	target   identity.ID // whom our lanes lead to; zero: the peer opened the lanes
	lanes    []*lane     // by preference; at most maxLanes
	attempts int         // lanes added in all; at most maxAttempts
	flight   [][]byte    // last frames sent by lanes with no sign of the peer since; at most maxFlight

	// race is when the next waiting lane is opened. Set when a lane is opened
	// and another one waits, cleared when a lane answers.
	race time.Time

	// giveUp is when a stranded callee is told Unreachable. Set when its last
	// lane ends, cleared when a frame comes by any way.
	giveUp time.Time
	why    wire.LaneRefusal // of the lane that ended last

	// seek is when the peer's candidates are tried again. Set when the last way
	// dies, cleared once it is due and there is one again.
	seek time.Time

	stream streamLeg // in state Streaming, and for a while after it

	relays []*relayed // by order; at most maxRelayed
	chosen *relayed   // nominated; nil: the first that works
	ways   *Ways      // the last that were told; nil: none were
}

// due returns the earliest of the route's timers; zero: none is set.
func (r *route) due() time.Time {
	due := earlier(earlier(r.race, r.giveUp), earlier(r.seek, r.stream.due()))
	for _, l := range r.lanes {
		due = earlier(due, l.end)
	}
	for _, q := range r.relays {
		due = earlier(due, r.checks(q))
	}
	if r.prober != nil {
		due = earlier(due, r.prober.due())
	}
	return due
}
