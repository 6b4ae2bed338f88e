package judge

import (
	"slices"
	"time"
)

// Course is where each 20 ms of what was said lie in what was heard.
type Course struct {
	Delay  time.Duration // from mouth to ear, mean of what was recognised; 0: nothing was
	frames []frame
}

// Follow finds the Course from said to heard, however the delay changes on the
// way. As Compare it looks from the time of a sample on, 1.5 s far. What is
// shorter than half a second counts as followed by silence.
func Follow(said, heard Track) Course {
	if short := blockLen - len(said.PCM); short > 0 {
		said.PCM = append(slices.Clip(said.PCM), make([]int16, short)...)
	}
	blocks := align(said, heard)
	v := Verdict{}
	v.delays(said, heard, blocks)
	return Course{v.Delay, lay(said, heard, blocks)}
}

// Later is by how many samples a sample of what was said is later in what was
// heard.
func (c Course) Later(sample int) int {
	return c.frames[min(max(0, sample/frameLen), len(c.frames)-1)].delay
}
