package call

import (
	"testing"

	"peerphone/node/wire"
)

// wantHold takes the outbox without Changed and compares the hold, too.
func (d *desk) wantHold(hold Hold, want ...Event) {
	d.t.Helper()
	d.want(want...)
	if v := d.calls.Current(); v.Hold != hold {
		d.t.Errorf("the call is %v, want %v", v.Hold, hold)
	}
}

// Either user holds the call, and takes back only his own hold.
func TestHold(t *testing.T) {
	d := newDesk(t)
	name := d.invite(7)
	d.calls.Hold(d.now, true)
	d.calls.Handle(d.now, 7, wire.Hold{Call: name, On: true})
	d.wantHold(Flowing)
	d.calls.Handle(d.now, 7, wire.Accept{Call: name, Codec: wire.CodecPCM16})
	d.calls.Take()

	here := func(on bool) { d.calls.Hold(d.now, on) }
	there := func(on bool) { d.calls.Handle(d.now, 7, wire.Hold{Call: name, On: on}) }
	here(true)
	d.wantHold(HeldHere, Send{7, wire.Hold{Call: name, On: true}}, Held{1, HeldHere})
	here(true)
	d.wantHold(HeldHere)
	there(true)
	d.wantHold(HeldBoth, Held{1, HeldBoth})
	here(false)
	d.wantHold(HeldThere, Send{7, wire.Hold{Call: name}}, Held{1, HeldThere})
	there(true)
	d.wantHold(HeldThere)
	d.calls.Handle(d.now, 7, wire.Hold{Call: wire.CallID{9}})
	d.calls.Handle(d.now, 8, wire.Hold{Call: name})
	d.wantHold(HeldThere)
	there(false)
	d.wantHold(Flowing, Held{1, Flowing})

	here(true)
	d.calls.HangUp(d.now)
	d.calls.Take()
	d.wantHold(Flowing)
	here(true)
	there(true)
	d.wantHold(Flowing)
	d.invite(9)
	d.wantHold(Flowing)
}
