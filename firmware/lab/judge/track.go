package judge

import (
	"sort"
	"time"

	"peerphone/hal"
)

// Rate is the sample rate of every Track, in Hz.
const Rate = 16000

// Track is sound with the times at which its samples were at the sound card.
type Track struct {
	PCM    []int16
	Stamps []Stamp // by ascending Sample; at least one
}

// Stamp says when one sample was captured or sounded.
type Stamp struct {
	Sample int // its place in Track.PCM
	At     hal.Instant
}

// At returns the time of a sample: the last stamp at or before it, and the
// time of the samples since. A card that stalls shows in the next stamp.
func (t Track) At(sample int) hal.Instant {
	i := sort.Search(len(t.Stamps), func(i int) bool { return t.Stamps[i].Sample > sample })
	s := t.Stamps[max(0, i-1)]
	return s.At.Add(span(sample - s.Sample))
}

// Sample returns the place in PCM of what was at the card at that time; it
// may lie outside PCM.
func (t Track) Sample(at hal.Instant) int {
	i := sort.Search(len(t.Stamps), func(i int) bool { return t.Stamps[i].At > at })
	s := t.Stamps[max(0, i-1)]
	return s.Sample + samples(at.Sub(s.At))
}

// Between returns the part of a track from one time to another. Its stamps
// count from its own first sample.
func (t Track) Between(from, to hal.Instant) Track {
	first := min(max(0, t.Sample(from)), len(t.PCM))
	last := min(max(first, t.Sample(to)), len(t.PCM))
	cut := Track{PCM: t.PCM[first:last], Stamps: []Stamp{{0, t.At(first)}}}
	for _, s := range t.Stamps {
		if s.Sample > first && s.Sample < last {
			cut.Stamps = append(cut.Stamps, Stamp{s.Sample - first, s.At})
		}
	}
	return cut
}

// Seconds is how long the sound lasts.
func (t Track) Seconds() float64 { return float64(len(t.PCM)) / Rate }

func span(samples int) time.Duration {
	return time.Duration(samples) * time.Second / Rate
}

func samples(d time.Duration) int { return int(d * Rate / time.Second) }
