package node

import (
	"context"
	"runtime"
	"time"

	"peerphone/hal"
	"peerphone/node/handset"
	"peerphone/node/media"
)

// driveHardware carries out what the loop asks of drivers, in order, so that a
// slow lamp or screen never holds the loop up.
func (n *Node) driveHardware(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			n.silence()
			return
		case work := <-n.hardware:
			work()
		}
	}
}

// drive queues work for the drivers. The queue holds more than a handset can
// ask for in a second; beyond that the oldest picture is worth nothing.
func (n *Node) drive(work func()) {
	select {
	case n.hardware <- work:
	default:
		n.log.Warn("hardware is behind; a change was not shown")
	}
}

// silence leaves the hardware quiet and dark.
func (n *Node) silence() {
	if n.engine != nil {
		n.engine.Talk(nil)
		n.engine.Tone(media.ToneNone)
	}
	if r := n.devices.Ringer; r != nil {
		r.Ring(false)
	}
	for _, l := range n.devices.Lamps {
		l.Light(hal.Off)
	}
}

// showFace puts a face on the hardware. A driver's error is logged; the phone
// goes on without that lamp.
func (n *Node) showFace(f handset.Face) {
	if n.engine != nil {
		n.engine.Tone(tones[f.Tone])
	}
	if r := n.devices.Ringer; r != nil {
		n.report("ringer", r.Ring(f.Ringing))
	}
	for name, light := range f.Lamps {
		if l := n.devices.Lamps[name]; l != nil {
			n.report("lamp", l.Light(light))
		}
	}
	if f.Ringing {
		runtime.GC() // so that none is due while the call's first words are spoken
	}
	if s := n.devices.Screen; s != nil {
		n.report("screen", s.Show(f.Lines))
	}
}

func (n *Node) report(part string, err error) {
	if err != nil {
		n.log.Warn("hardware", "part", part, "error", err)
	}
}

// tones gives each tone of the handset its sound.
var tones = map[handset.Tone]media.Tone{
	handset.Silent:     media.ToneNone,
	handset.DialTone:   media.ToneDial,
	handset.Ringback:   media.ToneRingback,
	handset.Busy:       media.ToneBusy,
	handset.Congestion: media.ToneCongestion,
	handset.Howler:     media.ToneCongestion, // at the level of a tone: nobody's ear shall suffer
}

// readKeys brings keys and hook to the loop.
func (n *Node) readKeys(ctx context.Context) {
	var keys <-chan hal.KeyEvent
	var hook <-chan hal.HookEvent
	if n.devices.Keypad != nil {
		keys = n.devices.Keypad.Keys()
	}
	if n.devices.Hook != nil {
		hook = n.devices.Hook.Hook()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case k, ok := <-keys:
			if !ok {
				keys = nil
			} else if k.Down {
				n.enter(ctx, func(c *Core, now time.Time) { c.Key(now, k.Key) })
			}
		case h, ok := <-hook:
			if !ok {
				hook = nil
			} else {
				n.enter(ctx, func(c *Core, now time.Time) { c.Hook(now, h.Lifted) })
			}
		}
	}
}

// enter gives the loop an input that must not be lost.
func (n *Node) enter(ctx context.Context, in input) {
	select {
	case n.in <- in:
	case <-ctx.Done():
	}
}
