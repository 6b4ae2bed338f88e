package opus

const (
	ltpBooks = 3
	// sumGainLimitQ7 is 250 dB: the gains of pitch filters may add up to so much
	// over frames, lest an error grow without end when one is lost.
	sumGainLimitQ7 = 5333
	// gainSafetyQ7 is what rescaling and whitening may add to a gain: 0.4.
	gainSafetyQ7 = 51
	gainOneQ7    = 7 << 7 // log2(128): a gain of 1 in Q7
)

// ltpMatch is how one subframe of the residual looks like the sound one lag
// before it, all relative to the energy.
type ltpMatch struct {
	inQ17  [ltpOrder][ltpOrder]int32 // of the past with itself
	outQ17 [ltpOrder]int32           // of the past with the subframe
}

// match correlates the n samples of residual from at on with those a lag before.
func (m *ltpMatch) match(residual []int16, at, n, lag int) {
	x := residual[at : at+n+ltpOrder]
	past := residual[at-lag-ltpOrder/2:]
	own, shift := energy(x)
	total, pastShift := m.matrix(past, n)
	if extra := shift - pastShift; extra > 0 {
		for i := range m.inQ17 {
			for j := range m.inQ17[i] {
				m.inQ17[i][j] >>= extra
			}
		}
		total >>= extra
	} else {
		own >>= -extra
		shift = pastShift
	}
	for i := range m.outQ17 {
		m.outQ17[i] = dotShifted(x[:n], past[ltpOrder-1-i:], shift)
	}
	norm := int64(max(1+mul16(total, 1966), own))
	for i := range m.inQ17 {
		for j, v := range m.inQ17[i] {
			m.inQ17[i][j] = int32(int64(v) << 17 / norm)
		}
		m.outQ17[i] = int32(int64(m.outQ17[i]) << 17 / norm)
	}
}

// matrix correlates x with itself, n samples at a time from 4, 3 ... 0 on. It
// returns the energy and by how much all is scaled down.
func (m *ltpMatch) matrix(x []int16, n int) (total int32, shift int) {
	const last = ltpOrder - 1
	total, shift = energy(x[:n+last])
	product := func(i, j int) int32 { return int32(x[i]) * int32(x[j]) >> shift }
	e := total
	for i := range last {
		e -= product(i, i)
	}
	m.inQ17[0][0] = e
	for j := 1; j < ltpOrder; j++ {
		e += product(last-j, last-j) - product(last+n-j, last+n-j)
		m.inQ17[j][j] = e
	}
	for lag := 1; lag < ltpOrder; lag++ {
		e := dotShifted(x[last:last+n], x[last-lag:], shift)
		m.inQ17[lag][0], m.inQ17[0][lag] = e, e
		for j := 1; j < ltpOrder-lag; j++ {
			e += product(last-j, last-lag-j) - product(last+n-j, last-lag+n-j)
			m.inQ17[lag+j][j], m.inQ17[j][lag+j] = e, e
		}
	}
	return total, shift
}

// dotShifted is dot with every product scaled down.
func dotShifted(x, y []int16, shift int) (sum int32) {
	if shift == 0 {
		return dot(x, y)
	}
	y = y[:len(x)]
	for i, a := range x {
		sum += int32(a) * int32(y[i]) >> shift
	}
	return sum
}

// ltpBook is a book of pitch filters.
type ltpBook struct {
	tapsQ7 [][ltpOrder]int8
	gainQ7 []uint8
	costQ5 []uint8
}

var ltpShelf = [ltpBooks]ltpBook{
	{ltpTaps0Q7[:], ltpGain0Q7[:], ltpCost0Q5[:]},
	{ltpTaps1Q7[:], ltpGain1Q7[:], ltpCost1Q5[:]},
	{ltpTaps2Q7[:], ltpGain2Q7[:], ltpCost2Q5[:]},
}

// ltpChoice is a filter of a book.
type ltpChoice struct {
	index   int
	restQ15 int32 // energy that it leaves
	costQ7  int32 // of that and of its index, in bits
	gainQ7  int32
}

// choose finds the filter with the least cost. Gains above limitQ7 are
// punished.
func (b *ltpBook) choose(m *ltpMatch, n int, limitQ7 int32) ltpChoice {
	best := ltpChoice{restQ15: maxInt32, costQ7: maxInt32}
	for k := range b.tapsQ7 {
		rest := m.rest(&b.tapsQ7[k])
		if rest < 0 {
			continue
		}
		gain := int32(b.gainQ7[k])
		rest += max(gain-limitQ7, 0) << 11
		bits := int32(n) * int32(int16(logQ7(rest)-15<<7))
		cost := bits + int32(b.costQ5[k])<<2
		if cost <= best.costQ7 {
			best = ltpChoice{k, rest, cost, gain}
		}
	}
	return best
}

// rest is the energy that a filter leaves: 1 - 2*out'*taps + taps'*in*taps.
func (m *ltpMatch) rest(tapsQ7 *[ltpOrder]int8) int32 {
	rest := int32(32801) // 1.001
	for i := range ltpOrder {
		sum := -(m.outQ17[i] << 7)
		row := &m.inQ17[i]
		for j := i + 1; j < ltpOrder; j++ {
			sum += row[j] * int32(tapsQ7[j])
		}
		sum = sum<<1 + row[i]*int32(tapsQ7[i])
		rest += mul16(sum, int16(tapsQ7[i]))
	}
	return rest
}

// ltpAnalyzer finds pitch filters.
type ltpAnalyzer struct {
	sumGainQ7 int32 // logarithm of the gains since the pitch began
	match     [maxSubframes]ltpMatch
}

// analyze chooses the book and a filter for every subframe, and returns the
// prediction gain in dB. residual is the whitener's, with the past before at.
func (l *ltpAnalyzer) analyze(residual []int16, at int, f format, p *params, x *indices) (gainQ7 int32) {
	n := f.subframe()
	for k := range f.subframes {
		l.match[k].match(residual, at+k*n, n, p.lags[k])
	}
	least, sumGain, restQ15 := int32(maxInt32), int32(0), int32(0)
	for i := range ltpShelf {
		var chosen [maxSubframes]int8
		cost, sum, rest := int32(0), l.sumGainQ7, int32(0)
		for k := range f.subframes {
			limit := powerQ7(sumGainLimitQ7-sum+gainOneQ7) - gainSafetyQ7
			c := ltpShelf[i].choose(&l.match[k], n, limit)
			chosen[k] = int8(c.index)
			rest = addPositive(rest, c.restQ15)
			cost = addPositive(cost, c.costQ7)
			sum = max(0, sum+logQ7(gainSafetyQ7+c.gainQ7)-gainOneQ7)
		}
		if cost <= least {
			least, sumGain = cost, sum
			x.periodicity, x.filters = int8(i), chosen
		}
		restQ15 = rest // of the last book, whichever is taken: that varies less
	}
	for k := range f.subframes {
		for j, t := range ltpTaps(x.periodicity, x.filters[k]) {
			p.tapsQ14[k][j] = int16(t) << 7
		}
	}
	l.sumGainQ7 = sumGain
	restQ15 >>= f.subframes / 2
	return -3 * int32(int16(logQ7(restQ15)-15<<7))
}

// unpitch puts what pitch prediction leaves of x into out, subframe by subframe,
// each with order samples before it and scaled by its weight. x begins with the
// past that lags reach.
func unpitch(out, x []int16, at int, f format, order int, p *params, weightQ16 *[maxSubframes]int32) {
	n := f.subframe()
	for k := range f.subframes {
		from := at + k*n - order
		taps := &p.tapsQ14[k]
		b0, b1, b2, b3, b4 := int32(taps[0]), int32(taps[1]), int32(taps[2]), int32(taps[3]), int32(taps[4])
		past := x[from-p.lags[k]-ltpOrder/2:]
		part := out[k*(n+order):][:n+order]
		for i := range part {
			y := (*[ltpOrder]int16)(past[i:])
			sum := int32(y[4])*b0 + int32(y[3])*b1 + int32(y[2])*b2 + int32(y[1])*b3 + int32(y[0])*b4
			rest := sat16(int32(x[from+i]) - round(sum, 14))
			part[i] = int16(mul16(weightQ16[k], rest))
		}
	}
}
