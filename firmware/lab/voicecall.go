package main

import (
	"time"

	"peerphone/hal"
	"peerphone/node/media"
	"peerphone/node/media/jitter"
	"peerphone/node/wire"
)

const (
	// voiceStart is the instant of a call's time 0.
	voiceStart = hal.Instant(1e15)
	// voiceCard is how long sound waits in the simulated card: two periods.
	voiceCard   = 20 * time.Millisecond
	voicePeriod = 10 * time.Millisecond
)

// voiceCall is a call of two phones in virtual time. What they run is the strip
// of a real call, from the microphone's frames to the speaker's.
type voiceCall struct {
	ends [2]voiceEnd
	now  time.Duration
}

// voiceEnd is one phone.
type voiceEnd struct {
	leg   *media.Leg
	walk  media.Walk
	out   *voiceLink // to the other
	said  []int16    // again and again
	heard []int16    // since the start
	// each second of the call; a leg forgets those of five minutes ago
	record []media.Second
	// when the next 10 ms are over at the microphone, and are pulled
	captures, pulls time.Duration
}

// route is that of a leg: its link.
func (c *voiceCall) route(end int) *media.Route {
	return &media.Route{Sender: voiceRoute{c, end}, Extra: c.ends[end].out.extra}
}

type voiceRoute struct {
	c   *voiceCall
	end int
}

// SendMedia lets a packet go now.
func (r voiceRoute) SendMedia(payload []byte) { r.c.ends[r.end].out.send(r.c.now, payload) }

// newVoiceCall lets two phones talk; their cards are not in step.
func newVoiceCall(said [2][]int16, links [2]*voiceLink) *voiceCall {
	c := &voiceCall{}
	for i := range c.ends {
		leg := media.NewLeg(wire.CodecOpus, false)
		c.ends[i] = voiceEnd{
			leg: leg, walk: media.NewWalk(leg), out: links[i], said: said[i],
			captures: voicePeriod + time.Duration(i)*3300*time.Microsecond,
			pulls:    time.Duration(i+1) * 2700 * time.Microsecond,
		}
		leg.SetRoute(c.route(i))
	}
	return c
}

// run lets time go by until end; each whole second is told.
func (c *voiceCall) run(end time.Duration, second func()) {
	for {
		next, do := c.next()
		if next > end {
			return
		}
		if next/time.Second > c.now/time.Second {
			second()
		}
		c.now = next
		do()
	}
}

// next is what happens next, and when.
func (c *voiceCall) next() (at time.Duration, do func()) {
	at = never
	for i := range c.ends {
		e, other := &c.ends[i], &c.ends[1-i]
		if t := other.out.arrives(); t < at {
			at, do = t, func() { e.leg.Receive(voiceStart.Add(c.now), other.out.take().payload) }
		}
		if e.captures < at {
			at, do = e.captures, func() { e.say(voiceStart.Add(c.now)) }
		}
		if e.pulls < at {
			at, do = e.pulls, func() { e.hear(voiceStart.Add(c.now)) }
		}
	}
	return at, do
}

func (e *voiceEnd) say(now hal.Instant) {
	var pcm [jitter.Unit]int16
	at := int(e.captures/voicePeriod-1) * jitter.Unit
	for i := range pcm {
		if n := len(e.said); n > 0 {
			pcm[i] = e.said[(at+i)%n]
		}
	}
	e.walk.Say(now.Add(-voicePeriod), pcm[:])
	e.captures += voicePeriod
}

func (e *voiceEnd) hear(now hal.Instant) {
	var pcm [jitter.Unit]int16
	e.walk.Hear(now, now.Add(voiceCard), pcm[:])
	e.heard = append(e.heard, pcm[:]...)
	e.pulls += voicePeriod
}

// note adds the seconds to the record that are over.
func (c *voiceCall) note() {
	for i := range c.ends {
		e := &c.ends[i]
		for _, s := range e.leg.History() {
			if n := len(e.record); n == 0 || s.At > e.record[n-1].At {
				e.record = append(e.record, s)
			}
		}
	}
}

// capturedAt is when sample n of what an end says is captured.
func (e *voiceEnd) capturedAt(n int) time.Duration {
	return e.captures%voicePeriod + time.Duration(n)*time.Second/jitter.Rate
}

// soundsAt is when sample n of what an end hears sounds.
func (e *voiceEnd) soundsAt(n int) time.Duration {
	return e.pulls%voicePeriod + voiceCard + time.Duration(n)*time.Second/jitter.Rate
}
