package media

import (
	"testing"
	"time"

	"peerphone/node/media/dsp"
	"peerphone/node/wire"
)

// TestKeysSound presses keys during a call and listens to the speaker with the
// detector of telephone exchanges.
func TestKeysSound(t *testing.T) {
	onDesk(t, 16000, func(d *desk) {
		d.engine.Talk(NewLeg(wire.CodecPCM16, false))
		d.wait(100 * time.Millisecond)
		d.card.Played()
		const pressed = "1590*#"
		for _, key := range []byte(pressed) {
			d.engine.Key(key)
		}
		d.wait(1500 * time.Millisecond)
		var detector dsp.DTMFDetector
		var heard []byte
		for pcm := d.card.Played(); len(pcm) >= dsp.Unit; pcm = pcm[dsp.Unit:] {
			if key := detector.Hear(pcm[:dsp.Unit]); key != 0 {
				heard = append(heard, key)
			}
		}
		if string(heard) != pressed {
			d.Errorf("heard %q, want %q", heard, pressed)
		}
	})
}

// TestKeysAreBounded: whoever leans on the keypad does not fill the memory, and
// never blocks the control loop.
func TestKeysAreBounded(t *testing.T) {
	onDesk(t, 16000, func(d *desk) {
		for range 10 * keyQueue {
			d.engine.Key('5')
		}
	})
}
