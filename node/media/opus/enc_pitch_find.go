package opus

const (
	least4, most4  = 2 * 4, 18 * 4   // lags at 4 kHz
	least8, most8  = 2 * 8, 18*8 - 1 // lags at 8 kHz
	pair8          = 5 * 8           // samples of 10 ms at 4 kHz or 5 ms at 8
	reach          = 4               // samples of smear on either side of a candidate
	lagNear        = 5               // lags tried about the coarse one at the full rate
	maxCandidates  = 24
	floorCosineQ14 = 3277 // 0.2: below there is no pitch

	shortLagBiasQ13 = 1638 // 0.2 per octave, for each subframe
	sameLagBiasQ13  = 1638
	contourBiasQ15  = 1638
)

// pitchFinder searches the pitch in three stages: at 4 kHz over all lags, at 8
// kHz near the best of them, and at the full rate with contours, how the lag
// moves from one subframe to the next.
type pitchFinder struct {
	format
	effort         int
	coarseQ16      int32 // how much worse than the best a lag of the first stage may be
	thresholdQ13   int32 // of correlation, below which there is no pitch
	index, contour int   // found
	lags           [maxSubframes]int
	correlationQ15 int32

	// Only within a search.
	scaled   [2 * maxSamples]int16
	at8      [2 * maxSamples / 2]int16
	at4      [2 * maxSamples / 4]int16
	coarse   [2][most4 - least4 + 1]int16
	fine     [maxSubframes][most8 + 3 - least8 + 2]int16 // by lag, from least8-2
	near     [most8 + 4 - least8 + 3]int16               // by lag, from least8-3: near a candidate
	tried    [maxCandidates]int
	smeared  [most8 + 4 - least8 + 3]int // lags whose correlation is needed
	cross    [maxSubframes][22]int32
	energies [maxSubframes][22]int32
}

func (p *pitchFinder) set(f format, e *effort, thresholdQ13 int32) {
	p.format, p.effort = f, e.pitchSearch
	p.coarseQ16, p.thresholdQ13 = e.pitchThresholdQ16, thresholdQ13
}

// find searches x, 20 ms of the past and the frame. was is the last lag of the
// frame before, correlationQ15 what was found there.
func (p *pitchFinder) find(x []int16, was int, correlationQ15 int32) bool {
	x = p.scale(x)
	p.lower(x)
	n := p.coarseSearch()
	if n == 0 {
		return false
	}
	candidates, needed := p.spread(n)
	p.correlate8(needed)
	lag, contour, sum := p.fineSearch(candidates, was, correlationQ15)
	if lag < 0 {
		return false
	}
	p.correlationQ15 = sum / int32(p.subframes) << 2
	if p.kHz == 8 {
		p.settle(lag, contour, least8, most8+1)
		return true
	}
	lag = min(max(lag*p.kHz/8, 2*p.kHz), 18*p.kHz-1)
	lag, contour = p.fullSearch(x, lag)
	p.settle(lag, contour, 2*p.kHz, 18*p.kHz)
	return true
}

// scale makes room for the sums of squares below.
func (p *pitchFinder) scale(x []int16) []int16 {
	sum, shift := energy(x)
	shift += 3 - leading(sum)
	if shift <= 0 {
		return x
	}
	shift = (shift + 1) >> 1
	for i, v := range x {
		p.scaled[i] = v >> shift
	}
	return p.scaled[:len(x)]
}

// lower makes the input at 8 and 4 kHz, the latter smoothed.
func (p *pitchFinder) lower(x []int16) {
	n := len(x) * 8 / p.kHz
	at8, at4 := p.at8[:n], p.at4[:n/2]
	switch p.kHz {
	case 16:
		halve(at8, x)
	case 12:
		twoOfThree(at8, x)
	default:
		copy(at8, x)
	}
	halve(at4, at8)
	for i := len(at4) - 1; i > 0; i-- {
		at4[i] = sat16(int32(at4[i]) + int32(at4[i-1]))
	}
}

// halve makes one sample of two, with first order all-pass filters.
func halve(out, x []int16) {
	var s0, s1 int32
	for k := range out {
		in := int32(x[2*k]) << 10
		y := in - s0
		y += mul16(y, 39809-65536)
		sum := s0 + y
		s0 = in + y

		in = int32(x[2*k+1]) << 10
		y = mul16(in-s1, 9872)
		sum += s1 + y
		s1 = in + y
		out[k] = sat16(round(sum, 11))
	}
}

// twoOfThree makes two samples of three, in low quality.
func twoOfThree(out, x []int16) {
	var s0, s1, y0, y1, y2, y3 int32 // filter state, last values
	for k, i := 0, 0; i+3 <= len(x); i, k = i+3, k+2 {
		var y [7]int32
		y[0], y[1], y[2], y[3] = y0, y1, y2, y3
		for j, v := range x[i : i+3] {
			d := s0 + int32(v)<<8
			y[4+j] = d
			s0 = s1 + mul16(d<<2, -2797)
			s1 = mul16(d<<2, -6507)
		}
		out[k] = sat16(round(mul16(y[0], 4697)+mul16(y[1], 10739)+mul16(y[2], 8276)+mul16(y[3], 1567), 6))
		out[k+1] = sat16(round(mul16(y[1], 1567)+mul16(y[2], 8276)+mul16(y[3], 10739)+mul16(y[4], 4697), 6))
		y0, y1, y2, y3 = y[3], y[4], y[5], y[6]
	}
}

// coarseSearch correlates at 4 kHz and leaves the best lags, at 8 kHz, in
// tried. It returns how many; none: there is no pitch.
func (p *pitchFinder) coarseSearch() int {
	for k := range p.subframes / 2 {
		at := 4*5*4 + k*pair8
		target := p.at4[at : at+pair8]
		basis := p.at4[at-least4:]
		norm := dot(target, target) + dot(basis[:pair8], basis) + pair8*4000
		for d := least4; ; d++ {
			p.coarse[k][d-least4] = int16(divide(dot(target, p.at4[at-d:]), norm, 14))
			if d == most4 {
				break
			}
			first, last := int32(p.at4[at-d-1]), int32(p.at4[at-d-1+pair8])
			norm += first*first - last*last
		}
	}
	c := &p.coarse[0]
	for i := range c {
		sum := int32(c[i])
		if p.subframes == maxSubframes {
			sum += int32(p.coarse[1][i])
		} else {
			sum <<= 1
		}
		c[i] = int16(sum + mul16(sum, int16(-(i+least4)<<4))) // short lags are likelier
	}
	n := 4 + 2*p.effort
	sortLargest(c[:], p.tried[:n])
	if int32(c[0]) < floorCosineQ14 {
		return 0
	}
	floor := mul16(p.coarseQ16, c[0])
	for i := range n {
		if int32(c[i]) <= floor {
			return i
		}
		p.tried[i] = (p.tried[i] + least4) << 1
	}
	return n
}

// sortLargest puts the largest values of c first and where they were into at,
// as many as it holds. Of equal ones the earlier is first.
func sortLargest(c []int16, at []int) {
	k := len(at)
	for i, v := range c {
		j := min(i, k)
		if i >= k {
			if v <= c[k-1] {
				continue
			}
			j = k - 1
		}
		for ; j > 0 && v > c[j-1]; j-- {
			c[j], at[j] = c[j-1], at[j-1]
		}
		c[j], at[j] = v, i
	}
}

// spread leaves in tried the lags next to n candidates, and in smeared those
// whose correlation is needed for contours about them.
func (p *pitchFinder) spread(n int) (candidates, needed int) {
	const base = least8 - 3
	clear(p.near[:])
	for _, d := range p.tried[:n] {
		p.near[d-base] = 1
	}
	for i := len(p.near) - 1; i >= least8-base; i-- {
		p.near[i] += p.near[i-1] + p.near[i-2]
	}
	for d := least8; d <= most8; d++ {
		if p.near[d+1-base] > 0 {
			p.tried[candidates] = d
			candidates++
		}
	}
	for i := len(p.near) - 1; i >= least8-base; i-- {
		p.near[i] += p.near[i-1] + p.near[i-2] + p.near[i-3]
	}
	for i := least8 - base; i < len(p.near); i++ {
		if p.near[i] > 0 {
			p.smeared[needed] = i + base - 2
			needed++
		}
	}
	return candidates, needed
}

// correlate8 correlates every subframe with the sound before it, at 8 kHz.
func (p *pitchFinder) correlate8(needed int) {
	for k := range p.subframes {
		at := 20*8 + k*pair8
		target := p.at8[at : at+pair8]
		own := dot(target, target) + 1
		row := &p.fine[k]
		clear(row[:])
		for _, d := range p.smeared[:needed] {
			basis := p.at8[at-d : at-d+pair8]
			if c := dot(target, basis); c > 0 {
				row[d-least8+2] = int16(divide(c, own+dot(basis, basis), 14))
			}
		}
	}
}

// coarseContours is how a lag at 8 kHz may move, and how many ways are tried.
func (p *pitchFinder) coarseContour(k, i int) int {
	if p.subframes == 2 {
		return int(lagsNarrowShort[k][i])
	}
	return int(lagsNarrow[k][i])
}

// fineSearch finds the lag and the contour at 8 kHz with the largest sum of
// correlations, biased to short lags and to the last one.
func (p *pitchFinder) fineSearch(candidates, was int, wasQ15 int32) (lag, contour int, best int32) {
	was = was * 8 / p.kHz
	wasLogQ7 := int32(0)
	if was > 0 {
		wasLogQ7 = logQ7(int32(was))
	}
	contours, n := 3, int32(p.subframes)
	if p.kHz == 8 && p.subframes == maxSubframes && p.effort > 0 {
		contours = len(lagsNarrow[0])
	}
	lag = -1
	bestBiased := int32(minInt32)
	for _, d := range p.tried[:candidates] {
		sum, at := int32(minInt32), 0
		for i := range contours {
			s := int32(0)
			for k := range p.subframes {
				s += int32(p.fine[k][d+p.coarseContour(k, i)-least8+2])
			}
			if s > sum {
				sum, at = s, i
			}
		}
		logLag := logQ7(int32(d))
		biased := sum - n*shortLagBiasQ13*logLag>>7
		if was > 0 {
			apart := logLag - wasLogQ7
			apart = apart * apart >> 7
			bias := n * sameLagBiasQ13 * int32(int16(wasQ15)) >> 15
			biased -= bias * apart / (apart + 64)
		}
		if biased > bestBiased && sum > n*p.thresholdQ13 && lagsNarrow[0][at] <= least8 {
			bestBiased, best, lag, contour = biased, sum, d, at
		}
	}
	return lag, contour, best
}

// fullContour is how the lag of subframe k moves in contour i at the full rate.
func (p *pitchFinder) fullContour(k, i int) int {
	if p.subframes == 2 {
		return int(lagsWideShort[k][i])
	}
	return int(lagsWide[k][i])
}

// fullSearch finds the lag and the contour near lag at the full rate.
func (p *pitchFinder) fullSearch(x []int16, lag int) (best, contour int) {
	least, most := 2*p.kHz, 18*p.kHz-1
	from, to := max(lag-2, least), min(lag+2, most)
	contours, span := contourCount[p.effort], &contourSpan[p.effort]
	if p.subframes == 2 {
		contours, span = len(lagsWideShort[0]), &contourSpanShort
	}
	p.correlateFull(x, from, span)
	target := x[p.memory():]
	own := dot(target, target) + 1
	biasQ15 := contourBiasQ15 / int32(lag)
	best = lag
	most32 := int32(minInt32)
	for d := from; d <= to; d++ {
		for i := range contours {
			c, e := int32(0), own
			for k := range p.subframes {
				at := p.fullContour(k, i) - int(span[k][0]) + d - from
				c += p.cross[k][at]
				e += p.energies[k][at]
			}
			value := int32(0)
			if c > 0 {
				value = mul16(divide(c, e, 14), int16(32767-biasQ15*int32(i)))
			}
			if value > most32 && d+int(lagsWide[0][i]) <= most {
				most32, best, contour = value, d, i
			}
		}
	}
	return best, contour
}

// correlateFull correlates every subframe with the sound one lag before, for
// all lags that contours about from and the next four need.
func (p *pitchFinder) correlateFull(x []int16, from int, span *[maxSubframes][2]int8) {
	n := p.subframe()
	for k := range p.subframes {
		at := p.memory() + k*n
		target := x[at : at+n]
		low, high := int(span[k][0]), int(span[k][1])
		back := at - from - low
		e := dot(x[back:back+n], x[back:])
		for i := range high - low + 1 {
			p.cross[k][i] = dot(target, x[back-i:])
			if i > 0 {
				gone, come := int32(x[back+n-i]), int32(x[back-i])
				e = addSat(e-gone*gone, come*come)
			}
			p.energies[k][i] = e
		}
	}
}

// settle keeps what was found.
func (p *pitchFinder) settle(lag, contour, least, most int) {
	p.index, p.contour = lag-least, contour
	for k := range p.subframes {
		move := 0
		if p.kHz == 8 {
			move = p.coarseContour(k, contour)
		} else {
			move = p.fullContour(k, contour)
		}
		p.lags[k] = min(max(lag+move, least), most)
	}
}
