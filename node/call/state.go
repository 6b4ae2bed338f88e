package call

//go:generate go tool stringer -type=State,Reason -linecomment -output=state_string.go

// State is where a call is. Rules (rules.go) is this drawing as a table.
//
//	     Idle, Ended
//	     |         |
//	   Dial      Invite
//	     |         |  > Ringing
//	 Searching     |
//	     |         |
//	  Located      |
//	     |         |
//	Connecting     |
//	     |         |
//	 Connected     |
//	     | > Invite|
//	 Inviting      |
//	     |         |
//	  Ringing      |
//	     |         |
//	RingingFar  RingingHere
//	     |         |
//	   Accept    Answer
//	     |         |  > Accept
//	     Talking
//
// "> M" is a message sent to the far phone. An Accept may also come before
// Ringing. Glare: an Invite of the very phone that is being called is an
// answer. It leads from Searching, Connecting and RingingFar to Talking at
// once; of two Invites that cross (Inviting) the one with the smaller CallID
// stays, so that both phones choose the same.
//
// To Ended lead, with the reason:
//
//	Searching    Absent (NotFound, Unreachable), 10 s (Unreachable), HangUp
//	Connecting   Unreachable, 10 s (Unreachable), HangUp
//	Inviting     Reject (Busy, Declined, NoAnswer, NoCodec), Bye, 10 s
//	             (Unreachable) > Bye, HangUp > Bye, session lost (Vanished)
//	RingingFar   as Inviting, but 65 s (NoAnswer) > Bye
//	RingingHere  Bye (HungUpThere), 60 s (NoAnswer) > Reject, HangUp (Declined)
//	             > Reject, session lost (Vanished)
//	Talking      Bye, HangUp > Bye, session lost (Vanished)
//
// In Talking either user may hold the call (Hold).
//
// In RingingHere another Invite of the same phone takes the place of the first:
// it has one call at a time. In every state with a session the call goes on in
// another one with the same phone when that speaks of this call, or Moved says
// so.
//
// Everything else is ignored in that state, but for two things: an Invite of
// anybody else is answered with Reject(busy), and a Ringing or Accept of a call
// that is not this one with Bye, so that no far phone rings or talks for
// nobody.
type State uint8

// The states of a call.
const (
	Idle        State = iota // idle
	Searching                // searching
	Connecting               // connecting
	Inviting                 // inviting
	RingingFar               // ringing far
	RingingHere              // ringing here
	Talking                  // talking
	Ended                    // ended

	states = iota
)

// Live reports whether there is a call.
func (s State) Live() bool { return s != Idle && s != Ended }

// Reason says why a call ended.
type Reason uint8

// The reasons.
const (
	NoReason    Reason = iota // none
	Busy                      // busy
	Declined                  // declined
	NoAnswer                  // no answer
	NotFound                  // not found
	Unreachable               // unreachable
	Vanished                  // vanished
	HungUpHere                // we hung up
	HungUpThere               // hung up
	NoCodec                   // no codec in common
)
