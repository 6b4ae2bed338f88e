package opus

const (
	nlsfPaths     = 4  // survivors in the trellis of residuals
	maxResidual   = 10 // of the trellis; the bit stream has no more
	plainResidual = 4  // residuals from here on are coded with an extension

	// extensionCostQ5 is the cost of the first residual with an extension,
	// extensionStepQ5 of every further one.
	extensionCostQ5 = 280
	extensionStepQ5 = 43
	maxVectors      = 32
)

// nlsfQuantizer finds the indices of line spectral frequencies.
type nlsfQuantizer struct {
	errors   [maxVectors]int32
	at       [maxVectors]int
	residual [maxOrder]int8
}

// quantize chooses vector and residuals in the least cost of error, weighted by
// how near frequencies are to each other, and rate, which counts by muQ20. The
// frequencies become the quantized ones. RFC 6716 section 5.2.3.4.2.3.
func (q *nlsfQuantizer) quantize(b *nlsfBook, nlsfQ15, weightQ2 []int16, muQ20 int32, survivors int, x *indices) {
	stabilize(nlsfQ15, b.spacingQ15)
	q.distances(b, nlsfQ15)
	sortSmallest(q.errors[:], q.at[:survivors])
	best := int32(maxInt32)
	for _, v := range q.at[:survivors] {
		cost := q.refine(b, v, nlsfQ15, weightQ2, muQ20)
		icdf := &b.vector[x.signal>>1]
		odds := 256 - int32(icdf[v])
		if v > 0 {
			odds = int32(icdf[v-1]) - int32(icdf[v])
		}
		cost += int32(int16(8<<7-logQ7(odds))) * int32(int16(muQ20>>2))
		if cost < best {
			best = cost
			x.vector, x.residuals = int8(v), q.residual
		}
	}
	b.decode(nlsfQ15, int(x.vector), x.residuals[:])
}

// distances are from every vector of the book, predicting each error by half of
// the one above.
func (q *nlsfQuantizer) distances(b *nlsfBook, nlsfQ15 []int16) {
	for v := range q.errors {
		at := v * b.order
		centers, weights := b.centersQ8[at:][:b.order], b.weightsQ9[at:][:b.order]
		sum, above := int32(0), int32(0)
		for i := b.order - 1; i >= 0; i-- {
			e := int32(int16(int32(nlsfQ15[i])-int32(centers[i])<<7)) * int32(weights[i])
			sum += abs(e - above>>1)
			above = e
		}
		q.errors[v] = sum
	}
}

// sortSmallest puts the smallest values of c first and where they were into at,
// as many as it holds. Of equal ones the earlier is first.
func sortSmallest(c []int32, at []int) {
	k := len(at)
	for i, v := range c {
		j := min(i, k)
		if i >= k {
			if v >= c[k-1] {
				continue
			}
			j = k - 1
		}
		for ; j > 0 && v < c[j-1]; j-- {
			c[j], at[j] = c[j-1], at[j-1]
		}
		c[j], at[j] = v, i
	}
}

// refine quantizes what is left beyond a vector, into residual.
func (q *nlsfQuantizer) refine(b *nlsfBook, v int, nlsfQ15, weightQ2 []int16, muQ20 int32) (costQ25 int32) {
	var t trellis
	for i, f := range nlsfQ15 {
		at := v*b.order + i
		w := int32(b.weightsQ9[at])
		c := int32(int16(int32(b.centersQ8[at]) << 7))
		t.inQ10[i] = int16(int32(int16(int32(f)-c)) * w >> 14)
		t.weightQ5[i] = int16(divide(int32(weightQ2[i]), w*w, 21))
		set, predictor := b.chosen(v, i)
		if i < b.order-1 {
			t.predictQ8[i] = int32(b.predictQ8[predictor][i])
		}
		t.costQ5[i] = &b.costs()[set]
	}
	t.order, t.muQ20 = b.order, muQ20
	return t.search(b, &q.residual)
}

// costs is what residuals cost, plus 4.
func (b *nlsfBook) costs() *[8][9]uint8 {
	if b.order == maxOrder {
		return &nlsfCostWideQ5
	}
	return &nlsfCostNarrowQ5
}

// nlsfMu is what a bit counts against errors: less where there is speech.
func nlsfMu(speechQ8 int32, subframes int) (muQ20 int32) {
	muQ20 = 3146 + mul16(-268434, int16(speechQ8))
	if subframes == 2 {
		muQ20 += muQ20 >> 1
	}
	return muQ20
}

// nearness weighs frequencies by the inverse of their distances, after Laroia.
func nearness(weightQ2, nlsfQ15 []int16) {
	const one = 1 << (15 + 2)
	last := len(nlsfQ15) - 1
	below := one / max(int32(nlsfQ15[0]), 1)
	for k, f := range nlsfQ15 {
		next := int32(1 << 15)
		if k < last {
			next = int32(nlsfQ15[k+1])
		}
		above := one / max(next-int32(f), 1)
		weightQ2[k] = int16(min(below+above, 32767))
		below = above
	}
}

// encode quantizes the frequencies and makes the filters of both halves.
func (l *lpcAnalyzer) encode(q *nlsfQuantizer, nlsfQ15 []int16, f format, speechQ8 int32, survivors int, p *params, x *indices) {
	order := len(nlsfQ15)
	var weight, firstWeight, first [maxOrder]int16
	nearness(weight[:order], nlsfQ15)
	mixed := x.interpolation < interpolationNone
	if mixed {
		mix(first[:order], l.nlsfQ15[:], nlsfQ15, x.interpolation)
		nearness(firstWeight[:order], first[:order])
		square := int32(x.interpolation) * int32(x.interpolation) << 11
		for i := range order {
			weight[i] = weight[i]>>1 + int16(int32(firstWeight[i])*square>>16)
		}
	}
	q.quantize(f.book(), nlsfQ15, weight[:order], nlsfMu(speechQ8, f.subframes), survivors, x)
	nlsfFilter(p.filtersQ12[1][:order], nlsfQ15)
	if mixed {
		mix(first[:order], l.nlsfQ15[:], nlsfQ15, x.interpolation)
		nlsfFilter(p.filtersQ12[0][:order], first[:order])
	} else {
		p.filtersQ12[0] = p.filtersQ12[1]
	}
	copy(l.nlsfQ15[:], nlsfQ15)
}
