package opus

// Comfort noise has the spectrum and the level of what was heard while nobody
// spoke. It fills the gap that concealment leaves as it fades. RFC 6716 leaves
// it open; this is the reference decoder's as of its version 1.6.

const (
	noiseSeed         = 3176576
	noiseSpan         = 256   // samples that noise is drawn from, at most
	noiseNLSFQ16      = 16348 // share of a new frame in the spectrum: 1/4
	noiseGainQ16      = 4634  // share of a new subframe in the level
	noiseGainLimitQ16 = 46396 // -3 dB: a subframe this far below sets the level
)

// comfort is the state of the comfort noise.
type comfort struct {
	kHz     int
	excQ14  [maxSamples]int32
	nlsfQ15 [maxOrder]int16
	lastQ14 [maxOrder]int32
	gainQ16 int32
	seed    int32
}

// reset spreads the frequencies evenly.
func (n *comfort) reset(order int) {
	step := int16(32767 / (order + 1))
	for i := range order {
		n.nlsfQ15[i] = step * int16(i+1)
	}
	n.gainQ16 = 0
	n.seed = noiseSeed
}

// comfort listens to a decoded frame or adds noise to a concealed one.
func (c *channel) comfort(p *params, sound []int16) {
	n := &c.noise
	order := c.book().order
	if n.kHz != c.kHz {
		n.reset(order)
		n.kHz = c.kHz
	}
	if c.lost == 0 {
		if c.signal == inactive {
			c.listen(p)
		}
		clear(n.lastQ14[:order])
		return
	}
	c.addNoise(sound, order)
}

// listen takes an inactive frame into account.
func (c *channel) listen(p *params) {
	n := &c.noise
	for i := range c.book().order {
		n.nlsfQ15[i] += int16(mul16(int32(c.nlsfQ15[i])-int32(n.nlsfQ15[i]), noiseNLSFQ16))
	}
	loudest := 0
	gainsQ16 := p.gainsQ16[:c.subframes]
	for k, g := range gainsQ16 {
		if g > gainsQ16[loudest] {
			loudest = k
		}
	}
	size := c.subframe()
	copy(n.excQ14[size:], n.excQ14[:(c.subframes-1)*size])
	copy(n.excQ14[:size], c.excQ14[loudest*size:])
	for _, g := range gainsQ16 {
		n.gainQ16 += mul16(g-n.gainQ16, noiseGainQ16)
		if mul32(n.gainQ16, noiseGainLimitQ16) > g {
			n.gainQ16 = g
		}
	}
}

func (c *channel) addNoise(sound []int16, order int) {
	n := &c.noise
	run := c.runQ14[:maxOrder+len(sound)]
	copy(run, n.lastQ14[:])
	mask := int32(noiseSpan - 1)
	for int(mask) > len(sound) {
		mask >>= 1
	}
	for i := range sound {
		n.seed = random(n.seed)
		run[maxOrder+i] = n.excQ14[n.seed>>24&mask]
	}
	var filter [maxOrder]int16
	nlsfFilter(filter[:order], n.nlsfQ15[:order])
	predict(run, filter[:order])
	gainQ10 := n.gap(mul32(int32(c.concealer.randomQ14), c.concealer.gainsQ16[1])) >> 6
	for i, x := range run[maxOrder:] {
		sound[i] = sat16(int32(sound[i]) + int32(sat16(round(mul32(x, gainQ10), 8))))
	}
	copy(n.lastQ14[:], run[len(sound):])
}

// gap is the gain that is missing between the concealed sound and the noise
// that was heard: the root of the difference of their squares.
func (n *comfort) gap(concealedQ16 int32) int32 {
	g := concealedQ16
	if g >= 1<<21 || n.gainQ16 > 1<<23 {
		g, m := g>>16, n.gainQ16>>16
		return root(m*m-g*g<<5) << 16
	}
	return root(mul32(n.gainQ16, n.gainQ16)-mul32(g, g)<<5) << 8
}
