package opus

// levelAdjustQ10 is how much smaller a pulse is than its number.
const levelAdjustQ10 = 80

// excite makes the excitation of pulses: signs are turned by random numbers.
// RFC 6716 section 4.2.7.8.6.
func (c *channel) excite(x *indices) {
	offsetQ14 := offsetQ10[x.signal>>1][x.offset] << 4
	seed := int32(x.seed)
	excQ14 := c.excQ14[:c.samples()]
	for i, p := range c.pulses[:len(excQ14)] {
		seed = random(seed)
		sign := int32(p)>>31 | int32(uint32(-int32(p))>>31) // of the pulse: -1, 0, 1
		e := int32(p)<<14 - sign*(levelAdjustQ10<<4) + offsetQ14
		turn := seed >> 31 // all ones: negate
		e = (e ^ turn) - turn
		excQ14[i] = e
		seed += int32(p)
	}
}

// synthesize makes the sound of a frame behind the past sound. RFC 6716
// section 4.2.7.9.
func (c *channel) synthesize(p *params, x *indices) {
	c.excite(x)
	order, n := c.book().order, c.subframe()
	copy(c.runQ14[:maxOrder], c.lastQ14[:])
	run := c.runQ14[:maxOrder+n]
	for k := range c.subframes {
		gain := p.gainsQ16[k]
		adjustQ16 := c.rescale(gain)
		kind := x.signal
		if c.lost > 0 && c.signal == voiced && kind != voiced && k < maxSubframes/2 {
			// From concealed voice to noise: not at once.
			p.tapsQ14[k] = [ltpOrder]int16{ltpOrder / 2: 1 << 12}
			p.lags[k] = c.lag
			kind = voiced
		}
		excQ14 := c.excQ14[k*n:][:n]
		filterQ12 := p.filtersQ12[k>>1][:order]
		if kind == voiced {
			c.recall(p, k, filterQ12, adjustQ16, x.interpolation < interpolationNone)
			c.addPitch(run[maxOrder:], excQ14, k, p.lags[k], &p.tapsQ14[k])
		} else {
			copy(run[maxOrder:], excQ14)
		}
		predict(run, filterQ12)
		scale(c.sound[c.memory()+k*n:][:n], run[maxOrder:], gain>>6)
		copy(run[:maxOrder], run[n:])
	}
	copy(c.lastQ14[:], run[:maxOrder])
}

// scale is x times the gain, as sound.
func scale(sound []int16, xQ14 []int32, gainQ10 int32) {
	for i, x := range xQ14[:len(sound)] {
		sound[i] = sat16(round(mul32(x, gainQ10), 8))
	}
}

// rescale makes the filter's state fit the gain that now follows, and returns
// the change.
func (c *channel) rescale(gainQ16 int32) (adjustQ16 int32) {
	adjustQ16 = 1 << 16
	if gainQ16 != c.gainQ16 {
		adjustQ16 = divide(c.gainQ16, gainQ16, 16)
		for i, s := range c.runQ14[:maxOrder] {
			c.runQ14[i] = mul32(adjustQ16, s)
		}
		c.gainQ16 = gainQ16
	}
	return adjustQ16
}

// recall makes the past excitation as far as the lag reaches: with a new filter
// from the past sound, else by the change of the gain. Section 4.2.7.9.1.
func (c *channel) recall(p *params, k int, filterQ12 []int16, adjustQ16 int32, interpolated bool) {
	now := c.memory() + k*c.subframe()
	reach := p.lags[k] + ltpOrder/2
	past := c.excitedQ15[now-reach : now]
	if k != 0 && (k != 2 || !interpolated) {
		if adjustQ16 != 1<<16 {
			for i, s := range past {
				past[i] = mul32(adjustQ16, s)
			}
		}
		return
	}
	inverseQ31 := inverse(p.gainsQ16[k], 47)
	if k == 0 {
		inverseQ31 = mul16(inverseQ31, int16(p.ltpScaleQ14)) << 2
	}
	from := now - reach - len(filterQ12)
	white := c.white[:now-from]
	whiten(white, c.sound[from:now], filterQ12)
	for i, w := range white[len(filterQ12):] {
		past[i] = mul16(inverseQ31, w)
	}
}

// addPitch adds to the excitation what the past excitation foretells, and
// remembers the sum.
func (c *channel) addPitch(sumQ14, excQ14 []int32, k, lag int, b *[ltpOrder]int16) {
	now := c.memory() + k*len(excQ14)
	past := c.excitedQ15[now-lag-ltpOrder/2:]
	next := c.excitedQ15[now:][:len(excQ14)]
	sumQ14 = sumQ14[:len(excQ14)]
	for i, e := range excQ14 {
		x := (*[ltpOrder]int32)(past[i:])
		predictedQ13 := 2 + mul16(x[4], b[0]) + mul16(x[3], b[1]) + mul16(x[2], b[2]) +
			mul16(x[1], b[3]) + mul16(x[0], b[4])
		e += predictedQ13 << 1
		sumQ14[i] = e
		next[i] = e << 1
	}
}
