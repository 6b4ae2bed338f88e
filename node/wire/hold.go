package wire

const kindHold Kind = 0x3b // between two phones

// Hold tells the far phone of a call that our user has put it on hold, or has
// taken it back: while either user holds a call no sound is sent.
type Hold struct {
	Call CallID `cbor:"1,keyasint"`
	On   bool   `cbor:"2,keyasint"`
}

// Kind implements Message.
func (Hold) Kind() Kind { return kindHold }

func (Hold) check() error { return nil }
