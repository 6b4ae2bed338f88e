package main

import (
	"time"

	"peerphone/firmware/lab/judge"
	"peerphone/firmware/lab/quality"
)

// said is what the first end said of n samples from one on.
func (c *voiceCall) said(from, n int) judge.Track {
	e := &c.ends[0]
	return judge.Track{PCM: e.said[from : from+n], Stamps: []judge.Stamp{{At: voiceStart.Add(e.capturedAt(from))}}}
}

// heard is all that the second end heard, as if it had come sooner.
func (c *voiceCall) heard(sooner time.Duration) judge.Track {
	e := &c.ends[1]
	return judge.Track{PCM: e.heard, Stamps: []judge.Stamp{{At: voiceStart.Add(e.soundsAt(0) - sooner)}}}
}

// search is how far before the mean delay that of each word is looked for, and
// as far behind.
const search = 750 * time.Millisecond

// heardOf lays what the second end heard beside n samples that the first said
// from sample from on. The phones believe in a mean delay.
func (c *voiceCall) heardOf(from, n int, believed time.Duration) voiceHeard {
	sooner := max(0, believed-search)
	said, heard := c.said(from, n), c.heard(sooner)
	course := judge.Follow(said, heard)
	h := voiceHeard{score: quality.ScoreAt(said.PCM, heard.PCM, course.Later), pcm: make([]int16, n)}
	if h.delay = course.Delay; h.delay != 0 {
		h.delay += sooner
	}
	at := heard.Sample(said.At(0).Add(h.delay - sooner))
	copy(h.pcm[min(max(0, -at), n):], heard.PCM[min(max(0, at), len(heard.PCM)):])
	return h
}

// voiceHeard is how speech was heard.
type voiceHeard struct {
	pcm   []int16       // from when it would have sounded with the mean delay
	delay time.Duration // from mouth to ear, mean; 0: nothing of it was found
	score float64       // as PESQ would, however the delay changed
}
