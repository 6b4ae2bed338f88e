package opus

// write writes the indices of one frame, the mirror of read.
func (x *indices) write(e *rangeEncoder, f format, past *precedent, active bool, c coding) {
	kind := int(x.signal)<<1 + int(x.offset)
	if active {
		e.symbol(kind-2, typeActive[:])
	} else {
		e.symbol(kind, typeInactive[:])
	}
	if c == conditional {
		e.symbol(int(x.gains[0]), gainDelta[:])
	} else {
		e.symbol(int(x.gains[0])>>3, gainHigh[x.signal][:])
		e.symbol(int(x.gains[0])&7, uniform8[:])
	}
	for i := 1; i < f.subframes; i++ {
		e.symbol(int(x.gains[i]), gainDelta[:])
	}
	x.writeSpectrum(e, f)
	if x.signal == voiced {
		x.writePitch(e, f, past, c)
	}
	past.signal = x.signal
	e.symbol(int(x.seed), uniform4[:])
}

// writeSpectrum writes the filter's indices, section 4.2.7.5.
func (x *indices) writeSpectrum(e *rangeEncoder, f format) {
	book := f.book()
	e.symbol(int(x.vector), book.vector[x.signal>>1][:])
	for i := range book.order {
		set, _ := book.chosen(int(x.vector), i)
		icdf := book.residual[set][:]
		switch r := int(x.residuals[i]); {
		case r >= plainResidual:
			e.symbol(2*plainResidual, icdf)
			e.symbol(r-plainResidual, nlsfExtension[:])
		case r <= -plainResidual:
			e.symbol(0, icdf)
			e.symbol(-r-plainResidual, nlsfExtension[:])
		default:
			e.symbol(r+plainResidual, icdf)
		}
	}
	if f.subframes == maxSubframes {
		e.symbol(int(x.interpolation), nlsfInterpolation[:])
	}
}

// writePitch writes what voiced frames have, section 4.2.7.6.
func (x *indices) writePitch(e *rangeEncoder, f format, past *precedent, c coding) {
	delta := 0
	if c == conditional && past.signal == voiced {
		if d := int(x.lag - past.lag); d >= -8 && d <= 11 {
			delta = d + 9
		}
		e.symbol(delta, lagDelta[:])
	}
	if delta == 0 {
		low := f.lagLow()
		n := f.kHz / 2
		e.symbol(int(x.lag)/n, lagHigh[:])
		e.symbol(int(x.lag)%n, low)
	}
	past.lag = x.lag
	e.symbol(int(x.contour), f.contour())
	e.symbol(int(x.periodicity), ltpPeriodicity[:])
	filters := [...][]uint8{ltpFilter0[:], ltpFilter1[:], ltpFilter2[:]}[x.periodicity]
	for i := range f.subframes {
		e.symbol(int(x.filters[i]), filters)
	}
	if c == independent {
		e.symbol(int(x.scale), ltpScale[:])
	}
}

// pulseWriter writes the excitation of frames.
type pulseWriter struct {
	size  [maxBlocks * shellSize]int32 // of pulses, without their low bits
	count [maxBlocks]int               // of pulses in a block
	low   [maxBlocks]int               // low bits in a block
}

// write writes pulses, the mirror of readPulses. The last block may go on beyond
// the frame; there pulses must be 0.
func (p *pulseWriter) write(e *rangeEncoder, pulses []int8, kind signal, offset int8) {
	blocks := len(pulses) / shellSize
	for i, v := range pulses {
		p.size[i] = abs(int32(v))
	}
	for b := range blocks {
		p.shorten(b)
	}
	level := p.rate(kind, blocks)
	e.symbol(level, pulseRate[kind>>1][:])
	for b, n := range p.count[:blocks] {
		row := level
		for range p.low[b] {
			e.symbol(maxPulses+1, pulseCount[row][:])
			row = rateLevels - 1
		}
		e.symbol(n, pulseCount[row][:])
	}
	for b, n := range p.count[:blocks] {
		if n > 0 {
			e.shell(p.size[b*shellSize:][:shellSize], len(shell)-1)
		}
	}
	for b, n := range p.low[:blocks] {
		if n > 0 {
			e.lowBits(pulses[b*shellSize:][:shellSize], n)
		}
	}
	odds := &pulseSign[kind][offset]
	for b, n := range p.count[:blocks] {
		if n > 0 {
			e.signs(pulses[b*shellSize:][:shellSize], odds[min(n, 6)])
		}
	}
}

// shorten takes low bits off a block until its pulses are few enough.
func (p *pulseWriter) shorten(b int) {
	block := p.size[b*shellSize:][:shellSize]
	p.low[b] = 0
	for {
		sums := [shellSize]int32(block)
		fits := true
		for level, limit := range pulseLimit {
			for i := range shellSize >> (level + 1) {
				sums[i] = sums[2*i] + sums[2*i+1]
				fits = fits && sums[i] <= limit
			}
		}
		if fits {
			p.count[b] = int(sums[0])
			return
		}
		p.low[b]++
		for i := range block {
			block[i] >>= 1
		}
	}
}

// rate is the rate level with which the counts cost least.
func (p *pulseWriter) rate(kind signal, blocks int) (best int) {
	least := int32(maxInt32)
	for k := range pulseCountCostQ5 {
		cost := int32(pulseRateCostQ5[kind>>1][k])
		row := &pulseCountCostQ5[k]
		for b, n := range p.count[:blocks] {
			if p.low[b] > 0 {
				n = maxPulses + 1
			}
			cost += int32(row[n])
		}
		if cost < least {
			least, best = cost, k
		}
	}
	return best
}

// shell writes how many pulses lie in the first half, half by half. Section
// 4.2.7.8.3.
func (e *rangeEncoder) shell(size []int32, level int) (n int32) {
	sum := int32(0)
	for _, v := range size {
		sum += v
	}
	if sum == 0 {
		return 0
	}
	half := len(size) / 2
	left := int32(0)
	for _, v := range size[:half] {
		left += v
	}
	e.symbol(int(left), shell[level][shellOffset[sum]:])
	if level > 0 {
		e.shell(size[:half], level-1)
		e.shell(size[half:], level-1)
	}
	return sum
}

// lowBits writes the n low bits of every pulse. Section 4.2.7.8.4.
func (e *rangeEncoder) lowBits(pulses []int8, n int) {
	for _, v := range pulses {
		size := abs(int32(v))
		for j := n - 1; j >= 0; j-- {
			e.symbol(int(size>>j&1), pulseLow[:])
		}
	}
}

// signs writes the signs of pulses. Section 4.2.7.8.5.
func (e *rangeEncoder) signs(pulses []int8, odds uint8) {
	icdf := [2]uint8{odds, 0}
	for _, v := range pulses {
		switch {
		case v > 0:
			e.symbol(1, icdf[:])
		case v < 0:
			e.symbol(0, icdf[:])
		}
	}
}
