package main

import (
	"math"
	"time"

	"peerphone/node/media/jitter"
)

// heardOf returns what the second end heard of n samples that the first said
// from sample from on: from when they would have sounded without any delay but
// the mean one of the call.
func (c *voiceCall) heardOf(from, n int) []int16 {
	listener := &c.ends[1]
	delay, seconds := 0., 0.
	for _, s := range listener.leg.History() {
		if s.MouthMS > 0 && s.At*jitter.Rate > float64(from) {
			delay, seconds = delay+s.MouthMS, seconds+1
		}
	}
	mean := time.Duration(delay / math.Max(seconds, 1) * float64(time.Millisecond))
	first := listener.sample(c.ends[0].capturedAt(from) + mean)
	pcm := make([]int16, n)
	if first = max(first, 0); first < len(listener.heard) {
		copy(pcm, listener.heard[first:])
	}
	return pcm
}

const (
	// piece is what is laid beside what was said at one delay: 250 ms.
	piece = jitter.Rate / 4
	// astray is by how much the delay may differ from that of the piece before.
	astray = jitter.Rate / 4
	// drawn is by how much another delay must match better.
	drawn = .1
)

// followed is what was heard, piece by piece where it belongs: the delay of a
// call changes, and a score listens to sound, not to delays.
func followed(said, heard []int16) (pcm []int16) {
	lag, loud := 0, power(said)
	for at := 0; at < len(said); at += piece {
		end := min(at+piece, len(said))
		lag = follow(said[at:end], heard, loud, at, lag)
		for i := at; i < end; i++ {
			v := int16(0)
			if j := i + lag; j >= 0 && j < len(heard) {
				v = heard[j]
			}
			pcm = append(pcm, v)
		}
	}
	return pcm
}

// quiet reports whether a part has less than a tenth of the power of speech.
func quiet(part []int16, loud float64) bool { return power(part) < loud/10 }

func power(pcm []int16) float64 {
	sum := 0.
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum / float64(max(len(pcm), 1))
}

// follow finds the delay at which part, said at sample at, lies best in heard.
func follow(part, heard []int16, loud float64, at, lag int) int {
	if quiet(part, loud) {
		return lag // silence lies well anywhere
	}
	best, most := lag, likeness(part, heard, at+lag)+drawn
	for step, radius := 8, astray; step >= 1; step, radius = step/8, 8 {
		centre := best
		if step == 8 {
			centre = lag
		}
		for l := centre - radius; l <= centre+radius; l += step {
			if m := likeness(part, heard, at+l); m > most {
				best, most = l, m
			}
		}
	}
	return best
}

// likeness is the normalised correlation of part with heard from a sample on.
func likeness(part, heard []int16, from int) float64 {
	var xy, xx, yy float64
	for i, x := range part {
		if j := from + i; j >= 0 && j < len(heard) {
			a, b := float64(x), float64(heard[j])
			xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
		}
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}
