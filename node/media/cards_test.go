package media

import (
	"math"
	"testing"
	"time"

	"peerphone/hal"
	"peerphone/node/wire"
)

// TestACallOnEveryCard says a tone into cards of all rates and hears it, from
// the far end, as loud as it was, and hardly anything else.
func TestACallOnEveryCard(t *testing.T) {
	const hz, peak = 1000, 8000
	for _, rate := range hal.Rates {
		onDesk(t, rate, func(d *desk) {
			n := 0
			d.card.Hear(func(pcm []int16) {
				for i := range pcm {
					pcm[i] = int16(peak * math.Sin(2*math.Pi*hz*float64(n)/float64(rate)))
					n++
				}
			})
			leg := NewLeg(wire.CodecPCM16, false)
			leg.SetRoute(&Route{Sender: mirror{leg}})
			d.engine.Talk(leg)
			d.wait(2 * time.Second)
			played := d.card.Played()
			if want := 2 * rate; len(played) < want-want/20 || len(played) > want+want/20 {
				t.Errorf("%d Hz: %d samples in 2 s", rate, len(played))
			}
			for last := played[len(played)-rate/2:]; len(last) >= rate/50; last = last[rate/50:] {
				// While clocks are evened out the phase moves a little.
				level, rest := sineIn(last[:rate/50], hz, rate)
				if math.Abs(20*math.Log10(level/peak)) > 0.3 || rest > peak/20 {
					t.Fatalf("%d Hz: heard %.0f, and %.0f of other sound, want %v", rate, level, rest, peak)
				}
			}
		})
	}
}

// sineIn finds the amplitude of the sine of hz in pcm, and that of all else.
func sineIn(pcm []int16, hz, rate int) (level, rest float64) {
	var re, im, all float64
	for i, s := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * float64(hz) * float64(i) / float64(rate))
		re, im, all = re+float64(s)*cos, im+float64(s)*sin, all+float64(s)*float64(s)
	}
	n := float64(len(pcm))
	level = 2 * math.Hypot(re, im) / n
	return level, math.Sqrt(max(0, 2*all/n-level*level))
}
