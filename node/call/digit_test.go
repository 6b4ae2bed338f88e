package call

import (
	"testing"

	"peerphone/node/wire"
)

func TestDigits(t *testing.T) {
	d := newDesk(t)
	d.calls.Digit(d.now, '1')
	d.want()
	name := d.invite(7)
	d.calls.Digit(d.now, '2')
	d.calls.Handle(d.now, 7, wire.Digit{Call: name, Key: '3'})
	d.want()
	d.calls.Handle(d.now, 7, wire.Accept{Call: name, Codec: wire.CodecPCM16})
	d.want(StartMedia{1, 7, wire.CodecPCM16})

	d.calls.Digit(d.now, '4')
	d.want(Send{7, wire.Digit{Call: name, Key: '4'}}, Sounded{1, '4'})
	d.calls.Handle(d.now, 7, wire.Digit{Call: name, Key: '#'})
	d.want(Sounded{1, '#'})

	// Of another call, or in a session that is not this call's: nothing sounds.
	d.calls.Handle(d.now, 7, wire.Digit{Call: wire.CallID{9}, Key: '5'})
	d.calls.Handle(d.now, 8, wire.Digit{Call: name, Key: '5'})
	d.want()

	d.calls.HangUp(d.now)
	d.calls.Take()
	d.calls.Digit(d.now, '6')
	d.calls.Handle(d.now, 7, wire.Digit{Call: name, Key: '6'})
	d.want()
}
