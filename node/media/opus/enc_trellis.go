package opus

// trellis chooses the residuals of a vector of line spectral frequencies, from
// the uppermost down: each is predicted by the one above, so that a choice has
// consequences, and four paths are kept open.
type trellis struct {
	order     int
	inQ10     [maxOrder]int16
	weightQ5  [maxOrder]int16
	predictQ8 [maxOrder]int32
	costQ5    [maxOrder]*[9]uint8
	muQ20     int32

	// A path, and the path of the next higher residual behind it.
	residual [nlsfPaths][maxOrder]int8
	outQ10   [2 * nlsfPaths]int16
	sumQ25   [2 * nlsfPaths]int32
}

// level is what a residual stands for.
func (b *nlsfBook) level(r int32) int16 {
	const adjust = 102 // 0.1
	q10 := r << 10
	switch {
	case r > 0:
		q10 -= adjust
	case r < 0:
		q10 += adjust
	}
	return int16(q10 * int32(b.stepQ16) >> 16)
}

// search leaves the residuals in out and returns their cost.
func (t *trellis) search(b *nlsfBook, out *[maxOrder]int8) (leastQ25 int32) {
	inverseQ6 := int32(356)
	if b.order == maxOrder {
		inverseQ6 = 427
	}
	paths := 1
	t.sumQ25[0], t.outQ10[0] = 0, 0
	for i := t.order - 1; i >= 0; i-- {
		for j := range paths {
			t.branch(b, i, j, paths, inverseQ6)
		}
		if paths <= nlsfPaths/2 {
			for j := range paths {
				t.residual[j+paths][i] = t.residual[j][i] + 1
			}
			paths *= 2
			for j := paths; j < nlsfPaths; j++ {
				t.residual[j][i] = t.residual[j-paths][i]
			}
		} else {
			t.prune(i)
		}
	}
	leastQ25 = maxInt32
	best := 0
	for j, s := range t.sumQ25 {
		if s < leastQ25 {
			leastQ25, best = s, j
		}
	}
	*out = t.residual[best&(nlsfPaths-1)]
	out[0] += int8(best / nlsfPaths)
	return leastQ25
}

// branch continues path j by the residual below and, as path j+paths, by that
// above the exact value.
func (t *trellis) branch(b *nlsfBook, i, j, paths int, inverseQ6 int32) {
	predicted := int16(t.predictQ8[i] * int32(t.outQ10[j]) >> 8)
	r := inverseQ6 * int32(t.inQ10[i]-predicted) >> 16
	r = min(max(r, -maxResidual), maxResidual-1)
	t.residual[j][i] = int8(r)
	low, high := b.level(r)+predicted, b.level(r+1)+predicted
	lowCost, highCost := t.costs(i, r)
	sum, w := t.sumQ25[j], int32(t.weightQ5[i])
	d := int32(t.inQ10[i] - low)
	e := int32(t.inQ10[i] - high)
	mu := int32(int16(t.muQ20))
	t.sumQ25[j] = sum + d*d*w + mu*lowCost
	t.sumQ25[j+paths] = sum + e*e*w + mu*highCost
	t.outQ10[j], t.outQ10[j+paths] = low, high
}

// costs is what residuals r and r+1 cost.
func (t *trellis) costs(i int, r int32) (low, high int32) {
	return t.cost(i, r), t.cost(i, r+1)
}

func (t *trellis) cost(i int, r int32) int32 {
	if a := abs(r); a >= plainResidual {
		return extensionCostQ5 + extensionStepQ5*(a-plainResidual)
	}
	return int32(t.costQ5[i][r+plainResidual])
}

// prune keeps the best four of eight paths.
func (t *trellis) prune(i int) {
	var least, most [nlsfPaths]int32
	var from [nlsfPaths]int8
	for j := range nlsfPaths {
		k := j + nlsfPaths
		if t.sumQ25[j] > t.sumQ25[k] {
			t.sumQ25[j], t.sumQ25[k] = t.sumQ25[k], t.sumQ25[j]
			t.outQ10[j], t.outQ10[k] = t.outQ10[k], t.outQ10[j]
			from[j] = int8(k)
		} else {
			from[j] = int8(j)
		}
		least[j], most[j] = t.sumQ25[j], t.sumQ25[k]
	}
	for {
		// The best of the losers takes the place of the worst of the winners.
		lowMost, highLeast := int32(maxInt32), int32(0)
		loser, winner := 0, 0
		for j := range nlsfPaths {
			if most[j] < lowMost {
				lowMost, loser = most[j], j
			}
			if least[j] > highLeast {
				highLeast, winner = least[j], j
			}
		}
		if lowMost >= highLeast {
			break
		}
		from[winner] = from[loser] ^ nlsfPaths
		t.sumQ25[winner] = t.sumQ25[loser+nlsfPaths]
		t.outQ10[winner] = t.outQ10[loser+nlsfPaths]
		least[winner], most[loser] = 0, maxInt32
		t.residual[winner] = t.residual[loser]
	}
	for j, f := range from {
		t.residual[j][i] += f / nlsfPaths
	}
}
