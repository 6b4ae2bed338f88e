package call

import (
	"time"

	"peerphone/node/wire"
)

// Sounded says that a key was pressed during the call, here or there: its tone
// is to be heard.
type Sounded struct {
	ID  ID
	Key byte // one of "0123456789*#"
}

func (Sounded) event() {}

// Digit sends a key that our user has pressed. It does nothing unless we talk.
func (b *Calls) Digit(_ time.Time, key byte) {
	if b.call.state != Talking {
		return
	}
	b.out = append(b.out,
		Send{b.call.ix, wire.Digit{Call: b.call.name, Key: key}},
		Sounded{b.call.id, key})
}

// digit takes a key that the far user has pressed, in our call's own session.
func (b *Calls) digit(ix wire.Index, m wire.Digit) {
	if b.call.state == Talking && b.uses(ix) && b.call.name == m.Call {
		b.out = append(b.out, Sounded{b.call.id, m.Key})
	}
}
