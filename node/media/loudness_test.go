package media

import (
	"math"
	"testing"

	"peerphone/node/media/dsp"
)

// A tone is shown before the first second is over, and each second by itself.
func TestLoudness(t *testing.T) {
	var l loudness
	if got := l.level(); got != -96 {
		t.Errorf("nothing has %.2f dBFS", got)
	}
	say := func(amplitude float64, periods int) {
		var pcm [dsp.Unit]int16
		for i := range pcm {
			pcm[i] = int16(amplitude * math.Sin(2*math.Pi*float64(i)/16))
		}
		for range periods {
			l.add(pcm[:])
		}
	}
	want := func(what string, dB, within float64) {
		t.Helper()
		if got := l.level(); math.Abs(got-dB) > within {
			t.Errorf("%s: %.2f dBFS, want %.2f", what, got, dB)
		}
	}
	say(16384, 60)
	want("after 600 ms", -9.03, .1)
	say(16384, 40)
	want("after a second", -9.03, .02)
	say(164, 99)
	want("while the next one is under way", -9.03, .02)
	say(164, 1)
	want("after the next one", -49.02, .05)
	say(0, 100)
	want("after silence", -96, 0)
}
