package call

import (
	"fmt"
	"strings"
	"testing"

	"peerphone/node/wire"
)

// The mutations are faults that somebody could make in the rules. The searches
// must find every one of them; if they do not, they prove nothing.
var mutations = []struct {
	name   string
	mutate func(r *rules)
}{
	{"a lost session goes unnoticed", func(r *rules) { r[Talking][inLost] = nil }},
	{"two Invites that cross are both accepted", func(r *rules) { r[Inviting][inRival] = meet }},
	{"hanging up leaves the microphone open", func(r *rules) {
		r[Talking][inHangUp] = func(c *call, s signal) {
			c.send(c.ix, wire.Bye{Call: c.name})
			c.emit(parted{c.ix, c.peer.Device, lingerFor})
			c.ix, c.reason, c.ended = 0, HungUpHere, s.now
			c.enter(s.now, Ended, 0)
		}
	}},
	{"a call answers itself", func(r *rules) { r[RingingHere][inTimeout] = answer }},
	{"a call is answered after it has ended", func(r *rules) { r[Ended][inAnswer] = answer }},
	{"ringing has no end", func(r *rules) {
		r[Idle][inInvite] = func(c *call, s signal) {
			ring(c, s)
			c.enter(s.now, RingingHere, 0)
		}
	}},
	{"hanging up is not told", func(r *rules) {
		r[RingingFar][inHangUp] = func(c *call, s signal) {
			c.ix = 0
			c.end(s.now, HungUpHere, nil)
		}
	}},
	{"a second caller takes the place of the first", func(r *rules) { r[Talking][inInvite] = ring }},
	{"a late answer revives a call", func(r *rules) { r[Ended][inLocated] = connect }},
	{"the old session stays after a move", func(r *rules) { r[Talking][inMoved] = nil }},
	{"the microphone opens before the far user agrees", func(r *rules) { r[Inviting][inRinging] = accepted }},
	{"an abandoned call goes on", func(r *rules) { r[Connecting][inHangUp] = nil }},
	{"an Invite of the phone that is called is refused", func(r *rules) { r[Connecting][inRival] = refuse }},
}

func TestMutations(t *testing.T) {
	if raceDetector {
		t.Skip("one goroutine: nothing to race with")
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			r := standard
			m.mutate(&r)
			found := hunt(&r)
			if found == "" {
				t.Fatal("the searches do not see it")
			}
			t.Log(found)
		})
	}
}

// hunt runs the searches until one finds fault with r.
func hunt(r *rules) string {
	once := everything
	once.sessions, once.queue, once.dials = 3, 4, 1
	glare := newTown(r, &faults{nobody: true, sessions: 2, queue: 6})
	glare.dial(0)
	glare.dial(1)
	for _, s := range []struct {
		name  string
		start model
	}{{"glare", glare}, {"town", newTown(r, &once)}, {"hermit", newHermit(r)}} {
		if states, _, wrong := explore(s.start, 500_000); wrong != "" {
			return fmt.Sprintf("%s, after %d states: %s", s.name, states, lastLine(wrong))
		}
	}
	return ""
}

func lastLine(s string) string { return s[strings.LastIndexByte(s, '\n')+1:] }
