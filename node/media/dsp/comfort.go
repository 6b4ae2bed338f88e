package dsp

const (
	// comfortOrder is the number of reflections that shape the noise: enough
	// for the slope and two or three humps of a room.
	comfortOrder = 10
	// comfortForget is over how many pauses of 10 ms the spectrum is averaged.
	comfortForget = 32
	// floorUnits is for how long the quietest 10 ms are remembered: 1 to 2 s.
	floorUnits = 100
	// smoothUnits is over how many units power is smoothed: rumble swings by
	// more than 10 dB within 10 ms.
	smoothUnits = 3
)

// ComfortNoise makes noise like the background of what it has heard: it learns
// level and spectrum in the pauses of speech, which are what is hardly louder
// than the quietest 30 ms of the last second or two. The zero value has heard
// silence, and makes it.
type ComfortNoise struct {
	// learning
	power         int64 // mean square, smoothed over smoothUnits, Q8
	floor, former int64 // the least power of this and of the former floorUnits
	units         int   // since floor began
	pauses        int   // learnt from, up to comfortForget
	corr          [comfortOrder + 1]int64
	learned       bool // corr has changed since the filter was made

	// making
	reflect [comfortOrder]int64 // Q15
	goal    int64               // peak of the excitation, Q8
	peak    int64               // what it is now
	state   [comfortOrder + 1]int64
	seed    uint32
}

// Hear learns from the next 10 ms that were received.
func (c *ComfortNoise) Hear(pcm []int16) {
	if len(pcm) != Unit {
		return
	}
	power := int64(Energy(pcm)<<8) / Unit
	if c.power == 0 {
		c.power = power // the first sound
	}
	c.power += (power - c.power) / smoothUnits
	if c.units == 0 {
		c.former, c.floor = c.floor, c.power
	}
	c.floor = min(c.floor, c.power)
	c.units = (c.units + 1) % floorUnits
	floor := c.floor
	if c.former > 0 {
		floor = min(floor, c.former)
	}
	// 4 dB above the least, and a step of 16 bits: the swing of noise itself.
	if most := floor*5/2 + 1<<8; c.power <= most {
		if c.corr[0] > most {
			// What was learnt was no background after all, or it has gone.
			c.pauses = 0
		}
		c.learn(pcm)
	}
}

// learn takes a pause.
func (c *ComfortNoise) learn(pcm []int16) {
	c.pauses = min(c.pauses+1, comfortForget)
	for lag := range c.corr {
		var sum int64
		for i := lag; i < len(pcm); i++ {
			sum += int64(int32(pcm[i]) * int32(pcm[i-lag]))
		}
		c.corr[lag] += (sum<<8/Unit - c.corr[lag]) / int64(c.pauses)
	}
	c.learned = true
}

// Make fills pcm with noise.
func (c *ComfortNoise) Make(pcm []int16) {
	if c.learned {
		c.learned = false
		c.shape()
	}
	for i := range pcm {
		c.peak += (c.goal - c.peak) >> 6
		c.seed = c.seed*1664525 + 1013904223
		pcm[i] = Saturate(int32(c.filter(int64(int32(c.seed)>>16)*c.peak>>15) >> 8))
	}
}

// filter passes one sample, Q8, through the lattice of all poles.
func (c *ComfortNoise) filter(f int64) int64 {
	for i := comfortOrder - 1; i >= 0; i-- {
		f -= c.reflect[i] * c.state[i] >> 15
		c.state[i+1] = c.state[i] + c.reflect[i]*f>>15
	}
	// However the reflections change, the lattice is stable; the limit keeps
	// hostile sound from adding up.
	f = min(max(f, -1<<24), 1<<24)
	c.state[0] = f
	return f
}

// shape turns the correlation into reflections and the excitation's peak, by
// Schur's recursion.
func (c *ComfortNoise) shape() {
	var p, k [comfortOrder + 1]int64
	scale := c.corr[0]>>30 + 1
	for i, r := range c.corr {
		p[i] = r / scale
	}
	// A little white noise, 30 dB below, keeps the filter from ringing.
	p[0] += p[0]>>10 + 1
	all := p[0]
	k = p
	for n := range c.reflect {
		r := -p[1] << 15 / p[0]
		r = min(max(r, -32000), 32000)
		c.reflect[n] = r
		p[0] = max(p[0]+p[1]*r>>15, 1)
		for m := 1; m < comfortOrder-n; m++ {
			next := p[m+1]
			p[m] = next + k[m]*r>>15
			k[m] += next * r >> 15
		}
	}
	// What is left is the power of the excitation; even noise of peak a has
	// a*a/3.
	left := c.corr[0] / all * p[0]
	if c.corr[0] < 1<<30 {
		left = c.corr[0] * p[0] / all
	}
	c.goal = int64(root(uint64(3*left) << 8))
}
