package opus

import (
	"fmt"
	"reflect"
	"testing"
)

// TestEncoderKeepsTheRate encodes eleven seconds of speech, a third of them
// pauses, at every complexity: what is sent is within 5 % of what was asked for.
func TestEncoderKeepsTheRate(t *testing.T) {
	sound := heard(t)
	sound = append(append(sound, sound...), sound...)
	configs := []EncoderConfig{
		{Bitrate: 12000, Complexity: 2, Bandwidth: Wide}, {Bitrate: 16000, Complexity: 5, Bandwidth: Wide},
		{Bitrate: 12000, Complexity: 5, Bandwidth: Wide, FrameMS: 60}, {Bitrate: 24000, Complexity: 5, Bandwidth: Wide, FrameMS: 10},
		{Bitrate: 12000, Complexity: 5, Bandwidth: Narrow}, {Bitrate: 16000, Complexity: 5, Bandwidth: Medium},
		{Bitrate: 8000, Complexity: 0, Bandwidth: Wide, CBR: true}, {Bitrate: 24000, Complexity: 10, Bandwidth: Wide, CBR: true},
		{Bitrate: 24000, Complexity: 5, Bandwidth: Wide, FEC: true, ExpectedLoss: 20},
	}
	for complexity := range MaxComplexity + 1 {
		configs = append(configs, EncoderConfig{Bitrate: 8000, Complexity: complexity, Bandwidth: Wide},
			EncoderConfig{Bitrate: 24000, Complexity: complexity, Bandwidth: Wide})
	}
	for _, c := range configs {
		e := newEncoder(t, c)
		got := bitrateOf(encodeAll(t, e, sound), e.Config().FrameMS)
		if off := got - c.Bitrate; 20*max(off, -off) > c.Bitrate {
			t.Errorf("%+v: %d bit/s", c, got)
		}
	}
}

// TestEncoderFollowsANewRate changes the rate in the middle: the second half has
// the new one.
func TestEncoderFollowsANewRate(t *testing.T) {
	sound := heard(t)
	sound = append(sound, sound...)
	for _, path := range [][2]int{{10000, 24000}, {24000, 10000}} {
		t.Run(fmt.Sprint(path), func(t *testing.T) {
			e := newEncoder(t, EncoderConfig{Bitrate: path[0], Complexity: 2, Bandwidth: Wide})
			encodeAll(t, e, sound)
			if err := e.SetBitrate(path[1]); err != nil {
				t.Fatal(err)
			}
			got := bitrateOf(encodeAll(t, e, sound), 20)
			if off := got - path[1]; 20*max(off, -off) > path[1] {
				t.Errorf("%d bit/s", got)
			}
		})
	}
}

// TestEncoderKeepsToABound: no packet is larger, whatever is said, but for what
// MinBitrate needs; without a bound they are as before.
func TestEncoderKeepsToABound(t *testing.T) {
	sound := heard(t)[:2*16000]
	for _, ms := range []int{10, 20, 60, 120} {
		config := EncoderConfig{Bitrate: 20000, Bandwidth: Wide, FrameMS: ms}
		least := bitsFor(MinBitrate, ms) / 8
		for _, most := range []int{1, least + 5, 2 * least} {
			e := newEncoder(t, config)
			e.Bound(most)
			for i, p := range encodeAll(t, e, sound) {
				if len(p.data) > max(most, least) {
					t.Errorf("%d ms: packet %d has %d bytes, want %d at most", ms, i, len(p.data), max(most, least))
				}
			}
		}
		free, bounded := newEncoder(t, config), newEncoder(t, config)
		bounded.Bound(maxPacket)
		if a, b := encodeAll(t, free, sound), encodeAll(t, bounded, sound); !reflect.DeepEqual(a, b) {
			t.Errorf("%d ms: a bound that nothing reaches changes the packets", ms)
		}
	}
}
