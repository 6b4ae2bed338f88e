package call

// An input is what can happen to a call.
type input uint8

const (
	inDial input = iota
	inAnswer
	inHangUp
	inLocated
	inAbsent
	inConnected
	inUnreachable
	inInvite // from somebody who has nothing to do with this call
	inRival  // another Invite from the phone of this call
	inAgain  // this call's own Invite once more
	inRinging
	inAccept
	inReject
	inBye
	inMoved // the call's session goes on as another
	inLost
	inTimeout

	inputs = iota
)

// An act is what a call does about an input.
type act func(c *call, s signal)

// rules say what each input does in each state; nil ignores it.
type rules [states][inputs]act

// standard are the rules of State's drawing.
var standard = rules{
	Idle: {
		inDial: dial, inInvite: ring,
	},
	Searching: {
		inLocated: connect, inAbsent: absent, inRival: meet, inInvite: refuse,
		inHangUp: abandon, inTimeout: abandon,
	},
	Connecting: {
		inConnected: invite, inUnreachable: unreachable, inRival: meet, inInvite: refuse,
		inHangUp: abandon, inTimeout: abandon,
	},
	Inviting: {
		inRinging: ringback, inAccept: accepted, inReject: rejected, inBye: byed,
		inRival: cross, inInvite: refuse, inMoved: moved,
		inHangUp: hangUp, inLost: lost, inTimeout: hangUp,
	},
	RingingFar: {
		inAccept: accepted, inReject: rejected, inBye: byed,
		inRival: meet, inInvite: refuse, inMoved: moved,
		inHangUp: hangUp, inLost: lost, inTimeout: hangUp,
	},
	RingingHere: {
		inAnswer: answer, inReject: byed, inBye: byed,
		inAgain: repeat, inRival: ringAnew, inInvite: refuse, inMoved: moved,
		inHangUp: decline, inLost: lost, inTimeout: decline,
	},
	Talking: {
		inReject: byed, inBye: byed,
		inAgain: repeat, inRival: refuse, inInvite: refuse, inMoved: moved,
		inHangUp: hangUp, inLost: lost,
	},
	Ended: {
		inDial: dial, inInvite: ring, inAgain: disown,
	},
}
