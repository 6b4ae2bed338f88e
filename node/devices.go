package node

import (
	"context"
	"runtime"
	"time"

	"peerphone/hal"
	"peerphone/node/handset"
	"peerphone/node/media"
)

// latest is a box for one wish: a newer one takes the place of an older one
// that nobody has begun, so that a driver that was slow ends where it should.
// One goroutine puts, one takes.
type latest[T any] chan T

func (l latest[T]) put(wish T) {
	for {
		select {
		case l <- wish:
			return
		default:
		}
		select {
		case <-l: // overtaken
		default:
		}
	}
}

// sound is what the sound card shall do.
type sound struct {
	leg  *media.Leg // nil: the microphone is closed
	tone media.Tone
}

// driveSound does what the loop wishes of the sound card. It has its own
// goroutine: no screen or lamp may keep a microphone open.
func (n *Node) driveSound(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			n.engine.Talk(nil)
			n.engine.Tone(media.ToneNone)
			return
		case wish := <-n.sounds:
			n.engine.Tone(wish.tone)
			n.engine.Talk(wish.leg)
		}
	}
}

// driveFace shows what the loop wishes, off the loop.
func (n *Node) driveFace(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			n.darken()
			return
		case f := <-n.faces:
			n.showFace(f)
		}
	}
}

// darken leaves ringer and lamps off.
func (n *Node) darken() {
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
