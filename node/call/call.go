package call

import (
	"io"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// How long a call waits in each state.
const (
	searchFor  = 10 * time.Second
	connectFor = 10 * time.Second
	inviteFor  = 10 * time.Second
	ringFor    = 60 * time.Second
	// ringbackFor leaves the far phone time to say itself that nobody answers.
	ringbackFor = 65 * time.Second
	// lingerFor is how long the session is kept for the last message to arrive;
	// as a rule the far phone closes it within one round trip.
	lingerFor = 3 * time.Second
)

// A side says which end of the Invite we are. It may differ from who dialled:
// of two phones that dial each other one becomes the invited.
type side uint8

const (
	inviter side = iota
	invited
)

// call is the state machine of one call. Its zero value but for the constants
// is Idle.
type call struct {
	// Constant after construction.
	rules  *rules
	rand   io.Reader
	codecs []wire.Codec // that we can send and hear, the best first
	self   Peer

	state  State
	id     ID
	reason Reason
	side   side
	name   wire.CallID // from Inviting and RingingHere on
	peer   Peer
	ix     wire.Index // from Inviting and RingingHere until Ended
	codec  wire.Codec // from RingingHere (invited) or Talking on
	hold   Hold       // in Talking
	// deadline is set on entering a state that waits, cleared on entering
	// Talking and Ended, and fires inTimeout.
	deadline                       time.Time
	dialled, rang, answered, ended time.Time

	out []Event
}

// A signal is an input with what belongs to it.
type signal struct {
	now   time.Time
	input input
	ix    wire.Index  // session that it came by or is about
	to    wire.Index  // inMoved
	peer  Peer        // inDial (Number), inLocated, Invites
	name  wire.CallID // messages
	codec wire.Codec  // inAccept; Invites: the one that we choose
	code  wire.RejectCode
	why   Reason // inAbsent
}

func (c *call) step(s signal) {
	if do := c.rules[c.state][s.input]; do != nil {
		do(c, s)
	}
}

func (c *call) emit(e Event) { c.out = append(c.out, e) }

func (c *call) send(ix wire.Index, m wire.Message) { c.emit(Send{ix, m}) }

// enter changes the state; wait is how long it may last, 0 for ever.
func (c *call) enter(now time.Time, to State, wait time.Duration) {
	c.state, c.deadline = to, time.Time{}
	if wait > 0 {
		c.deadline = now.Add(wait)
	}
	c.emit(Changed{c.view()})
}

func (c *call) view() View {
	return View{
		State: c.state, ID: c.id, Peer: c.peer, Reason: c.reason, Codec: c.codec, Hold: c.hold, Index: c.ix,
		Dialled: c.dialled, Rang: c.rang, Answered: c.answered, Over: c.ended,
	}
}

// begin forgets the call before and starts the next.
func (c *call) begin(peer Peer) {
	*c = call{
		rules: c.rules, rand: c.rand, codecs: c.codecs, self: c.self,
		id: c.id + 1, peer: peer, out: c.out,
	}
}

// end ends the call; farewell, if any, is sent, and the session kept until it
// can have arrived.
func (c *call) end(now time.Time, why Reason, farewell wire.Message) {
	if c.state == Talking {
		c.emit(StopMedia{c.id})
	}
	var linger time.Duration
	if farewell != nil {
		c.send(c.ix, farewell)
		linger = lingerFor
	}
	ix := c.ix
	c.ix, c.reason, c.ended, c.hold = 0, why, now, Flowing
	c.enter(now, Ended, 0)
	if ix != 0 {
		c.emit(parted{ix, c.peer.Device, linger})
	}
}

// relation tells what an Invite has to do with this call.
func (c *call) relation(from Peer, name wire.CallID) input {
	switch {
	case c.state > Connecting && c.name == name && c.peer.Device == from.Device:
		return inAgain
	case c.state == Searching && (c.peer.Number == from.Number || c.peer.Number == from.Name):
		return inRival
	case c.state == Connecting && c.peer.Account == from.Account:
		return inRival
	case c.state > Connecting && c.state.Live() && c.peer.Device == from.Device:
		return inRival
	}
	return inInvite
}

// choose returns the first of the far phone's codecs that we have.
func choose(theirs, ours []wire.Codec) (wire.Codec, bool) {
	for _, codec := range theirs {
		if slices.Contains(ours, codec) {
			return codec, true
		}
	}
	return 0, false
}

func (c *call) isSelf(p Peer) bool {
	return p.Number != "" && (p.Number == c.self.Number || p.Number == c.self.Name) ||
		!p.Account.IsZero() && p.Account == c.self.Account
}

// valid reports whether text can be dialled: a number or a name.
func valid(text string) bool {
	if _, err := identity.ParseNumber(text); err == nil {
		return true
	}
	_, err := identity.ParseName(text)
	return err == nil
}
