package judge

import (
	"testing"
	"time"

	"peerphone/firmware/lab/speech"
)

// TestFollow finds the delay of each word where a buffer leaves out 8 ms of each
// second, and waits 200 ms more from the fifth on.
func TestFollow(t *testing.T) {
	said := from(recording(t, speech.Kitchen))
	late := func(sample int) int {
		wait := samples(300*time.Millisecond) - sample/Rate*samples(8*time.Millisecond)
		if sample >= 5*Rate {
			wait += samples(200 * time.Millisecond)
		}
		return wait
	}
	played := make([]int16, len(said.PCM)+Rate)
	for i, v := range said.PCM {
		played[i+late(i)] = v
	}
	course := Follow(said, from(played))
	loud, wrong := 0, 0
	for at := 0; at+frameLen <= len(said.PCM); at += frameLen {
		if level(said.PCM, at) < -40 {
			continue // silence lies well anywhere
		}
		loud++
		if course.Later(at) != late(at) {
			wrong++
		}
	}
	if wrong > loud/20 {
		t.Errorf("the delay of %d of %d frames is wrong", wrong, loud)
	}
	if got, want := course.Delay, 360*time.Millisecond; got < want-20*time.Millisecond || got > want+20*time.Millisecond {
		t.Errorf("%v in the mean, want %v", got, want)
	}
}

// TestFollowShort lays a word that is shorter than what the delay is looked for with.
func TestFollowShort(t *testing.T) {
	word := recording(t, speech.Kitchen)[Rate : Rate+Rate/4]
	if got, want := Follow(from(word), heard(word, 120*time.Millisecond)).Later(0), samples(120*time.Millisecond); got != want {
		t.Errorf("%d samples late, want %d", got, want)
	}
	if got := Follow(from(nil), from(nil)).Later(7); got != 0 {
		t.Errorf("nothing is %d samples late", got)
	}
}
