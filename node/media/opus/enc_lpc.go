package opus

// lpcAnalyzer finds the short-term prediction of a frame. RFC 6716 section
// 5.2.3.4.2.
type lpcAnalyzer struct {
	nlsfQ15 [maxOrder]int16 // quantized, of the frame before
	burg    burg
	input   [maxSamples + maxSubframes*maxOrder]int16
	rest    [maxSamples/2 + 2*maxOrder]int16
}

// energyQ is an energy times 2^q.
type energyQ struct {
	value int32
	q     int
}

// less tells whether e is less than f.
func (e energyQ) less(f energyQ) bool {
	if shift := e.q - f.q; shift >= 0 {
		return e.value>>shift < f.value
	} else if shift > -32 {
		return e.value < f.value>>-shift
	}
	return false
}

// frequencies finds the line spectral frequencies of the input, and how far
// those of the first half lie towards those of the frame before.
func (l *lpcAnalyzer) frequencies(nlsfQ15 []int16, f format, interpolate bool, leastQ30 int32) (interpolation int8) {
	order := len(nlsfQ15)
	n := f.subframe() + order
	l.burg.analyze(l.input[:], n, f.subframes, order, leastQ30)
	whole := l.burg.aQ16
	interpolation = interpolationNone
	if interpolate && f.subframes == maxSubframes {
		best := energyQ{l.burg.rest, -l.burg.shift}
		interpolation = l.interpolate(nlsfQ15, n, best, leastQ30)
	}
	if interpolation == interpolationNone {
		toNLSF(nlsfQ15, whole[:order])
	}
	return interpolation
}

// interpolate tries the frequencies of the second half for the whole frame,
// mixed with those of the frame before in the first half. best is the residual
// energy without.
func (l *lpcAnalyzer) interpolate(nlsfQ15 []int16, n int, best energyQ, leastQ30 int32) (interpolation int8) {
	order := len(nlsfQ15)
	l.burg.analyze(l.input[2*n:], n, 2, order, leastQ30)
	// What remains is to be compared over the first half.
	if shift := -l.burg.shift - best.q; shift >= 0 {
		if shift < 32 {
			best.value -= l.burg.rest >> shift
		}
	} else {
		best = energyQ{best.value>>-shift - l.burg.rest, -l.burg.shift}
	}
	toNLSF(nlsfQ15, l.burg.aQ16[:order])
	interpolation = interpolationNone
	for k := int8(3); k >= 0; k-- {
		var mixedQ15, aQ12 [maxOrder]int16
		mix(mixedQ15[:order], l.nlsfQ15[:], nlsfQ15, k)
		nlsfFilter(aQ12[:order], mixedQ15[:order])
		rest := l.rest[:2*n]
		whiten(rest, l.input[:2*n], aQ12[:order])
		if e := sumEnergies(rest[order:n], rest[n+order:]); e.less(best) {
			best, interpolation = e, k
		}
	}
	return interpolation
}

// sumEnergies is the energy of both.
func sumEnergies(x, y []int16) energyQ {
	e, shiftX := energy(x)
	f, shiftY := energy(y)
	if shiftX >= shiftY {
		return energyQ{e + f>>(shiftX-shiftY), -shiftX}
	}
	return energyQ{e>>(shiftY-shiftX) + f, -shiftY}
}

// mix goes from x towards y by quarters.
func mix(out, x, y []int16, quarters int8) {
	for i := range out {
		out[i] = x[i] + int16(int32(y[i]-x[i])*int32(quarters)>>2)
	}
}

// residuals measures what the filters leave of the input in each subframe,
// scaled back by its gain.
func (l *lpcAnalyzer) residuals(out *[maxSubframes]energyQ, p *params, f format, order int, gains *[maxSubframes]int32) {
	n := f.subframe() + order
	rest := l.rest[:2*n]
	for half := range f.subframes / 2 {
		whiten(rest, l.input[half*2*n:][:2*n], p.filtersQ12[half][:order])
		for j := range 2 {
			k := 2*half + j
			e, shift := energy(rest[j*n+order:][:f.subframe()])
			room, gainRoom := leading(e)-1, leading(gains[k])-1
			g := gains[k] << gainRoom
			g = mulHigh(g, g)
			out[k] = energyQ{mulHigh(g, e<<room), room + 2*gainRoom - 64 - shift}
		}
	}
}
