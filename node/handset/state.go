package handset

//go:generate go tool stringer -type=state,Tone,Phase,Reason,LineState -linecomment -output=state_string.go

// state is what the handset is doing.
//
//	receiver on the hook        HereRinging
//	            onHook ----------------------> alerting
//	             |  ^                             |  |
//	        lift |  '-------- call over ----------'  | lift > Answer
//	             v                                   v
//	         dialling <---- '*' ----.            answering
//	             | first digit      |                |
//	             v                  |                |
//	         collecting ------------'                |
//	             | '#' or 4 s > Dial                 |
//	             v                                   |
//	          calling                                |
//	             '-------- view Talking -------------'
//	                           v
//	                        talking
//	                           | view Over; also from calling, answering
//	                           v
//	                        finished
//
// Also: '#' in dialling redials the last number (> Dial); a number that cannot
// be one leads from collecting to finished; dialling and finished go on to
// howling after 60 s, and that to parked. Putting the receiver back leads from
// everywhere to onHook, > HangUp if there was a call.
//
// "> E" is an event of ours.
type state uint8

const (
	onHook     state = iota // on hook
	alerting                // alerting
	dialling                // dialling
	collecting              // collecting
	calling                 // calling
	answering               // answering
	talking                 // talking
	finished                // finished
	howling                 // howling
	parked                  // parked
)

// lifted reports whether the receiver is off.
func (s state) lifted() bool { return s > alerting }

// Tone is what the ear hears apart from a voice; the names are those of ITU-T
// E.180. Media knows how each sounds.
type Tone uint8

// The tones.
const (
	Silent     Tone = iota // silent
	DialTone               // dial
	Ringback               // ringback
	Busy                   // busy
	Congestion             // congestion
	Howler                 // howler
)

// Phase is how far a call is, as far as a handset minds.
type Phase uint8

// The phases of a call.
const (
	None        Phase = iota // none
	Calling                  // calling
	FarRinging               // far ringing
	HereRinging              // here ringing
	Talking                  // talking
	Over                     // over
)

// live reports whether there is a call.
func (p Phase) live() bool { return p != None && p != Over }

// Reason says why a call is over.
type Reason uint8

// The reasons.
const (
	NoReason          Reason = iota // none
	ReasonBusy                      // busy
	ReasonDeclined                  // declined
	ReasonNoAnswer                  // no answer
	ReasonNotFound                  // not found
	ReasonUnreachable               // unreachable
	ReasonVanished                  // vanished
	ReasonHungUpHere                // we hung up
	ReasonHungUpThere               // hung up
	ReasonNoCodec                   // no codec in common
)

// LineState is how the phone stands with its network.
type LineState uint8

// The states of the line.
const (
	LoggingIn LineState = iota // logging in
	Attaching                  // attaching
	Ready                      // ready
	Trouble                    // trouble
)
