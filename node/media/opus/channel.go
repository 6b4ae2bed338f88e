package opus

// channel decodes the frames of one SILK channel at its own rate. The zero
// value must be reset.
type channel struct {
	format
	signal  signal // of the last frame decoded
	fresh   bool   // nothing was decoded since the rate changed
	lost    int    // frames concealed since the last one decoded
	lag     int    // of the last subframe; 0: none
	gain    int8   // level of the last subframe
	gainQ16 int32  // of the last subframe
	nlsfQ15 [maxOrder]int16
	lastQ14 [maxOrder]int32       // state of the synthesis filter
	excQ14  [maxSamples]int32     // excitation of the last frame
	sound   [2 * maxSamples]int16 // what is remembered, then the frame at work

	past      precedent
	indices   indices
	params    params
	concealer concealer
	noise     comfort

	// Only within a frame.
	pulses     [maxSamples]int16
	white      [maxSamples]int16
	excitedQ15 [2 * maxSamples]int32
	runQ14     [maxOrder + maxSamples]int32
}

func (c *channel) reset() {
	*c = channel{fresh: true, gainQ16: 1 << 16}
	c.concealer.reset(c.format)
	c.noise.reset(0)
}

// shape sets rate and length of the frames that follow. A change of the rate
// forgets what was heard.
func (c *channel) shape(f format) (anew bool) {
	if f.kHz != c.kHz {
		c.fresh = true
		c.lag = 100
		c.gain = freshGain
		c.signal = inactive
		clear(c.sound[:])
		clear(c.lastQ14[:])
		anew = true
	}
	c.format = f
	return anew
}

// freshGain is the level that gains are coded against after a loss or a change
// of the rate: a low one, so that it does not hold them up.
const freshGain = 10

// skip reads over a frame.
func (c *channel) skip(d *rangeDecoder, active bool, how coding) {
	c.indices.read(d, c.format, &c.past, active, how)
	readPulses(d, c.blocks(), c.indices.signal, c.indices.offset)
}

// blocks is where the pulses of a frame go, in whole blocks.
func (c *channel) blocks() []int16 {
	return c.pulses[:(c.samples()+shellSize-1)/shellSize*shellSize]
}

// frame decodes a frame into sound.
func (c *channel) frame(sound []int16, d *rangeDecoder, active bool, how coding) {
	c.skip(d, active, how)
	c.decode(&c.params, &c.indices, how)
	c.synthesize(&c.params, &c.indices)
	c.keep(&c.params, &c.indices)
	c.lag = c.params.lags[c.subframes-1]
	c.lost = 0
	c.signal = c.indices.signal
	c.fresh = false
	c.finish(sound)
}

// miss conceals a frame into sound.
func (c *channel) miss(sound []int16) {
	c.conceal()
	c.lag = int(round(c.concealer.lagQ8, 8))
	c.lost++
	c.finish(sound)
}

// finish takes the frame at work out, and remembers it as it was before noise
// and joints.
func (c *channel) finish(sound []int16) {
	n := c.samples()
	copy(sound[:n], c.sound[c.memory():])
	copy(c.sound[:c.memory()], c.sound[n:])
	c.comfort(&c.params, sound[:n])
	c.glue(sound[:n])
}
