package dsp

// Concealment of lost sound in the manner of ITU-T G.711 Appendix I: the last
// pitch period is repeated, fading to silence. There is no look-ahead and no
// delay.
const (
	// concealFull is how long the made-up sound keeps its level, concealEnd
	// when it has faded to nothing: 10 ms and 60 ms, as in that appendix.
	concealFull = Rate / 100
	concealEnd  = Rate * 6 / 100
	// concealPast is the sound that is kept: the longest period, and as much
	// again to compare it with.
	concealPast = 2*MaxPitch + matchLength
	// matchLength is over how much two places are compared: 10 ms.
	matchLength = Rate / 100
	// joinLength is over how much the step at the seam dies away: 2.5 ms.
	joinLength = Rate / 400
)

// A Concealer makes up sound to follow what it has heard. The zero value has
// heard silence.
type Concealer struct {
	past  [concealPast]int16 // what was heard last, before the concealment
	cycle [MaxPitch]int16    // one period, its end blended into its start
	size  int                // of cycle; 0: none chosen, no concealment runs
	next  int                // into cycle
	made  int                // samples made up since the concealment began
	step  int32              // at the seam, to die away over joinLength
}

// Hear takes sound that was received and ends a concealment.
func (c *Concealer) Hear(pcm []int16) {
	c.size = 0
	if len(pcm) >= concealPast {
		copy(c.past[:], pcm[len(pcm)-concealPast:])
		return
	}
	copy(c.past[:], c.past[len(pcm):])
	copy(c.past[concealPast-len(pcm):], pcm)
}

// Conceal fills pcm with sound to follow what was heard, or made up, last.
func (c *Concealer) Conceal(pcm []int16) {
	if c.size == 0 {
		c.begin()
	}
	for i := range pcm {
		pcm[i] = c.sample()
	}
}

// begin chooses the period and cuts out the cycle.
func (c *Concealer) begin() {
	lag, matchQ15 := period(c.past[:], concealPast-matchLength, -1, matchLength, MinPitch, MaxPitch)
	if matchQ15 < 1<<14 {
		// Noise: the longest cycle hums least.
		lag = MaxPitch
	}
	c.size, c.next, c.made = lag, 0, 0
	copy(c.cycle[:lag], c.past[concealPast-lag:])
	// The end of the cycle turns into what came before its start, so that the
	// cycle follows itself without a seam.
	blend := lag / 4
	before := c.past[concealPast-lag-blend : concealPast-lag]
	for i := range blend {
		at := lag - blend + i
		c.cycle[at] = mixQ15(c.cycle[at], before[i], (int32(i)+1)<<15/int32(blend))
	}
	c.step = int32(c.past[concealPast-1]) - int32(c.past[concealPast-1-lag])
}

func (c *Concealer) sample() int16 {
	if c.made >= concealEnd {
		return 0
	}
	v := int32(c.cycle[c.next])
	if c.next++; c.next == c.size {
		c.next = 0
	}
	if c.made < joinLength {
		v += c.step * int32(joinLength-c.made) / joinLength
	}
	if c.made > concealFull {
		v = v * int32(concealEnd-c.made) / (concealEnd - concealFull)
	}
	c.made++
	return Saturate(v)
}
