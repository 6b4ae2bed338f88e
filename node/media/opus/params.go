package opus

// Gains are logarithmic: 64 steps from 2 to 88 dB.
const (
	gainLevels   = 64
	gainOffsetQ7 = 2090    // of level 0
	gainStepQ16  = 1907825 // a level in Q7, times 65536
	minGainDelta = -4
	maxGainDelta = 36
)

// params are what a frame is made with.
type params struct {
	gainsQ16    [maxSubframes]int32
	filtersQ12  [2][maxOrder]int16 // of the first and the second half
	lags        [maxSubframes]int
	tapsQ14     [maxSubframes][ltpOrder]int16
	ltpScaleQ14 int32
}

// nextGain is the gain level after level, by its index. RFC 6716 section
// 4.2.7.4.
func nextGain(level, index int8, absolute bool) int8 {
	n := int(level)
	if absolute {
		n = max(int(index), n-16)
	} else {
		delta := int(index) + minGainDelta
		if double := 2*maxGainDelta - gainLevels + n; delta > double {
			delta = 2*delta - double
		}
		n += delta
	}
	return int8(min(max(n, 0), gainLevels-1))
}

// gainQ16 is the gain of a level.
func gainQ16(level int8) int32 {
	return powerQ7(min(mul16(gainStepQ16, int16(level))+gainOffsetQ7, 3967))
}

// decode makes a frame's parameters of its indices.
func (c *channel) decode(p *params, x *indices, how coding) {
	for i := range c.subframes {
		c.gain = nextGain(c.gain, x.gains[i], i == 0 && how != conditional)
		p.gainsQ16[i] = gainQ16(c.gain)
	}
	c.decodeFilters(p, x)
	if x.signal == voiced {
		pitch(p, x, c.format)
		return
	}
	p.lags = [maxSubframes]int{}
	p.tapsQ14 = [maxSubframes][ltpOrder]int16{}
	p.ltpScaleQ14 = 0
}

// decodeFilters makes the filters of both halves, section 4.2.7.5.
func (c *channel) decodeFilters(p *params, x *indices) {
	book := c.book()
	var nlsfQ15 [maxOrder]int16
	now := nlsfQ15[:book.order]
	book.decode(now, int(x.vector), x.residuals[:])
	first, second := p.filtersQ12[0][:book.order], p.filtersQ12[1][:book.order]
	nlsfFilter(second, now)
	if c.fresh {
		x.interpolation = interpolationNone
	}
	if x.interpolation < interpolationNone {
		var between [maxOrder]int16
		for i, n := range now {
			was := int32(c.nlsfQ15[i])
			between[i] = int16(was + int32(x.interpolation)*(int32(n)-was)>>2)
		}
		nlsfFilter(first, between[:book.order])
	} else {
		copy(first, second)
	}
	copy(c.nlsfQ15[:], now)
	if c.lost > 0 {
		expand(first, chirpAfterLossQ16)
		expand(second, chirpAfterLossQ16)
	}
}

// pitch makes lags and filters of a voiced frame, section 4.2.7.6.
func pitch(p *params, x *indices, f format) {
	least, most := 2*f.kHz, 18*f.kHz
	for k := range f.subframes {
		lag := least + int(x.lag)
		switch {
		case f.kHz == 8 && f.subframes == 2:
			lag += int(lagsNarrowShort[k][x.contour])
		case f.kHz == 8:
			lag += int(lagsNarrow[k][x.contour])
		case f.subframes == 2:
			lag += int(lagsWideShort[k][x.contour])
		default:
			lag += int(lagsWide[k][x.contour])
		}
		p.lags[k] = min(max(lag, least), most)
		taps := ltpTaps(x.periodicity, x.filters[k])
		for i, t := range taps {
			p.tapsQ14[k][i] = int16(t) << 7
		}
	}
	p.ltpScaleQ14 = ltpScaleQ14[x.scale]
}

func ltpTaps(book, i int8) *[ltpOrder]int8 {
	switch book {
	case 0:
		return &ltpTaps0Q7[i]
	case 1:
		return &ltpTaps1Q7[i]
	}
	return &ltpTaps2Q7[i]
}
