package opus

import (
	"math/rand/v2"
	"testing"
)

// TestEncoderSendsSpeechTwice sends it twice when it is asked to, loss is
// expected, and the rate allows.
func TestEncoderSendsSpeechTwice(t *testing.T) {
	sound := heard(t)
	share := func(c EncoderConfig) float64 {
		c.Complexity, c.Bandwidth = 5, Wide
		packets := encodeAll(t, newEncoder(t, c), sound)
		twice := 0
		for _, p := range packets {
			info, err := Parse(p.data)
			if err != nil {
				t.Fatal(err)
			}
			if info.Redundant {
				twice++
			}
		}
		return float64(twice) / float64(len(packets))
	}
	for _, c := range []struct {
		config   EncoderConfig
		min, max float64
	}{
		{EncoderConfig{Bitrate: 24000, FEC: true, ExpectedLoss: 10}, 0.4, 1},
		{EncoderConfig{Bitrate: 24000, FEC: true, ExpectedLoss: 10, FrameMS: 60}, 0.4, 1},
		{EncoderConfig{Bitrate: 24000, FEC: true, ExpectedLoss: 10, CBR: true}, 0.4, 1},
		{EncoderConfig{Bitrate: 24000, FEC: true}, 0, 0},
		{EncoderConfig{Bitrate: 24000, ExpectedLoss: 10}, 0, 0},
		{EncoderConfig{Bitrate: 8000, FEC: true, ExpectedLoss: 10}, 0, 0},
	} {
		if got := share(c.config); got < c.min || got > c.max {
			t.Errorf("%+v: %.0f %% of the packets hold the one before, want %.0f to %.0f", c.config, 100*got, 100*c.min, 100*c.max)
		}
	}
}

// TestSpeechTwiceIsWorthIt loses a tenth of the packets: at one bit rate, what
// is heard with redundancy is more like what was said than without.
func TestSpeechTwiceIsWorthIt(t *testing.T) {
	sound := heard(t)
	like := func(fec bool) float64 {
		e := newEncoder(t, EncoderConfig{Bitrate: 24000, Complexity: 5, Bandwidth: Wide, FEC: fec, ExpectedLoss: 10})
		packets := encodeAll(t, e, sound)
		r := rand.New(rand.NewPCG(10, 1))
		lost := make([]bool, len(packets)+1)
		for i := range packets {
			lost[i] = r.IntN(10) == 0
		}
		d := newDecoder(t, 16000)
		var got []int16
		for i, p := range packets {
			pcm := make([]int16, 320)
			var err error
			switch {
			case !lost[i]:
				_, err = d.Decode(pcm, p.data)
			case i+1 < len(packets) && !lost[i+1]:
				err = d.DecodeFEC(pcm, packets[i+1].data)
			default:
				d.Conceal(pcm)
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, pcm...)
		}
		best, _ := likeness(got, sound)
		return best
	}
	with, without := like(true), like(false)
	t.Logf("likeness %.3f with redundancy, %.3f without", with, without)
	if with < without+0.02 {
		t.Errorf("likeness %.3f with redundancy, %.3f without", with, without)
	}
}
